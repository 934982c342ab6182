"""Rules of rosters: for the venue's staff, and for who teaches the session, about its time."""

from base64 import b64encode
from collections import defaultdict
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.sheets import MEDIA_TYPES
from neighborhood_api.registrations.queries import RESOURCE, ResourceRow
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.check_ins.service import may_tend, teaches_in
from neighborhood_api.venues.children.looking import note_looks
from neighborhood_api.venues.children.queries import CHILDREN_ON_ROSTER
from neighborhood_api.venues.sessions.grounds import SessionNotFound
from neighborhood_api.venues.sessions.making import SESSION_KIND
from neighborhood_api.venues.sessions.models import Session
from neighborhood_api.venues.sessions.roster.queries import (
    FETCHING,
    ROSTER,
    WAITING_FOR,
    RosterRow,
)
from neighborhood_api.venues.sessions.roster.schemas import (
    RosterExportIn,
    RosterLineOut,
    RosterOut,
    RosterPickUpOut,
    SheetOut,
)
from neighborhood_api.venues.sessions.roster.sheets import sheet_of

TEACHERS_SEE = timedelta(days=7)
"""How long after a session its teachers see who came: to mend a forgotten check-out."""
_THERE_NO_MORE = (State.NO_SHOW,)


class RosterClosed(Problem):
    """The session is over for too long: the names are needed no longer."""

    title = "The roster is closed some time after the session"
    message = "课程已结束一段时间，名单不再开放查看；如有需要请联系服务中心"


class RosterReasonNeeded(Problem):
    """Staff who do not teach there open a roster of children with a reason, which is logged."""

    status = HTTPStatus.FORBIDDEN
    title = "Open this roster with a reason"
    message = "名单上有孩子的信息，请填写查看理由"


class _Reader(NamedTuple):
    """As what somebody reads a roster."""

    resource: ResourceRow
    for_children: bool
    is_staff: bool
    teaches: bool

    @property
    def owes_reason(self) -> bool:
        return self.for_children and not self.teaches


async def read_roster(
    tx: ReadTx, actor: Actor, session_id: UUID, *, now: datetime
) -> RosterOut:
    """Show who comes, to whoever teaches or helps, and to the venue's staff.

    For all others the session has no roster. Staff open one of children by `open_roster`.

    Raises: SessionNotFound, Forbidden, RosterReasonNeeded, RosterClosed.
    """
    reader = await _reader(tx, actor, session_id)
    if reader.owes_reason:
        raise RosterReasonNeeded
    if not reader.is_staff:
        _require_open(reader.resource, TEACHERS_SEE, now)
    return await _roster(tx, reader.resource)


async def open_roster(
    tx: Tx, actor: Actor, session_id: UUID, reason: str, *, look_days: int, now: datetime
) -> RosterOut:
    """Show who comes, for a reason that is logged and that the children's guardians read.

    Raises: SessionNotFound, Forbidden, RosterClosed.
    """
    reader = await _reader(tx, actor, session_id)
    after = timedelta(days=look_days) if reader.is_staff else TEACHERS_SEE
    _require_open(reader.resource, after, now)
    roster = await _roster(tx, reader.resource)
    await _log(tx, actor, reader, "venues.roster_read", roster, reason, now)
    return roster


async def export_roster(
    tx: Tx,
    actor: Actor,
    session_id: UUID,
    wish: RosterExportIn,
    *,
    look_days: int,
    now: datetime,
) -> SheetOut:
    """Take a roster out as a file, as staff of the venue; who did is kept.

    Raises: SessionNotFound, Forbidden, RosterReasonNeeded, RosterClosed.
    """
    reader = await _reader(tx, actor, session_id)
    actor.require(Permission.BOOKING_MANAGE, at=reader.resource.place)
    if reader.owes_reason:
        if wish.reason is None:
            raise RosterReasonNeeded
        _require_open(reader.resource, timedelta(days=look_days), now)
    roster = await _roster(tx, reader.resource)
    await _log(tx, actor, reader, "venues.roster_exported", roster, wish.reason, now)
    day = local_day(roster.starts_at)
    return SheetOut(
        name=f"{roster.title}-{day:%Y%m%d}.{wish.format.value}",
        media_type=MEDIA_TYPES[wish.format],
        content=b64encode(sheet_of(roster, wish.format)).decode(),
    )


async def _reader(tx: ReadTx, actor: Actor, session_id: UUID) -> _Reader:
    """Return as what the caller reads a roster.

    Staff see children's names only where they may look into their records.

    Raises: SessionNotFound, Forbidden.
    """
    resource = await _session(tx, session_id)
    if not await may_tend(tx, actor, resource):
        raise SessionNotFound
    session = await tx.get_one(Session, resource.id)
    is_staff = actor.may(Permission.BOOKING_MANAGE, at=resource.place)
    teaches = await teaches_in(tx, actor, resource.id)
    reader = _Reader(resource, session.for_children, is_staff, teaches)
    if reader.owes_reason:
        actor.require(Permission.CHILD_LOOK, at=resource.place)
    return reader


def _require_open(resource: ResourceRow, after: timedelta, now: datetime) -> None:
    """Refuse names that are not needed any more.

    Raises: RosterClosed.
    """
    if resource.ends_at is not None and now > resource.ends_at + after:
        raise RosterClosed


async def _log(
    tx: Tx,
    actor: Actor,
    reader: _Reader,
    what: str,
    roster: RosterOut,
    reason: str | None,
    now: datetime,
) -> None:
    """Keep who read it, and for the guardians why their children's names were read."""
    resource, by_id = reader.resource, actor.person_id
    record_act(tx, what, resource.id, by=by_id, now=now, lines=len(roster.lines))
    if reader.for_children and reason is not None:
        rows = await ROSTER.all(tx, id=resource.id)
        children = [row.participant_id for row in rows if row.participant_id is not None]
        place = None if reader.teaches else resource.place
        await note_looks(tx, actor, children, place, reason, now=now)
    await tx.flush()


async def _session(tx: ReadTx, session_id: UUID) -> ResourceRow:
    resource = await RESOURCE.first(tx, id=session_id)
    if resource is None or resource.kind != SESSION_KIND:
        raise SessionNotFound
    return resource


async def _roster(tx: ReadTx, resource: ResourceRow) -> RosterOut:
    if resource.starts_at is None or resource.ends_at is None:
        raise ValueError("a session has a time")
    rows = await ROSTER.all(tx, id=resource.id)
    ids = [row.participant_id for row in rows if row.participant_id is not None]
    children = {one.id: one for one in await CHILDREN_ON_ROSTER.all(tx, child_ids=ids)}
    fetching: dict[UUID, list[RosterPickUpOut]] = defaultdict(list)
    for one in await FETCHING.all(tx, ids=ids):
        fetching[one.child_id].append(RosterPickUpOut(name=one.name, relation=one.relation))
    day = local_day(resource.starts_at)
    lines = []
    for row in rows:
        child = children.get(row.participant_id) if row.participant_id else None
        line = _line(row)
        if row.participant_id is not None:
            line.name = None if child is None else child.name
            line.grade = None if child is None else child.grade(day)
            line.guardian_name = row.person_name
            line.pick_ups = fetching[row.participant_id]
        lines.append(line)
    waiting = await WAITING_FOR.first(tx, id=resource.id)
    there = [row for row in rows if row.checked_in_at and not row.checked_out_at]
    return RosterOut(
        session_id=resource.id,
        title=resource.name,
        starts_at=resource.starts_at,
        ends_at=resource.ends_at,
        capacity=resource.capacity or 0,
        expected=sum(row.seats for row in rows if row.state not in _THERE_NO_MORE),
        present=sum(row.seats for row in there),
        waiting=waiting.number if waiting else 0,
        lines=lines,
    )


def _line(row: RosterRow) -> RosterLineOut:
    return RosterLineOut(
        booking_id=row.id,
        code=f"B{row.number}",
        state=State(row.state),
        name=row.guest_name or row.person_name,
        is_child=row.participant_id is not None,
        grade=None,
        guardian_name=None,
        pick_ups=[],
        party_size=row.seats,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        picked_up_by=row.picked_up_by,
    )
