"""What registering reads and locks, each statement compiled once.

Locks are taken in one order everywhere: resources by id, then persons by id, then households
by id. Whatever is decided is read after the locks, by a statement of its own, so that it sees
what those who held them before have done.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Uuid,
    any_,
    bindparam,
    case,
    delete,
    func,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Place
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.models import (
    Occupation,
    Registration,
    Resource,
    Timetable,
    Unit,
)
from neighborhood_api.registrations.states import (
    LIVE,
    State,
)

_MOMENT = DateTime(timezone=True)
_ID = bindparam("id", type_=Uuid)
_IDS = bindparam("ids", type_=ARRAY(Uuid))
_NOW = bindparam("now", type_=_MOMENT)
_SINCE = bindparam("since", type_=_MOMENT)
_UNTIL = bindparam("until", type_=_MOMENT)
LONGEST = literal(timedelta(days=2))
"""No occupation lasts longer, so nothing that began earlier reaches the period."""


def stands(*states: State) -> ColumnElement[bool]:
    """Hold for registrations in one of `states`, written out so that partial indexes serve."""
    return Registration.state.in_([literal_column(f"'{state.value}'") for state in states])


class OneId(NamedTuple):
    """Only an id."""

    id: UUID


class ResourceRow(NamedTuple):
    """A resource as it is while it is locked."""

    id: UUID
    kind: str
    mode: str
    group_id: UUID
    name: str
    policy_id: UUID
    open: bool
    starts_at: datetime | None
    ends_at: datetime | None
    capacity: int | None
    taken: int
    draw_at: datetime | None
    cancelled_at: datetime | None
    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None

    @property
    def place(self) -> Place:
        """Whose residents it serves."""
        return Place.of(
            self.district_id, self.street_id, self.community_id, self.grid_id, self.lane_id
        )


_RESOURCES = select(*(getattr(Resource, name) for name in ResourceRow._fields))

RESOURCE = Query(_RESOURCES.where(Resource.id == _ID), ResourceRow)

LOCK_RESOURCES = Query(
    _RESOURCES.where(Resource.id == any_(_IDS))
    .order_by(Resource.id)
    .with_for_update(key_share=True),  # not FOR UPDATE: foreign keys may be checked
    ResourceRow,
)
"""In the order of their ids."""

LOCK_PERSONS = Query(
    select(Person.id)
    .where(Person.id == any_(_IDS), Person.merged_into_id.is_(None))
    .order_by(Person.id)
    .with_for_update(key_share=True),
    OneId,
)
"""In the order of their ids; without those who became somebody else."""

LOCK_HOUSEHOLDS = Query(
    select(Household.id)
    .where(Household.id == any_(_IDS))
    .order_by(Household.id)
    .with_for_update(key_share=True),
    OneId,
)


class RegistrationRow(NamedTuple):
    """A registration, whole."""

    id: UUID
    number: int
    created_at: datetime
    resource_id: UUID
    policy_id: UUID
    state: str
    starts_at: datetime
    ends_at: datetime
    who_id: UUID
    person_id: UUID | None
    guest_name: str | None
    guest_phone: str | None
    participant_id: UUID | None
    household_id: UUID | None
    unit_id: UUID | None
    seats: int
    purpose: str
    channel: str
    created_by_id: UUID | None
    queued: int | None
    until: datetime | None
    due_at: datetime | None
    remind_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by_id: UUID | None
    cancel_reason: str | None
    cancelled_late: bool
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    version: int


REGISTRATIONS = select(*(getattr(Registration, name) for name in RegistrationRow._fields))

REGISTRATION = Query(REGISTRATIONS.where(Registration.id == _ID), RegistrationRow)
"""Changed only under its resource's lock."""

WAITING = Query(
    REGISTRATIONS.where(
        Registration.resource_id == _ID,
        stands(State.WAITLISTED),
        Registration.starts_at > _NOW,
    )
    .order_by(Registration.queued)
    .limit(bindparam("most", type_=Integer)),
    RegistrationRow,
)
"""The waitlist, in its order."""

LIVE_OF = Query(
    REGISTRATIONS.where(
        Registration.resource_id == _ID,
        stands(*sorted(LIVE)),
    ).order_by(Registration.number),
    RegistrationRow,
)
"""Whoever still has or wants something of a resource."""

LIVE_OF_PERSON = Query(
    REGISTRATIONS.where(
        Registration.person_id == _ID,
        stands(*sorted(LIVE)),
    ).order_by(Registration.number),
    RegistrationRow,
)
"""Whatever somebody holds or wants."""

ENTRANTS = Query(
    REGISTRATIONS.where(Registration.resource_id == _ID, stands(State.ENTERED)).order_by(
        Registration.number
    ),
    RegistrationRow,
)
"""Who takes part in a draw."""

CHANGING = (
    "resource_id",
    "policy_id",
    "state",
    "starts_at",
    "ends_at",
    "unit_id",
    "seats",
    "purpose",
    "queued",
    "until",
    "due_at",
    "remind_at",
    "cancelled_at",
    "cancelled_by_id",
    "cancel_reason",
    "cancelled_late",
    "checked_in_at",
    "checked_out_at",
)
"""What of a registration changes in its life; whose it is changes only with its person."""

STORE = Query(
    update(Registration)
    .where(Registration.id == bindparam("its_id", type_=Uuid))
    .values({name: bindparam(f"new_{name}") for name in CHANGING})
    .values(version=Registration.version + 1)
    .returning(Registration.id),
    OneId,
)

SEAT = Query(
    update(Resource)
    .where(Resource.id == bindparam("its_id", type_=Uuid))
    .values(taken=Resource.taken + bindparam("seats", type_=Integer))
    .returning(Resource.id),
    OneId,
)


class UnitRow(NamedTuple):
    """A unit, and whether it is free for a time."""

    id: UUID
    name: str
    number: int
    free: bool


_clash = (
    select(literal(1))
    .where(
        Occupation.timetable_number == Timetable.number,
        Occupation.starts_at < _UNTIL,
        Occupation.starts_at > _SINCE - LONGEST,
        Occupation.ends_at > _SINCE,
        func.coalesce(
            Occupation.registration_id != bindparam("but", type_=Uuid), true(), type_=Boolean
        ),
    )
    .exists()
)

UNITS_FOR = (
    select(Unit.id, Unit.name, Timetable.number, (~_clash).label("free"))
    .join(Timetable, Timetable.id == Unit.id)
    .where(Unit.resource_id == _ID, Unit.active)
    .order_by(Unit.position, Unit.name)
)
UNITS = Query(UNITS_FOR, UnitRow)
"""The units of a resource, and which are free between two moments."""


_TIMETABLES = select(Timetable.id, Timetable.number).where(Timetable.id == any_(_IDS))


class TimetableRow(NamedTuple):
    """Whose timetable has which number."""

    id: UUID
    number: int


TIMETABLES = Query(_TIMETABLES, TimetableRow)
NEW_TIMETABLES = Query(
    insert(Timetable)
    .from_select(["id"], select(func.unnest(_IDS)))
    .on_conflict_do_nothing()
    .returning(Timetable.id, Timetable.number),
    TimetableRow,
)

VACATE = Query(
    delete(Occupation).where(Occupation.registration_id == _ID).returning(Occupation.id),
    OneId,
)
UNBEGUN = Query(
    delete(Occupation)
    .where(
        Occupation.registration_id == bindparam("its_id", type_=Uuid),
        Occupation.starts_at >= bindparam("now", type_=_MOMENT),
    )
    .returning(Occupation.id),
    OneId,
)
"""Frees what has not begun."""
CUT_SHORT = Query(
    update(Occupation)
    .where(
        Occupation.registration_id == bindparam("its_id", type_=Uuid),
        Occupation.starts_at < bindparam("now", type_=_MOMENT),
        Occupation.ends_at > bindparam("now", type_=_MOMENT),
        Timetable.number == Occupation.timetable_number,
    )
    .values(
        ends_at=case(
            (
                Timetable.id == bindparam("its_unit", type_=Uuid),
                func.least(Occupation.ends_at, bindparam("unit_until", type_=_MOMENT)),
            ),
            else_=bindparam("now", type_=_MOMENT),
        )
    )
    .returning(Occupation.id),
    OneId,
)
"""Ends early what has begun: the rest of the time is free, a unit's after its buffer."""
LEAVE = Query(
    delete(Occupation).where(Occupation.resource_id == _ID).returning(Occupation.id), OneId
)
"""Frees the rooms and teachers of a counted resource."""

BUSY = Query(
    select(Occupation.id)
    .join(Timetable, Timetable.number == Occupation.timetable_number)
    .where(
        Timetable.id == _ID,
        Occupation.starts_at < _UNTIL,
        Occupation.starts_at > _SINCE - LONGEST,
        Occupation.ends_at > _SINCE,
        func.coalesce(
            Occupation.registration_id != bindparam("but", type_=Uuid), true(), type_=Boolean
        ),
    )
    .limit(1),
    OneId,
)
"""Whether the owner of a timetable is somewhere between two moments."""
