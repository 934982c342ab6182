"""The hot reads of bookings, each compiled once."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Integer,
    Uuid,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from neighborhood_api.grid.models import Node, Residence
from neighborhood_api.grid.residences.standing import Deed, confirmed_only
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Place
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.grounds import GIVEN_AT
from neighborhood_api.registrations.models import Registration, Resource, Unit
from neighborhood_api.registrations.policies import Policy
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import LIVE, State
from neighborhood_api.venues.audience import VENUE_NODE
from neighborhood_api.venues.children.models import Child
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.sessions.models import Session

_ID = bindparam("id", type_=Uuid)
_PERSON = bindparam("person_id", type_=Uuid)
_BELOW = bindparam("below", type_=Uuid)
_FETCH = bindparam("fetch", type_=Integer)
_NOW = bindparam("now", type_=DateTime(timezone=True))
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))


class RoomGround(NamedTuple):
    """What booking must know of a room and its venue."""

    room_id: UUID
    opening_id: UUID
    venue_id: UUID
    node_name: str
    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None
    confirmed_only: bool
    """Whether only residents whose residence is confirmed book here."""

    @property
    def place(self) -> Place:
        """Whose residents the venue serves."""
        return Place.of(
            self.district_id, self.street_id, self.community_id, self.grid_id, self.lane_id
        )


ROOM_GROUND = Query(
    select(
        Room.id.label("room_id"),
        Room.opening_id,
        Venue.id.label("venue_id"),
        Node.name.label("node_name"),
        *(getattr(Venue, name) for name in COLUMNS),
        confirmed_only(Deed.BOOK, Venue.district_id).label("confirmed_only"),
    )
    .join(Venue, Venue.id == Room.venue_id)
    .join(Node, Node.id == VENUE_NODE)
    .where(Room.id == _ID),
    RoomGround,
)


class HomeRow(NamedTuple):
    """Where somebody lives."""

    person_id: UUID
    household_id: UUID | None
    district_id: UUID | None
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None

    @property
    def place(self) -> Place | None:
        """The place; None for somebody who has not said where."""
        if self.district_id is None:
            return None
        return Place.of(
            self.district_id, self.street_id, self.community_id, self.grid_id, self.lane_id
        )


_HOMES = select(
    Person.id.label("person_id"),
    Residence.household_id,
    *(getattr(Residence, name) for name in COLUMNS),
).outerjoin(Residence, Residence.person_id == Person.id)

HOME = Query(_HOMES.where(Person.id == _ID, Person.merged_into_id.is_(None)), HomeRow)
HOME_BY_PHONE = Query(_HOMES.where(Person.phone == bindparam("phone")), HomeRow)


class BookingRow(NamedTuple):
    """A booking or enrolment with the names of where it is, and of who holds it."""

    id: UUID
    number: int
    kind: str
    state: str
    resource_id: UUID
    title: str
    venue_id: UUID
    venue_name: str
    venue_address: str
    unit_name: str | None
    person_id: UUID | None
    person_name: str | None
    person_phone: str | None
    guest_name: str | None
    guest_phone: str | None
    participant_id: UUID | None
    child_name: str | None
    starts_at: datetime
    ends_at: datetime
    seats: int
    purpose: str
    channel: str
    created_at: datetime
    waits_at: int | None
    until: datetime | None
    policy_id: UUID
    policy_version: int
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by_id: UUID | None
    cancelled_late: bool
    cancel_reason: str | None
    room_id: UUID | None
    room_name: str | None
    """Where a session is held; None for a room, which is what is booked."""
    given_at: datetime | None
    """When others gave her the place, or another one."""


_ahead = aliased(Registration)
_waits_at = (
    select(func.count() + 1)
    .where(
        _ahead.resource_id == Registration.resource_id,
        _ahead.state == State.WAITLISTED.value,
        _ahead.starts_at < Registration.ends_at,
        _ahead.ends_at > Registration.starts_at,
        _ahead.queued < Registration.queued,
    )
    .correlate(Registration)
    .scalar_subquery()
)
_session_room = Resource.__table__.alias("session_room")

BOOKINGS = (
    select(
        Registration.id,
        Registration.number,
        Resource.kind,
        Registration.state,
        Registration.resource_id,
        Resource.name.label("title"),
        Venue.id.label("venue_id"),
        Venue.name.label("venue_name"),
        Venue.address.label("venue_address"),
        Unit.name.label("unit_name"),
        Registration.person_id,
        Person.name.label("person_name"),
        Person.phone.label("person_phone"),
        Registration.guest_name,
        Registration.guest_phone,
        Registration.participant_id,
        Child.name.label("child_name"),
        Registration.starts_at,
        Registration.ends_at,
        Registration.seats,
        Registration.purpose,
        Registration.channel,
        Registration.created_at,
        case((stands(State.WAITLISTED), _waits_at), else_=null()).label("waits_at"),
        Registration.until,
        Registration.policy_id,
        Policy.number.label("policy_version"),
        Registration.checked_in_at,
        Registration.checked_out_at,
        Registration.cancelled_at,
        Registration.cancelled_by_id,
        Registration.cancelled_late,
        Registration.cancel_reason,
        Session.room_id,
        _session_room.c.name.label("room_name"),
        case((stands(State.CONFIRMED), GIVEN_AT), else_=null()).label("given_at"),
    )
    .join(Resource, Resource.id == Registration.resource_id)
    .join(Venue, Venue.id == Resource.group_id)
    .join(Policy, Policy.id == Registration.policy_id)
    .outerjoin(Unit, Unit.id == Registration.unit_id)
    .outerjoin(Person, Person.id == Registration.person_id)
    .outerjoin(Child, Child.id == Registration.participant_id)
    .outerjoin(Session, Session.id == Registration.resource_id)
    .outerjoin(_session_room, _session_room.c.id == Session.room_id)
)

_MINE = (
    BOOKINGS.where(Registration.person_id == _PERSON, Registration.id < _BELOW)
    .order_by(Registration.id.desc())
    .limit(_FETCH)
)
_LIVE_STATES = stands(*sorted(LIVE))

MY_BOOKINGS = Query(_MINE, BookingRow)
"""The caller's bookings and enrolments, newest first."""

MY_UPCOMING_BOOKINGS = Query(_MINE.where(_LIVE_STATES, Registration.ends_at > _NOW), BookingRow)
"""Those of them that are still to come or under way."""

ONE_BOOKING = Query(BOOKINGS.where(Registration.id == _ID), BookingRow)

RESOURCE_BOOKINGS = Query(
    BOOKINGS.where(
        Registration.resource_id == _ID,
        or_(_LIVE_STATES, stands(State.COMPLETED, State.NO_SHOW)),
        Registration.starts_at < _UNTIL,
        Registration.starts_at > _SINCE - timedelta(days=1),
        Registration.ends_at > _SINCE,
    ).order_by(Registration.starts_at, Registration.number),
    BookingRow,
)
"""Who uses or wants a room between two moments, in order."""


class VenuePlace(NamedTuple):
    """Whose residents the venue of a booking serves."""

    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None

    @property
    def place(self) -> Place:
        """The place."""
        return Place.of(*self)


VENUE_PLACE = Query(
    select(*(getattr(Venue, name) for name in COLUMNS)).where(Venue.id == _ID), VenuePlace
)
