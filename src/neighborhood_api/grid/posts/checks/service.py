"""The checks of posts below a place: how many there are, and which."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.layers.profiles import Names, names_of_district
from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.posts.checks.queries import QUERIES
from neighborhood_api.grid.posts.checks.schemas import (
    CHECK_NAMES,
    HeldPostOut,
    PostCheck,
    PostCheckCountOut,
    PostChecksOut,
    PostFindingOut,
)
from neighborhood_api.grid.queries import in_office
from neighborhood_api.grid.schemas import NodeOut
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import Page, PageRequest


async def count_post_checks(
    tx: ReadTx, actor: Actor, node_id: UUID, *, now: datetime
) -> PostChecksOut:
    """Count what each check finds at a place and below it; one statement for each.

    Raises: NodeNotFound, Forbidden.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.ROSTER_READ, at=node.place)
    day = literal(local_day(now))
    called_here = _words(await names_of_district(tx, node.district_id))
    counts = []
    for check, query in QUERIES.items():
        found = query(node, day).subquery()
        count = int(await tx.scalar(select(func.count()).select_from(found)) or 0)
        name = CHECK_NAMES[check].format_map(called_here)
        counts.append(PostCheckCountOut(check=check, name=name, count=count))
    return PostChecksOut(node=NodeOut.model_validate(node), items=counts)


def _words(names: Names) -> dict[str, str]:
    """Return the words that names of checks are made with."""
    return {
        "grid": names.levels[Level.GRID],
        "worker": names.posts[Role.GRID_WORKER],
        "chief": names.posts[Role.LANE_CHIEF],
    }


async def list_post_findings(
    tx: ReadTx,
    actor: Actor,
    node_id: UUID,
    check: PostCheck,
    page: PageRequest,
    *,
    now: datetime,
) -> Page[PostFindingOut]:
    """List what a check finds at a place and below it.

    Raises: NodeNotFound, Forbidden.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.ROSTER_READ, at=node.place)
    day = literal(local_day(now))
    found = QUERIES[check](node, day).subquery()
    mine = select(found).where(found.c.id < page.below)
    query = mine.order_by(found.c.id.desc()).limit(page.fetch)
    rows = [row._mapping for row in await tx.execute(query)]  # noqa: SLF001  (its public name)
    several = check is PostCheck.SEVERAL_POSTS
    posts = await _posts_of(tx, [row["id"] for row in rows], day) if several else {}
    places = await _places_of(tx, rows)
    people = await _people_of(tx, rows)
    names = (await names_of_district(tx, node.district_id)).posts
    views = [_view(row, places, people, posts, names) for row in rows]
    return page.page(views, lambda view: view)


async def _places_of(tx: ReadTx, rows: Sequence[Mapping[Any, Any]]) -> dict[UUID, NodeOut]:
    ids = {row["node_id"] for row in rows if row["node_id"] is not None}
    nodes = await tx.scalars(select(Node).where(Node.id.in_(ids)))
    return {node.id: NodeOut.model_validate(node) for node in nodes}


async def _people_of(tx: ReadTx, rows: Sequence[Mapping[Any, Any]]) -> dict[UUID, str | None]:
    ids = {row["person_id"] for row in rows if row["person_id"] is not None}
    found = await tx.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
    return {row.id: row.name for row in found}


async def _posts_of(
    tx: ReadTx, person_ids: Sequence[UUID], day: ColumnElement[date]
) -> dict[UUID, list[HeldPostOut]]:
    query = (
        select(
            Appointment.person_id,
            Appointment.role,
            Node,
            called(Appointment.role, Node.district_id),
        )
        .join(Node, Node.id == Appointment.node_id)
        .where(Appointment.person_id.in_(person_ids), in_office(day))
        .order_by(Node.level, Appointment.id)
    )
    posts: dict[UUID, list[HeldPostOut]] = {}
    for person_id, role, node, own in await tx.execute(query):
        view = HeldPostOut(
            node=NodeOut.model_validate(node),
            role=Role(role),
            role_name=post_name(role, own),
        )
        posts.setdefault(person_id, []).append(view)
    return posts


def _view(
    row: Mapping[Any, Any],
    places: Mapping[UUID, NodeOut],
    people: Mapping[UUID, str | None],
    posts: Mapping[UUID, list[HeldPostOut]],
    names: Mapping[Role, str],
) -> PostFindingOut:
    roles = [Role(role) for role in row["roles"] or ()]
    return PostFindingOut(
        id=row["id"],
        node=places.get(row["node_id"]),
        roles=roles,
        role_names=[names[role] for role in roles],
        person_id=row["person_id"],
        name=people.get(row["person_id"]),
        ends_on=row["ends_on"],
        workers=row["workers"],
        households=row["households"],
        posts=posts.get(row["id"], []),
        same_level=row["same_level"],
    )
