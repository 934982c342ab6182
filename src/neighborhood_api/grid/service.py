"""Rules of the grid: who is where, and who is responsible there."""

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    and_,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.chains import shown_chains
from neighborhood_api.grid.layers.models import LayerPost
from neighborhood_api.grid.models import (
    Appointment,
    Household,
    Leave,
    Node,
    Organization,
    Residence,
)
from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.grid.place_names import community_name, own_name
from neighborhood_api.grid.posts.roster.on_call import on_call_of, on_call_shown
from neighborhood_api.grid.queries import (
    CHILDREN,
    HOME_CHAINS,
    HOME_CONTACTS,
    NODE_CONTACTS,
    ON_CALL_CONTACTS,
    PLATE_CONTACTS,
    POSTS_HELD,
    Contact,
    ContactOnCall,
    HomeContact,
    NodeRow,
    exists_on,
    stands_in,
)
from neighborhood_api.grid.schemas import (
    MyGridOut,
    NodeContactsOut,
    OnCallOut,
    PlateOut,
)
from neighborhood_api.grid.succession import is_of_today, successor_plate, successors_of
from neighborhood_api.identity.access import Actor, Permission, Post, Role
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.identity.service import Part
from neighborhood_api.identity.tokens import Standing
from neighborhood_api.kit.db import ReadTx, Source
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Reader

Shown = dict[str, Any]
"""A part of an answer, before the answer's model has read it."""
_NAMES = {role.value: name for role, name in ROLE_NAMES.items()}


class NodeNotFound(Problem):
    """The id names no place of today's grid; `succeeded_by` says what an old one became."""

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


class NobodyOnCall(Problem):
    """Up to the street nobody is on the roster, and every post is vacant."""

    status = HTTPStatus.NOT_FOUND
    title = "Nobody is on call here, up to the street"
    message = "本地到街道目前无人在岗，请拨打政务服务热线"


class ResidenceUnknown(Problem):
    """The caller has not said where she lives."""

    status = HTTPStatus.NOT_FOUND
    title = "You have not said where you live yet"
    message = "请先填写居住地址"


async def standing_of(tx: ReadTx, person_id: UUID, now: datetime) -> Standing:
    """Return what a person is: the posts she acts in today, and where she lives."""
    whose = {"person_id": person_id, "day": local_day(now)}
    posts = tuple(
        Post(Role(role), Level(level), node_id, organization_id)
        for role, level, node_id, organization_id in await tx.execute(POSTS_HELD, whose)
    )
    home = await tx.get(Residence, person_id)
    return Standing(posts, None if home is None else home.place)


async def names_of(tx: ReadTx, node_ids: Collection[UUID]) -> dict[UUID, list[Part]]:
    """Return the places of nodes by name, each from the district down; in one statement."""
    named: dict[UUID, list[Part]] = {}
    if not node_ids:
        return named
    above = aliased(Node)
    lies_in = above.id.in_([getattr(Node, name) for name in COLUMNS])
    found = select(Node.id, above.level, above.id, above.name).join(above, lies_in)
    query = found.where(Node.id.in_(node_ids)).order_by(Node.id, above.level)
    for node_id, level, part_id, name in await tx.execute(query):
        named.setdefault(node_id, []).append(Part(Level(level), part_id, name))
    return named


async def holds_posts(tx: ReadTx, person_id: UUID, now: datetime) -> bool:
    """Tell whether a person has a post, or stands in for one, today or later.

    Posts of layers count: residents know her name and number.
    """
    day = literal(local_day(now))
    holds = or_(
        Appointment.person_id == person_id,
        and_(Appointment.stand_in_id == person_id, stands_in(day)),
    )
    not_over = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= day)
    held = select(Appointment.id).where(holds, not_over, Appointment.ended_at.is_(None))
    promised = select(Leave.id).where(
        Leave.stand_in_id == person_id, Leave.ended_at.is_(None), Leave.last_on >= day
    )
    named = select(LayerPost.id).where(
        LayerPost.person_id == person_id,
        LayerPost.ended_at.is_(None),
        or_(LayerPost.ends_on.is_(None), LayerPost.ends_on >= day),
    )
    return bool(await tx.scalar(select(or_(held.exists(), promised.exists(), named.exists()))))


async def read_my_grid(reader: Reader, actor: Actor, *, now: datetime) -> MyGridOut:
    """Show the caller who is responsible where she lives.

    Raises: ResidenceUnknown.
    """
    rows = await HOME_CONTACTS.all(
        reader, person_id=actor.person_id, day=local_day(now), now=now
    )
    if not rows:
        raise ResidenceUnknown
    levels = _by_node(rows)
    layers: list[Shown] = []
    if rows[0].layered:
        whose = {"person_id": actor.person_id, "day": local_day(now)}
        home = await HOME_CHAINS.first(reader, **whose)
        layers = shown_chains(None if home is None else home.chains)
    return MyGridOut.model_validate(
        {
            "address": rows[0].address,
            "household_id": rows[0].household_id,
            "lane_chief": _holder(levels, Role.LANE_CHIEF),
            "grid_leader": _holder(levels, Role.GRID_LEADER),
            "on_call": on_call_shown(on_call_of(rows, Level.GRID)),
            "levels": levels,
            "layers": layers,
            "version": rows[0].version,
        }
    )


async def read_plate(reader: Reader, plate_code: str, *, now: datetime) -> PlateOut:
    """Show whoever scans the plate of a lane who is responsible there.

    Raises: PlateNotFound.
    """
    code = plate_code.strip().upper()
    rows = await PLATE_CONTACTS.all(reader, plate_code=code, day=local_day(now))
    if not rows:  # the lane may have become another one; its old plates still hang there
        heir = await successor_plate(reader, code, now=now)
        if heir is None:
            raise PlateNotFound
        rows = await PLATE_CONTACTS.all(reader, plate_code=heir, day=local_day(now))
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
    day = local_day(now)
    rows = await NODE_CONTACTS.all(reader, node_id=node_id, day=day)
    if not rows:  # an old link
        heir = await living_node(reader, node_id, now=now)
        rows = await NODE_CONTACTS.all(reader, node_id=heir, day=day)
    return NodeContactsOut.model_validate(_by_node(rows)[0])


async def read_on_call(reader: Reader, node_id: UUID, *, now: datetime) -> OnCallOut:
    """Show who is on call for a place now.

    Raises: NodeNotFound, NobodyOnCall.
    """
    when = {"day": local_day(now), "now": now}
    rows = await ON_CALL_CONTACTS.all(reader, node_id=node_id, **when)
    if not rows:  # an old link
        heir = await living_node(reader, node_id, now=now)
        rows = await ON_CALL_CONTACTS.all(reader, node_id=heir, **when)
    found = on_call_of(rows, Level(max(row.level for row in rows)))
    shown = on_call_shown(found)
    if found is None or shown is None:
        raise NobodyOnCall
    first = next(row for row in rows if row.node_id == found.node_id)
    return OnCallOut.model_validate({"node": _node_view([first])["node"], **shown})


async def node_missing(source: Source, node_id: UUID, *, now: datetime) -> NodeNotFound:
    """Return the refusal of an id that names no place of today, with what it has become."""
    return _missing(await successors_of(source, node_id, now=now))


async def living_node(source: Source, node_id: UUID, *, now: datetime) -> UUID:
    """Return the one place that the id of an old one stands for, so that links still lead on.

    Raises: NodeNotFound, with all that it has become.
    """
    heirs = await successors_of(source, node_id, now=now)
    if len(heirs) != 1:
        raise _missing(heirs)
    return heirs[0].id


def _missing(heirs: Sequence[NodeRow]) -> NodeNotFound:
    return NodeNotFound(
        succeeded_by=[
            {"id": str(heir.id), "level": heir.level, "code": heir.code, "name": heir.name}
            for heir in heirs
        ]
    )


async def children_of(reader: Reader, node_id: UUID, *, now: datetime) -> list[NodeRow]:
    """Return the places directly below one, by code.

    Raises: NodeNotFound.
    """
    day = local_day(now)
    rows = await CHILDREN.all(reader, node_id=node_id, day=day)
    if rows or await is_of_today(reader, node_id, now=now):
        return rows
    node_id = await living_node(reader, node_id, now=now)
    return await CHILDREN.all(reader, node_id=node_id, day=day)


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
        raise await node_missing(tx, node_id, now=now)
    return node


async def node_or_successors(
    tx: ReadTx, node_id: UUID, *, now: datetime
) -> tuple[Node, list[NodeRow]]:
    """Return a place of today's grid, or one that is no more with what it has become.

    Raises: NodeNotFound.
    """
    day = literal(local_day(now))
    node = await tx.scalar(select(Node).where(Node.id == node_id, exists_on(day)))
    if node is not None:
        return node, []
    heirs = await successors_of(tx, node_id, now=now)
    if not heirs:
        raise _missing(heirs)
    return await tx.get_one(Node, node_id), heirs


def households_at(actor: Actor, node: Node) -> Select[Household, int, str, str]:
    """Select the dwellings below `node` with how many say that they live there.

    Whom staff refused is not among them.

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
        select(
            Household,
            func.count(Residence.person_id),
            own_name(Household),
            community_name(Household),
        )
        .outerjoin(
            Residence,
            and_(Residence.household_id == Household.id, Residence.refused_at.is_(None)),
        )
        .where(here == node.id, Household.ended_on.is_(None))
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


def _by_node(rows: Sequence[Contact | ContactOnCall | HomeContact]) -> list[Shown]:
    """Gather the people in office under their nodes, as plain values.

    The answer's model reads them all at once, which is faster than making a model of each.
    """
    groups = groupby(rows, key=attrgetter("node_id"))
    return [_node_view([*group]) for _, group in groups]


def _node_view(rows: Sequence[Contact | ContactOnCall | HomeContact]) -> Shown:
    first = rows[0]
    node = {
        "id": first.node_id,
        "level": first.level,
        "kind": first.kind,
        "code": first.code,
        "name": first.node_name,
    }
    return {"node": node, "contacts": [_contact(row) for row in rows if row.role is not None]}


def _contact(row: Contact | ContactOnCall | HomeContact) -> Shown:
    return {
        "role": row.role,
        "role_name": row.role_name or _NAMES[row.role or ""],
        "name": row.person_name,
        "duty_phone": row.duty_phone,
        "stands_in_for": row.stands_in_for,
        "organization": row.organization,
    }


def _holder(levels: list[Shown], role: Role) -> Shown | None:
    return next(
        (c for level in levels for c in level["contacts"] if c["role"] == role.value), None
    )
