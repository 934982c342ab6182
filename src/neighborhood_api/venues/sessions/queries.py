"""The hot reads of sessions, each compiled once."""

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Integer,
    Select,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from neighborhood_api.grid.models import Node
from neighborhood_api.grid.residences.standing import Deed, confirmed_only
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.draws import Draw
from neighborhood_api.registrations.histories import Entry
from neighborhood_api.registrations.models import (
    Occupation,
    Registration,
    Resource,
    Timetable,
)
from neighborhood_api.registrations.queries import LONGEST, stands
from neighborhood_api.registrations.states import LIVE, Act, State
from neighborhood_api.venues.audience import VENUE_NODE
from neighborhood_api.venues.bookings.queries import BOOKINGS, BookingRow
from neighborhood_api.venues.children.models import Child
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher

ROOM = Resource.__table__.alias("room_resource")

TEACHERS = (
    select(
        func.string_agg(
            Teacher.name, aggregate_order_by(literal("、"), SessionTeacher.role.desc())
        )
    )
    .join(SessionTeacher, SessionTeacher.teacher_id == Teacher.id)
    .where(SessionTeacher.session_id == Session.id)
    .correlate(Session)
    .scalar_subquery()
)
"""Their names, who leads first."""


class SessionRow(NamedTuple):
    """A session with the names of where it is."""

    id: UUID
    kind: str
    title: str
    subject: str
    grade: str
    teacher_names: str | None
    about: str
    venue_id: UUID
    venue_name: str
    venue_address: str
    room_name: str | None
    starts_at: datetime
    ends_at: datetime
    capacity: int
    taken: int
    for_children: bool
    draw_at: datetime | None
    cancelled_at: datetime | None
    drawn_at: datetime | None
    draw_commitment: str | None


SESSIONS: Select[*tuple[Any, ...]] = (
    select(
        Session.id,
        Session.kind,
        Resource.name.label("title"),
        Session.subject,
        Session.grade,
        TEACHERS.label("teacher_names"),
        Session.about,
        Venue.id.label("venue_id"),
        Venue.name.label("venue_name"),
        Venue.address.label("venue_address"),
        ROOM.c.name.label("room_name"),
        Resource.starts_at,
        Resource.ends_at,
        Resource.capacity,
        Resource.taken,
        Session.for_children,
        func.coalesce(Resource.draw_at, Draw.drawn_at).label("draw_at"),
        Resource.cancelled_at,
        Draw.drawn_at,
        Draw.commitment.label("draw_commitment"),
    )
    .join(Resource, Resource.id == Session.id)
    .join(Venue, Venue.id == Session.venue_id)
    .outerjoin(ROOM, ROOM.c.id == Session.room_id)
    .outerjoin(Draw, Draw.resource_id == Session.id)
    .order_by(Resource.starts_at, Session.id)
)
"""Sessions, soonest first; the use case says of where and when."""


class SessionGround(NamedTuple):
    """What enrolling must know of a session and its venue."""

    id: UUID
    kind: str
    for_children: bool
    room_id: UUID | None
    series_id: UUID | None
    fewest: int | None
    decide_at: datetime | None
    decided_at: datetime | None
    children_per_helper: int | None
    enrol_from: datetime | None
    enrol_until: datetime | None
    cancel_reason: str | None
    version: int
    venue_id: UUID
    node_name: str
    confirmed_only: bool
    """Whether only residents whose residence is confirmed enrol here."""


GROUND = Query(
    select(
        Session.id,
        Session.kind,
        Session.for_children,
        Session.room_id,
        Session.series_id,
        Session.fewest,
        Session.decide_at,
        Session.decided_at,
        Session.children_per_helper,
        Session.enrol_from,
        Session.enrol_until,
        Session.cancel_reason,
        Session.version,
        Session.venue_id,
        Node.name.label("node_name"),
        confirmed_only(Deed.ENROL, Venue.district_id).label("confirmed_only"),
    )
    .join(Venue, Venue.id == Session.venue_id)
    .join(Node, Node.id == VENUE_NODE)
    .where(Session.id == bindparam("id", type_=Uuid)),
    SessionGround,
)


class QueueSeen(NamedTuple):
    """What stands before a wish that nobody made yet."""

    waiting: int
    elsewhere: bool


_SINCE = bindparam("since", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))
_waiting = (
    select(func.count())
    .where(Registration.resource_id == bindparam("id", type_=Uuid), stands(State.WAITLISTED))
    .scalar_subquery()
)
_at_work = (
    select(literal(1))
    .select_from(Occupation)
    .join(Timetable, Timetable.number == Occupation.timetable_number)
    .where(
        Timetable.id == bindparam("who_id", type_=Uuid),
        Occupation.resource_id.is_not(None),
        Occupation.starts_at < _UNTIL,
        Occupation.starts_at > _SINCE - LONGEST,
        Occupation.ends_at > _SINCE,
    )
    .exists()
)
QUEUE_SEEN = Query(select(_waiting.label("waiting"), _at_work.label("elsewhere")), QueueSeen)
"""As the engine asks it, but without taking a number."""


class TeachingRow(NamedTuple):
    """Who teaches or helps in a session."""

    teacher_id: UUID
    name: str
    role: str
    stands_in_for_id: UUID | None


TEACHING = Query(
    select(
        SessionTeacher.teacher_id,
        Teacher.name,
        SessionTeacher.role,
        SessionTeacher.stands_in_for_id,
    )
    .join(Teacher, Teacher.id == SessionTeacher.teacher_id)
    .where(SessionTeacher.session_id == bindparam("id", type_=Uuid))
    .order_by(SessionTeacher.role.desc(), Teacher.name, Teacher.id),
    TeachingRow,
)

MINE = Query(
    BOOKINGS.where(
        Registration.resource_id == bindparam("id", type_=Uuid),
        Registration.person_id == bindparam("person_id", type_=Uuid),
        stands(*sorted(LIVE)),
    ).order_by(Registration.number),
    BookingRow,
)
"""What somebody has of a session, for herself and her children."""


class ChildSeen(NamedTuple):
    """A child of the caller, as rules about enrolling see it."""

    id: UUID
    birth_month: date
    consent_version: str


MY_CHILD = Query(
    select(Child.id, Child.birth_month, Child.consent_version).where(
        Child.id == bindparam("child_id", type_=Uuid),
        Child.guardian_id == bindparam("person_id", type_=Uuid),
    ),
    ChildSeen,
)


class LotRow(NamedTuple):
    """A line of a draw."""

    number: int
    place: int
    state: str


LOTS = Query(
    select(
        Registration.number,
        cast(Entry.detail["place"].astext, Integer).label("place"),
        Entry.state,
    )
    .join(Entry, Entry.registration_id == Registration.id)
    .where(
        Registration.resource_id == bindparam("id", type_=Uuid),
        Entry.act == Act.DRAW.value,
    )
    .order_by(literal_column("place")),
    LotRow,
)
"""The draw of a session, in its order, as it came out then."""
