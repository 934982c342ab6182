"""How staff open a child's record: for a reason, on the record, and only where it comes to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.identity.access import GRANTED, Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Place
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.venues.children.enrolments import attended, teaches
from neighborhood_api.venues.children.events import ChildLookedUp
from neighborhood_api.venues.children.models import Child, ChildLook, PickUpPerson
from neighborhood_api.venues.children.queries import LOOKS, LookRow
from neighborhood_api.venues.children.service import ChildNotFound, read_child

TEACHER = "teacher"


@dataclass(frozen=True)
class OpenedRecord:
    """A child's record as staff see it, and what was written down about it."""

    look: ChildLook
    child: Child
    guardian: Person
    pick_ups: list[PickUpPerson]


async def open_child_record(
    tx: Tx, actor: Actor, child_id: UUID, reason: str, *, look_days: int, now: datetime
) -> OpenedRecord:
    """Show a child's record to its teacher or to the staff of where it comes, and log it.

    The child is kept while the log is written: it is deleted either before, and then it is
    not found, or after.

    Raises: ChildNotFound.
    Emits: ChildLookedUp.
    """
    found = await tx.execute(
        select(Child, Person)
        .join(Person, Person.id == Child.guardian_id)
        .where(Child.id == child_id)
        .with_for_update(read=True, key_share=True, of=Child)
    )
    row = found.one_or_none()
    role = await _role_of(tx, actor, child_id, since=now - timedelta(days=look_days))
    if row is None or role is None:
        raise ChildNotFound
    child, guardian = row
    look = ChildLook(
        child_id=child_id,
        guardian_id=guardian.id,
        person_id=actor.person_id,
        role=role,
        reason=reason,
        looked_at=now,
    )
    tx.add(look)
    who = {"look_id": look.id, "role": role}
    record_act(tx, "venues.child_looked_up", child_id, by=actor.person_id, now=now, **who)
    emit(
        tx,
        ChildLookedUp(
            look_id=look.id,
            child_id=child_id,
            guardian_id=guardian.id,
            person_id=actor.person_id,
        ),
    )
    await tx.flush()
    people = select(PickUpPerson).where(PickUpPerson.child_id == child_id)
    pick_ups = await tx.scalars(people.order_by(PickUpPerson.position))
    return OpenedRecord(look, child, guardian, list(pick_ups))


async def looks_into(
    tx: ReadTx, actor: Actor, child_id: UUID, page: PageRequest
) -> list[LookRow]:
    """Return who opened a child's record, newest first, for its guardian.

    Raises: ChildNotFound, BadCursor.
    """
    await read_child(tx, actor, child_id)
    return await LOOKS.all(tx, child_id=child_id, below=page.below, fetch=page.fetch)


async def note_looks(
    tx: Tx,
    actor: Actor,
    child_ids: Collection[UUID],
    place: Place | None,
    reason: str,
    *,
    now: datetime,
) -> None:
    """Log, for their guardians, that some children's names were read.

    By somebody of the staff of a place; without one, by their teacher.
    """
    role = TEACHER if place is None else _post_at(actor, place)
    if role is None:
        raise LookupError(actor.person_id)
    children = await tx.execute(
        select(Child.id, Child.guardian_id).where(Child.id.in_(child_ids))
    )
    tx.add_all(
        ChildLook(
            child_id=child.id,
            guardian_id=child.guardian_id,
            person_id=actor.person_id,
            role=role,
            reason=reason,
            looked_at=now,
        )
        for child in children
    )


async def _role_of(tx: ReadTx, actor: Actor, child_id: UUID, *, since: datetime) -> str | None:
    """Return as what the caller may look: teacher, or one of her posts; None when not."""
    if await teaches(tx, actor.person_id, child_id, since=since):
        return TEACHER
    for resource in await attended(tx, child_id, since=since):
        role = _post_at(actor, resource.place)
        if role is not None:
            return role
    return None


def _post_at(actor: Actor, place: Place) -> str | None:
    if not actor.may(Permission.CHILD_LOOK, at=place):
        return None
    return next(
        post.role.value
        for post in actor.posts
        if Permission.CHILD_LOOK in GRANTED[post.role] and post.covers(place, ())
    )
