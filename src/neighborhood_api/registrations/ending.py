"""Rules of giving up, taking back, and of what time does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations import events
from neighborhood_api.registrations.grounds import LAST_GIVEN
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.promoting import (
    end,
    fill_all,
    fill_freed,
    lock_waiting,
)
from neighborhood_api.registrations.queries import (
    LEAVE,
    LIVE_OF,
    RegistrationRow,
    ResourceRow,
)
from neighborhood_api.registrations.states import CANCELLABLE, LIVE, Act, State
from neighborhood_api.registrations.strikes import strike
from neighborhood_api.registrations.writing import (
    entry,
    event,
    give_back,
    leave,
    store,
    tell,
)


class AlreadyEnded(Problem):
    """There is nothing left to give up."""

    title = "The booking has ended already"
    message = "这个预约已经取消或结束，无需再操作"


class TooLateToCancel(Problem):
    """Holders cancel before the start, staff before the end."""

    title = "It is too late to cancel this booking"
    message = "预约时间已到，不能取消；如有需要请联系服务中心"


class ReasonNeeded(Problem):
    """Staff who take something back must say why."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Say why"
    message = "请填写原因，对方会看到"


async def cancel(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    *,
    by_id: UUID | None,
    by_staff: bool,
    why: str | None,
    now: datetime,
    hand_on: bool = True,
) -> RegistrationRow:
    """Give a registration up, or take it back as staff; the freed place goes to who waits.

    The resource is locked by the caller. Whoever gives up what was offered declines it. Giving
    up late is a strike where the terms say so; staff's doing never is.

    Raises: AlreadyEnded, TooLateToCancel, ReasonNeeded.
    Emits: Cancelled, StrikeGiven, PlaceOffered, PlaceGiven.
    """
    ended, resource = await _cancel(
        handle, resource, row, by_id=by_id, by_staff=by_staff, why=why, now=now
    )
    if hand_on:
        await fill_freed(handle, resource, now=now)
    return ended


async def cancel_each(
    handle: Handle,
    several: Sequence[tuple[ResourceRow, RegistrationRow]],
    *,
    by_id: UUID | None,
    by_staff: bool,
    why: str | None,
    now: datetime,
    hand_on: bool = True,
) -> list[RegistrationRow]:
    """Cancel several registrations in one transaction, then hand on what they had.

    `several` comes from `lock_registrations`. Cancelling one by one would lock those who wait
    out of order. Without `hand_on`, nobody gets what is freed: it is out of use.

    Raises: AlreadyEnded, TooLateToCancel, ReasonNeeded.
    Emits: Cancelled, StrikeGiven, PlaceOffered, PlaceGiven.
    """
    resources = {resource.id: resource for resource, _ in several}
    if hand_on:
        await lock_waiting(handle, resources.values(), now=now)
    ended = []
    for _, row in several:
        resource = resources[row.resource_id]
        done, resources[resource.id] = await _cancel(
            handle, resource, row, by_id=by_id, by_staff=by_staff, why=why, now=now
        )
        ended.append(done)
    if hand_on:
        await fill_all(handle, resources.values(), now=now, locked=True)
    return ended


async def cancel_all(
    handle: Handle, resource: ResourceRow, *, by_id: UUID | None, why: str, now: datetime
) -> list[RegistrationRow]:
    """Cancel everything that is registered for a counted resource, which does not take place.

    Returns what was cancelled. The caller has locked it and marks it as cancelled.

    Raises: TooLateToCancel, ReasonNeeded.
    Emits: Cancelled.
    """
    live = [(resource, row) for row in await LIVE_OF.all(handle, id=resource.id)]
    ended = await cancel_each(
        handle, live, by_id=by_id, by_staff=True, why=why, now=now, hand_on=False
    )
    await LEAVE.all(handle, id=resource.id)
    return ended


async def pass_time(
    handle: Handle, resource: ResourceRow, row: RegistrationRow, *, now: datetime
) -> None:
    """Do what is due to a registration: it runs out, is over, or nobody came.

    Safe to repeat: what is not due any more is left as it is.

    Emits: Expired, NobodyCame, StrikeGiven, PlaceOffered, PlaceGiven.
    """
    if row.due_at is None or row.due_at > now:
        return
    terms = await terms_of(handle, row.policy_id)
    match State(row.state):
        case State.CONFIRMED if terms.check_in:
            await miss(handle, resource, row, terms, now=now)
        case State.CONFIRMED | State.CHECKED_IN:
            done = await store(
                handle, row._replace(state=State.COMPLETED.value), terms, now=now
            )
            tell(handle, entry(done, Act.COMPLETE, now=now))
        case _:
            resource = await end(handle, resource, row, now=now)
            await fill_freed(handle, resource, now=now)


async def miss(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    terms: Terms,
    *,
    now: datetime,
    by_id: UUID | None = None,
) -> RegistrationRow:
    """Note that nobody came; the rest of the time is free again.

    Emits: NobodyCame, StrikeGiven.
    """
    resource = await leave(handle, resource, row, now=now)
    missed = await store(handle, row._replace(state=State.NO_SHOW.value), terms, now=now)
    line = entry(missed, Act.MISS, now=now, by_id=by_id)
    tell(handle, line, event(events.NobodyCame, missed, resource))
    if terms.strikes.no_show and not await _came_late(handle, row, terms):
        strike(handle, resource, missed, terms, "no_show", now=now)
    await fill_freed(handle, resource, now=now)
    return missed


async def _cancel(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    *,
    by_id: UUID | None,
    by_staff: bool,
    why: str | None,
    now: datetime,
) -> tuple[RegistrationRow, ResourceRow]:
    terms = await terms_of(handle, row.policy_id)
    state = State(row.state)
    if state not in LIVE:
        raise AlreadyEnded
    if by_staff and not why:
        raise ReasonNeeded
    ends = row.ends_at if by_staff else row.starts_at
    if now >= ends or (not by_staff and state not in CANCELLABLE):
        raise TooLateToCancel
    late = not by_staff and await _is_late(handle, row, terms, now)
    if state is State.CHECKED_IN:
        resource = await leave(handle, resource, row, now=now, terms=terms)
    else:
        resource = await give_back(handle, resource, row, terms)
    ended = row._replace(
        state=State.CANCELLED.value,
        cancelled_at=now,
        cancelled_by_id=by_id,
        cancel_reason=why,
        cancelled_late=late,
    )
    ended = await store(handle, ended, terms, now=now)
    taken_back = by_staff and by_id is not None  # the system does so, too
    told = event(events.Cancelled, ended, resource, by_staff=taken_back, late=late)
    act = Act.DECLINE if state is State.OFFERED and not by_staff else Act.CANCEL
    tell(handle, entry(ended, act, now=now, by_id=by_id, text=why, late=late), told)
    if late and terms.strikes.late_cancel:
        strike(handle, resource, ended, terms, "late_cancel", now=now)
    return ended, resource


def free_until(starts_at: datetime, created_at: datetime, terms: Terms) -> datetime:
    """Return until when a confirmed registration is given up in time.

    Who booked later than the limit may change her mind for a few minutes all the same.
    """
    grace = created_at + timedelta(minutes=terms.hold_minutes)
    return max(_cutoff(starts_at, terms), grace)


def _cutoff(starts_at: datetime, terms: Terms) -> datetime:
    return starts_at - timedelta(minutes=terms.cancel_minutes)


def came_late(given_at: datetime | None, starts_at: datetime, terms: Terms) -> bool:
    """Tell whether a place came to her when it was too late to give it up in time.

    She had asked for it, but not for this moment: others decided when.
    """
    return given_at is not None and given_at > _cutoff(starts_at, terms)


async def _is_late(handle: Handle, row: RegistrationRow, terms: Terms, now: datetime) -> bool:
    in_time = now <= free_until(row.starts_at, row.created_at, terms)
    if row.state != State.CONFIRMED or in_time:
        return False
    return not await _came_late(handle, row, terms)


async def _came_late(handle: Handle, row: RegistrationRow, terms: Terms) -> bool:
    given = await LAST_GIVEN.first(handle, id=row.id)
    return came_late(None if given is None else given.acted_at, row.starts_at, terms)
