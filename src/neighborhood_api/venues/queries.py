"""The hot reads of venues, each compiled once."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Select,
    Uuid,
    bindparam,
    literal,
    null,
    select,
    union_all,
)

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.reads import Query
from neighborhood_api.schedules.opening import Hours
from neighborhood_api.venues.models import (
    Booking,
    OpeningRule,
    Room,
    TutoringSession,
    Venue,
)

_ROOM = bindparam("room_id", type_=Uuid)
_PERSON = bindparam("person_id", type_=Uuid)
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))
_NOW = bindparam("now", type_=DateTime(timezone=True))
_LONGEST = literal(timedelta(days=1))
"""Nothing lasts longer (`within_a_day`), so nothing that began earlier reaches the period."""


class RoomRow(NamedTuple):
    """What availability must know of a room."""

    id: UUID
    accepts_bookings: bool
    slot_minutes: int
    shortest_minutes: int
    longest_minutes: int
    notice_minutes: int
    horizon_days: int


ROOM_LIMITS = Query(
    select(
        Room.id,
        Room.accepts_bookings,
        Room.slot_minutes,
        Room.shortest_minutes,
        Room.longest_minutes,
        Room.notice_minutes,
        Room.horizon_days,
    ).where(Room.id == _ROOM),
    RoomRow,
)

OPENING_HOURS = Query(
    select(
        OpeningRule.weekday,
        OpeningRule.opens_at,
        OpeningRule.closes_at,
        OpeningRule.valid_from,
        OpeningRule.valid_until,
    ).where(OpeningRule.room_id == _ROOM),
    Hours,
)


class Use(NamedTuple):
    """Time that a booking or a session takes from a room, or a booking from its holder."""

    starts_at: datetime
    ends_at: datetime
    room_id: UUID
    booking_id: UUID | None
    """None for a session."""
    person_id: UUID | None


def _bookings_meeting() -> Select[*tuple[Any, ...]]:
    return select(
        Booking.starts_at,
        Booking.ends_at,
        Booking.room_id,
        Booking.id.label("booking_id"),
        Booking.person_id,
    ).where(
        Booking.cancelled_at.is_(None),
        Booking.starts_at < _UNTIL,
        Booking.starts_at > _SINCE - _LONGEST,
        Booking.ends_at > _SINCE,
    )


def _sessions_meeting() -> Select[*tuple[Any, ...]]:
    return select(
        TutoringSession.starts_at,
        TutoringSession.ends_at,
        TutoringSession.room_id,
        null().label("booking_id"),
        null().label("person_id"),
    ).where(
        TutoringSession.room_id == _ROOM,
        TutoringSession.starts_at < _UNTIL,
        TutoringSession.starts_at > _SINCE - _LONGEST,
        TutoringSession.ends_at > _SINCE,
    )


_in_room = _bookings_meeting().where(Booking.room_id == _ROOM)
_of_person = _bookings_meeting().where(Booking.room_id != _ROOM, Booking.person_id == _PERSON)

ROOM_USES = Query(select(union_all(_in_room, _sessions_meeting()).subquery()), Use)
"""What takes a room between two moments."""

CLASHES = Query(select(union_all(_in_room, _sessions_meeting(), _of_person).subquery()), Use)
"""The same, and what the person has elsewhere."""


class BookingRow(NamedTuple):
    """A booking with the names of where it is, and of who holds it."""

    id: UUID
    number: int
    room_id: UUID
    room_name: str
    venue_id: UUID
    venue_name: str
    venue_address: str
    person_id: UUID
    person_name: str | None
    person_phone: str | None
    starts_at: datetime
    ends_at: datetime
    party_size: int
    purpose: str
    created_at: datetime
    cancelled_at: datetime | None
    cancelled_by_id: UUID | None
    cancel_reason: str | None


_BOOKINGS = (
    select(
        Booking.id,
        Booking.number,
        Booking.room_id,
        Room.name.label("room_name"),
        Venue.id.label("venue_id"),
        Venue.name.label("venue_name"),
        Venue.address.label("venue_address"),
        Booking.person_id,
        Person.name.label("person_name"),
        Person.phone.label("person_phone"),
        Booking.starts_at,
        Booking.ends_at,
        Booking.party_size,
        Booking.purpose,
        Booking.created_at,
        Booking.cancelled_at,
        Booking.cancelled_by_id,
        Booking.cancel_reason,
    )
    .join(Room, Room.id == Booking.room_id)
    .join(Venue, Venue.id == Room.venue_id)
    .join(Person, Person.id == Booking.person_id)
)
_MINE = (
    _BOOKINGS.where(Booking.person_id == _PERSON, Booking.id < bindparam("below", type_=Uuid))
    .order_by(Booking.id.desc())
    .limit(bindparam("fetch"))
)

MY_BOOKINGS = Query(_MINE, BookingRow)
"""The caller's bookings, newest first."""

MY_UPCOMING_BOOKINGS = Query(
    _MINE.where(Booking.cancelled_at.is_(None), Booking.ends_at > _NOW), BookingRow
)
"""Those of them that are still to come or under way."""

ONE_BOOKING = Query(_BOOKINGS.where(Booking.id == bindparam("id", type_=Uuid)), BookingRow)

ROOM_BOOKINGS = Query(
    _BOOKINGS.where(
        Booking.room_id == _ROOM,
        Booking.cancelled_at.is_(None),
        Booking.starts_at < _UNTIL,
        Booking.starts_at > _SINCE - _LONGEST,
        Booking.ends_at > _SINCE,
    ).order_by(Booking.starts_at),
    BookingRow,
)
"""Who uses a room between two moments, in order."""


class SessionRow(NamedTuple):
    """A session with the names of where it is."""

    id: UUID
    kind: str
    title: str
    subject: str
    grade: str
    teacher_name: str
    about: str
    venue_id: UUID
    venue_name: str
    venue_address: str
    room_name: str | None
    starts_at: datetime
    ends_at: datetime
    capacity: int


SESSIONS: Select[*tuple[Any, ...]] = (
    select(
        TutoringSession.id,
        TutoringSession.kind,
        TutoringSession.title,
        TutoringSession.subject,
        TutoringSession.grade,
        TutoringSession.teacher_name,
        TutoringSession.about,
        Venue.id.label("venue_id"),
        Venue.name.label("venue_name"),
        Venue.address.label("venue_address"),
        Room.name.label("room_name"),
        TutoringSession.starts_at,
        TutoringSession.ends_at,
        TutoringSession.capacity,
    )
    .join(Venue, Venue.id == TutoringSession.venue_id)
    .outerjoin(Room, Room.id == TutoringSession.room_id)
    .order_by(TutoringSession.starts_at, TutoringSession.id)
)
"""Sessions, soonest first; the use case says of where and when."""
