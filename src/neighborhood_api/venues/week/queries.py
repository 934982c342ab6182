"""What a venue's week asks the database, each statement compiled once."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, or_, select

from neighborhood_api.identity.places import COLUMNS, Place
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import LIVE, State
from neighborhood_api.venues.bookings.queries import BOOKINGS, BookingRow
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.service import ROOM_KIND
from neighborhood_api.venues.sessions.models import Session
from neighborhood_api.venues.sessions.queries import TEACHERS

_ID = bindparam("id", type_=Uuid)
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))
_NOW = bindparam("now", type_=DateTime(timezone=True))
_DAY = timedelta(days=1)


class WeekGround(NamedTuple):
    """A venue, and where."""

    id: UUID
    name: str
    opening_id: UUID
    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place.of(*self[3:])


GROUND = Query(
    select(
        Venue.id, Venue.name, Venue.opening_id, *(getattr(Venue, name) for name in COLUMNS)
    ).where(Venue.id == _ID),
    WeekGround,
)

ROOM_BOOKINGS = Query(
    BOOKINGS.where(
        Resource.group_id == _ID,
        Resource.kind == ROOM_KIND,
        or_(stands(*sorted(LIVE)), stands(State.COMPLETED, State.NO_SHOW)),
        or_(~stands(State.HELD, State.OFFERED), Registration.until > _NOW),
        Registration.starts_at < _UNTIL,
        Registration.starts_at > _SINCE - _DAY,
        Registration.ends_at > _SINCE,
    ).order_by(Registration.starts_at, Registration.number),
    BookingRow,
)
"""Who uses, wants or used the rooms of a venue between two moments, in order."""


class WeekSession(NamedTuple):
    """A session of a venue."""

    id: UUID
    kind: str
    title: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    taken: int
    teacher_names: str | None
    room_id: UUID | None


SESSIONS_OF = Query(
    select(
        Session.id,
        Session.kind,
        Resource.name.label("title"),
        Resource.starts_at,
        Resource.ends_at,
        Resource.capacity,
        Resource.taken,
        TEACHERS.label("teacher_names"),
        Session.room_id,
    )
    .join(Resource, Resource.id == Session.id)
    .where(
        Session.venue_id == _ID,
        Resource.cancelled_at.is_(None),
        Resource.starts_at < _UNTIL,
        Resource.ends_at > _SINCE,
    )
    .order_by(Resource.starts_at, Session.id),
    WeekSession,
)
"""What takes place at a venue between two moments, in order."""
