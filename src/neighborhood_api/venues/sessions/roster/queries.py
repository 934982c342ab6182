"""What a roster reads."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.histories import CheckIn
from neighborhood_api.registrations.models import Registration
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.children.enrolments import KNOWN_TO_STAFF
from neighborhood_api.venues.children.models import PickUpPerson

_ID = bindparam("id", type_=Uuid)


class RosterRow(NamedTuple):
    """Somebody who comes."""

    id: UUID
    number: int
    state: str
    participant_id: UUID | None
    person_name: str | None
    guest_name: str | None
    seats: int
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    picked_up_by: str | None


_picked_up_by = (
    select(CheckIn.picked_up_by)
    .where(CheckIn.registration_id == Registration.id, CheckIn.picked_up_by.is_not(None))
    .order_by(CheckIn.id.desc())
    .limit(1)
    .scalar_subquery()
)
ROSTER = Query(
    select(
        Registration.id,
        Registration.number,
        Registration.state,
        Registration.participant_id,
        Person.name.label("person_name"),
        Registration.guest_name,
        Registration.seats,
        Registration.checked_in_at,
        Registration.checked_out_at,
        _picked_up_by.label("picked_up_by"),
    )
    .outerjoin(Person, Person.id == Registration.person_id)
    .where(Registration.resource_id == _ID, stands(*sorted(KNOWN_TO_STAFF)))
    .order_by(Registration.number),
    RosterRow,
)
"""Who comes, came or should have, in the order of enrolment."""


class Fetching(NamedTuple):
    """Somebody who may fetch one of several children."""

    child_id: UUID
    name: str
    relation: str


FETCHING = Query(
    select(PickUpPerson.child_id, PickUpPerson.name, PickUpPerson.relation)
    .where(PickUpPerson.child_id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(PickUpPerson.child_id, PickUpPerson.position),
    Fetching,
)


class Count(NamedTuple):
    """How many."""

    number: int


WAITING_FOR = Query(
    select(func.count().label("number")).where(
        Registration.resource_id == _ID, stands(State.WAITLISTED)
    ),
    Count,
)
