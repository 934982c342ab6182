"""Rules of teachers and helpers who cannot come, and of those who come instead.

Whoever drops out leaves the session as it is: that there are too few for so many children is a
fault that staff see, not something that takes away anybody's place.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from neighborhood_api.identity.access import Actor, Forbidden, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.registrations.models import Occupation, Resource
from neighborhood_api.registrations.writing import timetable_numbers
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.events import SessionChanged
from neighborhood_api.venues.sessions.grounds import (
    Ground,
    Known,
    SessionNotFound,
    TeacherNotFound,
    known_sessions,
    lock_ground,
    require_teachers,
    teacher_ids_of,
)
from neighborhood_api.venues.sessions.keeping import refuse_clashes, require_to_come
from neighborhood_api.venues.sessions.models import (
    Session,
    SessionTeacher,
    Teacher,
    TeacherRole,
)
from neighborhood_api.venues.sessions.occupying import claims_of, clashes, take
from neighborhood_api.venues.sessions.schemas import DropOutIn
from neighborhood_api.venues.sessions.shapes import Teaching
from neighborhood_api.venues.sessions.staffing import appoint, faults, release

_QUIETLY = {"synchronize_session": False}


async def drop_out(
    tx: Tx, actor: Actor, session_id: UUID, wish: DropOutIn, *, now: datetime
) -> None:
    """Note that a teacher or helper cannot come; staff may say who comes instead.

    Raises: SessionNotFound, Forbidden, TeacherNotFound, SessionOver, PlaceOrTeacherTaken.
    Emits: TeacherReleased, TeacherAssigned, SessionChanged.
    """
    session = await tx.get(Session, session_id)
    if session is None:
        raise SessionNotFound
    venue = await tx.get_one(Venue, session.venue_id)
    teacher = await tx.get(Teacher, wish.teacher_id)
    _require_allowed(actor, venue, teacher, wish)  # before anybody waits for the locks
    ids = {*await teacher_ids_of(tx, [session_id]), wish.teacher_id}
    if wish.substitute_id is not None:
        ids.add(wish.substitute_id)
    ground = await lock_ground(tx, venue, session_ids=[session_id], teacher_ids=ids, now=now)
    known = (await known_sessions(tx, ground.resources, [session_id]))[session_id]
    _require_allowed(actor, ground.venue, ground.teachers.get(wish.teacher_id), wish)
    leaving = next((one for one in known.teachers if one.teacher_id == wish.teacher_id), None)
    if leaving is None:
        raise TeacherNotFound(teacher_ids=[str(wish.teacher_id)])
    require_to_come(ground.resources[session_id], now)
    teacher = ground.teachers[wish.teacher_id]
    await take_out(tx, teacher, [session_id])
    if wish.substitute_id is not None:
        role = TeacherRole(leaving.role)
        instead = Teaching(wish.substitute_id, role, wish.teacher_id)
        await _stand_in(tx, ground, known, instead, now=now)
    await announce_leaving(
        tx, teacher, [session_id], herself=teacher.person_id == actor.person_id
    )
    record_act(
        tx,
        "venues.teacher_dropped_out",
        session_id,
        by=actor.person_id,
        now=now,
        teacher_id=wish.teacher_id,
        substitute_id=wish.substitute_id,
    )
    await tx.flush()


async def take_out(tx: Tx, teacher: Teacher, session_ids: Iterable[UUID]) -> None:
    """Take a teacher out of locked sessions; her time is free."""
    ids = list(session_ids)
    taught = delete(SessionTeacher).where(
        SessionTeacher.session_id.in_(ids), SessionTeacher.teacher_id == teacher.id
    )
    await tx.execute(taught, execution_options=_QUIETLY)
    await free_time(tx, {teacher.id, teacher.person_id} - {None}, ids)
    changed = update(Session).where(Session.id.in_(ids)).values(version=Session.version + 1)
    await tx.execute(changed, execution_options=_QUIETLY)


async def announce_leaving(
    tx: Tx, teacher: Teacher, session_ids: Collection[UUID], *, herself: bool
) -> None:
    """Tell that somebody left sessions, once it is known who comes instead.

    She is told, unless she said so herself; staff are told where somebody lacks now.

    Emits: TeacherReleased, SessionChanged.
    """
    lacking = await _lacking(tx, session_ids)
    for session_id in session_ids:
        lacks = session_id in lacking
        release(tx, session_id, teacher, dropped_out=herself, lacks=lacks)
        emit(tx, SessionChanged(session_id=session_id))


async def free_time(
    tx: Tx, whose: Collection[UUID | None], session_ids: Collection[UUID]
) -> None:
    """Free the time that sessions take from somebody's timetable."""
    numbers = await timetable_numbers(tx, [one for one in whose if one is not None])
    time = delete(Occupation).where(
        Occupation.resource_id.in_(session_ids),
        Occupation.timetable_number.in_(numbers.values()),
    )
    await tx.execute(time, execution_options=_QUIETLY)


async def _lacking(tx: Tx, session_ids: Collection[UUID]) -> set[UUID]:
    """Return the sessions that nobody teaches any more, or that staff must see to."""
    roles: dict[UUID, list[str]] = defaultdict(list)
    taught = select(SessionTeacher.session_id, SessionTeacher.role)
    for row in await tx.execute(taught.where(SessionTeacher.session_id.in_(session_ids))):
        roles[row.session_id].append(row.role)
    terms = select(Session.id, Resource.capacity, Session.children_per_helper)
    rows = await tx.execute(
        terms.join(Resource, Resource.id == Session.id).where(Session.id.in_(session_ids))
    )
    return {
        row.id
        for row in rows
        if not roles[row.id]
        or faults(roles[row.id], row.capacity or 0, row.children_per_helper)
    }


async def _stand_in(
    tx: Tx, ground: Ground, known: Known, instead: Teaching, *, now: datetime
) -> None:
    require_teachers(ground, [instead.teacher_id])
    substitute = ground.teachers[instead.teacher_id]
    starts_at, ends_at = known.shape.starts_at, known.shape.ends_at
    claims = await claims_of(tx, None, [substitute], starts_at, ends_at)
    refuse_clashes(await clashes(tx, claims, but=None, now=now))
    await take(tx, known.session.id, claims)
    await appoint(tx, known.session.id, instead, substitute)


def _require_allowed(
    actor: Actor, venue: Venue, teacher: Teacher | None, wish: DropOutIn
) -> None:
    """Let staff say who cannot come, and teachers that they cannot themselves.

    Raises: Forbidden.
    """
    if actor.may(Permission.VENUE_MANAGE, at=venue.place):
        return
    herself = teacher is not None and teacher.person_id == actor.person_id
    if not herself or wish.substitute_id is not None:
        raise Forbidden
