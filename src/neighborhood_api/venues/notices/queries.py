"""What a notice must know, read when it is written: what is true then."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, and_, any_, bindparam, null, select
from sqlalchemy.orm import aliased

from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.grid.queries import DAY, acting, in_office, on_leave
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.histories import Entry, Strike
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.venues.children.models import Child, ChildLook
from neighborhood_api.venues.models import Venue

_ID = bindparam("id", type_=Uuid)


class Noticed(NamedTuple):
    """A registration with the last line of its history of a certain kind."""

    id: UUID
    person_id: UUID | None
    state: str
    channel: str
    kind: str
    title: str
    venue_name: str
    starts_at: datetime
    ends_at: datetime
    until: datetime | None
    queued: int | None
    entry_id: UUID | None
    entry_act: str | None
    entry_state: str | None
    entry_by_id: UUID | None
    entry_text: str | None
    before: str | None
    """The state that it was in, where the line says so."""


_earlier = aliased(Entry)
_last = (
    select(_earlier.id)
    .where(
        _earlier.registration_id == Registration.id,
        _earlier.act == any_(bindparam("acts", type_=ARRAY(Text))),
    )
    .order_by(_earlier.id.desc())
    .limit(1)
    .correlate(Registration)
    .scalar_subquery()
)
NOTICED = Query(
    select(
        Registration.id,
        Registration.person_id,
        Registration.state,
        Registration.channel,
        Resource.kind,
        Resource.name.label("title"),
        Venue.name.label("venue_name"),
        Registration.starts_at,
        Registration.ends_at,
        Registration.until,
        Registration.queued,
        Entry.id.label("entry_id"),
        Entry.act.label("entry_act"),
        Entry.state.label("entry_state"),
        Entry.by_id.label("entry_by_id"),
        Entry.text.label("entry_text"),
        Entry.detail["before"].astext.label("before"),
    )
    .join(Resource, Resource.id == Registration.resource_id)
    .join(Venue, Venue.id == Resource.group_id)
    .outerjoin(Entry, and_(Entry.registration_id == Registration.id, Entry.id == _last))
    .where(Registration.id == _ID),
    Noticed,
)
"""Two changes of one kind in a row are told once, as they ended."""


class StruckRow(NamedTuple):
    """A strike, and what it is for."""

    id: UUID
    person_id: UUID
    reason: str
    expires_at: datetime
    answer: str | None
    registration_id: UUID
    title: str
    venue_name: str
    starts_at: datetime
    ends_at: datetime


STRUCK = Query(
    select(
        Strike.id,
        Strike.person_id,
        Strike.reason,
        Strike.expires_at,
        Strike.answer,
        Strike.registration_id,
        Resource.name.label("title"),
        Venue.name.label("venue_name"),
        Registration.starts_at,
        Registration.ends_at,
    )
    .join(Registration, Registration.id == Strike.registration_id)
    .join(Resource, Resource.id == Registration.resource_id)
    .join(Venue, Venue.id == Resource.group_id)
    .where(Strike.id == _ID),
    StruckRow,
)


class LookedUpRow(NamedTuple):
    """A look into a child's record."""

    id: UUID
    child_id: UUID
    guardian_id: UUID
    child_name: str
    looker_name: str | None
    reason: str


LOOKED_UP = Query(
    select(
        ChildLook.id,
        ChildLook.child_id,
        Child.guardian_id,
        Child.name.label("child_name"),
        Person.name.label("looker_name"),
        ChildLook.reason,
    )
    .join(Child, Child.id == ChildLook.child_id)
    .join(Person, Person.id == ChildLook.person_id)
    .where(ChildLook.id == _ID),
    LookedUpRow,
)


class SiteRow(NamedTuple):
    """A venue, or something in it, and where its staff are."""

    title: str
    venue_name: str
    starts_at: datetime | None
    ends_at: datetime | None
    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None


_PLACE = tuple(getattr(Venue, name) for name in COLUMNS)
_SITES = select(
    Resource.name.label("title"),
    Venue.name.label("venue_name"),
    Resource.starts_at,
    Resource.ends_at,
    *_PLACE,
).join(Venue, Venue.id == Resource.group_id)

SESSION_SITE = Query(_SITES.where(Resource.id == _ID), SiteRow)
STRIKE_SITE = Query(
    select(
        Resource.name.label("title"),
        Venue.name.label("venue_name"),
        Registration.starts_at,
        Registration.ends_at,
        *_PLACE,
    )
    .select_from(Strike)
    .join(Registration, Registration.id == Strike.registration_id)
    .join(Resource, Resource.id == Registration.resource_id)
    .join(Venue, Venue.id == Resource.group_id)
    .where(Strike.id == _ID),
    SiteRow,
)
VENUE_SITE = Query(
    select(
        Venue.name.label("title"),
        Venue.name.label("venue_name"),
        null().label("starts_at"),
        null().label("ends_at"),
        *_PLACE,
    ).where(Venue.id == _ID),
    SiteRow,
)


class StaffRow(NamedTuple):
    """Somebody who acts in a post, and at which level."""

    level: int
    person_id: UUID


STAFF = Query(
    select(Node.level, acting(DAY).label("person_id"))
    .select_from(Node)
    .join(Appointment, and_(Appointment.node_id == Node.id, in_office(DAY)))
    .outerjoin(Leave, on_leave(DAY))
    .where(
        Node.id.in_([bindparam(name) for name in COLUMNS]),
        Appointment.organization_id.is_(None),
        Appointment.role == any_(bindparam("roles", type_=ARRAY(Text))),
        acting(DAY).is_not(None),
    )
    .order_by(Appointment.id),
    StaffRow,
)
"""Who acts in certain posts at a place and above it."""
