"""Rules of the grid: who is where, and who is responsible there."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.coordinates import CoordinateSystem, Point, metres_between, to_wgs84
from neighborhood_api.grid.events import ResidenceStated
from neighborhood_api.grid.models import Appointment, Household, Node, Organization, Residence
from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.grid.queries import (
    HOME_CONTACTS,
    NODE_CONTACTS,
    PLATE_CONTACTS,
    Contact,
    HomeContact,
    exists_on,
    in_office,
    stands_in,
)
from neighborhood_api.grid.schemas import (
    MyGridOut,
    NodeContactsOut,
    PlateOut,
    ResidenceIn,
)
from neighborhood_api.identity.access import Actor, Permission, Post, Role
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import Standing
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Reader

Shown = dict[str, Any]
"""A part of an answer, before the answer's model has read it."""
_NAMES = {role.value: name for role, name in ROLE_NAMES.items()}
NEAREST_METRES = 500
"""Farther than this from every lane's point, a position is taken as lying in none."""
_UNSAID = 0
"""The version of a residence that was begun and not stated yet."""


class NodeNotFound(Problem):
    """The id names no place of today's grid."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such place in the grid"
    message = "没有找到这个地点，可能已调整，请重新选择"


class PlateNotFound(Problem):
    """The code is on no plate."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no lane plate with this code"
    message = "公示牌编号无效，请重新扫码"


class NotALane(Problem):
    """People live at lanes and buildings, not at larger places."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Choose a lane or building"
    message = "请选择具体的街巷或楼栋"


class ResidenceUnknown(Problem):
    """The caller has not said where she lives."""

    status = HTTPStatus.NOT_FOUND
    title = "You have not said where you live yet"
    message = "请先填写居住地址"


class NoLaneNearby(Problem):
    """No lane's point is near the position."""

    status = HTTPStatus.NOT_FOUND
    title = "No lane is registered near this position"
    message = "附近没有登记的街巷，请手动选择街巷"


async def standing_of(tx: ReadTx, person_id: UUID, now: datetime) -> Standing:
    """Return what a person is: the posts she acts in today, and where she lives."""
    day = literal(local_day(now))
    acts = or_(
        and_(Appointment.stand_in_id == person_id, stands_in(day)),
        Appointment.person_id == person_id,
    )
    held = (
        select(Appointment.role, Node.level, Node.id, Appointment.organization_id)
        .join(Node, Node.id == Appointment.node_id)
        .where(acts, in_office(day), exists_on(day))
        .order_by(Appointment.id)
    )
    posts = tuple(
        Post(Role(role), Level(level), node_id, organization_id)
        for role, level, node_id, organization_id in await tx.execute(held)
    )
    home = await tx.get(Residence, person_id)
    return Standing(posts, None if home is None else home.place)


async def read_my_grid(reader: Reader, actor: Actor, *, now: datetime) -> MyGridOut:
    """Show the caller who is responsible where she lives.

    Raises: ResidenceUnknown.
    """
    rows = await HOME_CONTACTS.all(reader, person_id=actor.person_id, day=local_day(now))
    if not rows:
        raise ResidenceUnknown
    levels = _by_node(rows)
    return MyGridOut.model_validate(
        {
            "address": rows[0].address,
            "household_id": rows[0].household_id,
            "lane_chief": _holder(levels, Role.LANE_CHIEF),
            "grid_leader": _holder(levels, Role.GRID_LEADER),
            "levels": levels,
            "version": rows[0].version,
        }
    )


async def read_plate(reader: Reader, plate_code: str, *, now: datetime) -> PlateOut:
    """Show whoever scans the plate of a lane who is responsible there.

    Raises: PlateNotFound.
    """
    code = plate_code.strip().upper()
    rows = await PLATE_CONTACTS.all(reader, plate_code=code, day=local_day(now))
    if not rows:
        raise PlateNotFound
    levels = _by_node(rows)
    return PlateOut.model_validate(
        {
            "plate_code": code,
            "lane": levels[0]["node"],
            "lane_chief": _holder(levels, Role.LANE_CHIEF),
            "grid_leader": _holder(levels, Role.GRID_LEADER),
            "levels": levels,
        }
    )


async def read_node_contacts(
    reader: Reader, node_id: UUID, *, now: datetime
) -> NodeContactsOut:
    """Show one place and who is in office there.

    Raises: NodeNotFound.
    """
    rows = await NODE_CONTACTS.all(reader, node_id=node_id, day=local_day(now))
    if not rows:
        raise NodeNotFound
    return NodeContactsOut.model_validate(_by_node(rows)[0])


async def state_residence(
    tx: Tx, actor: Actor, wish: ResidenceIn, *, now: datetime
) -> Residence:
    """Note where the caller lives; the register's household is found by lane and door.

    Said once more, as a phone does that lost the answer, it changes nothing.

    Raises: NodeNotFound, NotALane, StaleVersion.
    Emits: ResidenceStated.
    """
    lane = await current_node(tx, wish.lane_id, now=now)
    if lane.level != Level.LANE:
        raise NotALane
    address = normal_address(wish.address)
    household_id = await tx.scalar(
        select(Household.id).where(Household.lane_id == lane.id, Household.address == address)
    )
    home = await _lock_home(tx, actor.person_id, lane, now=now)
    if (home.place, home.address, home.household_id) == (lane.place, address, household_id):
        return home
    if home.version not in {_UNSAID, wish.version}:
        raise StaleVersion(version=home.version)
    home.version += 1
    for name, node_id in columns_of(lane.place).items():
        setattr(home, name, node_id)
    home.address = address
    home.household_id = household_id
    home.stated_at = now
    await tx.flush()
    emit(tx, ResidenceStated(person_id=actor.person_id, lane_id=lane.id))
    return home


async def _lock_home(tx: Tx, person_id: UUID, lane: Node, *, now: datetime) -> Residence:
    """Load the person's residence, or begin one; two phones at once begin the same one."""
    mine = select(Residence).where(Residence.person_id == person_id).with_for_update()
    home = await tx.scalar(mine)
    if home is None:
        blank = {"person_id": person_id, "address": "", "stated_at": now, "version": _UNSAID}
        begun = insert(Residence).values(blank | columns_of(lane.place))
        await tx.execute(begun.on_conflict_do_nothing())
        home = (await tx.scalars(mine)).one()
    return home


def normal_address(text: str) -> str:
    """Write a door the one way the register does: no spaces, half-width digits."""
    return "".join(unicodedata.normalize("NFKC", text).split())


async def current_node(tx: ReadTx, node_id: UUID, *, now: datetime) -> Node:
    """Return a place of today's grid.

    Raises: NodeNotFound.
    """
    day = literal(local_day(now))
    node = await tx.scalar(select(Node).where(Node.id == node_id, exists_on(day)))
    if node is None:
        raise NodeNotFound
    return node


async def nearest_lane(
    tx: ReadTx, point: Point, system: CoordinateSystem, *, now: datetime
) -> tuple[Node, int]:
    """Return the lane whose point lies nearest, and the distance in metres.

    Raises: NoLaneNearby.
    """
    here = to_wgs84(point, system)
    distance = func.point(Node.longitude, Node.latitude).op("<->")(
        func.point(here.longitude, here.latitude)
    )
    candidates = (
        select(Node)
        .where(Node.level == Level.LANE.value, Node.longitude.is_not(None))
        .where(exists_on(literal(local_day(now))))
        .order_by(distance)
        .limit(4)  # degrees are not square: the nearest in metres is among the first
    )
    found = [
        (round(metres_between(here, Point(lane.longitude, lane.latitude))), lane)
        for lane in await tx.scalars(candidates)
        if lane.longitude is not None and lane.latitude is not None
    ]
    near = [pair for pair in found if pair[0] <= NEAREST_METRES]
    if not near:
        raise NoLaneNearby
    metres, lane = min(near, key=lambda pair: pair[0])
    return lane, metres


def households_at(actor: Actor, node: Node) -> Select[Household, int]:
    """Select the dwellings below `node` with how many residents each has.

    Raises: Forbidden.
    """
    actor.require(Permission.HOUSEHOLD_READ, at=node.place)
    level = Level(node.level)
    here = (
        Household.district_id,
        Household.street_id,
        Household.community_id,
        Household.grid_id,
        Household.lane_id,
    )[level]
    return (
        select(Household, func.count(Residence.person_id))
        .outerjoin(Residence, Residence.household_id == Household.id)
        .where(here == node.id)
        .group_by(Household.id)
    )


def organizations_at(node: Node) -> Select[Organization]:
    """Select the departments of a place and of the places above it."""
    above = [node_id for node_id in node.place if node_id is not None]
    return (
        select(Organization)
        .where(Organization.node_id.in_(above))
        .order_by(Organization.name, Organization.id)
    )


def _by_node(rows: Sequence[Contact | HomeContact]) -> list[Shown]:
    """Gather the people in office under their nodes, as plain values.

    The answer's model reads them all at once, which is faster than making a model of each.
    """
    groups = groupby(rows, key=attrgetter("node_id"))
    return [_node_view([*group]) for _, group in groups]


def _node_view(rows: Sequence[Contact | HomeContact]) -> Shown:
    first = rows[0]
    node = {
        "id": first.node_id,
        "level": first.level,
        "kind": first.kind,
        "code": first.code,
        "name": first.node_name,
    }
    return {"node": node, "contacts": [_contact(row) for row in rows if row.role is not None]}


def _contact(row: Contact | HomeContact) -> Shown:
    return {
        "role": row.role,
        "role_name": _NAMES[row.role or ""],
        "name": row.person_name,
        "duty_phone": row.duty_phone,
        "stands_in_for": row.stands_in_for,
        "organization": row.organization,
    }


def _holder(levels: list[Shown], role: Role) -> Shown | None:
    return next(
        (c for level in levels for c in level["contacts"] if c["role"] == role.value), None
    )
