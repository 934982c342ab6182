"""The hot reads of the grid, each compiled once."""

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from neighborhood_api.grid.layers.chains import called, chains_of_home, has_layers
from neighborhood_api.grid.models import Appointment, Leave, Node, Organization, Residence
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.grid.posts.roster.columns import ON_CALL_COLUMNS, ROSTERED, shift_now
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.reads import Query

StandIn = aliased(Person)

DAY = bindparam("day", type_=Date)


def in_office(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Hold for appointments whose term covers `day`."""
    return and_(
        Appointment.ended_at.is_(None),
        Appointment.starts_on <= day,
        or_(Appointment.ends_on.is_(None), Appointment.ends_on >= day),
    )


def stands_in(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Hold for appointments whose stand-in acts on `day`."""
    return and_(
        Appointment.stand_in_id.is_not(None),
        or_(Appointment.stand_in_until.is_(None), Appointment.stand_in_until >= day),
    )


def is_away(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Hold for leaves that cover `day`."""
    return and_(Leave.ended_at.is_(None), Leave.first_on <= day, Leave.last_on >= day)


def on_leave(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Join an appointment to the one leave that covers `day`, if there is one."""
    return and_(Leave.appointment_id == Appointment.id, is_away(day))


def acting_stand_in(day: ColumnElement[date]) -> ColumnElement[UUID | None]:
    """Return who acts for the holder on `day`; a leave's stand-in goes before the usual one."""
    return case(
        (Leave.stand_in_id.is_not(None), Leave.stand_in_id),
        (stands_in(day), Appointment.stand_in_id),
        else_=None,
    )


def acting(day: ColumnElement[date]) -> ColumnElement[UUID | None]:
    """Return who acts in an appointment joined to its leave; None makes the post vacant."""
    return func.coalesce(
        acting_stand_in(day), case((Leave.id.is_(None), Appointment.person_id), else_=None)
    )


def exists_on(day: ColumnElement[date], node: type[Node] = Node) -> ColumnElement[bool]:
    """Hold for nodes that are part of the grid on `day`."""
    return and_(node.valid_from <= day, or_(node.valid_until.is_(None), node.valid_until > day))


def _acted_in(person_id: ColumnElement[UUID]) -> CompoundSelect[UUID]:
    """Select the appointments a person holds or stands in for; holders on leave among them.

    A union, because one condition over two tables would read all appointments.
    """
    own = select(Appointment.id).where(Appointment.person_id == person_id)
    stands = select(Appointment.id).where(Appointment.stand_in_id == person_id, stands_in(DAY))
    meanwhile = select(Leave.appointment_id).where(Leave.stand_in_id == person_id, is_away(DAY))
    open_ones = Appointment.ended_at.is_(None)
    return union_all(own.where(open_ones), stands.where(open_ones), meanwhile)


POSTS_HELD = (
    select(Appointment.role, Node.level, Node.id, Appointment.organization_id)
    .join(Node, Node.id == Appointment.node_id)
    .where(
        Appointment.id.in_(_acted_in(bindparam("person_id", type_=Uuid))),
        in_office(DAY),
        exists_on(DAY),
    )
    .order_by(Appointment.id)
)
"""The posts that a person acts in on a day. A session asks, which first writes what waits."""


class Contact(NamedTuple):
    """Who answers for a node in one post today; a node nobody answers for has no role."""

    node_id: UUID
    level: int
    kind: str
    code: str
    node_name: str
    plate_code: str | None
    role: str | None
    person_id: UUID | None
    person_name: str | None
    duty_phone: str | None
    stands_in_for: str | None
    organization: str | None
    role_name: str | None


_NOBODY = and_(Leave.id.is_not(None), StandIn.id.is_(None))
_ACTING: list[Any] = [
    Node.id.label("node_id"),
    Node.level,
    Node.kind,
    Node.code,
    Node.name.label("node_name"),
    Node.plate_code,
    case((_NOBODY, None), else_=Appointment.role).label("role"),
    case((_NOBODY, None), else_=func.coalesce(StandIn.id, Person.id)).label("person_id"),
    case((StandIn.id.is_not(None), StandIn.name), else_=Person.name).label("person_name"),
    func.coalesce(
        Leave.stand_in_phone,
        case(
            (and_(stands_in(DAY), Leave.stand_in_id.is_(None)), Appointment.stand_in_phone),
            else_=None,
        ),
        Appointment.duty_phone,
    ).label("duty_phone"),
    case((StandIn.id.is_not(None), Person.name), else_=None).label("stands_in_for"),
    Organization.name.label("organization"),
    called(Appointment.role, Node.district_id).label("role_name"),
]
_PUBLIC_POSTS = and_(
    *(Appointment.role != role.value for role in (Role.OPERATOR, Role.CHIEF_OPERATOR))
)


def contacts() -> Select[*tuple[Any, ...]]:
    """Select nodes with everyone in public office there on `DAY`, as `Contact`."""
    return (
        select(*_ACTING)
        .select_from(Node)
        .outerjoin(
            Appointment,
            and_(Appointment.node_id == Node.id, in_office(DAY), _PUBLIC_POSTS),
        )
        .outerjoin(Person, Person.id == Appointment.person_id)
        .outerjoin(Leave, on_leave(DAY))
        .outerjoin(StandIn, StandIn.id == acting_stand_in(DAY))
        .outerjoin(Organization, Organization.id == Appointment.organization_id)
    )


def _is_on_the_way_to(table: type) -> ColumnElement[bool]:
    """Hold for the nodes from the district down to the place of a row of `table`."""
    return Node.id.in_([getattr(table, name) for name in COLUMNS])


class HomeContact(NamedTuple):
    """A contact on the way from a resident's lane up, with where she lives."""

    node_id: UUID
    level: int
    kind: str
    code: str
    node_name: str
    plate_code: str | None
    role: str | None
    person_id: UUID | None
    person_name: str | None
    duty_phone: str | None
    stands_in_for: str | None
    organization: str | None
    role_name: str | None
    address: str
    household_id: UUID | None
    version: int
    layered: bool
    """Whether the district has second layers of responsibility."""
    on_call_name: str | None
    on_call_role: str | None
    on_call_phone: str | None
    on_call_until: datetime | None
    on_call_role_name: str | None


class ContactOnCall(NamedTuple):
    """A contact on the way from a place up, with the shift of the moment there."""

    node_id: UUID
    level: int
    kind: str
    code: str
    node_name: str
    plate_code: str | None
    role: str | None
    person_id: UUID | None
    person_name: str | None
    duty_phone: str | None
    stands_in_for: str | None
    organization: str | None
    role_name: str | None
    on_call_name: str | None
    on_call_role: str | None
    on_call_phone: str | None
    on_call_until: datetime | None
    on_call_role_name: str | None


HOME_CONTACTS = Query(
    contacts()
    .join(Residence, _is_on_the_way_to(Residence))
    .outerjoin(Shift, shift_now(Node.id))
    .outerjoin(ROSTERED, ROSTERED.id == Shift.person_id)
    .add_columns(Residence.address, Residence.household_id, Residence.version)
    .add_columns(has_layers(Residence.district_id, DAY).label("layered"))
    .add_columns(*ON_CALL_COLUMNS)
    .where(Residence.person_id == bindparam("person_id"), exists_on(DAY))
    .order_by(Node.level.desc(), Appointment.is_primary.desc(), Appointment.id),
    HomeContact,
)
"""The caller's lane, grid, community, street and district, with everyone in office there."""


class _Chains(NamedTuple):
    chains: str | None


HOME_CHAINS = Query(
    select(chains_of_home(DAY).label("chains"))
    .select_from(Residence)
    .where(Residence.person_id == bindparam("person_id")),
    _Chains,
)
"""Who answers for the caller's home in each layer; asked only where there are any.

As part of the statement above it would cost every resident more than half of it again.
"""

_Lane = aliased(Node)
PLATE_CONTACTS = Query(
    contacts()
    .join(_Lane, _is_on_the_way_to(_Lane))
    .where(_Lane.plate_code == bindparam("plate_code"), exists_on(DAY, _Lane), exists_on(DAY))
    .order_by(Node.level.desc(), Appointment.id),
    Contact,
)
"""The same for whoever scans the plate of a lane."""

_Below = aliased(Node)
ON_CALL_CONTACTS = Query(
    contacts()
    .join(_Below, _is_on_the_way_to(_Below))
    .outerjoin(Shift, shift_now(Node.id))
    .outerjoin(ROSTERED, ROSTERED.id == Shift.person_id)
    .add_columns(*ON_CALL_COLUMNS)
    .where(_Below.id == bindparam("node_id"), exists_on(DAY, _Below), exists_on(DAY))
    .order_by(Node.level.desc(), Appointment.is_primary.desc(), Appointment.id),
    ContactOnCall,
)
"""A place and those above it, with everyone in office and whose shift it is."""

NODE_CONTACTS = Query(
    contacts().where(Node.id == bindparam("node_id"), exists_on(DAY)).order_by(Appointment.id),
    Contact,
)
"""One node, with everyone in office there."""


class NodeRow(NamedTuple):
    """A node as lists show it."""

    id: UUID
    level: int
    kind: str
    code: str
    name: str
    parent_id: UUID | None
    longitude: float | None
    latitude: float | None


NODE_COLUMNS: list[Any] = [
    Node.id,
    Node.level,
    Node.kind,
    Node.code,
    Node.name,
    Node.parent_id,
    Node.longitude,
    Node.latitude,
]

CHILDREN = Query(
    select(*NODE_COLUMNS)
    .where(Node.parent_id == bindparam("node_id"), exists_on(DAY))
    .order_by(Node.code),
    NodeRow,
)

DISTRICTS = Query(
    select(*NODE_COLUMNS).where(Node.level == 0, exists_on(DAY)).order_by(Node.code), NodeRow
)
