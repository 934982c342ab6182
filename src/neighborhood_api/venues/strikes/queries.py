"""The reads of strikes, each compiled once."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, select

from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Place
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.venues.models import Venue


class StrikeRow(NamedTuple):
    """A strike with what it was for."""

    id: UUID
    person_id: UUID
    person_name: str | None
    booking_id: UUID
    number: int
    title: str
    venue_name: str
    starts_at: datetime
    reason: str
    struck_at: datetime
    expires_at: datetime
    appeal: str | None
    appealed_at: datetime | None
    answer: str | None
    answered_at: datetime | None
    lifted_at: datetime | None
    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None

    @property
    def place(self) -> Place:
        """Whose residents the venue serves."""
        return Place.of(
            self.district_id, self.street_id, self.community_id, self.grid_id, self.lane_id
        )


STRIKES = (
    select(
        Strike.id,
        Strike.person_id,
        Person.name.label("person_name"),
        Registration.id.label("booking_id"),
        Registration.number,
        Resource.name.label("title"),
        Venue.name.label("venue_name"),
        Registration.starts_at,
        Strike.reason,
        Strike.struck_at,
        Strike.expires_at,
        Strike.appeal,
        Strike.appealed_at,
        Strike.answer,
        Strike.answered_at,
        Strike.lifted_at,
        *(getattr(Resource, name) for name in COLUMNS),
    )
    .join(Person, Person.id == Strike.person_id)
    .join(Registration, Registration.id == Strike.registration_id)
    .join(Resource, Resource.id == Registration.resource_id)
    .join(Venue, Venue.id == Resource.group_id)
)
_BELOW = Strike.id < bindparam("below", type_=Uuid)
_FETCH = bindparam("fetch", type_=Integer)

MY_STRIKES = Query(
    STRIKES.where(Strike.person_id == bindparam("person_id", type_=Uuid), _BELOW)
    .order_by(Strike.id.desc())
    .limit(_FETCH),
    StrikeRow,
)
"""The caller's strikes, newest first."""

ONE_STRIKE = Query(STRIKES.where(Strike.id == bindparam("id", type_=Uuid)), StrikeRow)
