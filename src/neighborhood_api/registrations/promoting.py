"""Rules of what is freed: the waitlist gets it, inside the transaction that freed it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations import events
from neighborhood_api.registrations.freed import (
    BUSY_OF,
    CAPACITY,
    LATEST_SEATED,
    RUN_OUT,
    WAITING_FOR_UNITS,
)
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.queries import (
    LOCK_PERSONS,
    UNITS,
    WAITING,
    RegistrationRow,
    ResourceRow,
    UnitRow,
)
from neighborhood_api.registrations.states import Act, Mode, State
from neighborhood_api.registrations.writing import (
    entry,
    event,
    give_back,
    has_place,
    store,
    take,
    tell,
)

LOOKED_AT = 200
"""Waiting registrations that one freed place is offered to in turn."""


class SeatsInUse(Problem):
    """More people are there already than there would be seats; `in_use` says how many."""

    title = "More people are there already"
    message = "已有更多人到场，名额不能再减少"


class _Found(NamedTuple):
    unit: UnitRow | None


class _Given(NamedTuple):
    """Where somebody is from now on, by what was handed on just now."""

    who_id: UUID
    starts_at: datetime
    ends_at: datetime


async def lock_waiting(
    handle: Handle,
    resources: Iterable[ResourceRow],
    *,
    persons: Iterable[UUID] = (),
    now: datetime,
) -> set[UUID]:
    """Lock, in one go, `persons` and whoever waits for something of locked resources.

    Whoever locks persons more than once in a transaction does it out of order, and may wait
    for somebody who waits for her. Returns whom of them there still is.
    """
    wanted = set(persons)
    for resource in resources:
        if _hands_on(resource):
            waiting = await WAITING.all(handle, id=resource.id, now=now, most=LOOKED_AT)
            wanted |= _persons(waiting)
    if not wanted:
        return set()
    return {row.id for row in await LOCK_PERSONS.all(handle, ids=sorted(wanted))}


async def expire_run_out(
    handle: Handle, resource: ResourceRow, *, now: datetime, locked: bool = False
) -> ResourceRow:
    """End the holds and offers of a locked resource that ran out, and hand on what is free.

    With `locked`, the caller has locked those who wait by `lock_waiting`.

    Emits: Expired, PlaceOffered, PlaceGiven.
    """
    resource = await _end_run_out(handle, resource, now=now)
    return await fill_freed(handle, resource, now=now, locked=locked)


async def _end_run_out(handle: Handle, resource: ResourceRow, *, now: datetime) -> ResourceRow:
    for row in await RUN_OUT.all(handle, id=resource.id, now=now):
        resource = await end(handle, resource, row, now=now)
    return resource


async def end(
    handle: Handle, resource: ResourceRow, row: RegistrationRow, *, now: datetime
) -> ResourceRow:
    """End what was not answered in time; the caller hands on what is freed.

    Emits: Expired.
    """
    terms = await terms_of(handle, row.policy_id)
    resource = await give_back(handle, resource, row, terms)
    ended = await store(handle, row._replace(state=State.EXPIRED.value), terms, now=now)
    line = entry(ended, Act.EXPIRE, now=now, before=row.state)
    tell(handle, line, event(events.Expired, ended, resource))
    return resource


async def fill_freed(
    handle: Handle, resource: ResourceRow, *, now: datetime, locked: bool = False
) -> ResourceRow:
    """Give or offer what is free to those who wait, in the order of the queue.

    Somebody whom it does not fit, because more people come or because whoever comes is
    somewhere else by then, keeps the place in the queue and is passed over. With `locked`,
    the caller has locked those who wait by `lock_waiting`.

    Emits: PlaceOffered, PlaceGiven.
    """
    if not _hands_on(resource):
        return resource
    if resource.mode == Mode.COUNTED and resource.taken >= (resource.capacity or 0):
        return resource
    statement = WAITING if resource.mode == Mode.COUNTED else WAITING_FOR_UNITS
    waiting = await statement.all(handle, id=resource.id, now=now, most=LOOKED_AT)
    if not waiting:
        return resource
    if not locked:
        await LOCK_PERSONS.all(handle, ids=sorted(_persons(waiting)))
    ids = [row.id for row in waiting]
    busy = {row.id for row in await BUSY_OF.all(handle, ids=ids)}
    given: list[_Given] = []
    for row in waiting:
        if row.id in busy or _is_there(row, given):
            continue
        terms = await terms_of(handle, row.policy_id)
        found = await _fit(handle, resource, row, terms)
        if found is not None:
            resource = await _promote(handle, resource, row, found.unit, terms, now=now)
            given.append(_Given(row.who_id, row.starts_at, row.ends_at))
    return resource


async def fill_all(
    handle: Handle, resources: Iterable[ResourceRow], *, now: datetime, locked: bool = False
) -> None:
    """Hand on what is free of several locked resources, with the locks in order.

    Emits: PlaceOffered, PlaceGiven.
    """
    several = sorted(resources, key=lambda one: one.id)
    if not locked:
        await lock_waiting(handle, several, now=now)
    for resource in several:
        await fill_freed(handle, resource, now=now, locked=True)


async def set_capacity(
    handle: Handle, resource: ResourceRow, capacity: int, *, now: datetime
) -> ResourceRow:
    """Give a locked resource more or fewer seats, with what follows for who has one or waits.

    Raises: SeatsInUse.
    Emits: PlaceLost, Expired, PlaceOffered, PlaceGiven.
    """
    await lock_waiting(handle, [resource], now=now)
    await shrink(handle, resource, capacity, now=now)
    changed = await CAPACITY.all(handle, its_id=resource.id, capacity=capacity)
    resource = resource._replace(capacity=capacity, taken=changed[0].taken)
    return await fill_freed(handle, resource, now=now, locked=True)


async def shrink(
    handle: Handle, resource: ResourceRow, capacity: int, *, now: datetime
) -> list[RegistrationRow]:
    """Send those who came last back to the waitlist until `capacity` is enough.

    They wait by the number of their registration, and so before those who came after them;
    what was only held for a form is over. Returns who lost the place. The caller changes the
    capacity afterwards, or uses `set_capacity`.

    Raises: SeatsInUse.
    Emits: PlaceLost, Expired.
    """
    lost: list[RegistrationRow] = []
    resource = await _end_run_out(handle, resource, now=now)
    for row in await LATEST_SEATED.all(handle, id=resource.id):
        if resource.taken <= capacity:
            break
        terms = await terms_of(handle, row.policy_id)
        if not has_place(State(row.state), terms):
            continue
        if row.state == State.HELD:
            resource = await end(handle, resource, row, now=now)
            continue
        resource = await give_back(handle, resource, row, terms)
        queued = row.queued or row.number
        waits = row._replace(state=State.WAITLISTED.value, queued=queued, until=None)
        waits = await store(handle, waits, terms, now=now)
        tell(
            handle, entry(waits, Act.DEMOTE, now=now), event(events.PlaceLost, waits, resource)
        )
        lost.append(waits)
    if resource.taken > capacity:
        raise SeatsInUse(in_use=resource.taken)
    return lost


def granted(row: RegistrationRow, terms: Terms) -> State:
    """Return where somebody stands with her place: what staff asked for, they approve, too."""
    asks = terms.approval and row.created_by_id is None
    return State.PENDING if asks else State.CONFIRMED


def _hands_on(resource: ResourceRow) -> bool:
    return resource.cancelled_at is None and resource.draw_at is None


def _is_there(row: RegistrationRow, given: Iterable[_Given]) -> bool:
    return any(
        one.who_id == row.who_id and one.starts_at < row.ends_at and row.starts_at < one.ends_at
        for one in given
    )


async def _fit(
    handle: Handle, resource: ResourceRow, row: RegistrationRow, terms: Terms
) -> _Found | None:
    if resource.mode == Mode.COUNTED:
        if (resource.capacity or 0) - resource.taken < row.seats:
            return None
        unit = None
    else:
        since, until = terms.held(row.starts_at, row.ends_at)
        units = await UNITS.all(handle, id=resource.id, since=since, until=until, but=None)
        wanted = [one for one in units if row.unit_id in (None, one.id) and one.free]
        if not wanted:
            return None
        unit = wanted[0]
    return _Found(unit)


async def _promote(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    unit: UnitRow | None,
    terms: Terms,
    *,
    now: datetime,
) -> ResourceRow:
    kept = terms.waitlist.offer_minutes
    if kept is not None and row.person_id is not None:  # nobody else could be asked
        until = min(now + timedelta(minutes=kept), row.starts_at)
        row = row._replace(state=State.OFFERED.value, until=until)
    else:
        row = row._replace(state=granted(row, terms).value)
    if unit is not None and has_place(State(row.state), terms):
        row = row._replace(unit_id=unit.id)
    row = await store(handle, row, terms, now=now)
    if has_place(State(row.state), terms):
        resource = await take(handle, resource, row, unit, terms)
    if row.until is not None:
        line = entry(row, Act.OFFER, now=now, until=row.until.isoformat())
        tell(handle, line, event(events.PlaceOffered, row, resource, until=row.until))
    else:
        line = entry(row, Act.PROMOTE, now=now)
        tell(handle, line, event(events.PlaceGiven, row, resource))
    return resource


def _persons(rows: Iterable[RegistrationRow]) -> set[UUID]:
    return {row.person_id for row in rows if row.person_id is not None}
