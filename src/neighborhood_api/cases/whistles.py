"""Calling several departments to one case (吹哨报到): they check in, report, are released.

Source: 北京市接诉即办工作条例 art. 16 and 33: who is called must respond, and is rated for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.hands import ConfidentialStays, department_of, let_in
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call, Whistle
from neighborhood_api.cases.policy import mover_of, whistling_post
from neighborhood_api.cases.service import move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.terms import Limit
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.timers import start_timer
from neighborhood_api.cases.workflow import Move, Workflow
from neighborhood_api.grid.models import Organization
from neighborhood_api.identity.access import Actor, Post
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.schedules.clocks import Clock

LATEST_MEETING = timedelta(days=7)
_MINUTE = timedelta(minutes=1)


class OneLead(Problem):
    """One department leads and the others assist; `leads` says how many are to be named."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Exactly one department leads"
    message = "须有且只有一个牵头部门，请检查后再吹哨"


class CalledAlready(Problem):
    """A department is called to the case already; `organization_ids` says which."""

    title = "A department was called already"
    message = "有部门已被调度且尚未解除，无需重复吹哨"


class MeetingOutOfRange(Problem):
    """The meeting is in the past, or more than a week ahead."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The meeting must be later than now and within 7 days"
    message = "集合时间须晚于现在，且在 7 天以内"


@dataclass(frozen=True)
class Wanted:
    """One department that shall come."""

    organization_id: UUID
    lead: bool
    task: str | None
    check_in_minutes: int | None


@dataclass(frozen=True)
class Need:
    """Why departments are called, and to where."""

    reason: str
    departments: Sequence[Wanted]
    meet_at: datetime | None = None
    meeting_place: str | None = None


async def blow_whistle(
    tx: Tx, workflow: Workflow, case: Case, actor: Actor, need: Need, *, now: datetime
) -> list[Call]:
    """Call departments to a locked case, each with a deadline of its own to check in.

    Without a deadline of its own a department comes to the meeting, or within what the terms
    of the case say. The reporter reads who was called, and staff reads why.

    Raises: WhistleFromGrid, ConfidentialStays, OrganizationNotFound, OneLead, CalledAlready,
        MeetingOutOfRange, and whatever `move_case` raises.
    """
    mover_of(workflow, workflow.rules[Move.WHISTLE], case, actor)
    if case.confidential:
        raise ConfidentialStays
    post = whistling_post(workflow, case, actor)
    if need.meet_at is not None and not now < need.meet_at <= now + LATEST_MEETING:
        raise MeetingOutOfRange
    for wanted in need.departments:
        await department_of(tx, case, wanted.organization_id)
    _check_lead(case, need)
    names = await names_of(tx, [wanted.organization_id for wanted in need.departments])
    called = [names[one.organization_id] + "（牵头）" * one.lead for one in need.departments]
    whistle = Whistle(
        case_id=case.id,
        whistled_by_id=actor.person_id,
        role=post.role.value,
        whistled_at=now,
        reason=need.reason,
        meet_at=need.meet_at,
        meeting_place=need.meeting_place,
    )
    said = Said(
        text=f"已吹哨调度：{'、'.join(called)}",
        note=need.reason,
        detail={"whistle_id": str(whistle.id)},
    )
    await move_case(tx, workflow, case, Move.WHISTLE, actor, said, now=now)
    tx.add(whistle)
    await tx.flush()
    calls = [
        await _call(tx, case, whistle, post, wanted, now=now) for wanted in need.departments
    ]
    await tx.refresh(case, ["calls"])
    return calls


def _check_lead(case: Case, need: Need) -> None:
    still_called = [call for call in case.calls if call.released_at is None]
    wanted = {one.organization_id for one in need.departments}
    twice = wanted & {call.organization_id for call in still_called}
    if twice:
        raise CalledAlready(organization_ids=[*sorted(map(str, twice))])
    leads = 0 if any(call.lead for call in still_called) else 1
    if sum(one.lead for one in need.departments) != leads:
        raise OneLead(leads=leads)


async def _call(
    tx: Tx, case: Case, whistle: Whistle, post: Post, wanted: Wanted, *, now: datetime
) -> Call:
    minutes = wanted.check_in_minutes or _minutes_until(whistle.meet_at, case, now)
    call = Call(
        whistle_id=whistle.id,
        case_id=case.id,
        organization_id=wanted.organization_id,
        from_node_id=post.node_id,
        from_level=post.level.value,
        called_at=now,
        check_in_by=now + minutes * _MINUTE,
        task=wanted.task,
        lead=wanted.lead,
    )
    tx.add(call)
    await tx.flush()
    limit = Limit(Clock.CALENDAR, minutes)
    await start_timer(tx, case, Purpose.CHECK_IN, limit, now=now, subject_id=call.id)
    await let_in(tx, case, wanted.organization_id)
    return call


def _minutes_until(meet_at: datetime | None, case: Case, now: datetime) -> int:
    """Return how long a department has that was given no deadline of its own."""
    if meet_at is None:
        return case.agreed.check_in_minutes
    return -((now - meet_at) // _MINUTE)


async def names_of(tx: ReadTx, organization_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return what departments are called."""
    named = select(Organization.id, Organization.name)
    rows = await tx.execute(named.where(Organization.id.in_(organization_ids)))
    return {row.id: row.name for row in rows}


async def miss_check_ins(
    tx: Tx, workflow: Workflow, case: Case, *, now: datetime
) -> list[Call]:
    """Note on a locked case whose check-in is overdue, once for each call; return those."""
    missed = [
        call
        for call in case.calls
        if call.released_at is None
        and call.checked_in_at is None
        and call.missed_at is None
        and call.check_in_by < now
    ]
    names = await names_of(tx, [call.organization_id for call in missed])
    for call in missed:
        said = Said(
            text=f"{names[call.organization_id]}逾期未报到",
            internal=True,
            detail={"call_id": str(call.id)},
        )
        await move_case(tx, workflow, case, Move.MISS_CHECK_IN, None, said, now=now)
        call.missed_at = now
    return missed
