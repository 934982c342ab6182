"""Writing the appointments of a plan by the rules of posts."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import Text, select, type_coerce

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment
from neighborhood_api.grid.posts.amending import tell_amended
from neighborhood_api.grid.posts.appointments import (
    appointed_rows,
    note_amended,
    replace_holder,
)
from neighborhood_api.grid.posts.changes import Changes
from neighborhood_api.grid.posts.choosing import SelectionChangeIn
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.grid.posts.releases import release_shifts
from neighborhood_api.grid.posts.selections import change_selection
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.identity.accounts.given import void_given_passwords
from neighborhood_api.identity.models import Person
from neighborhood_api.imports.appointees import Wanted
from neighborhood_api.imports.posts import PostPlan, sorted_by_node
from neighborhood_api.imports.refusals import GroundChanged
from neighborhood_api.kit.db import Model, Tx, save
from neighborhood_api.kit.sealing import seals

T = TypeVar("T")
SAVED_AT_ONCE = 1_000
"""Rows of one statement; PostgreSQL takes 32,767 parameters."""
POSTS_AT_ONCE = 2_000
"""Appointments that are settled together."""
_LOCKED = """
SELECT id, version FROM appointment WHERE id = ANY($1) AND ended_at IS NULL
ORDER BY id FOR NO KEY UPDATE
"""
_RELIEVED = """
UPDATE appointment SET is_primary = false, version = version + 1
WHERE node_id = ANY($1) AND is_primary AND ended_at IS NULL
"""


async def write_posts(
    tx: Tx, connection: asyncpg.Connection, plan: PostPlan, actor: Actor, *, now: datetime
) -> None:
    """Make, change and end appointments by the rules of posts, some at a time.

    Each is settled with the one that it replaces; places are locked in their order.

    Raises: GroundChanged.
    Emits: AppointmentMade, AppointmentAmended, AppointmentEnded, PostVacant, PostFilled,
        RosterChanged.
    """
    wanted = sorted_by_node(plan.to_write)
    await _lock(connection, wanted)
    chosen = {one.spot.id for one in plan.wanted if one.primary}
    await connection.execute(_RELIEVED, [one.spot.id for one in wanted if _takes_over(one)])
    for some in batched(wanted, POSTS_AT_ONCE):
        changes = Changes()
        other_terms: set[UUID] = set()
        for one in some:
            if one.replaces is not None:
                await replace_holder(tx, changes, actor, one.replaces.id, now=now)
            if one.held is not None:
                other_terms |= await _amend(tx, changes, actor, plan, one, now=now)
            await tx.flush()  # she has left her seat, and the trail has told what changed
        made = [one for one in some if one.held is None]
        await _appoint(tx, changes, actor, made, chosen, now=now)
        await changes.settle(tx, now=now)
        await release_shifts(tx, other_terms, now=now)
        await tx.flush()
        tx.expunge_all()  # or every flush looks at all that was written before


def _takes_over(one: Wanted) -> bool:
    """Tell whether she becomes the responsible worker of her grid."""
    return one.primary is True and (one.held is None or not one.held.is_primary)


async def _lock(connection: asyncpg.Connection, wanted: Sequence[Wanted]) -> None:
    """Keep the appointments that change from changing otherwise.

    Raises: GroundChanged.
    """
    touched = [held for one in wanted if (held := one.held or one.replaces) is not None]
    seen = {held.id: held.version for held in touched}
    found = {row["id"]: row["version"] for row in await connection.fetch(_LOCKED, list(seen))}
    if found != seen:
        raise GroundChanged


async def _amend(
    tx: Tx, changes: Changes, actor: Actor, plan: PostPlan, one: Wanted, *, now: datetime
) -> set[UUID]:
    """Change an appointment; return who acts in it if it ends on another day now."""
    if one.held is None:
        return set()
    appointment = await tx.get_one(Appointment, one.held.id)
    before = (appointment.duty_phone, appointment.starts_on, appointment.ends_on)
    phone, _, last = before
    appointment.duty_phone = one.duty_phone or appointment.duty_phone
    appointment.starts_on = one.starts_on or appointment.starts_on
    appointment.ends_on = one.ends_on or appointment.ends_on
    appointment.is_primary = appointment.is_primary or one.primary is True
    appointment.version += 1
    terms = (appointment.duty_phone, appointment.starts_on, appointment.ends_on)
    if terms == before:
        note_amended(tx, actor, appointment, now=now)
    else:
        await tell_amended(tx, actor, appointment, phone, now=now)
    changes.note(appointment)
    if one.selection is not None:
        version = plan.recorded.version(appointment.id)
        wish = SelectionChangeIn(**one.selection.model_dump(), version=version)
        await change_selection(tx, actor, appointment.id, wish, now=now)
    if appointment.ends_on == last:
        return set()
    people = (appointment.person_id, appointment.stand_in_id)
    return {person_id for person_id in people if person_id is not None}


async def _appoint(
    tx: Tx,
    changes: Changes,
    actor: Actor,
    wanted: Sequence[Wanted],
    chosen: set[UUID],
    *,
    now: datetime,
) -> None:
    people = await _people_of(tx, wanted)
    await void_given_passwords(tx, [one.id for one in people.values()], now=now)
    covered = chosen | await _with_workers(tx, wanted)
    day = local_day(now)
    rows: list[Model] = []
    for one in wanted:
        primary = one.primary
        if primary is None:  # the first worker of a grid is responsible for it
            primary = one.role is Role.GRID_WORKER and one.spot.id not in covered
        if primary:
            covered.add(one.spot.id)
        row = Appointment(
            node_id=one.spot.id,
            role=one.role.value,
            person_id=people[one.phone].id,
            duty_phone=one.duty_phone or "",
            starts_on=one.starts_on or day,
            ends_on=one.ends_on,
            organization_id=None if one.department is None else one.department.id,
            awaits_start=one.starts_on is not None and one.starts_on > day,
            is_primary=primary,
        )
        rows += appointed_rows(actor, row, now=now)
        if one.selection is not None:
            said = one.selection.model_dump(mode="python")
            said["kind"] = one.selection.kind.value
            rows.append(Selection(appointment_id=row.id, recorded_at=now, **said))
        changes.note(row)
        if len(rows) >= SAVED_AT_ONCE:
            await save(tx, *rows)
            rows = []
    await save(tx, *rows)


async def _with_workers(tx: Tx, wanted: Sequence[Wanted]) -> set[UUID]:
    """Return the grids that have a worker: the first one is responsible for hers."""
    nodes = {one.spot.id for one in wanted if one.role is Role.GRID_WORKER}
    held = select(Appointment.node_id).where(
        Appointment.node_id.in_(nodes),
        Appointment.role == Role.GRID_WORKER.value,
        Appointment.ended_at.is_(None),
    )
    return set(await tx.scalars(held))


async def _people_of(tx: Tx, wanted: Sequence[Wanted]) -> dict[str, Person]:
    """Find people by phone, or register them; known ones stay who they are until `tx` ends."""
    names = {one.phone: one.name for one in wanted}
    people: dict[str, Person] = {}
    sealed = [text for phone in sorted(names) for text in seals().every(phone, "phone")]
    known = select(Person).where(type_coerce(Person.phone, Text).in_(sealed))
    for person in await tx.scalars(known.with_for_update(read=True, key_share=True)):
        phone = person.phone or ""
        people[phone] = person
        person.name = person.name or names[phone]
    new = {
        phone: Person(name=name, phone=phone)
        for phone, name in names.items()
        if phone not in people
    }
    for some in batched(list(new.values()), SAVED_AT_ONCE):
        await save(tx, *some)
    return people | new


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
