"""Rules of rosters: for the venue's staff, and for who teaches the session, about its time."""

from base64 import b64encode
from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.sheets import MEDIA_TYPES, SheetFormat
from neighborhood_api.registrations.queries import RESOURCE, ResourceRow
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.check_ins.service import may_tend, teaches_in
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
    """The session is over for too long: its teachers need the names no longer."""

    title = "The roster is closed for teachers a week after the session"
    message = "课程已结束超过一周，老师不能再查看名单；如有需要请联系服务中心"


async def read_roster(
    tx: ReadTx, actor: Actor, session_id: UUID, *, now: datetime
) -> RosterOut:
    """Show who comes, to the venue's staff and to whoever teaches or helps in the session.

    For all others the session has no roster.

    Raises: SessionNotFound, Forbidden, RosterClosed.
    """
    resource = await _session(tx, session_id)
    if not await may_tend(tx, actor, resource):
        raise SessionNotFound
    is_staff = actor.may(Permission.BOOKING_MANAGE, at=resource.place)
    await _require_sight(tx, actor, resource)
    if not is_staff and resource.ends_at and now > resource.ends_at + TEACHERS_SEE:
        raise RosterClosed
    return await _roster(tx, resource)


async def export_roster(
    tx: Tx, actor: Actor, session_id: UUID, form: SheetFormat, *, now: datetime
) -> SheetOut:
    """Take a roster out as a file, as staff of the venue; who did is kept.

    Raises: SessionNotFound, Forbidden.
    """
    resource = await _session(tx, session_id)
    if not await may_tend(tx, actor, resource):
        raise SessionNotFound
    actor.require(Permission.BOOKING_MANAGE, at=resource.place)
    await _require_sight(tx, actor, resource)
    roster = await _roster(tx, resource)
    by_id, count = actor.person_id, len(roster.lines)
    record_act(tx, "venues.roster_exported", session_id, by=by_id, now=now, lines=count)
    content = sheet_of(roster, form)
    day = local_day(roster.starts_at)
    return SheetOut(
        name=f"{roster.title}-{day:%Y%m%d}.{form.value}",
        media_type=MEDIA_TYPES[form],
        content=b64encode(content).decode(),
    )


async def _require_sight(tx: ReadTx, actor: Actor, resource: ResourceRow) -> None:
    """Let staff see children's names only where they may look into their records.

    Raises: Forbidden.
    """
    session = await tx.get_one(Session, resource.id)
    if session.for_children and not await teaches_in(tx, actor, resource.id):
        actor.require(Permission.CHILD_LOOK, at=resource.place)


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
