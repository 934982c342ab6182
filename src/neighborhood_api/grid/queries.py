"""The hot reads of the grid, each compiled once."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, bindparam, case, or_, select
from sqlalchemy.orm import aliased

from neighborhood_api.grid.models import Appointment, Node, Organization, Residence
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


def exists_on(day: ColumnElement[date], node: type[Node] = Node) -> ColumnElement[bool]:
    """Hold for nodes that are part of the grid on `day`."""
    return and_(node.valid_from <= day, or_(node.valid_until.is_(None), node.valid_until > day))


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


_ACTING: list[Any] = [
    Node.id.label("node_id"),
    Node.level,
    Node.kind,
    Node.code,
    Node.name.label("node_name"),
    Node.plate_code,
    Appointment.role,
    case((stands_in(DAY), StandIn.id), else_=Person.id).label("person_id"),
    case((stands_in(DAY), StandIn.name), else_=Person.name).label("person_name"),
    case(
        (
            and_(stands_in(DAY), Appointment.stand_in_phone.is_not(None)),
            Appointment.stand_in_phone,
        ),
        else_=Appointment.duty_phone,
    ).label("duty_phone"),
    case((stands_in(DAY), Person.name), else_=None).label("stands_in_for"),
    Organization.name.label("organization"),
]
_PUBLIC_POSTS = Appointment.role != Role.OPERATOR.value


def _contacts() -> Select[*tuple[Any, ...]]:
    return (
        select(*_ACTING)
        .select_from(Node)
        .outerjoin(
            Appointment,
            and_(Appointment.node_id == Node.id, in_office(DAY), _PUBLIC_POSTS),
        )
        .outerjoin(Person, Person.id == Appointment.person_id)
        .outerjoin(StandIn, StandIn.id == Appointment.stand_in_id)
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
    address: str
    household_id: UUID | None
    version: int


HOME_CONTACTS = Query(
    _contacts()
    .join(Residence, _is_on_the_way_to(Residence))
    .add_columns(Residence.address, Residence.household_id, Residence.version)
    .where(Residence.person_id == bindparam("person_id"), exists_on(DAY))
    .order_by(Node.level.desc(), Appointment.id),
    HomeContact,
)
"""The caller's lane, grid, community, street and district, with everyone in office there."""

_Lane = aliased(Node)
PLATE_CONTACTS = Query(
    _contacts()
    .join(_Lane, _is_on_the_way_to(_Lane))
    .where(_Lane.plate_code == bindparam("plate_code"), exists_on(DAY, _Lane), exists_on(DAY))
    .order_by(Node.level.desc(), Appointment.id),
    Contact,
)
"""The same for whoever scans the plate of a lane."""

NODE_CONTACTS = Query(
    _contacts().where(Node.id == bindparam("node_id"), exists_on(DAY)).order_by(Appointment.id),
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
