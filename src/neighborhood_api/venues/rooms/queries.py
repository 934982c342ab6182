"""The hot reads of rooms, each compiled once."""

import json
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from neighborhood_api.grid.residences.standing import Deed, confirmed_only
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.models import Occupation, Resource, Timetable, Unit
from neighborhood_api.registrations.policies import Policy
from neighborhood_api.registrations.queries import LONGEST
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room

_UNITS = (
    select(
        cast(
            func.json_agg(
                aggregate_order_by(
                    func.json_build_array(Unit.id, Unit.name, Unit.active, Timetable.number),
                    Unit.position,
                    Unit.name,
                )
            ),
            Text,
        )
    )
    .join(Timetable, Timetable.id == Unit.id)
    .where(Unit.resource_id == Room.id)
    .correlate(Room)
    .scalar_subquery()
)


class UnitOfRoom(NamedTuple):
    """A unit with the number of its timetable."""

    id: UUID
    name: str
    active: bool
    number: int


class RoomRow(NamedTuple):
    """A room with its units, and what its resource says."""

    id: UUID
    venue_id: UUID
    opening_id: UUID
    name: str
    kind: str
    house_rules: str
    accepts_bookings: bool
    policy_id: UUID
    policy_version: int
    version: int
    confirmed_only: bool
    units_json: str | None

    @property
    def units(self) -> list[UnitOfRoom]:
        """Its units, in their order."""
        found: list[Any] = json.loads(self.units_json or "[]")
        return [UnitOfRoom(UUID(one[0]), *one[1:]) for one in found]


_ROOMS = (
    select(
        Room.id,
        Room.venue_id,
        Room.opening_id,
        Resource.name,
        Room.kind,
        Room.house_rules,
        Resource.open.label("accepts_bookings"),
        Resource.policy_id,
        Policy.number.label("policy_version"),
        Room.version,
        confirmed_only(Deed.BOOK, Venue.district_id).label("confirmed_only"),
        _UNITS.label("units_json"),
    )
    .join(Resource, Resource.id == Room.id)
    .join(Venue, Venue.id == Room.venue_id)
    .join(Policy, Policy.id == Resource.policy_id)
)

ROOM = Query(_ROOMS.where(Room.id == bindparam("id", type_=Uuid)), RoomRow)
ROOMS_OF = Query(
    _ROOMS.where(Room.venue_id == bindparam("id", type_=Uuid)).order_by(Room.id), RoomRow
)
"""The rooms of a venue."""


class VenueId(NamedTuple):
    """Only an id."""

    id: UUID


VENUE = Query(select(Venue.id).where(Venue.id == bindparam("id", type_=Uuid)), VenueId)


class Use(NamedTuple):
    """Time that something takes from a unit, buffers included."""

    timetable_number: int
    starts_at: datetime
    ends_at: datetime


_NOW = bindparam("now", type_=DateTime(timezone=True))
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))

USES = Query(
    select(Occupation.timetable_number, Occupation.starts_at, Occupation.ends_at).where(
        Occupation.timetable_number == any_(bindparam("numbers", type_=ARRAY(Integer))),
        Occupation.starts_at < _UNTIL,
        Occupation.starts_at > _SINCE - LONGEST,
        Occupation.ends_at > _SINCE,
        or_(Occupation.until.is_(None), Occupation.until > _NOW),
    ),
    Use,
)
"""What takes units between two moments; a hold or offer that has run out takes nothing."""
