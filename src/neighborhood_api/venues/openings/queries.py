"""What changes of opening hours ask the database, each statement compiled once."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, and_, any_, bindparam, func, or_, select

from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.registrations.queries import REGISTRATIONS, RegistrationRow, stands
from neighborhood_api.registrations.states import LIVE, State
from neighborhood_api.schedules.openings.spans import Span
from neighborhood_api.venues.bookings.queries import BOOKINGS, BookingRow
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.sessions.models import Session

_IDS = bindparam("ids", type_=ARRAY(Uuid))
_NOW = bindparam("now", type_=DateTime(timezone=True))
_VENUE = bindparam("venue_id", type_=Uuid)
_DAY = timedelta(days=1)
"""Nothing that is registered lasts longer."""


class RoomOpening(NamedTuple):
    """A room and its opening."""

    id: UUID
    opening_id: UUID


ROOM_OPENINGS = Query(
    select(Room.id, Room.opening_id).where(Room.venue_id == _VENUE).order_by(Room.id),
    RoomOpening,
)

_standing = and_(
    stands(*sorted(LIVE)),
    # A hold or offer that has run out is nobody's any more.
    or_(~stands(State.HELD, State.OFFERED), Registration.until > _NOW),
    Registration.ends_at > _NOW,
    Registration.starts_at > _NOW - _DAY,
)

LIVE_IN = Query(
    REGISTRATIONS.where(Registration.resource_id == any_(_IDS), _standing).order_by(
        Registration.starts_at, Registration.number
    ),
    RegistrationRow,
)
"""Whoever still has or wants some rooms, in order."""

BOOKINGS_BY_ID = Query(
    BOOKINGS.where(Registration.id == any_(_IDS)).order_by(
        Registration.starts_at, Registration.number
    ),
    BookingRow,
)


class SessionHit(NamedTuple):
    """A session that is still to come, and where."""

    id: UUID
    kind: str
    title: str
    room_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    capacity: int
    taken: int

    @property
    def span(self) -> Span:
        """When."""
        return Span(self.starts_at, self.ends_at)


_to_come = and_(
    Resource.cancelled_at.is_(None),
    Resource.ends_at > _NOW,
    Resource.starts_at > _NOW - _DAY,
)

SESSIONS_IN = Query(
    select(
        Session.id,
        Session.kind,
        Resource.name.label("title"),
        Session.room_id,
        Resource.starts_at,
        Resource.ends_at,
        Resource.capacity,
        Resource.taken,
    )
    .join(Resource, Resource.id == Session.id)
    .where(
        or_(
            Session.room_id == any_(_IDS),
            and_(Session.venue_id == _VENUE, Session.room_id.is_(None)),
        ),
        _to_come,
    )
    .order_by(Resource.starts_at, Session.id),
    SessionHit,
)
"""Sessions to come in some rooms, and those of a venue that take no room."""


class Planned(NamedTuple):
    """Something to come, with the opening that it lies in."""

    id: UUID
    venue_id: UUID
    opening_id: UUID
    starts_at: datetime
    ends_at: datetime

    @property
    def span(self) -> Span:
        """When."""
        return Span(self.starts_at, self.ends_at)


_SINCE = bindparam("since", type_=DateTime(timezone=True))
_DISTRICT = bindparam("district_id", type_=Uuid)
_in_district = or_(_DISTRICT.is_(None), Venue.district_id == _DISTRICT)

BOOKED_SINCE = Query(
    select(
        Registration.id,
        Room.venue_id,
        Room.opening_id,
        Registration.starts_at,
        Registration.ends_at,
    )
    .join(Room, Room.id == Registration.resource_id)
    .join(Venue, Venue.id == Room.venue_id)
    .where(_in_district, _standing, Registration.starts_at >= _SINCE)
    .order_by(Room.venue_id, Registration.starts_at, Registration.number),
    Planned,
)
"""Bookings of rooms from a moment on, of one district or of all."""

SESSIONS_SINCE = Query(
    select(
        Session.id,
        Session.venue_id,
        func.coalesce(Room.opening_id, Venue.opening_id).label("opening_id"),
        Resource.starts_at,
        Resource.ends_at,
    )
    .join(Resource, Resource.id == Session.id)
    .join(Venue, Venue.id == Session.venue_id)
    .outerjoin(Room, Room.id == Session.room_id)
    .where(_in_district, _to_come, Resource.starts_at >= _SINCE)
    .order_by(Session.venue_id, Resource.starts_at, Session.id),
    Planned,
)
"""Sessions from a moment on, by the hours of their room, or else of their venue."""
