"""How somebody comes to be a teacher with her own account: staff ask, and she says yes or no.

Staff type a number and learn nothing by it: what they see is the same whether anybody has it.
Whoever proved to have the number finds the question, and only her yes links her account. From
then on what she teaches takes her own time, and she reads her rosters.
"""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Place
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.writing import timetable_numbers
from neighborhood_api.venues.sessions.keeping import refuse_clashes
from neighborhood_api.venues.sessions.models import Teacher
from neighborhood_api.venues.sessions.occupying import Claim, clashes, take
from neighborhood_api.venues.sessions.teachers.coming import Coming, coming_of, lock_teacher


class OfferNotFound(Problem):
    """The id names no question that the caller is asked."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such offer"
    message = "没有找到这个授课邀请，可能已撤回，请刷新后重试"


class AlreadyTeacher(Problem):
    """The account belongs to another teacher of the place, or above or below it."""

    title = "The account belongs to another teacher here"
    message = "您的账号已是本处的老师，无需重复关联"


_DEEPEST = func.coalesce(*(getattr(Teacher, name) for name in reversed(COLUMNS)))
"""Where she teaches."""


class Offer(NamedTuple):
    """A question whether somebody is a teacher."""

    teacher_id: UUID
    name: str
    subjects: str
    node_name: str


async def my_offers(tx: ReadTx, actor: Actor) -> list[Offer]:
    """Return as which teachers the caller is asked to link her account."""
    phone = await _phone_of(tx, actor)
    if phone is None:
        return []
    rows = await tx.execute(
        select(Teacher.id, Teacher.name, Teacher.subjects, Node.name)
        .join(Node, Node.id == _DEEPEST)
        .where(_asks(phone))
        .order_by(Teacher.id)
    )
    return [Offer(*row) for row in rows]


async def accept_offer(tx: Tx, actor: Actor, teacher_id: UUID, *, now: datetime) -> None:
    """Link the caller's account; what she teaches takes her time from now on.

    Raises: OfferNotFound, AlreadyTeacher, StaleVersion, PlaceOrTeacherTaken.
    """
    teacher = await _asked(tx, actor, teacher_id)
    coming = await coming_of(tx, teacher_id, now=now)
    await lock_teacher(tx, teacher, coming, {actor.person_id}, now=now)
    await _asked(tx, actor, teacher_id)
    others = select(Teacher.id).where(
        around(teacher.place), Teacher.person_id == actor.person_id
    )
    if await tx.scalar(others.limit(1)) is not None:
        raise AlreadyTeacher
    await _take_time(tx, teacher.name, coming, actor.person_id, now=now)
    teacher.person_id = actor.person_id
    teacher.version += 1
    record_act(tx, "venues.teacher_linked", teacher_id, by=actor.person_id, now=now)
    await tx.flush()


async def decline_offer(tx: Tx, actor: Actor, teacher_id: UUID, *, now: datetime) -> None:
    """Say that it is not the caller, who is not asked again; staff are not told.

    Raises: OfferNotFound.
    """
    teacher = await _asked(tx, actor, teacher_id)
    await tx.refresh(teacher, with_for_update={"key_share": True})
    await _asked(tx, actor, teacher_id)
    teacher.declined_at = now
    await tx.flush()


def around(place: Place) -> ColumnElement[bool]:
    """Hold for the teachers of a place, of those above it and of those below it."""
    clauses = []
    for name, node in zip(COLUMNS, place, strict=True):
        column = getattr(Teacher, name)
        if node is not None:
            clauses.append(or_(column.is_(None), column == node))
    return and_(*clauses)


async def _asked(tx: Tx, actor: Actor, teacher_id: UUID) -> Teacher:
    """Return the teacher whom the caller may be.

    Raises: OfferNotFound.
    """
    phone = await _phone_of(tx, actor)
    if phone is None:
        raise OfferNotFound
    mine = select(Teacher).where(Teacher.id == teacher_id, _asks(phone))
    teacher = (await tx.scalars(mine)).one_or_none()
    if teacher is None:
        raise OfferNotFound
    return teacher


def _asks(phone: str) -> ColumnElement[bool]:
    return and_(
        Teacher.phone == phone,
        Teacher.person_id.is_(None),
        Teacher.declined_at.is_(None),
        Teacher.active,
    )


async def _phone_of(tx: ReadTx, actor: Actor) -> str | None:
    return await tx.scalar(select(Person.phone).where(Person.id == actor.person_id))


async def _take_time(
    tx: Tx, name: str, coming: Sequence[Coming], person_id: UUID, *, now: datetime
) -> None:
    """Have what somebody teaches take the time of her account.

    Raises: PlaceOrTeacherTaken.
    """
    number = (await timetable_numbers(tx, [person_id]))[person_id]
    for one in coming:
        claim = Claim(number, one.starts_at, one.ends_at, "teacher_taken", name, private=True)
        refuse_clashes(await clashes(tx, [claim], but=None, now=now))
        await take(tx, one.id, [claim])
