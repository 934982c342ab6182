"""Rules of layers themselves, kept by the operators of a district."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select

from neighborhood_api.grid.layers.events import LayerChanged, LayerCreated
from neighborhood_api.grid.layers.models import Layer, LayerNode
from neighborhood_api.grid.layers.profiles import district_of
from neighborhood_api.grid.layers.rights import lock_layer, seats
from neighborhood_api.grid.layers.schemas import LayerChangeIn, LayerIn
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor, Forbidden, Permission
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem


class LayerCodeTaken(Problem):
    """Another layer of the district, or another node of the layer, has this code."""

    title = "This code is taken"
    message = "这个编码已被使用，请换一个"


class LayerLevelsStand(Problem):
    """A layer that has nodes keeps the number of its levels; names may change."""

    title = "The layer has nodes, so the number of its levels stays"
    message = "已建有责任单元，不能增减层级，只能改名称"


async def list_layers(
    tx: ReadTx, actor: Actor, district_id: UUID, *, now: datetime
) -> Sequence[Layer]:
    """Return the layers of a district, for who works there.

    Raises: NodeNotFound, Forbidden.
    """
    await district_of(tx, district_id, now=now)
    here = exists().where(Node.id.in_(seats(actor)), Node.district_id == district_id)
    if not await tx.scalar(select(here)):
        raise Forbidden(permission=Permission.HOUSEHOLD_READ.value)
    of_district = select(Layer).where(Layer.district_id == district_id)
    return (await tx.scalars(of_district.order_by(Layer.code))).all()


async def create_layer(
    tx: Tx, actor: Actor, district_id: UUID, wish: LayerIn, *, now: datetime
) -> Layer:
    """Draw a second layer of responsibility over the places of a district.

    Raises: NodeNotFound, Forbidden, LayerCodeTaken.
    Emits: LayerCreated.
    """
    district = await district_of(tx, district_id, now=now)
    actor.require(Permission.GRID_MANAGE, at=district.place)
    layer = Layer(district_id=district_id, **wish.model_dump())
    tx.add(layer)
    with refusing({"uq_layer_code": LayerCodeTaken}):
        await tx.flush()
    emit(tx, LayerCreated(layer_id=layer.id, district_id=district_id))
    record_act(tx, "layer.created", layer.id, by=actor.person_id, now=now)
    return layer


async def change_layer(
    tx: Tx, actor: Actor, layer_id: UUID, wish: LayerChangeIn, *, now: datetime
) -> Layer:
    """Change a layer; with a day in `valid_until` it ends, and everything of it is kept.

    Raises: LayerNotFound, Forbidden, StaleVersion, LayerLevelsStand, LayerCodeTaken.
    Emits: LayerChanged.
    """
    layer = await lock_layer(tx, actor, layer_id)
    if layer.version != wish.version:
        raise StaleVersion(version=layer.version)
    if len(wish.levels) != len(layer.levels):
        has_nodes = exists().where(LayerNode.layer_id == layer.id)
        if await tx.scalar(select(has_nodes)):
            raise LayerLevelsStand
    for name, value in wish.model_dump(exclude={"version"}).items():
        setattr(layer, name, value)
    layer.version += 1
    with refusing({"uq_layer_code": LayerCodeTaken}):
        await tx.flush()
    emit(tx, LayerChanged(layer_id=layer.id, district_id=layer.district_id))
    record_act(tx, "layer.changed", layer.id, by=actor.person_id, now=now)
    return layer
