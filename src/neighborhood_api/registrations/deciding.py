"""Rules of what follows a wish: a form is finished, staff approve, an offer is answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.kit.db import Handle, refusing
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations import events, judging
from neighborhood_api.registrations.ending import AlreadyEnded
from neighborhood_api.registrations.granting import (
    AS_TAKEN,
    find_free,
    judge,
    nothing_left,
    survey,
)
from neighborhood_api.registrations.grounds import SAME
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.promoting import (
    expire_run_out,
    fill_freed,
    granted,
    lock_waiting,
)
from neighborhood_api.registrations.queries import (
    BUSY,
    REGISTRATION,
    RegistrationRow,
    ResourceRow,
    UnitRow,
)
from neighborhood_api.registrations.reasons import (
    REFUSALS,
    NothingToApprove,
    Reason,
    Why,
    reason,
    refuse,
    standing,
)
from neighborhood_api.registrations.states import LIVE, Act, Mode, State
from neighborhood_api.registrations.wishes import Applicant, Wish
from neighborhood_api.registrations.writing import (
    entry,
    event,
    give_back,
    has_place,
    store,
    take,
    tell,
    timetable_numbers,
)


class NotInThatState(Problem):
    """What is asked does not fit where the registration stands; `state` says where."""

    title = "The booking is not in a state for that"
    message = "预约状态已变化，请刷新后再操作"


class HoldRanOut(Problem):
    """The hold or the offer has ended."""

    status = HTTPStatus.CONFLICT
    title = "It was kept for you, but the time is over"
    message = "保留时间已过，请重新预约"


class Final(NamedTuple):
    """What a finished form says."""

    seats: int
    purpose: str


async def confirm_hold(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    applicant: Applicant,
    final: Final,
    *,
    also: Sequence[Reason] = (),
    by_code: Mapping[str, type[Problem]] = REFUSALS,
    now: datetime,
) -> RegistrationRow:
    """Turn what was kept while a form was filled into a booking.

    Raises: NotInThatState, HoldRanOut, and what `by_code` names.
    Emits: Registered.
    """
    _require(row, State.HELD)
    _require_time(row, now)
    wish = Wish(row.starts_at, row.ends_at, final.seats, final.purpose, row.unit_id)
    terms = await terms_of(handle, row.policy_id)
    state = State.PENDING if terms.approval else State.CONFIRMED
    leaves = not has_place(state, terms) or final.seats < row.seats
    ground = await survey(
        handle, resource, applicant, wish, terms=terms, hands_on=leaves, now=now
    )
    resource = ground.resource
    against = [*also, *judge(ground, applicant, wish, now=now, but=row.id)]
    reasons = against + more_seats(resource, row, final.seats)
    if reasons:
        refuse(reasons, by_code)
    unit = await _its_unit(handle, row)
    resource = await give_back(handle, resource, row, terms)
    done = row._replace(state=state.value, seats=final.seats, purpose=final.purpose, until=None)
    if not has_place(state, terms):
        done = await store(handle, done, terms, now=now)
    else:
        done, resource = await _settle(handle, resource, done, unit, terms, now=now)
    told = event(events.Registered, done, resource, state=state.value)
    tell(handle, entry(done, Act.CONFIRM, now=now, by_id=applicant.person_id), told)
    if leaves:
        await fill_freed(handle, resource, now=now, locked=True)
    return done


async def approve(
    handle: Handle, resource: ResourceRow, row: RegistrationRow, *, by_id: UUID, now: datetime
) -> RegistrationRow:
    """Grant what waits for approval; what does not block yet must still be free.

    Raises: NotInThatState, NothingToApprove, UnitNotFound, OverlapsOwnBooking.
    Emits: Approved.
    """
    _require(row, State.PENDING)
    terms = await terms_of(handle, row.policy_id)
    blocked = has_place(State.PENDING, terms)
    done = row._replace(state=State.CONFIRMED.value)
    if blocked:
        done = await store(handle, done, terms, now=now)
    else:
        resource, unit = await _free_for(handle, resource, row, terms, now=now)
        done, resource = await _settle(handle, resource, done, unit, terms, now=now)
    told = event(events.Approved, done, resource)
    tell(handle, entry(done, Act.APPROVE, now=now, by_id=by_id), told)
    return done


async def reject(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    *,
    by_id: UUID,
    why: str,
    now: datetime,
) -> RegistrationRow:
    """Refuse what waits for approval, saying why; what it blocked goes to who waits.

    Raises: NotInThatState.
    Emits: Rejected, PlaceOffered, PlaceGiven.
    """
    _require(row, State.PENDING)
    terms = await terms_of(handle, row.policy_id)
    resource = await give_back(handle, resource, row, terms)
    done = row._replace(state=State.REJECTED.value, cancel_reason=why)
    done = await store(handle, done, terms, now=now)
    told = event(events.Rejected, done, resource)
    tell(handle, entry(done, Act.REJECT, now=now, by_id=by_id, text=why), told)
    await fill_freed(handle, resource, now=now)
    return done


async def accept_offer(
    handle: Handle, resource: ResourceRow, row: RegistrationRow, *, now: datetime
) -> RegistrationRow:
    """Take the place that was offered.

    Raises: NotInThatState, HoldRanOut, OverlapsOwnBooking.
    Emits: PlaceGiven.
    """
    _require(row, State.OFFERED)
    _require_time(row, now)
    terms = await terms_of(handle, row.policy_id)
    state = granted(row, terms)
    leaves = not has_place(state, terms)
    await lock_waiting(handle, [resource] if leaves else [], persons=_holder(row), now=now)
    await _require_own_time(handle, row, row)
    unit = await _its_unit(handle, row)
    resource = await give_back(handle, resource, row, terms)
    done = row._replace(state=state.value, until=None)
    if leaves:
        done = await store(handle, done, terms, now=now)
    else:
        done, resource = await _settle(handle, resource, done, unit, terms, now=now)
    told = event(events.PlaceGiven, done, resource)
    tell(handle, entry(done, Act.ACCEPT, now=now, by_id=row.person_id), told)
    if leaves:
        await fill_freed(handle, resource, now=now, locked=True)
    return done


async def move(
    handle: Handle,
    resources: tuple[ResourceRow, ResourceRow],
    row: RegistrationRow,
    wish: Wish,
    *,
    also: Sequence[Reason] = (),
    by_code: Mapping[str, type[Problem]] = REFUSALS,
    why: str | None = None,
    now: datetime,
) -> RegistrationRow:
    """Give a booking another time, unit or room, as staff; what it leaves goes to who waits.

    `resources` are the present and the wished one, both locked by the caller; they may be the
    same. As many come as before. Only what others have, that it is called off, closed to new
    bookings or too small, and what `also` says stands against it. Staff who move it approve
    it, too.

    Raises: AlreadyEnded, HoldRanOut, UnitNotFound, AlreadyRegistered, OverlapsOwnBooking, and
        what `by_code` names.
    Emits: Moved, PlaceOffered, PlaceGiven.
    """
    present, wished = resources
    _require_movable(row, now=now)
    terms = await terms_of(handle, wished.policy_id)
    wish = wish._replace(seats=row.seats)
    await lock_waiting(handle, {present, wished}, persons=_holder(row), now=now)
    wished = await expire_run_out(handle, wished, now=now, locked=True)
    if present.id == wished.id:  # what was free there may have gone to this one
        present, row = wished, await REGISTRATION.first(handle, id=row.id) or row
    unit, free = await find_free(handle, wished, terms, wish, but=row.id)
    reasons = [*standing(also, wish.waived), *judging.party(terms, wish, wished.capacity)]
    reasons += _in_the_way(present, wished, free=free)
    reasons += await _same_again(handle, wished, row, wish)
    if reasons:
        refuse(reasons, by_code)
    await _require_own_time(handle, row, wish)
    left = await give_back(handle, present, row, await terms_of(handle, row.policy_id))
    done = _moved(row, wished, wish)
    wished = left if left.id == wished.id else wished
    done, wished = await _settle(handle, wished, done, unit, terms, now=now)
    line = entry(
        done, Act.MOVE, now=now, by_id=wish.by_id, text=why, before=_where_and_when(row)
    )
    tell(handle, line, event(events.Moved, done, wished))
    left = wished if left.id == wished.id else left
    await fill_freed(handle, left, now=now, locked=True)
    return done


def _require_movable(row: RegistrationRow, *, now: datetime) -> None:
    """Refuse what is over, or has begun to be used."""
    if State(row.state) not in LIVE - {State.HELD, State.CHECKED_IN}:
        raise AlreadyEnded
    if row.until is not None and row.until <= now:
        raise HoldRanOut


def _moved(row: RegistrationRow, wished: ResourceRow, wish: Wish) -> RegistrationRow:
    """Return a booking as it is elsewhere or at another time; who moves it approves it, too."""
    return row._replace(
        resource_id=wished.id,
        policy_id=wished.policy_id,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        state=State.CONFIRMED.value,
    )


def _where_and_when(row: RegistrationRow) -> dict[str, str]:
    """Say what a move leaves, for the record."""
    return {
        "resource_id": str(row.resource_id),
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }


def _in_the_way(present: ResourceRow, wished: ResourceRow, *, free: bool) -> list[Reason]:
    """Say that it was called off, takes nothing new, or that others have it all."""
    found = []
    if wished.cancelled_at is not None:
        found.append(reason(Why.CLOSED, "已取消，不再接受预约"))
    elif not wished.open and wished.id != present.id:
        found.append(reason(Why.CLOSED, "暂停预约，请选择其他"))
    if not free:
        found.append(nothing_left(wished))
    return found


async def _settle(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    unit: UnitRow | None,
    terms: Terms,
    *,
    now: datetime,
) -> tuple[RegistrationRow, ResourceRow]:
    """Store a registration with its place; both constraints guard what the rules found free."""
    row = row._replace(unit_id=unit.id if unit else None)
    with refusing(AS_TAKEN):
        row = await store(handle, row, terms, now=now)
        resource = await take(handle, resource, row, unit, terms)
    return row, resource


async def _free_for(
    handle: Handle, resource: ResourceRow, row: RegistrationRow, terms: Terms, *, now: datetime
) -> tuple[ResourceRow, UnitRow | None]:
    """Find a place for what did not block one."""
    await lock_waiting(handle, [resource], persons=_holder(row), now=now)
    resource = await expire_run_out(handle, resource, now=now, locked=True)
    await _require_own_time(handle, row, row)
    wish = Wish(row.starts_at, row.ends_at, row.seats, unit_id=row.unit_id)
    unit, free = await find_free(handle, resource, terms, wish, but=row.id)
    if not free:
        raise NothingToApprove(reasons=[nothing_left(resource)])
    return resource, unit


async def _same_again(
    handle: Handle, wished: ResourceRow, row: RegistrationRow, wish: Wish
) -> list[Reason]:
    same = await SAME.first(
        handle, id=wished.id, who_id=row.who_id, starts_at=wish.starts_at, but=row.id
    )
    if same is None:
        return []
    text = "参加人已经预约或报名这个时段"
    return [reason(Why.ALREADY_REGISTERED, text, booking_id=str(same.id))]


def _holder(row: RegistrationRow) -> list[UUID]:
    return [] if row.person_id is None else [row.person_id]


async def _its_unit(handle: Handle, row: RegistrationRow) -> UnitRow | None:
    """Return the unit that a registration has, even if it is out of use by now."""
    if row.unit_id is None:
        return None
    number = (await timetable_numbers(handle, [row.unit_id]))[row.unit_id]
    return UnitRow(row.unit_id, "", number, free=True)


async def _require_own_time(
    handle: Handle, row: RegistrationRow, wish: Wish | RegistrationRow
) -> None:
    if row.who_id == row.id:
        return
    since, until = wish.starts_at, wish.ends_at
    busy = await BUSY.first(handle, id=row.who_id, since=since, until=until, but=row.id)
    if busy is not None:
        text = "参加人在这个时段已有其他预约"
        refuse([reason(Why.OVERLAPS_OWN_BOOKING, text)])


def more_seats(resource: ResourceRow, row: RegistrationRow, seats: int) -> list[Reason]:
    """Judge whether so many can come with a registration that has its seats."""
    if resource.mode != Mode.COUNTED:
        return []
    left = (resource.capacity or 0) - resource.taken
    return [nothing_left(resource)] if seats - row.seats > left else []


def _require(row: RegistrationRow, state: State) -> None:
    if row.state != state:
        raise NotInThatState(state=row.state)


def _require_time(row: RegistrationRow, now: datetime) -> None:
    if row.until is None or row.until <= now:
        raise HoldRanOut
