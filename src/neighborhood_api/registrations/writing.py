"""What every change of a registration writes: the row, its time, its history and its event."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from neighborhood_api.kit.db import Handle, save
from neighborhood_api.kit.outbox import emit
from neighborhood_api.registrations import events
from neighborhood_api.registrations.histories import Entry
from neighborhood_api.registrations.models import Occupation
from neighborhood_api.registrations.policies import Terms
from neighborhood_api.registrations.queries import (
    CHANGING,
    CUT_SHORT,
    NEW_TIMETABLES,
    SEAT,
    STORE,
    TIMETABLES,
    UNBEGUN,
    VACATE,
    RegistrationRow,
    ResourceRow,
    UnitRow,
)
from neighborhood_api.registrations.states import OCCUPYING, Act, Mode, State

E_ = TypeVar("E_", bound=events._Registered)  # noqa: SLF001  (the events of one registration)
_WITH_A_DAY = frozenset({State.PENDING, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED})
"""States in which it also takes the time of whoever comes."""


def has_place(state: State, terms: Terms) -> bool:
    """Tell whether a registration in `state` has its unit or seats."""
    return state in OCCUPYING or (state is State.PENDING and terms.pending_blocks)


def timed(row: RegistrationRow, terms: Terms, *, now: datetime) -> RegistrationRow:
    """Say when time itself does something next, and when to remind."""
    due: datetime | None = None
    remind: datetime | None = None
    match State(row.state):
        case State.HELD | State.OFFERED:
            due = row.until
        case State.PENDING:
            # Not since it was made: it may have waited long before somebody had to approve it.
            limit = now + timedelta(minutes=terms.pending_minutes)
            due = max(min(limit, row.starts_at), now)
        case State.WAITLISTED | State.ENTERED:
            due = row.starts_at
        case State.CONFIRMED:
            wait = timedelta(minutes=terms.release_minutes)
            due = min(row.starts_at + wait, row.ends_at) if terms.check_in else row.ends_at
            soon = row.starts_at - timedelta(minutes=terms.remind_minutes)
            remind = soon if terms.remind_minutes and now < soon else None
        case State.CHECKED_IN:
            due = row.ends_at
        case _:
            pass
    until = row.until if row.state in (State.HELD, State.OFFERED) else None
    return row._replace(due_at=due, remind_at=remind, until=until)


async def store(
    handle: Handle, row: RegistrationRow, terms: Terms, *, now: datetime
) -> RegistrationRow:
    """Write a changed registration."""
    row = timed(row, terms, now=now)
    await STORE.all(
        handle, its_id=row.id, **{f"new_{name}": getattr(row, name) for name in CHANGING}
    )
    return row._replace(version=row.version + 1)


def entry(
    row: RegistrationRow,
    act: Act,
    *,
    now: datetime,
    by_id: UUID | None = None,
    text: str | None = None,
    **detail: Any,  # noqa: ANN401  (plain JSON)
) -> Entry:
    """Return the line of history of what happened."""
    return Entry(
        registration_id=row.id,
        acted_at=now,
        act=act.value,
        state=row.state,
        by_id=by_id,
        text=text,
        detail=detail,
    )


def event(kind: type[E_], row: RegistrationRow, resource: ResourceRow, **more: Any) -> E_:  # noqa: ANN401
    """Return the event of what happened to a registration."""
    return kind(
        registration_id=row.id,
        resource_id=resource.id,
        kind=resource.kind,
        person_id=row.person_id,
        **more,
    )


def tell(handle: Handle, line: Entry, announced: events._Registered | None = None) -> None:
    """Keep a line of history, and announce what happened."""
    handle.add(line)
    if announced is not None:
        emit(handle, announced)


async def timetable_numbers(handle: Handle, ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the numbers of timetables, which are made where there are none."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    known = {row.id: row.number for row in await TIMETABLES.all(handle, ids=wanted)}
    missing = [one for one in wanted if one not in known]
    if missing:
        made = await NEW_TIMETABLES.all(handle, ids=missing)
        known |= {row.id: row.number for row in made}
    missing = [one for one in wanted if one not in known]
    if missing:  # somebody else made it meanwhile
        known |= {row.id: row.number for row in await TIMETABLES.all(handle, ids=missing)}
    return known


async def occupations(
    handle: Handle,
    row: RegistrationRow,
    unit: UnitRow | None,
    terms: Terms,
    *,
    person: int | None = None,
) -> list[Occupation]:
    """Return what a registration with a place takes: its unit, and the day of whoever comes.

    `person` is the number of her timetable, where it is known.
    """
    found: list[Occupation] = []
    if not has_place(State(row.state), terms):
        return found
    if unit is not None:
        starts_at, ends_at = terms.held(row.starts_at, row.ends_at)
        found.append(
            Occupation(
                timetable_number=unit.number,
                starts_at=starts_at,
                ends_at=ends_at,
                registration_id=row.id,
                until=row.until,
            )
        )
    if row.who_id != row.id and row.state in _WITH_A_DAY:
        number = person or (await timetable_numbers(handle, [row.who_id]))[row.who_id]
        found.append(
            Occupation(
                timetable_number=number,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                registration_id=row.id,
            )
        )
    return found


async def take(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    unit: UnitRow | None,
    terms: Terms,
) -> ResourceRow:
    """Give a registration its unit or seats, anew; return the resource as it is then."""
    await VACATE.all(handle, id=row.id)
    await save(handle, *await occupations(handle, row, unit, terms))
    return await seat(handle, resource, row.seats)


async def give_back(
    handle: Handle, resource: ResourceRow, row: RegistrationRow, terms: Terms
) -> ResourceRow:
    """Free what a registration has, if it has anything; return the resource as it is then."""
    await VACATE.all(handle, id=row.id)
    if not has_place(State(row.state), terms):
        return resource
    return await seat(handle, resource, -row.seats)


async def leave(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    *,
    now: datetime,
    terms: Terms | None = None,
) -> ResourceRow:
    """Free the rest of a time that has begun; return the resource as it is then.

    Where somebody was there, the buffer of the `terms` follows as after every use.
    """
    buffer = timedelta(minutes=0 if terms is None else terms.buffer_after_minutes)
    await UNBEGUN.all(handle, its_id=row.id, now=now)
    await CUT_SHORT.all(
        handle, its_id=row.id, now=now, its_unit=row.unit_id, unit_until=now + buffer
    )
    return await seat(handle, resource, -row.seats)


async def seat(handle: Handle, resource: ResourceRow, seats: int) -> ResourceRow:
    """Count seats of a counted resource; the constraint refuses one too many."""
    if resource.mode != Mode.COUNTED or not seats:
        return resource
    await SEAT.all(handle, its_id=resource.id, seats=seats)
    return resource._replace(taken=resource.taken + seats)
