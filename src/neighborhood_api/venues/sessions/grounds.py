"""What a change of sessions stands on: the locked rooms, sessions and teachers, read whole."""

from collections.abc import Collection, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.locking import lock_resources
from neighborhood_api.registrations.models import Registration
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.promoting import expire_run_out, lock_waiting
from neighborhood_api.registrations.queries import ResourceRow, stands
from neighborhood_api.registrations.states import LIVE
from neighborhood_api.venues.audience import serves
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.service import RoomNotFound
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher
from neighborhood_api.venues.sessions.occupying import RoomToTake, lock_timetables, units_of
from neighborhood_api.venues.sessions.open_hours import OpenPlace
from neighborhood_api.venues.sessions.shapes import Shape, shape_of


class SessionNotFound(Problem):
    """The id names no session."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such session"
    message = "没有找到这个课程或活动，请返回列表重新选择"


class SessionOver(Problem):
    """It has begun, is over, or was called off."""

    title = "The session has begun, is over or was called off"
    message = "课程或活动已开始、结束或取消，不能再调整"


class TeacherNotFound(Problem):
    """A teacher is not there, not active, or of another place; `teacher_ids` says which."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such teacher here"
    message = "没有找到这位老师，或已停用，请重新选择"


class Ground(NamedTuple):
    """Rooms, sessions and teachers, locked."""

    venue: Venue
    resources: dict[UUID, ResourceRow]
    """Rooms and sessions."""
    rooms: dict[UUID, RoomToTake]
    teachers: dict[UUID, Teacher]

    def place_of(self, room_id: UUID | None) -> OpenPlace:
        """Return what must be open for a session: its room, or else the venue."""
        if room_id is None:
            return OpenPlace(self.venue.name, self.venue.opening_id)
        room = self.rooms[room_id]
        return OpenPlace(room.name, room.opening_id)


class Known(NamedTuple):
    """A session as it is."""

    session: Session
    teachers: list[SessionTeacher]
    shape: Shape


async def venue_to_run(tx: Tx, actor: Actor, venue_id: UUID) -> Venue:
    """Return a venue whose sessions the caller may change.

    Raises: VenueNotFound, Forbidden.
    """
    venue = await tx.get(Venue, venue_id)
    if venue is None:
        raise VenueNotFound
    actor.require(Permission.VENUE_MANAGE, at=venue.place)
    return venue


async def session_to_run(tx: Tx, actor: Actor, session_id: UUID) -> tuple[Session, Venue]:
    """Return a session that the caller may change, not locked yet.

    Raises: SessionNotFound, Forbidden.
    """
    session = await tx.get(Session, session_id)
    if session is None:
        raise SessionNotFound
    return session, await venue_to_run(tx, actor, session.venue_id)


async def lock_ground(
    tx: Tx,
    venue: Venue,
    *,
    session_ids: Collection[UUID] = (),
    room_ids: Iterable[UUID | None] = (),
    teacher_ids: Collection[UUID] = (),
    person_ids: Collection[UUID] = (),
    now: datetime,
) -> Ground:
    """Lock rooms and sessions, then teachers, then whoever takes part, waits or teaches.

    What ran out in the rooms goes to those who wait, before a session is compared with it.

    Raises: RoomNotFound, ResourceNotFound.
    """
    rooms = {one for one in room_ids if one is not None}
    opening_ids = await _openings(tx, venue, rooms)
    resources = await lock_resources(tx, {*rooms, *session_ids})
    await lock_timetables(tx, teacher_ids)
    known = select(Teacher).where(Teacher.id.in_(teacher_ids))
    found = await tx.scalars(known.execution_options(populate_existing=True))
    teachers = {one.id: one for one in found}
    persons = {one.person_id for one in teachers.values() if one.person_id}
    enrolled = await tx.scalars(
        select(Registration.person_id).where(
            Registration.resource_id.in_(session_ids),
            stands(*sorted(LIVE)),
            Registration.person_id.is_not(None),
        )
    )
    persons |= {*person_ids, *(one for one in enrolled if one is not None)}
    await lock_waiting(tx, resources.values(), persons=persons, now=now)
    to_take = {}
    for room_id, opening_id in opening_ids.items():
        room = await expire_run_out(tx, resources[room_id], now=now, locked=True)
        resources[room_id] = room
        terms, units = await terms_of(tx, room.policy_id), await units_of(tx, room_id)
        to_take[room_id] = RoomToTake(room_id, room.name, opening_id, terms, units)
    return Ground(venue, resources, to_take, teachers)


async def _openings(tx: Tx, venue: Venue, room_ids: Collection[UUID]) -> dict[UUID, UUID]:
    query = select(Room.id, Room.opening_id)
    rows = await tx.execute(query.where(Room.id.in_(room_ids), Room.venue_id == venue.id))
    found = {row.id: row.opening_id for row in rows}
    if len(found) < len(room_ids):
        raise RoomNotFound
    return found


async def known_sessions(
    tx: Tx, resources: dict[UUID, ResourceRow], session_ids: Iterable[UUID]
) -> dict[UUID, Known]:
    """Read locked sessions whole."""
    ids = list(session_ids)
    fresh = {"populate_existing": True}
    sessions = await tx.scalars(
        select(Session).where(Session.id.in_(ids)).execution_options(**fresh)
    )
    taught = await tx.scalars(
        select(SessionTeacher)
        .where(SessionTeacher.session_id.in_(ids))
        .execution_options(**fresh)
    )
    teachers = list(taught)
    known = {}
    for session in sessions:
        own = [one for one in teachers if one.session_id == session.id]
        resource = resources[session.id]
        terms = await terms_of(tx, resource.policy_id)
        known[session.id] = Known(session, own, shape_of(session, resource, own, terms))
    return known


async def teacher_ids_of(tx: Tx, session_ids: Iterable[UUID]) -> set[UUID]:
    """Return who teaches some sessions."""
    query = select(SessionTeacher.teacher_id)
    found = await tx.scalars(query.where(SessionTeacher.session_id.in_(list(session_ids))))
    return set(found)


def require_teachers(ground: Ground, wanted: Iterable[UUID]) -> None:
    """Refuse teachers who are not there, not active or of another place.

    Raises: TeacherNotFound.
    """
    bad: list[JsonValue] = []
    for teacher_id in sorted(set(wanted)):
        teacher = ground.teachers.get(teacher_id)
        near = teacher is not None and serves(teacher.place, ground.venue.place)
        if teacher is None or not teacher.active or not near:
            bad.append(str(teacher_id))
    if bad:
        raise TeacherNotFound(teacher_ids=bad)
