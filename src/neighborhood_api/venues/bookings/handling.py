"""Rules of what becomes of a booking or enrolment: by its holder, and by the venue's staff."""

from datetime import date, datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import Handle, ReadTx, Source
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations import deciding, ending
from neighborhood_api.registrations.histories import Entry
from neighborhood_api.registrations.locking import (
    RegistrationNotFound,
    lock_registration,
    lock_resources,
)
from neighborhood_api.registrations.queries import (
    REGISTRATION,
    RESOURCE,
    RegistrationRow,
    ResourceRow,
)
from neighborhood_api.registrations.states import Mode
from neighborhood_api.registrations.wishes import Applicant, Wish
from neighborhood_api.venues.bookings.queries import (
    ONE_BOOKING,
    RESOURCE_BOOKINGS,
    ROOM_GROUND,
    VENUE_PLACE,
    BookingRow,
    RoomGround,
)
from neighborhood_api.venues.bookings.schemas import CancelIn, MoveIn, RejectIn
from neighborhood_api.venues.bookings.service import (
    ROOM_REFUSALS,
    STAFF_MAY_WAIVE,
    against,
    lock_own,
)
from neighborhood_api.venues.rooms.availability import bounds, days_shown
from neighborhood_api.venues.rooms.service import RoomNotFound


class OnlyRoomsMove(Problem):
    """A session happens when it happens: one enrols in another."""

    title = "An enrolment cannot be moved"
    message = "课程和活动不能改期，请取消后报名其他场次"


class OwnBooking(Problem):
    """What one asked for oneself, another of the staff grants and moves."""

    status = HTTPStatus.FORBIDDEN
    title = "You may not decide on your own booking"
    message = "不能审批或改动自己的预约，请由其他工作人员办理"


async def read_booking(source: Source, actor: Actor, booking_id: UUID) -> BookingRow:
    """Show a booking to its holder and to the staff of its venue; to others it does not exist.

    Raises: RegistrationNotFound.
    """
    booking = await ONE_BOOKING.first(source, id=booking_id)
    if booking is None:
        raise RegistrationNotFound
    own = booking.person_id == actor.person_id
    if not own and not await reads_bookings(source, actor, booking.venue_id):
        raise RegistrationNotFound
    return booking


async def reads_bookings(source: Source, actor: Actor, venue_id: UUID) -> bool:
    """Tell whether the caller is of the staff who see who holds the bookings of a venue."""
    venue = await VENUE_PLACE.first(source, id=venue_id)
    return venue is not None and actor.may(Permission.BOOKING_READ, at=venue.place)


async def shown_booking(source: Source, booking_id: UUID) -> BookingRow:
    """Return a booking after it was changed by somebody who may.

    Raises: RegistrationNotFound.
    """
    booking = await ONE_BOOKING.first(source, id=booking_id)
    if booking is None:
        raise RegistrationNotFound
    return booking


async def read_history(
    tx: ReadTx, actor: Actor, booking_id: UUID
) -> tuple[BookingRow, list[Entry]]:
    """Return a booking and what happened to it, for its holder and the staff of its venue.

    Raises: RegistrationNotFound.
    """
    booking = await read_booking(tx, actor, booking_id)
    lines = select(Entry).where(Entry.registration_id == booking_id).order_by(Entry.id)
    return booking, list(await tx.scalars(lines))


async def list_room_bookings(
    source: Source,
    actor: Actor,
    room_id: UUID,
    since: date | None,
    until: date | None,
    *,
    now: datetime,
) -> list[BookingRow]:
    """Return who uses or wants a room, in order, for the staff of its venue.

    Raises: RoomNotFound, Forbidden, BadPeriod.
    """
    ground = await ROOM_GROUND.first(source, id=room_id)
    if ground is None:
        raise RoomNotFound
    actor.require(Permission.BOOKING_READ, at=ground.place)
    first, after = bounds(days_shown(since, until, now))
    return await RESOURCE_BOOKINGS.all(source, id=room_id, since=first, until=after)


async def cancel_booking(
    handle: Handle, actor: Actor, booking_id: UUID, wish: CancelIn, *, now: datetime
) -> None:
    """Give a booking up: its holder before the start, staff of the venue with a reason.

    Raises: RegistrationNotFound, Forbidden, AlreadyEnded, TooLateToCancel, ReasonNeeded.
    Emits: Cancelled, and what follows for those who wait.
    """
    resource, row = await lock_registration(handle, booking_id)
    own = row.person_id == actor.person_id  # which staff give up like everybody else
    if not own:
        require_staff(actor, resource)
    await ending.cancel(
        handle,
        resource,
        row,
        by_id=actor.person_id,
        by_staff=not own,
        why=wish.reason,
        now=now,
    )


async def accept_offer(
    handle: Handle, actor: Actor, booking_id: UUID, *, now: datetime
) -> None:
    """Take the place that was kept for the caller.

    Raises: RegistrationNotFound, NotInThatState, HoldRanOut, OverlapsOwnBooking.
    Emits: PlaceGiven.
    """
    resource, row = await lock_own(handle, actor, booking_id)
    await deciding.accept_offer(handle, resource, row, now=now)


async def approve_booking(
    handle: Handle, actor: Actor, booking_id: UUID, *, now: datetime
) -> None:
    """Grant what waits for approval; nobody grants her own.

    Raises: RegistrationNotFound, Forbidden, OwnBooking, NotInThatState, NothingToApprove,
        UnitNotFound, OverlapsOwnBooking.
    Emits: Approved.
    """
    resource, row = await _lock_for_staff(handle, actor, booking_id)
    if row.person_id == actor.person_id:
        raise OwnBooking
    await deciding.approve(handle, resource, row, by_id=actor.person_id, now=now)


async def reject_booking(
    handle: Handle, actor: Actor, booking_id: UUID, wish: RejectIn, *, now: datetime
) -> None:
    """Refuse what waits for approval, saying why.

    Raises: RegistrationNotFound, Forbidden, NotInThatState.
    Emits: Rejected.
    """
    resource, row = await _lock_for_staff(handle, actor, booking_id)
    await deciding.reject(
        handle, resource, row, by_id=actor.person_id, why=wish.reason, now=now
    )


async def move_booking(
    handle: Handle, actor: Actor, booking_id: UUID, wish: MoveIn, *, now: datetime
) -> None:
    """Give a booking another time, unit or room, as staff of both; the holder is told.

    Raises: RegistrationNotFound, RoomNotFound, Forbidden, OnlyRoomsMove, OwnBooking,
        AlreadyEnded, HoldRanOut, UnitNotFound, WishNotPossible, RoomTaken, RoomClosed,
        AlreadyRegistered, OverlapsOwnBooking.
    Emits: Moved, and what follows for those who wait.
    """
    seen = await REGISTRATION.first(handle, id=booking_id)
    if seen is None:
        raise RegistrationNotFound
    resource = await RESOURCE.first(handle, id=seen.resource_id)
    room_id = wish.room_id or seen.resource_id
    ground = await ROOM_GROUND.first(handle, id=room_id)
    _require_mover(actor, resource, ground, seen)  # before anybody waits for the locks
    locked = await lock_resources(handle, {seen.resource_id, room_id})
    row = await REGISTRATION.first(handle, id=booking_id)
    if row is None or row.resource_id != seen.resource_id:
        raise deciding.NotInThatState
    present, wished = locked[row.resource_id], locked[room_id]
    ground = _require_mover(actor, present, ground, row)
    nobody = Applicant(person_id=row.person_id, home=ground.place)
    also = await against(handle, ground, wished, nobody, wish, now=now)
    wanted = Wish(
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        seats=row.seats,
        unit_id=wish.unit_id,
        by_id=actor.person_id,
        waived=STAFF_MAY_WAIVE,
    )
    await deciding.move(
        handle,
        (present, wished),
        row,
        wanted,
        also=also,
        by_code=ROOM_REFUSALS,
        why=wish.reason,
        now=now,
    )


async def _lock_for_staff(
    handle: Handle, actor: Actor, booking_id: UUID
) -> tuple[ResourceRow, RegistrationRow]:
    resource, row = await lock_registration(handle, booking_id)
    require_staff(actor, resource)
    return resource, row


def _require_mover(
    actor: Actor, present: ResourceRow | None, ground: RoomGround | None, row: RegistrationRow
) -> RoomGround:
    """Let staff of both rooms move a booking that is not their own.

    Raises: RegistrationNotFound, Forbidden, OnlyRoomsMove, RoomNotFound, OwnBooking.
    """
    if present is None:
        raise RegistrationNotFound
    require_staff(actor, present)
    if present.mode != Mode.EXCLUSIVE:
        raise OnlyRoomsMove
    if ground is None:
        raise RoomNotFound
    actor.require(Permission.BOOKING_MANAGE, at=ground.place)
    if row.person_id == actor.person_id:
        raise OwnBooking
    return ground


def require_staff(actor: Actor, resource: ResourceRow) -> None:
    """Refuse others than the venue's staff; who may not even read learns nothing.

    Raises: RegistrationNotFound, Forbidden.
    """
    if not actor.may(Permission.BOOKING_READ, at=resource.place):
        raise RegistrationNotFound
    actor.require(Permission.BOOKING_MANAGE, at=resource.place)
