"""What the sessions of a room take when its units change: all of it, as ever.

A session takes its room whole. A unit that is added or switched on while sessions are to come
is theirs for their time, with the same time around it that they have of the others.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import delete, func, select

from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.locking import lock_resource
from neighborhood_api.registrations.models import Occupation, Resource, Timetable, Unit
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.promoting import expire_run_out
from neighborhood_api.venues.sessions.models import Session
from neighborhood_api.venues.sessions.occupying import Claim, clashes, take


class UnitTaken(Problem):
    """A unit that is switched on is booked while a session takes the room; see `clashes`."""

    title = "A unit is booked while a session takes the whole room"
    message = "台位在课程或活动占用整间的时段已被预约，请先调整这些预约，再启用台位"


class _Taking(NamedTuple):
    session_id: UUID
    starts_at: datetime
    ends_at: datetime


class _Unit(NamedTuple):
    number: int
    name: str
    active: bool


async def follow_units(
    tx: Tx, room_id: UUID, changed: Collection[UUID], *, now: datetime
) -> None:
    """Have the sessions to come in a locked room take exactly its units that are in use.

    `changed` are the units that came into use or went out of it.

    Raises: UnitTaken.
    """
    takings = await _takings(tx, room_id, now) if changed else []
    if not takings:
        return
    await expire_run_out(tx, await lock_resource(tx, room_id), now=now)
    units = await _units(tx, changed)
    left = delete(Occupation).where(
        Occupation.resource_id.in_([one.session_id for one in takings]),
        Occupation.timetable_number.in_([unit.number for unit in units]),
    )
    await tx.execute(left, execution_options={"synchronize_session": False})
    claims = {
        one.session_id: [
            Claim(unit.number, one.starts_at, one.ends_at, "room_taken", unit.name)
            for unit in units
            if unit.active
        ]
        for one in takings
    }
    every = [claim for of_one in claims.values() for claim in of_one]
    found = await clashes(tx, every, but=None, now=now)
    if found:
        shown: list[JsonValue] = [clash.shown() for clash in found]
        raise UnitTaken(clashes=shown)
    for session_id, of_one in claims.items():
        await take(tx, session_id, of_one)


async def _takings(tx: Tx, room_id: UUID, now: datetime) -> list[_Taking]:
    """Return when the sessions to come take a room, buffers included, as they take it now."""
    taken = (
        select(Occupation.resource_id, Occupation.starts_at, Occupation.ends_at)
        .join(Timetable, Timetable.number == Occupation.timetable_number)
        .join(Unit, Unit.id == Timetable.id)
        .where(Unit.resource_id == room_id)
        .subquery()
    )
    room = await tx.get_one(Resource, room_id)
    terms = await terms_of(tx, room.policy_id)
    rows = await tx.execute(
        select(
            Session.id,
            Resource.starts_at,
            Resource.ends_at,
            func.min(taken.c.starts_at),
            func.max(taken.c.ends_at),
        )
        .join(Resource, Resource.id == Session.id)
        .outerjoin(taken, taken.c.resource_id == Session.id)
        .where(
            Session.room_id == room_id, Resource.cancelled_at.is_(None), Resource.ends_at > now
        )
        .group_by(Session.id, Resource.starts_at, Resource.ends_at)
        .order_by(Resource.starts_at)
    )
    found = []
    for its_id, starts_at, ends_at, since, until in rows:
        has_some = since is not None and until is not None
        span = (since, until) if has_some else terms.held(starts_at, ends_at)
        found.append(_Taking(its_id, *span))
    return found


async def _units(tx: Tx, ids: Collection[UUID]) -> list[_Unit]:
    rows = await tx.execute(
        select(Timetable.number, Unit.name, Unit.active)
        .join(Unit, Unit.id == Timetable.id)
        .where(Unit.id.in_(ids))
        .order_by(Timetable.number)
    )
    return [_Unit(*row) for row in rows]
