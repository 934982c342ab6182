"""Rules of booking a room and of giving it back."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select, update

from neighborhood_api.grid.models import Node, Residence
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.tokens import TokenRevoked
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.opening import Span, hurdles
from neighborhood_api.venues.audience import VENUE_NODE, serves
from neighborhood_api.venues.events import BookingCancelled, RoomBooked
from neighborhood_api.venues.models import Booking, Room, Venue
from neighborhood_api.venues.queries import CLASHES, ONE_BOOKING, OPENING_HOURS, BookingRow, Use
from neighborhood_api.venues.reasons import ROOM_CLOSED, reason
from neighborhood_api.venues.schemas import BookingIn, CancelIn
from neighborhood_api.venues.service import RoomNotFound, limits_of


class BookingNotFound(Problem):
    """The id names no booking that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such booking"
    message = "没有找到这个预约"


class NotForYourPlace(Problem):
    """The venue serves another place than where the caller lives, or she has not said where."""

    status = HTTPStatus.FORBIDDEN
    title = "This room is for the residents of another place"
    message = "这个活动室面向所在辖区的居民；如您住在这里，请先填写或更新居住地址"


class TimesNotBookable(Problem):
    """The wish breaks the room's rules; `reasons` lists every one, with its numbers."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The room cannot be booked in that way"
    message = "这样不能预约，请按提示调整后再提交"


class RoomTaken(Problem):
    """Somebody else, or a session, has the room for part of that time."""

    title = "The room is already taken for part of that time"
    message = "这个时段已被预约，请另选时间"


class OverlapsOwnBooking(Problem):
    """The caller has another booking that shares a moment with the wish."""

    title = "You already have a booking at that time"
    message = "您在这个时段已有预约，请另选时间或先取消原预约"


class BookingAlreadyCancelled(Problem):
    """There is nothing left to cancel."""

    title = "The booking was already cancelled"
    message = "这个预约已经取消，无需再次取消"


class TooLateToCancel(Problem):
    """Holders cancel before the start, staff before the end."""

    title = "It is too late to cancel this booking"
    message = "预约时间已到，不能取消；如有需要请联系服务中心"


class ReasonNeeded(Problem):
    """Staff who take a booking back must say why."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Say why the booking is cancelled"
    message = "请填写取消原因，预约人会看到"


async def book_room(
    tx: Tx, actor: Actor, room_id: UUID, wish: BookingIn, *, now: datetime
) -> BookingRow:
    """Reserve a room for the caller.

    The room is locked first and the caller second, always in this order: of two overlapping
    wishes for a room, or of one person, the later waits and then sees the earlier.

    Raises: RoomNotFound, NotForYourPlace, TimesNotBookable, RoomTaken, OverlapsOwnBooking.
    Emits: RoomBooked.
    """
    room, venue, node_name = await _lock_room(tx, room_id)
    person, home = await _lock_person(tx, actor)
    if home is None or not serves(venue.place, home.place):
        raise NotForYourPlace(node_id=str(venue.place.node_id), node_name=node_name)
    await _require_bookable(tx, room, wish, now=now)
    await _require_free(tx, room, person, wish)
    booking = Booking(
        created_at=now,
        room_id=room.id,
        room_number=room.number,
        person_id=person.id,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        party_size=wish.party_size,
        purpose=wish.purpose,
    )
    tx.add(booking)
    emit(tx, RoomBooked(booking_id=booking.id, room_id=room.id, person_id=person.id))
    with refusing({"room_taken": RoomTaken}):
        await tx.flush()
    return _described(booking, room, venue, person)


async def cancel_booking(
    tx: Tx, actor: Actor, booking_id: UUID, wish: CancelIn, *, now: datetime
) -> BookingRow:
    """Give a room back: its holder before the start, staff of the place with a reason.

    Raises: BookingNotFound, Forbidden, BookingAlreadyCancelled, TooLateToCancel, ReasonNeeded.
    Emits: BookingCancelled.
    """
    found = await tx.execute(
        select(Booking, Room, Venue, Person)
        .join(Room, Room.id == Booking.room_id)
        .join(Venue, Venue.id == Room.venue_id)
        .join(Person, Person.id == Booking.person_id)
        .where(Booking.id == booking_id)
        .with_for_update(of=Booking, key_share=True)
    )
    row = found.one_or_none()
    if row is None:
        raise BookingNotFound
    booking, room, venue, person = row
    _require_may_cancel(actor, booking, venue)
    if booking.cancelled_at is not None:
        raise BookingAlreadyCancelled
    _require_in_time(actor, booking, venue, wish, now)
    booking.cancelled_at = now
    booking.cancelled_by_id = actor.person_id
    booking.cancel_reason = wish.reason
    emit(
        tx,
        BookingCancelled(
            booking_id=booking.id,
            room_id=room.id,
            person_id=person.id,
            cancelled_by_id=actor.person_id,
        ),
    )
    await tx.flush()
    return _described(booking, room, venue, person)


async def read_booking(tx: ReadTx, actor: Actor, booking_id: UUID) -> BookingRow:
    """Show a booking to its holder and to the staff of its venue; to others it does not exist.

    Raises: BookingNotFound.
    """
    booking = await ONE_BOOKING.first(tx, id=booking_id)
    if booking is None:
        raise BookingNotFound
    if booking.person_id != actor.person_id:
        venue = await tx.get_one(Venue, booking.venue_id)
        if not actor.may(Permission.BOOKING_READ, at=venue.place):
            raise BookingNotFound
    return booking


async def move_bookings(tx: Tx, from_person_id: UUID, into_person_id: UUID) -> None:
    """Give the bookings of somebody who turned out to be another to that one."""
    for column in (Booking.person_id, Booking.cancelled_by_id):
        moved = update(Booking).where(column == from_person_id)
        await tx.execute(moved.values({column: into_person_id}))


async def _lock_room(tx: Tx, room_id: UUID) -> tuple[Room, Venue, str]:
    found = await tx.execute(
        select(Room, Venue, Node.name)
        .join(Venue, Venue.id == Room.venue_id)
        .join(Node, Node.id == VENUE_NODE)
        .where(Room.id == room_id)
        .with_for_update(of=Room, key_share=True)  # not FOR UPDATE: foreign keys may be checked
    )
    row = found.one_or_none()
    if row is None:
        raise RoomNotFound
    room, venue, node_name = row
    return room, venue, node_name


async def _lock_person(tx: Tx, actor: Actor) -> tuple[Person, Residence | None]:
    """Lock the caller; one who became another meanwhile must sign in as that one.

    Raises: TokenRevoked.
    """
    found = await tx.execute(
        select(Person, Residence)
        .outerjoin(Residence, Residence.person_id == Person.id)
        .where(Person.id == actor.person_id, Person.merged_into_id.is_(None))
        .with_for_update(of=Person, key_share=True)
    )
    row = found.one_or_none()
    if row is None:
        raise TokenRevoked
    person, home = row
    return person, home


async def _require_bookable(tx: Tx, room: Room, wish: BookingIn, *, now: datetime) -> None:
    """Refuse a wish that breaks the room's rules, naming every one.

    Raises: TimesNotBookable.
    """
    rules = await OPENING_HOURS.all(tx, room_id=room.id)
    limits = limits_of(room)
    span = Span(wish.starts_at, wish.ends_at)
    reasons = [reason(h, span, rules, limits) for h in hurdles(span, rules, limits, now=now)]
    if not room.accepts_bookings:
        reasons.insert(0, {"code": "room_closed", "message": ROOM_CLOSED})
    if wish.party_size > room.capacity:
        most = f"这个活动室最多{room.capacity}人"
        reasons.append({"code": "party_too_large", "message": most, "capacity": room.capacity})
    if reasons:
        raise TimesNotBookable(reasons=reasons)


async def _require_free(tx: Tx, room: Room, person: Person, wish: BookingIn) -> None:
    """Refuse a wish that shares a moment with what is already booked.

    Raises: RoomTaken, OverlapsOwnBooking.
    """
    clashes = await CLASHES.all(
        tx, room_id=room.id, person_id=person.id, since=wish.starts_at, until=wish.ends_at
    )
    others = [clash for clash in clashes if clash.person_id != person.id]
    if others:
        raise RoomTaken(taken=[_shown(clash) for clash in others])
    if clashes:
        raise OverlapsOwnBooking(bookings=[_shown(clash) for clash in clashes])


def _require_may_cancel(actor: Actor, booking: Booking, venue: Venue) -> None:
    if booking.person_id == actor.person_id:
        return
    if not actor.may(Permission.BOOKING_READ, at=venue.place):
        raise BookingNotFound
    actor.require(Permission.VENUE_MANAGE, at=venue.place)


def _require_in_time(
    actor: Actor, booking: Booking, venue: Venue, wish: CancelIn, now: datetime
) -> None:
    if booking.person_id == actor.person_id and now < booking.starts_at:
        return
    if now >= booking.ends_at or not actor.may(Permission.VENUE_MANAGE, at=venue.place):
        raise TooLateToCancel
    if wish.reason is None:
        raise ReasonNeeded


def _shown(use: Use) -> JsonValue:
    shown: dict[str, JsonValue] = {
        "starts_at": use.starts_at.astimezone(SHOWN_ZONE).isoformat(timespec="seconds"),
        "ends_at": use.ends_at.astimezone(SHOWN_ZONE).isoformat(timespec="seconds"),
    }
    return shown


def _described(booking: Booking, room: Room, venue: Venue, person: Person) -> BookingRow:
    return BookingRow(
        id=booking.id,
        number=booking.number,
        room_id=room.id,
        room_name=room.name,
        venue_id=venue.id,
        venue_name=venue.name,
        venue_address=venue.address,
        person_id=person.id,
        person_name=person.name,
        person_phone=person.phone,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        party_size=booking.party_size,
        purpose=booking.purpose,
        created_at=booking.created_at,
        cancelled_at=booking.cancelled_at,
        cancelled_by_id=booking.cancelled_by_id,
        cancel_reason=booking.cancel_reason,
    )
