"""Who sees what of a layer.

Staff see the layers of their district, and of those the nodes that answer for their own places;
operators of the district see and change everything. A post of a layer itself opens nothing.
"""

from http import HTTPStatus
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, func, select, true, union_all
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import aliased

from neighborhood_api.grid.layers.models import Layer, LayerCover, LayerNode
from neighborhood_api.grid.models import Household, Node
from neighborhood_api.identity.access import GRANTED, Actor, Permission
from neighborhood_api.identity.places import Place
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem


class LayerNotFound(Problem):
    """The id names no layer that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such layer of responsibility"
    message = "没有找到这个责任体系"


class LayerNodeNotFound(Problem):
    """The id names no node of a layer that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such node of a layer"
    message = "没有找到这个责任单元"


def seats(actor: Actor) -> list[UUID]:
    """Return the nodes at which the caller reads registers."""
    return [
        post.node_id
        for post in actor.posts
        if post.organization_id is None and Permission.HOUSEHOLD_READ in GRANTED[post.role]
    ]


def sits_in(actor: Actor, district_id: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """Hold for districts in which the caller reads registers somewhere."""
    return exists().where(Node.id.in_(seats(actor)), Node.district_id == district_id)


async def find_layer(tx: ReadTx, actor: Actor, layer_id: UUID) -> Layer:
    """Return a layer of a district that the caller works in.

    Raises: LayerNotFound.
    """
    here = select(Layer).where(Layer.id == layer_id)
    found = await tx.scalars(here.where(sits_in(actor, Layer.district_id)))
    layer = found.one_or_none()
    if layer is None:
        raise LayerNotFound
    return layer


async def lock_layer(tx: Tx, actor: Actor, layer_id: UUID) -> Layer:
    """Return a layer to be changed by an operator; changes of a layer come one by one.

    Raises: LayerNotFound, Forbidden.
    """
    layer = await find_layer(tx, actor, layer_id)
    actor.require(Permission.GRID_MANAGE, at=Place.of(layer.district_id))
    locked = select(Layer).where(Layer.id == layer_id).with_for_update()
    return (await tx.scalars(locked.execution_options(populate_existing=True))).one()


async def find_layer_node(
    tx: ReadTx, actor: Actor, layer_node_id: UUID
) -> tuple[Layer, LayerNode]:
    """Return a node of a layer that the caller sees.

    Raises: LayerNodeNotFound.
    """
    found = await tx.get(LayerNode, layer_node_id)
    if found is None:
        raise LayerNodeNotFound
    try:
        layer = await find_layer(tx, actor, found.layer_id)
    except LayerNotFound as exc:
        raise LayerNodeNotFound from exc
    seen = select(LayerNode).where(LayerNode.id == layer_node_id, visible(actor, layer))
    node = await tx.scalar(seen)
    if node is None:
        raise LayerNodeNotFound
    return layer, node


async def lock_layer_node(tx: Tx, actor: Actor, layer_node_id: UUID) -> tuple[Layer, LayerNode]:
    """Return an open node of a layer to be changed by an operator, under the layer's lock.

    Raises: LayerNodeNotFound, Forbidden.
    """
    layer, node = await find_layer_node(tx, actor, layer_node_id)
    layer = await lock_layer(tx, actor, layer.id)
    await tx.refresh(node)
    if node.ended_on is not None:
        raise LayerNodeNotFound
    return layer, node


def manages(actor: Actor, layer: Layer) -> bool:
    """Tell whether the caller keeps the layer."""
    return actor.may(Permission.GRID_MANAGE, at=Place.of(layer.district_id))


def visible(actor: Actor, layer: Layer) -> ColumnElement[bool]:
    """Hold for the nodes of a layer that answer for the caller's places, and those above."""
    if manages(actor, layer):
        return true()
    leaf, own = aliased(LayerNode), aliased(Node)
    around = func.unnest(array([own.street_id, own.community_id, own.grid_id]))
    of_layer = (
        select(leaf.way)
        .join(LayerCover, LayerCover.layer_node_id == leaf.id)
        .where(LayerCover.layer_id == layer.id)
    )
    covering = union_all(  # one condition over three tables would read all covers
        of_layer.join(Household, Household.id == LayerCover.household_id).where(
            actor.reach(Permission.HOUSEHOLD_READ, Household)
        ),
        of_layer.join(Node, Node.id == LayerCover.node_id).where(
            actor.reach(Permission.HOUSEHOLD_READ, Node)
        ),
        of_layer.where(LayerCover.node_id.in_(select(around).where(own.id.in_(seats(actor))))),
    ).subquery("covering")
    return LayerNode.id.in_(select(func.unnest(covering.c.way)))
