"""How staff keep the volunteers of a place; their accounts and their time."""

from collections.abc import Collection
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.identity.service import StaleVersion, masked
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.locking import lock_resources
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.promoting import lock_waiting
from neighborhood_api.registrations.writing import timetable_numbers
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.sessions.dropping import drop_out_of, free_time
from neighborhood_api.venues.sessions.grounds import TeacherNotFound, venue_to_run
from neighborhood_api.venues.sessions.keeping import refuse_clashes
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher
from neighborhood_api.venues.sessions.occupying import (
    Claim,
    clashes,
    lock_timetables,
    take,
)
from neighborhood_api.venues.sessions.service import make_teacher
from neighborhood_api.venues.sessions.teachers.schemas import (
    TeacherChangeIn,
    TeacherIn,
    TeacherOut,
)


class AccountNotFound(Problem):
    """Nobody signed in with that number so far."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no account with that number"
    message = "这个手机号还没有注册，请老师先登录并绑定手机号"


class AlreadyTeacher(Problem):
    """The account belongs to another teacher of the place."""

    title = "Another teacher here has that account"
    message = "这个账号已是本处的老师，无需重复添加"


_STARTS = cast("ColumnElement[datetime]", Resource.starts_at)
_ENDS = cast("ColumnElement[datetime]", Resource.ends_at)
"""Sessions always have both."""


class _Upcoming(NamedTuple):
    id: UUID
    starts_at: datetime
    ends_at: datetime


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
    """Add a volunteer to a venue's place.

    An account reads the records of the children whom its teacher minds: it is linked only by
    staff who may read them.

    Raises: VenueNotFound, Forbidden, AccountNotFound, AlreadyTeacher.
    """
    venue = await venue_to_run(tx, actor, venue_id)
    person_id = await _account(tx, wish.phone)
    if person_id is not None:
        actor.require(Permission.CHILD_LOOK, at=venue.place)
    await _require_other(tx, serving_venue(venue), person_id)
    teacher = await make_teacher(
        tx, venue, wish.name, subjects=wish.subjects, person_id=person_id
    )
    record_act(
        tx,
        "venues.teacher_added",
        teacher.id,
        by=actor.person_id,
        now=now,
        person_id=person_id,
    )
    return teacher


async def change_teacher(
    tx: Tx, actor: Actor, teacher_id: UUID, wish: TeacherChangeIn, *, now: datetime
) -> Teacher:
    """Change a teacher; put out of use, she drops out of what has not begun.

    With another account, what she teaches takes that one's time instead.

    Raises: TeacherNotFound, Forbidden, StaleVersion, AccountNotFound, AlreadyTeacher,
        PlaceOrTeacherTaken.
    Emits: TeacherReleased, SessionChanged.
    """
    teacher = await tx.get(Teacher, teacher_id)
    if teacher is None:
        raise TeacherNotFound(teacher_ids=[str(teacher_id)])
    actor.require(Permission.VENUE_MANAGE, at=teacher.place)
    before = teacher.person_id
    person_id = before if wish.keep_account else await _account(tx, wish.phone)
    if person_id != before:
        if person_id is not None:
            actor.require(Permission.CHILD_LOOK, at=teacher.place)
        await _require_other(tx, place_is(teacher), person_id)
    coming = await _upcoming(tx, teacher_id, now=now)
    if person_id != before or not wish.active:
        await _lock(tx, teacher, coming, {before, person_id}, now=now)
    else:
        await tx.refresh(teacher, with_for_update={"key_share": True})
    if teacher.version != wish.version:
        raise StaleVersion(version=teacher.version)
    if not wish.active:
        await drop_out_of(tx, teacher, [one.id for one in coming])
    elif person_id != before:
        await _move_time(tx, teacher.name, coming, before, person_id, now=now)
    teacher.name, teacher.subjects, teacher.active = wish.name, wish.subjects, wish.active
    teacher.person_id = person_id
    teacher.version += 1
    record_act(
        tx,
        "venues.teacher_changed",
        teacher_id,
        by=actor.person_id,
        now=now,
        active=wish.active,
        person_id=person_id,
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


def place_is(teacher: Teacher) -> ColumnElement[bool]:
    """Hold for the teachers of the same place."""
    return and_(
        *(
            getattr(Teacher, name) == getattr(teacher, name)
            for name in COLUMNS
            if getattr(teacher, name) is not None
        )
    )


async def _require_other(tx: Tx, around: ColumnElement[bool], person_id: UUID | None) -> None:
    """Refuse an account that some teacher there has already.

    Raises: AlreadyTeacher.
    """
    if person_id is None:
        return
    same = select(Teacher.id).where(around, Teacher.person_id == person_id)
    if await tx.scalar(same.limit(1)) is not None:
        raise AlreadyTeacher


def _shown(now: datetime) -> Select[Teacher, str | None, int]:
    """Ask for teachers with the number of their account and how much they have to do."""
    count = (
        select(func.count())
        .select_from(SessionTeacher)
        .join(Resource, Resource.id == SessionTeacher.session_id)
        .where(SessionTeacher.teacher_id == Teacher.id, _to_come(now))
        .correlate(Teacher)
        .scalar_subquery()
    )
    query = select(Teacher, Person.phone, count)
    return query.outerjoin(Person, Person.id == Teacher.person_id)


def _view(teacher: Teacher, phone: str | None, upcoming: int) -> TeacherOut:
    return TeacherOut(
        id=teacher.id,
        name=teacher.name,
        subjects=teacher.subjects,
        active=teacher.active,
        phone=masked(phone),
        upcoming=upcoming,
        version=teacher.version,
    )


def _to_come(now: datetime) -> ColumnElement[bool]:
    return and_(Resource.starts_at > now, Resource.cancelled_at.is_(None))


async def _account(tx: Tx, phone: str | None) -> UUID | None:
    if phone is None:
        return None
    query = select(Person.id).where(Person.phone == phone, Person.merged_into_id.is_(None))
    person_id = await tx.scalar(query)
    if person_id is None:
        raise AccountNotFound
    return person_id


async def _lock(
    tx: Tx,
    teacher: Teacher,
    coming: list[_Upcoming],
    persons: Collection[UUID | None],
    *,
    now: datetime,
) -> None:
    """Lock what a teacher has to do, then her timetable, then her accounts.

    Raises: StaleVersion, when she got something else to do meanwhile.
    """
    await lock_resources(tx, [one.id for one in coming])
    await lock_timetables(tx, [teacher.id])
    await lock_waiting(tx, [], persons=[one for one in persons if one], now=now)
    await tx.refresh(teacher, with_for_update={"key_share": True})
    if await _upcoming(tx, teacher.id, now=now) != coming:
        raise StaleVersion(version=teacher.version)


async def _move_time(
    tx: Tx,
    name: str,
    coming: list[_Upcoming],
    before: UUID | None,
    after: UUID | None,
    *,
    now: datetime,
) -> None:
    """Have what somebody teaches take the time of another account.

    Raises: PlaceOrTeacherTaken.
    """
    await free_time(tx, [before], [one.id for one in coming])
    if after is None:
        return
    number = (await timetable_numbers(tx, [after]))[after]
    for one in coming:
        claim = Claim(number, one.starts_at, one.ends_at, "teacher_taken", name, private=True)
        refuse_clashes(await clashes(tx, [claim], None, but=None, now=now))
        await take(tx, one.id, [claim])


async def _upcoming(tx: ReadTx, teacher_id: UUID, *, now: datetime) -> list[_Upcoming]:
    return [_Upcoming(*row) for row in await tx.execute(_of(teacher_id, now))]


def _of(teacher_id: UUID, now: datetime) -> Select[UUID, datetime, datetime]:
    return (
        select(Session.id, _STARTS, _ENDS)
        .join(Resource, Resource.id == Session.id)
        .join(SessionTeacher, SessionTeacher.session_id == Session.id)
        .where(SessionTeacher.teacher_id == teacher_id, _to_come(now))
        .order_by(Session.id)
    )
