"""What administrators did, with before and after, for whoever answers for a district."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, Text, cast, exists, or_, select

from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import Page, PageRequest
from neighborhood_api.kit.schema import Out
from neighborhood_api.operation.reading_acts import ActOut, act_views

ActPage = Page[ActOut]


class ActFilter(Out):
    """Which acts are asked for."""

    what: Annotated[str | None, Field(max_length=80)] = None
    subject: Annotated[str | None, Field(max_length=80)] = None
    by_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_acts(
    tx: ReadTx,
    actor: Actor,
    node_id: UUID,
    wanted: ActFilter,
    page: PageRequest,
    *,
    now: datetime,
) -> ActPage:
    """List what those who hold or held posts below a node did, and what was done to them.

    Last first. Others, such as the command line and operators of every district, appear only
    with what they did to these people and their posts.

    Raises: NodeNotFound, Forbidden.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.AUDIT_READ, at=node.place)
    query = (
        select(Act, Person.name)
        .outerjoin(Person, Person.id == Act.person_id)
        .where(_of(node), Act.id < page.below, *_conditions(wanted))
        .order_by(Act.id.desc())
        .limit(page.fetch)
    )
    rows = [(act, name) for act, name in await tx.execute(query)]
    return page.page(await act_views(tx, rows), lambda view: view)


def _of(node: Node) -> ColumnElement[bool]:
    """Hold for acts of people with a post below a node, or on them; ended ones among them."""
    here = getattr(Node, COLUMNS[node.level]) == node.id
    posts = select(Appointment.id).join(Node, Node.id == Appointment.node_id)
    mine = or_(Appointment.person_id == Act.person_id, Appointment.stand_in_id == Act.person_id)
    held = (
        select(cast(column, Text)).join(Node, Node.id == Appointment.node_id).where(here)
        for column in (Appointment.id, Appointment.person_id)
    )
    return or_(exists(posts.where(here, mine)), *(Act.subject.in_(one) for one in held))


def _conditions(wanted: ActFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.what is not None:
        found.append(Act.what.startswith(wanted.what, autoescape=True))
    if wanted.subject is not None:
        changed = Act.detail["changes"].contains([{"id": wanted.subject}])
        found.append(or_(Act.subject == wanted.subject, changed))
    if wanted.by_id is not None:
        found.append(Act.person_id == wanted.by_id)
    if wanted.since is not None:
        found.append(Act.acted_at >= wanted.since)
    if wanted.until is not None:
        found.append(Act.acted_at < wanted.until)
    return found
