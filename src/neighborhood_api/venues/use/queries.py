"""What the numbers of use ask the database: as many statements however much there is."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    distinct,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute

from neighborhood_api.grid.models import Node
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.models import Registration, Resource, Unit
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import Channel, State
from neighborhood_api.venues.bookings.queries import BOOKINGS, BookingRow
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.service import ROOM_KIND
from neighborhood_api.venues.sessions.models import Session

_ID = bindparam("id", type_=Uuid)
_ROOM = bindparam("room_id", type_=Uuid)
_NOW = bindparam("now", type_=DateTime(timezone=True))
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))
_THERE = (State.CHECKED_IN, State.COMPLETED)
_HAD = stands(State.CONFIRMED, *_THERE, State.NO_SHOW)
"""Had, or has, its unit or seat for good."""
_CAME = stands(*_THERE)
_BEGINS = (Registration.starts_at >= _SINCE, Registration.starts_at < _UNTIL)

ROOM_LINE, VENUE_LINE, PART_LINE, WHOLE_LINE = 0, 1, 3, 7
"""What a line of the counts is about, as GROUPING tells it."""


class Site(NamedTuple):
    """A room with its venue; without one a venue that has none."""

    venue_id: UUID
    venue_name: str
    closed_at: datetime | None
    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None
    part_id: UUID | None
    part_name: str | None
    room_id: UUID | None
    room_name: str | None
    opening_id: UUID | None
    units: int

    @property
    def place(self) -> Place:
        """Where the venue is."""
        return Place.of(*self[3:8])


class Counts(NamedTuple):
    """What was counted of a room, a venue, a part of the place, or the whole."""

    part_id: UUID | None
    venue_id: UUID | None
    room_id: UUID | None
    line: int
    bookings: int
    booked_seconds: int
    used_seconds: int
    persons: int
    visitors: int
    no_shows: int
    late_cancellations: int
    walk_ins: int


class SessionCounts(NamedTuple):
    """What was counted of a venue's sessions in one of its rooms, or in none."""

    venue_id: UUID
    room_id: UUID | None
    sessions: int
    cancelled: int
    seconds: int
    """Of those that take place."""
    seats: int
    enrolled: int
    came: int
    no_shows: int
    waited: int


class SessionUse(NamedTuple):
    """One session."""

    id: UUID
    title: str
    kind: str
    room_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    seats: int
    enrolled: int
    came: int
    no_shows: int
    waited: int


def _whole(number: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(cast(number, BigInteger), 0)


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


def _seats(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return _whole(func.sum(Registration.seats).filter(condition))


def _seconds(begin: Any, end: Any) -> ColumnElement[Any]:  # noqa: ANN401
    return func.extract("epoch", end - begin)


_PRESENT = func.greatest(
    0,
    _seconds(
        func.greatest(
            func.coalesce(Registration.checked_in_at, Registration.starts_at),
            Registration.starts_at,
        ),
        func.least(
            func.coalesce(Registration.checked_out_at, Registration.ends_at),
            Registration.ends_at,
            _NOW,
        ),
    ),
)
_HOLDER = func.coalesce(cast(Registration.person_id, Text), Registration.guest_phone)

_COUNTED = (
    _number(_HAD).label("bookings"),
    _whole(func.sum(_seconds(Registration.starts_at, Registration.ends_at)).filter(_HAD)).label(
        "booked_seconds"
    ),
    _whole(func.sum(_PRESENT).filter(_CAME)).label("used_seconds"),
    func.count(distinct(_HOLDER)).filter(_HAD).label("persons"),
    _seats(_CAME).label("visitors"),
    _number(stands(State.NO_SHOW)).label("no_shows"),
    _number(Registration.cancelled_late.is_(true())).label("late_cancellations"),
    _number(_HAD & (Registration.channel == Channel.WALK_IN.value)).label("walk_ins"),
)


def _part(level: Level) -> InstrumentedAttribute[UUID | None]:
    """Return the places right below one of `level`; lanes have none, and stand for it."""
    column: InstrumentedAttribute[UUID | None] = getattr(
        Venue, COLUMNS[min(level + 1, Level.LANE)]
    )
    return column


def _counts(where: ColumnElement[bool], level: Level) -> Query[Counts]:
    part = _part(level)
    lines = (part, Venue.id, Resource.id)
    statement = (
        select(
            part.label("part_id"),
            Venue.id.label("venue_id"),
            Resource.id.label("room_id"),
            func.grouping(*lines).label("line"),
            *_COUNTED,
        )
        .select_from(Venue)
        .join(Resource, (Resource.group_id == Venue.id) & (Resource.kind == ROOM_KIND))
        .join(Registration, Registration.resource_id == Resource.id)
        .where(where, *_BEGINS)
        .group_by(func.grouping_sets(tuple_(*lines), tuple_(*lines[:2]), part, tuple_()))
    )
    return Query(statement, Counts)


_UNITS = (
    select(func.count())
    .where(Unit.resource_id == Room.id, Unit.active)
    .correlate(Room)
    .scalar_subquery()
)


def _sites(where: ColumnElement[bool], level: Level) -> Query[Site]:
    part = _part(level)
    statement = (
        select(
            Venue.id.label("venue_id"),
            Venue.name.label("venue_name"),
            Venue.closed_at,
            *(getattr(Venue, name) for name in COLUMNS),
            part.label("part_id"),
            Node.name.label("part_name"),
            Room.id.label("room_id"),
            Resource.name.label("room_name"),
            Room.opening_id,
            _UNITS.label("units"),
        )
        .outerjoin(Node, Node.id == part)
        .outerjoin(Room, Room.venue_id == Venue.id)
        .outerjoin(Resource, Resource.id == Room.id)
        .where(where)
        .order_by(Venue.id, Room.id)
    )
    return Query(statement, Site)


_STANDS = Resource.cancelled_at.is_(None)
_WAITED = stands(State.WAITLISTED, State.OFFERED) | (
    stands(State.EXPIRED) & Registration.queued.is_not(None)
)
_OF_SESSION: tuple[ColumnElement[int], ...] = (
    _seats(_HAD).label("enrolled"),
    _seats(_CAME).label("came"),
    _seats(stands(State.NO_SHOW)).label("no_shows"),
    _seats(_WAITED).label("waited"),
)


def _sessions(
    where: ColumnElement[bool], *more: ColumnElement[Any]
) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Session.id,
            Resource.name.label("title"),
            Session.kind,
            Session.room_id,
            Resource.starts_at,
            Resource.ends_at,
            Resource.cancelled_at,
            Resource.capacity.label("seats"),
            *_OF_SESSION,
            *more,
        )
        .join(Venue, Venue.id == Session.venue_id)
        .join(Resource, Resource.id == Session.id)
        .outerjoin(Registration, Registration.resource_id == Session.id)
        .where(where, Resource.starts_at >= _SINCE, Resource.starts_at < _UNTIL)
        .group_by(Session.id, Resource.id)
    )


def _session_counts(where: ColumnElement[bool]) -> Query[SessionCounts]:
    each = _sessions(where, Session.__table__.c.venue_id).subquery("each")
    takes_place = each.c.cancelled_at.is_(None)

    def total(number: ColumnElement[Any]) -> ColumnElement[int]:
        return _whole(func.sum(number).filter(takes_place))

    statement = select(
        each.c.venue_id,
        each.c.room_id,
        _number(takes_place).label("sessions"),
        _number(~takes_place).label("cancelled"),
        total(_seconds(each.c.starts_at, each.c.ends_at)).label("seconds"),
        total(each.c.seats).label("seats"),
        total(each.c.enrolled).label("enrolled"),
        total(each.c.came).label("came"),
        total(each.c.no_shows).label("no_shows"),
        total(each.c.waited).label("waited"),
    ).group_by(each.c.venue_id, each.c.room_id)
    return Query(statement, SessionCounts)


def _below(level: Level) -> ColumnElement[bool]:
    at: ColumnElement[bool] = getattr(Venue, COLUMNS[level]) == _ID
    return at


_ITSELF = Venue.id == _ID
SITE_OF = _sites(_ITSELF, Level.LANE)
"""The rooms of a venue."""
COUNTS_OF = _counts(_ITSELF, Level.LANE)
SESSIONS_OF = Query(_sessions(_ITSELF).order_by(Resource.starts_at, Session.id), SessionUse)
"""The sessions of a venue, in order."""
SITES_BELOW = {level: _sites(_below(level), level) for level in Level}
"""The rooms of all venues at a place and below."""
COUNTS_BELOW = {level: _counts(_below(level), level) for level in Level}
SESSION_COUNTS_BELOW = {level: _session_counts(_below(level)) for level in Level}

EXPORTED = Query(
    BOOKINGS.where(
        Resource.group_id == _ID,
        Resource.kind == ROOM_KIND,
        func.coalesce(_ROOM, Resource.id) == Resource.id,
        ~stands(State.HELD),
        *_BEGINS,
    )
    .order_by(Registration.starts_at, Registration.number)
    .limit(bindparam("fetch", type_=BigInteger)),
    BookingRow,
)
"""All bookings of a venue's rooms that begin in a period, in order."""
