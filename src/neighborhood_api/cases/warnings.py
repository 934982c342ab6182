"""Warnings before and after the limit of every running clock, each once.

A batch locks its cases and passes by those that somebody is moving; what it finds is read after
that, so that of two sweeps at once only one warns. What is shown is noted on the clock in the
transaction that tells of it: a sweep that dies has warned nobody, and the next one does.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call, Whistle
from neighborhood_api.cases.recipients import (
    above_holders,
    heads_of_community,
    holders_of,
    officers_of,
    street_of,
    unique,
)
from neighborhood_api.cases.service import whole_cases
from neighborhood_api.cases.timekeeping import Purpose, Rest, Timer
from neighborhood_api.cases.workflow import State, Workflow
from neighborhood_api.kit.db import ReadTx, Tx

AT_ONCE = 50
"""Cases that one transaction warns about."""

_Merged = aliased(Case)


class Colour(StrEnum):
    """How bad it is."""

    YELLOW = "yellow"
    """Most of the time is used up."""
    RED = "red"
    """All of it is."""


class Warned(NamedTuple):
    """A clock that somebody must be told of."""

    case: Case
    timer: Timer
    colour: Colour


async def take_due_warnings(
    tx: Tx, workflow: Workflow, *, now: datetime
) -> list[Warned] | None:
    """Note on a batch of clocks that they warned, and return them; None when none was left.

    A clock whose limit passed before anybody was told of the yellow shows red only.
    """
    due = _due(now)
    ids = (
        select(Case.id)
        .where(Case.kind == workflow.kind)
        .where(Case.id.in_(select(Timer.case_id).where(due)))
        .order_by(Case.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, key_share=True)
    )
    case_ids = list(await tx.scalars(ids))
    if not case_ids:
        return None
    cases = {
        case.id: case
        for case in await tx.scalars(whole_cases(workflow).where(Case.id.in_(case_ids)))
    }
    timers = select(Timer).where(due, Timer.case_id.in_(case_ids)).order_by(Timer.id)
    again = timers.execution_options(populate_existing=True)
    return [
        Warned(cases[timer.case_id], timer, _show(timer, now))
        for timer in await tx.scalars(again)
    ]


def _show(timer: Timer, now: datetime) -> Colour:
    timer.yellow_shown_at = timer.yellow_shown_at or now
    if timer.due_at is None or timer.due_at > now:
        return Colour.YELLOW
    timer.red_shown_at = now
    return Colour.RED


def _due(now: datetime) -> ColumnElement[bool]:
    """Hold for running clocks that have a warning to give; a clock that rests has none."""
    resting = and_(
        Timer.rests, exists().where(Rest.case_id == Timer.case_id, Rest.ended_at.is_(None))
    )
    yellow = and_(Timer.yellow_shown_at.is_(None), Timer.yellow_at <= now, Timer.due_at > now)
    red = and_(Timer.red_shown_at.is_(None), Timer.due_at <= now)
    merged = and_(  # whose reporters hear with those of its main case
        Timer.purpose == Purpose.RESPOND.value,
        exists().where(_Merged.id == Timer.case_id, _Merged.state == State.MERGED.value),
    )
    return and_(Timer.stopped_at.is_(None), or_(yellow, red), ~resting, ~merged)


async def recipients_of(tx: ReadTx, warned: Warned, *, now: datetime) -> list[UUID]:
    """Return who is to be told: at yellow whoever must act, at red the level above too.

    At red the community's secretary is told as well, whoever of her people answers.
    """
    case, red = warned.case, warned.colour is Colour.RED
    match Purpose(warned.timer.purpose):
        case Purpose.CHECK_IN:
            return await _of_call(tx, warned, now)
        case Purpose.VERIFY:
            told = await above_holders(tx, case, now=now)
            further = await street_of(tx, case, now=now) if red else []
        case _:
            told = await holders_of(tx, case, now=now)
            further = await above_holders(tx, case, now=now) if red else []
            further += await heads_of_community(tx, case, now=now) if red else []
    return unique([*told, *further])


async def _of_call(tx: ReadTx, warned: Warned, now: datetime) -> list[UUID]:
    """Tell the department's officers, at red who answers at the street and who whistled too."""
    call = await tx.get_one(Call, warned.timer.subject_id)
    told = await officers_of(tx, call.organization_id, now=now)
    if warned.colour is Colour.RED:
        whistle = await tx.get_one(Whistle, call.whistle_id)
        told += await street_of(tx, warned.case, now=now)
        told.append(whistle.whistled_by_id)
    return unique(told)
