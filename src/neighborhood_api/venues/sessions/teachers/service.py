"""How staff keep the volunteers of a place; see `linking` for their accounts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import COLUMNS, Place
from neighborhood_api.identity.service import StaleVersion, masked
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.registrations.models import Resource
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.sessions.dropping import announce_leaving, free_time, take_out
from neighborhood_api.venues.sessions.grounds import TeacherNotFound, venue_to_run
from neighborhood_api.venues.sessions.models import SessionTeacher, Teacher
from neighborhood_api.venues.sessions.service import make_teacher
from neighborhood_api.venues.sessions.teachers.coming import coming_of, lock_teacher, to_come
from neighborhood_api.venues.sessions.teachers.schemas import (
    TeacherChangeIn,
    TeacherIn,
    TeacherOut,
)


async def list_teachers(
    tx: ReadTx, actor: Actor, venue_id: UUID, *, now: datetime
) -> list[TeacherOut]:
    """Return who may teach at a venue: the volunteers of its place, and of those around.

    Raises: VenueNotFound, Forbidden.
    """
    venue = await tx.get(Venue, venue_id)
    if venue is None:
        raise VenueNotFound
    actor.require(Permission.VENUE_MANAGE, at=venue.place)
    query = _shown(now).where(serving_venue(venue)).order_by(Teacher.name, Teacher.id)
    return [_view(*row) for row in await tx.execute(query)]


async def add_teacher(
    tx: Tx, actor: Actor, venue_id: UUID, wish: TeacherIn, *, now: datetime
) -> Teacher:
    """Add a volunteer to a venue's place; whoever has the number is asked, see `linking`.

    Raises: VenueNotFound, Forbidden.
    """
    venue = await venue_to_run(tx, actor, venue_id)
    _require_to_ask(actor, venue.place, wish.phone)
    teacher = await make_teacher(tx, venue, wish.name, subjects=wish.subjects, phone=wish.phone)
    by_id, asks = actor.person_id, wish.phone is not None
    record_act(tx, "venues.teacher_added", teacher.id, by=by_id, now=now, asks=asks)
    return teacher


async def change_teacher(
    tx: Tx, actor: Actor, teacher_id: UUID, wish: TeacherChangeIn, *, now: datetime
) -> Teacher:
    """Change a teacher; put out of use, she drops out of what has not begun.

    With another number, or none, the account that was linked is not any more, and what she
    teaches leaves its time.

    Raises: TeacherNotFound, Forbidden, StaleVersion.
    Emits: TeacherReleased, SessionChanged.
    """
    teacher = await tx.get(Teacher, teacher_id)
    if teacher is None:
        raise TeacherNotFound(teacher_ids=[str(teacher_id)])
    actor.require(Permission.VENUE_MANAGE, at=teacher.place)
    phone = teacher.phone if wish.keep_phone else wish.phone
    other = phone != teacher.phone
    if other:
        _require_to_ask(actor, teacher.place, phone)
    coming = await coming_of(tx, teacher_id, now=now)
    if other or not wish.active:
        await lock_teacher(tx, teacher, coming, {teacher.person_id}, now=now)
    else:
        await tx.refresh(teacher, with_for_update={"key_share": True})
    if teacher.version != wish.version:
        raise StaleVersion(version=teacher.version)
    ids = [one.id for one in coming]
    if not wish.active:
        herself = teacher.person_id == actor.person_id
        await take_out(tx, teacher, ids)
        await announce_leaving(tx, teacher, ids, herself=herself)
    if other:
        await free_time(tx, [teacher.person_id], ids)
        teacher.person_id = teacher.declined_at = None
    teacher.name, teacher.subjects, teacher.active = wish.name, wish.subjects, wish.active
    teacher.phone = phone
    teacher.version += 1
    record_act(
        tx,
        "venues.teacher_changed",
        teacher_id,
        by=actor.person_id,
        now=now,
        active=wish.active,
        person_id=teacher.person_id,
    )
    await tx.flush()
    return teacher


async def move_teachers(tx: Tx, from_person_id: UUID, into_person_id: UUID) -> None:
    """Give who teaches with an account to the one that it turned out to be."""
    mine = update(Teacher).where(Teacher.person_id == from_person_id)
    await tx.execute(mine.values(person_id=into_person_id, version=Teacher.version + 1))


async def teacher_view(tx: ReadTx, teacher_id: UUID, *, now: datetime) -> TeacherOut:
    """Show a teacher to staff."""
    row = (await tx.execute(_shown(now).where(Teacher.id == teacher_id))).one()
    return _view(*row)


def serving_venue(venue: Venue) -> ColumnElement[bool]:
    """Hold for the teachers of a venue's place, and of those above it."""
    clauses = [
        or_(column.is_(None), column == node)
        for column, node in zip(
            (getattr(Teacher, name) for name in COLUMNS), venue.place, strict=True
        )
    ]
    return and_(*clauses)


def _shown(now: datetime) -> Select[Teacher, int]:
    """Ask for teachers with how much they have to do."""
    count = (
        select(func.count())
        .select_from(SessionTeacher)
        .join(Resource, Resource.id == SessionTeacher.session_id)
        .where(SessionTeacher.teacher_id == Teacher.id, to_come(now))
        .correlate(Teacher)
        .scalar_subquery()
    )
    return select(Teacher, count)


def _view(teacher: Teacher, upcoming: int) -> TeacherOut:
    return TeacherOut(
        id=teacher.id,
        name=teacher.name,
        subjects=teacher.subjects,
        active=teacher.active,
        phone=masked(teacher.phone),
        linked=teacher.person_id is not None,
        upcoming=upcoming,
        version=teacher.version,
    )


def _require_to_ask(actor: Actor, place: Place, phone: str | None) -> None:
    """Let only those give a number who may read the records of the children there.

    Whoever accepts reads the rosters of the children whom the teacher minds.

    Raises: Forbidden.
    """
    if phone is not None:
        actor.require(Permission.CHILD_LOOK, at=place)
