"""The reads of calendar feeds, each compiled once."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Uuid,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
    update,
)

from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.registrations.queries import OneId, stands
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.feeds.models import CalendarFeed
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher

_SINCE = bindparam("since", type_=DateTime(timezone=True))
_OWNER = bindparam("owner_id", type_=Uuid)


class FeedRow(NamedTuple):
    """Whose calendar a link shows."""

    id: UUID
    of: str
    owner_id: UUID


FEED = Query(
    select(CalendarFeed.id, CalendarFeed.of, CalendarFeed.owner_id).where(
        CalendarFeed.token_hash == bindparam("token_hash"), CalendarFeed.revoked_at.is_(None)
    ),
    FeedRow,
)
REVOKE = Query(
    update(CalendarFeed)
    .where(
        CalendarFeed.of == bindparam("feed_of"),
        CalendarFeed.owner_id == bindparam("its_owner", type_=Uuid),
        CalendarFeed.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now", type_=DateTime(timezone=True)))
    .returning(CalendarFeed.id),
    OneId,
)


class Appointed(NamedTuple):
    """Something in a calendar."""

    id: UUID
    version: int
    title: str
    state: str
    venue_name: str
    venue_address: str
    room_name: str | None
    starts_at: datetime
    ends_at: datetime
    number: int | None
    seats: int | None


_SHOWN = stands(
    State.PENDING, State.OFFERED, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED
)
_session_room = Resource.__table__.alias("session_room")
_BOOKINGS = (
    select(
        Registration.id,
        Registration.version,
        Resource.name.label("title"),
        Registration.state,
        Venue.name.label("venue_name"),
        Venue.address.label("venue_address"),
        _session_room.c.name.label("room_name"),
        Registration.starts_at,
        Registration.ends_at,
        Registration.number,
        Registration.seats,
    )
    .join(Resource, Resource.id == Registration.resource_id)
    .join(Venue, Venue.id == Resource.group_id)
    .outerjoin(Session, Session.id == Registration.resource_id)
    .outerjoin(_session_room, _session_room.c.id == Session.room_id)
    .where(_SHOWN, Registration.ends_at > _SINCE)
)
_SESSIONS: Select[*tuple[Any, ...]] = (
    select(
        Session.id,
        Session.version,
        Resource.name.label("title"),
        literal_column("'confirmed'").label("state"),
        Venue.name.label("venue_name"),
        Venue.address.label("venue_address"),
        _session_room.c.name.label("room_name"),
        Resource.starts_at,
        Resource.ends_at,
        cast(null(), BigInteger).label("number"),
        Resource.taken.label("seats"),
    )
    .join(Resource, Resource.id == Session.id)
    .join(Venue, Venue.id == Session.venue_id)
    .outerjoin(_session_room, _session_room.c.id == Session.room_id)
    .where(Resource.cancelled_at.is_(None), Resource.ends_at > _SINCE)
)


def _teaching(owner: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    mine = (
        select(SessionTeacher.session_id)
        .join(Teacher, Teacher.id == SessionTeacher.teacher_id)
        .where(owner)
    )
    return _SESSIONS.where(Session.id.in_(mine))


OF_PERSON = Query(
    union_all(
        _BOOKINGS.where(Registration.person_id == _OWNER),
        _teaching(Teacher.person_id == _OWNER),
    )
    .subquery()
    .select(),
    Appointed,
)
"""What a person has, and what she teaches."""
OF_ROOM = Query(
    union_all(
        _BOOKINGS.where(Registration.resource_id == _OWNER),
        _SESSIONS.where(Session.room_id == _OWNER),
    )
    .subquery()
    .select(),
    Appointed,
)
"""What takes a room."""
OF_TEACHER = Query(_teaching(Teacher.id == _OWNER), Appointed)
"""What a teacher leads or helps in."""
