"""What becomes of registrations when two persons turn out to be one."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Uuid,
    bindparam,
    case,
    literal,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.ending import cancel_each, pass_time
from neighborhood_api.registrations.histories import Entry, Strike
from neighborhood_api.registrations.locking import RegistrationMoved, lock_resources
from neighborhood_api.registrations.models import Occupation, Registration, Timetable
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.promoting import fill_freed, lock_waiting
from neighborhood_api.registrations.queries import (
    LIVE_OF_PERSON,
    RESOURCE,
    OneId,
    RegistrationRow,
    ResourceRow,
)
from neighborhood_api.registrations.states import Act, State
from neighborhood_api.registrations.writing import (
    entry,
    has_place,
    tell,
    timetable_numbers,
)

WHY = "两个账号合并后时间重复，已为您保留其中一个"

_FROM = bindparam("from_id", type_=Uuid)
_INTO = bindparam("into_id", type_=Uuid)


def _moved_along(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    return case((column == _FROM, _INTO), else_=column)


_GIVE_REGISTRATIONS = Query(
    update(Registration)
    .where(Registration.person_id == _FROM)
    .values(
        person_id=_INTO,
        who_id=_moved_along(Registration.who_id),
        created_by_id=_moved_along(Registration.created_by_id),
        cancelled_by_id=_moved_along(Registration.cancelled_by_id),
        version=Registration.version + 1,
    )
    .returning(Registration.id),
    OneId,
)
_GIVE_ENTRIES = Query(
    update(Entry)
    .where(
        Entry.by_id == _FROM,
        Entry.registration_id.in_(
            select(Registration.id).where(Registration.person_id == _INTO)
        ),
    )
    .values(by_id=_INTO)
    .returning(Entry.id),
    OneId,
)
"""What she did herself stays her own doing, and is not taken for that of staff."""
_GIVE_STRIKES = Query(
    update(Strike)
    .where(Strike.person_id == _FROM)
    .values(person_id=_INTO)
    .returning(Strike.id),
    OneId,
)
_others = aliased(Occupation)
_GIVE_TIME = Query(
    update(Occupation)
    .where(
        Occupation.timetable_number == bindparam("from_number", type_=Integer),
        ~select(literal(1))
        .where(
            _others.timetable_number == bindparam("into_number", type_=Integer),
            _others.starts_at < Occupation.ends_at,
            _others.ends_at > Occupation.starts_at,
        )
        .correlate(Occupation)
        .exists(),
    )
    .values(timetable_number=bindparam("into_number", type_=Integer))
    .returning(Occupation.id),
    OneId,
)
"""What overlaps stays: it is over, or both teach then, and nobody can say which goes."""


class _Work(NamedTuple):
    starts_at: datetime
    ends_at: datetime


_WORK = Query(
    select(Occupation.starts_at, Occupation.ends_at)
    .join(Timetable, Timetable.number == Occupation.timetable_number)
    .where(
        Timetable.id == bindparam("id", type_=Uuid),
        Occupation.resource_id.is_not(None),
        Occupation.ends_at > bindparam("now", type_=DateTime(timezone=True)),
    ),
    _Work,
)
"""When somebody teaches: that stays, whatever she registered for."""


async def merge_person(
    handle: Handle, from_id: UUID, into_id: UUID, *, now: datetime
) -> list[RegistrationRow]:
    """Give one person everything that is registered for another who turned out to be her.

    Of what she cannot have twice, the later registration is cancelled with a reason; whoever is
    there already, or has a place, goes before. Returns what was cancelled. Safe to repeat.

    Raises: RegistrationMoved, when something was moved meanwhile; then it is to be repeated.
    Emits: Cancelled, and what follows for those who wait.
    """
    resources, mine, hers = await _lock_both(handle, from_id, into_id, now=now)
    due = [row for row in mine + hers if row.due_at is not None and row.due_at <= now]
    for row in due:
        await pass_time(handle, await _fresh(handle, row.resource_id), row, now=now)
    if due:
        mine, hers = await _live(handle, from_id), await _live(handle, into_id)
    lost = await _conflicts(handle, mine, hers, (from_id, into_id), now=now)
    several = [(await _fresh(handle, row.resource_id), row) for row in lost]
    cancelled = await cancel_each(
        handle, several, by_id=None, by_staff=True, why=WHY, now=now, hand_on=False
    )
    await _GIVE_REGISTRATIONS.all(handle, from_id=from_id, into_id=into_id)
    await _GIVE_ENTRIES.all(handle, from_id=from_id, into_id=into_id)
    await _GIVE_STRIKES.all(handle, from_id=from_id, into_id=into_id)
    numbers = await timetable_numbers(handle, [from_id, into_id])
    await _GIVE_TIME.all(handle, from_number=numbers[from_id], into_number=numbers[into_id])
    gone = {row.id for row in lost}
    for row in mine:
        if row.id not in gone:
            tell(handle, entry(row, Act.CHANGE, now=now, merged_from=str(from_id)))
    for its_id in sorted(resources):
        await fill_freed(handle, await _fresh(handle, its_id), now=now, locked=True)
    return cancelled


async def _lock_both(
    handle: Handle, from_id: UUID, into_id: UUID, *, now: datetime
) -> tuple[dict[UUID, ResourceRow], list[RegistrationRow], list[RegistrationRow]]:
    seen = [*await _live(handle, from_id), *await _live(handle, into_id)]
    resources = await lock_resources(handle, {row.resource_id for row in seen})
    await lock_waiting(handle, resources.values(), persons=(from_id, into_id), now=now)
    mine, hers = await _live(handle, from_id), await _live(handle, into_id)
    if any(row.resource_id not in resources for row in mine + hers):
        raise RegistrationMoved
    return resources, mine, hers


async def _live(handle: Handle, person_id: UUID) -> list[RegistrationRow]:
    return await LIVE_OF_PERSON.all(handle, id=person_id)


async def _fresh(handle: Handle, resource_id: UUID) -> ResourceRow:
    resource = await RESOURCE.first(handle, id=resource_id)
    if resource is None:
        raise LookupError(resource_id)
    return resource


async def _conflicts(
    handle: Handle,
    mine: Iterable[RegistrationRow],
    hers: Iterable[RegistrationRow],
    ids: tuple[UUID, UUID],
    *,
    now: datetime,
) -> list[RegistrationRow]:
    """Return what has to go so that one person is registered once and in one place."""
    work = [span for one in ids for span in await _WORK.all(handle, id=one, now=now)]
    placed = {}
    for row in (*mine, *hers):
        if row.who_id in ids:
            placed[row] = has_place(State(row.state), await terms_of(handle, row.policy_id))
    ranked = sorted(
        placed, key=lambda row: (row.state != State.CHECKED_IN, not placed[row], row.number)
    )
    kept: list[RegistrationRow] = []
    lost: list[RegistrationRow] = []
    for row in ranked:
        there = placed[row] and row.state not in (State.HELD, State.OFFERED)
        busy = there and any(_overlap(row, span) for span in work)
        for other in kept:
            taken = placed[other] and other.state not in (State.HELD, State.OFFERED)
            same = row.resource_id == other.resource_id and row.starts_at == other.starts_at
            busy = busy or same or (there and taken and _overlap(row, other))
        (lost if busy else kept).append(row)
    return lost


def _overlap(row: RegistrationRow, other: RegistrationRow | _Work) -> bool:
    return row.starts_at < other.ends_at and other.starts_at < row.ends_at
