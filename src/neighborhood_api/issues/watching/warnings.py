"""Warnings of issues: raised once by a sweep, read by those who were warned."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.warnings import Colour, Warned, recipients_of, take_due_warnings
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.watching.events import WarningRaised
from neighborhood_api.issues.watching.models import IssueWarning, Order, WarningRecipient
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, ReadTx, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

MOST_BATCHES = 100
"""Of one sweep; the next, a minute later, goes on."""


class WarningNotFound(Problem):
    """The id names no warning to the caller."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such warning to you"
    message = "没有找到这条预警"


async def raise_warnings(database: Database, *, now: datetime) -> int:
    """Warn of every limit that is nearly used up or has passed; return how many warnings.

    Emits: WarningRaised.
    """
    raised = 0
    for _ in range(MOST_BATCHES):
        async with database.transaction() as tx:
            batch = await take_due_warnings(tx, ISSUE, now=now)
            for warned in batch or ():
                raised += await _raise(tx, warned, now)
        if batch is None:
            break
    return raised


async def read_warning(tx: Tx, actor: Actor, warning_id: UUID, *, now: datetime) -> None:
    """Note that the caller has read a warning; a second time changes nothing.

    Raises: WarningNotFound.
    """
    mine = await tx.get(WarningRecipient, (actor.person_id, warning_id))
    if mine is None:
        raise WarningNotFound
    mine.read_at = mine.read_at or now


async def read_all_warnings(tx: Tx, actor: Actor, *, now: datetime) -> None:
    """Note that the caller has read all her warnings."""
    unread = update(WarningRecipient).where(
        WarningRecipient.person_id == actor.person_id, WarningRecipient.read_at.is_(None)
    )
    await tx.execute(unread.values(read_at=now))


async def _raise(tx: Tx, warned: Warned, now: datetime) -> bool:
    timer = warned.timer
    if timer.due_at is None:
        raise ValueError("a clock that rests warns of nothing")
    warning_id = new_id()
    row = insert_or_not(IssueWarning).values(
        id=warning_id,
        case_id=warned.case.id,
        timer_id=timer.id,
        purpose=timer.purpose,
        colour=warned.colour.value,
        due_at=timer.due_at,
        raised_at=now,
    )
    once = row.on_conflict_do_nothing(constraint="uq_issue_warning_once")
    if await tx.scalar(once.returning(IssueWarning.id)) is None:
        return False  # the deadline was put off and has come back
    told = await _recipients(tx, warned, now)
    if told:
        people = [{"person_id": person_id, "warning_id": warning_id} for person_id in told]
        await tx.execute(insert(WarningRecipient), people)
    emit(
        tx,
        WarningRaised(
            issue_id=warned.case.id,
            warning_id=warning_id,
            purpose=Purpose(timer.purpose),
            colour=warned.colour,
            due_at=timer.due_at,
            recipient_ids=told,
        ),
    )
    return True


async def _recipients(tx: ReadTx, warned: Warned, now: datetime) -> list[UUID]:
    told = await recipients_of(tx, warned, now=now)
    if warned.timer.purpose == Purpose.ORDER and warned.colour is Colour.RED:
        order = await tx.get_one(Order, warned.timer.subject_id)
        if order.given_by_id not in told:
            told.append(order.given_by_id)
    return told
