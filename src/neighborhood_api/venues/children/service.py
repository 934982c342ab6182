"""Rules of registering children: only the guardian sees hers, by a consent of its own kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import StaleVersion, masked
from neighborhood_api.identity.tokens import TokenRevoked
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Handle, ReadTx, Tx, save
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.venues.children.consent import PRESENT
from neighborhood_api.venues.children.events import ChildRegistered
from neighborhood_api.venues.children.grades import entry_year, grade_on
from neighborhood_api.venues.children.models import Child, PickUpPerson
from neighborhood_api.venues.children.queries import CHILD_TO_ENROL
from neighborhood_api.venues.children.schemas import ChildChangeIn, ChildIn, PickUpIn

MOST_CHILDREN = 10
"""Of one guardian: more than any family needs, and less than a list of a neighbourhood."""
OF_AGE = 18


class ChildNotFound(Problem):
    """The id names no child that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such child"
    message = "没有找到这个孩子的登记"


class ConsentNeeded(Problem):
    """The guardian has not agreed to the present text; `version` says which one it is."""

    title = "The guardian has not agreed to the present text"
    message = "请先阅读并同意最新的监护人同意书"


class NotAMinor(Problem):
    """The month of birth is in the future, or lies eighteen years or more back."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "By this month of birth it is not a child"
    message = "只能登记未满18周岁的孩子，请检查出生年月"


class ChildAlreadyRegistered(Problem):
    """The caller registered a child of that name and month of birth before."""

    title = "You have registered this child already"
    message = "这个孩子已经登记过，可直接报名或修改"


class TooManyChildren(Problem):
    """Nobody registers more than `most` children."""

    title = "You have registered as many children as one may"
    message = "登记的孩子已达上限，请先撤回不再需要的登记"


class PickUpPhoneNeeded(Problem):
    """No number is known for somebody of that name yet; `name` says who it is."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Give the phone number of the person who fetches the child"
    message = "请填写接送人的手机号"


@dataclass(frozen=True)
class Registered:
    """A child with those who may fetch it."""

    child: Child
    pick_ups: Sequence[PickUpPerson]


class ChildFacts(NamedTuple):
    """What a rule may know of a child."""

    id: UUID
    birth_month: date
    """First of the month."""
    grade: int | None
    """1 to 12, at the moment that was asked for."""


async def register_child(tx: Tx, actor: Actor, wish: ChildIn, *, now: datetime) -> Registered:
    """Register a child of the caller, by her consent to the present text.

    Raises: TokenRevoked, ConsentNeeded, NotAMinor, TooManyChildren, ChildAlreadyRegistered,
    PickUpPhoneNeeded.
    Emits: ChildRegistered.
    """
    await _lock_guardian(tx, actor)
    require_present(wish.consent_version)
    _require_minor(wish.birth_month, now=now)
    await _require_another(tx, actor.person_id, wish)
    child = Child(
        created_at=now,
        guardian_id=actor.person_id,
        name=wish.name,
        birth_month=wish.birth_month,
        school_entry_year=_entry_year(wish.grade, now=now),
        note=wish.note,
        consent_version=wish.consent_version,
        consented_at=now,
    )
    tx.add(child)
    _note_consent(tx, child, now=now)
    emit(tx, ChildRegistered(child_id=child.id, guardian_id=actor.person_id))
    await tx.flush()
    pick_ups = _pick_ups(child.id, wish.pick_ups, {})
    await save(tx, *pick_ups)
    return Registered(child, pick_ups)


async def read_child(tx: ReadTx, actor: Actor, child_id: UUID) -> Registered:
    """Return a child to its guardian; for everybody else it does not exist.

    Raises: ChildNotFound.
    """
    mine = select(Child).where(Child.id == child_id, Child.guardian_id == actor.person_id)
    child = (await tx.scalars(mine)).one_or_none()
    if child is None:
        raise ChildNotFound
    return (await _with_pick_ups(tx, [child]))[0]


async def children_of(tx: ReadTx, guardian_id: UUID) -> list[Registered]:
    """Return the children of a guardian, in the order of their registration."""
    mine = select(Child).where(Child.guardian_id == guardian_id).order_by(Child.id)
    return await _with_pick_ups(tx, (await tx.scalars(mine)).all())


async def change_child(
    tx: Tx, actor: Actor, child_id: UUID, wish: ChildChangeIn, *, now: datetime
) -> Registered:
    """Change what is known of a child; everything that is not given is dropped.

    Raises: ChildNotFound, StaleVersion, NotAMinor, PickUpPhoneNeeded.
    """
    child = await _lock_child(tx, actor, child_id)
    if child.version != wish.version:
        raise StaleVersion(version=child.version)
    if wish.birth_month != child.birth_month:
        _require_minor(wish.birth_month, now=now)
    known = await tx.execute(
        select(PickUpPerson.name, PickUpPerson.phone).where(PickUpPerson.child_id == child_id)
    )
    pick_ups = _pick_ups(child_id, wish.pick_ups, {row.name: row.phone for row in known})
    child.name = wish.name
    child.birth_month = wish.birth_month
    child.school_entry_year = _entry_year(wish.grade, now=now)
    child.note = wish.note
    child.version += 1
    await tx.flush()
    await tx.execute(delete(PickUpPerson).where(PickUpPerson.child_id == child_id))
    await save(tx, *pick_ups)
    return Registered(child, pick_ups)


async def renew_consent(
    tx: Tx, actor: Actor, child_id: UUID, version: str, *, now: datetime
) -> Registered:
    """Note that the guardian agreed to the present text; once more changes nothing.

    Raises: ChildNotFound, ConsentNeeded.
    """
    child = await _lock_child(tx, actor, child_id)
    require_present(version)
    if child.consent_version != version:
        child.consent_version = version
        child.consented_at = now
        _note_consent(tx, child, now=now)
        await tx.flush()
    return (await _with_pick_ups(tx, [child]))[0]


async def enrolled_child(
    handle: Handle, guardian_id: UUID, child_id: UUID, *, now: datetime
) -> ChildFacts:
    """Return what rules may know of a child that its guardian enrols.

    The child cannot be deleted before the transaction ends. Withdrawing cancels enrolments and
    then locks the child without waiting, so it does not matter which the caller locks first.

    Raises: ChildNotFound, ConsentNeeded.
    """
    child = await CHILD_TO_ENROL.first(handle, child_id=child_id, guardian_id=guardian_id)
    if child is None:
        raise ChildNotFound
    require_present(child.consent_version)
    grade = grade_on(child.school_entry_year, local_day(now))
    return ChildFacts(child.id, child.birth_month, grade)


def require_present(version: str) -> None:
    """Refuse a consent to any text but the present one.

    Raises: ConsentNeeded.
    """
    if version != PRESENT.version:
        raise ConsentNeeded(version=PRESENT.version)


async def _lock_guardian(tx: Tx, actor: Actor) -> None:
    """Lock the caller, so that what she registers at once is counted one after the other.

    Raises: TokenRevoked.
    """
    me = select(Person.id).where(Person.id == actor.person_id, Person.merged_into_id.is_(None))
    if await tx.scalar(me.with_for_update(key_share=True)) is None:
        raise TokenRevoked


async def _lock_child(tx: Tx, actor: Actor, child_id: UUID) -> Child:
    """Lock a child for its guardian; who enrols it does not have to wait.

    Raises: ChildNotFound.
    """
    mine = select(Child).where(Child.id == child_id, Child.guardian_id == actor.person_id)
    child = (await tx.scalars(mine.with_for_update(key_share=True))).one_or_none()
    if child is None:
        raise ChildNotFound
    return child


async def _require_another(tx: Tx, guardian_id: UUID, wish: ChildIn) -> None:
    mine = select(Child.name, Child.birth_month).where(Child.guardian_id == guardian_id)
    known = [tuple(row) for row in await tx.execute(mine)]
    if (wish.name, wish.birth_month) in known:
        raise ChildAlreadyRegistered
    if len(known) >= MOST_CHILDREN:
        raise TooManyChildren(most=MOST_CHILDREN)


def _require_minor(birth_month: date, *, now: datetime) -> None:
    today = local_day(now)
    oldest = today.replace(year=today.year - OF_AGE, day=1)
    if not oldest <= birth_month <= today:
        raise NotAMinor(of_age=OF_AGE)


def _entry_year(grade: int | None, *, now: datetime) -> int | None:
    return None if grade is None else entry_year(grade, local_day(now))


def _pick_ups(
    child_id: UUID, wishes: Sequence[PickUpIn], known: dict[str, str]
) -> list[PickUpPerson]:
    people = []
    for position, wish in enumerate(wishes, 1):
        phone = wish.phone
        if phone is None or phone == masked(known.get(wish.name)):
            phone = known.get(wish.name)
        if phone is not None and "*" in phone:
            phone = None  # it is the number of nobody of that name
        if phone is None:
            raise PickUpPhoneNeeded(name=wish.name)
        people.append(
            PickUpPerson(
                child_id=child_id,
                position=position,
                name=wish.name,
                relation=wish.relation,
                phone=phone,
            )
        )
    return people


def _note_consent(tx: Tx, child: Child, *, now: datetime) -> None:
    """Keep for ever that the guardian agreed, to which words, and when: by ids alone."""
    record_act(
        tx,
        "venues.child_consent_given",
        child.id,
        by=child.guardian_id,
        now=now,
        version=child.consent_version,
    )


async def _with_pick_ups(tx: ReadTx, children: Sequence[Child]) -> list[Registered]:
    wanted = select(PickUpPerson).where(
        PickUpPerson.child_id.in_([child.id for child in children])
    )
    people = (await tx.scalars(wanted.order_by(PickUpPerson.position))).all()
    return [
        Registered(child, [one for one in people if one.child_id == child.id])
        for child in children
    ]
