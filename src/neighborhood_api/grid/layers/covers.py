"""Rules of which places and households the nodes of a layer answer for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Select, delete, literal, or_, select, update

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.events import LayerCoversAssigned
from neighborhood_api.grid.layers.models import Layer, LayerCover, LayerNode
from neighborhood_api.grid.layers.rights import find_layer_node, lock_layer, manages
from neighborhood_api.grid.layers.schemas import LayerCoverIn, LayerCoversOut
from neighborhood_api.grid.models import Household, Node
from neighborhood_api.grid.queries import exists_on
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem


class LayerCoversFaulty(Problem):
    """Nothing was assigned: `items` says by number what is wrong with which line."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Some of the lines cannot be assigned; none was"
    message = "部分内容有误，未作任何更改，请按说明修改后重新提交"


class Known(NamedTuple):
    """What the lines of an assignment may name."""

    layer_nodes: set[UUID]
    nodes: set[UUID]
    households: set[UUID]

    def fault(self, line: LayerCoverIn) -> str | None:
        """Say what is wrong with a line."""
        if line.layer_node_id is not None and line.layer_node_id not in self.layer_nodes:
            return "不是本责任体系最下一级的责任单元"
        if line.node_id is not None and line.node_id not in self.nodes:
            return "不是本区县现有的街道、社区、网格或街巷"
        if line.household_id is not None and line.household_id not in self.households:
            return "不是本区县在册的住户"
        return None


async def layer_covers(
    tx: ReadTx, actor: Actor, layer_node_id: UUID
) -> Select[LayerCover, Node, Household]:
    """Select what a node of a layer answers for, as far as the caller reads registers there.

    Raises: LayerNodeNotFound.
    """
    layer, node = await find_layer_node(tx, actor, layer_node_id)
    query = (
        select(LayerCover, Node, Household)
        .outerjoin(Node, Node.id == LayerCover.node_id)
        .outerjoin(Household, Household.id == LayerCover.household_id)
        .where(LayerCover.layer_node_id == node.id)
    )
    if manages(actor, layer):
        return query
    read = Permission.HOUSEHOLD_READ
    return query.where(or_(actor.reach(read, Node), actor.reach(read, Household)))


async def assign_layer_covers(
    tx: Tx, actor: Actor, layer_id: UUID, lines: Sequence[LayerCoverIn], *, now: datetime
) -> LayerCoversOut:
    """Give places and households to nodes of a layer, or to none; all lines or nothing.

    Raises: LayerNotFound, Forbidden, LayerCoversFaulty.
    Emits: LayerCoversAssigned.
    """
    layer = await lock_layer(tx, actor, layer_id)
    known = await _known(tx, layer, lines, now=now)
    faults: list[JsonValue] = [
        {"number": number, "message": fault}
        for number, line in enumerate(lines, start=1)
        if (fault := known.fault(line)) is not None
    ]
    if faults:
        raise LayerCoversFaulty(items=faults)
    there = await _there(tx, layer, lines)
    done = await _assign(tx, layer, lines, there)
    if done.assigned or done.moved or done.removed:
        counts = done.model_dump(exclude={"unchanged"})
        emit(tx, LayerCoversAssigned(layer_id=layer.id, **counts))
        act = "layer.covers_assigned"
        record_act(tx, act, layer.id, by=actor.person_id, now=now, **counts)
    return done


async def _known(
    tx: ReadTx, layer: Layer, lines: Sequence[LayerCoverIn], *, now: datetime
) -> Known:
    """Return what the lines may name: of this district, and there today."""
    leaves = select(LayerNode.id).where(
        LayerNode.id.in_({line.layer_node_id for line in lines if line.layer_node_id}),
        LayerNode.layer_id == layer.id,
        LayerNode.level == len(layer.levels),
        LayerNode.ended_on.is_(None),
    )
    nodes = select(Node.id).where(
        Node.id.in_([line.node_id for line in lines if line.node_id]),
        Node.district_id == layer.district_id,
        Node.level > Level.DISTRICT.value,
        exists_on(literal(local_day(now))),
    )
    households = select(Household.id).where(
        Household.id.in_([line.household_id for line in lines if line.household_id]),
        Household.district_id == layer.district_id,
        Household.ended_on.is_(None),
    )
    leaving = [line for line in lines if line.layer_node_id is None]
    gone = {line.node_id or line.household_id for line in leaving}
    return Known(
        {*await tx.scalars(leaves)},
        {*await tx.scalars(nodes)} | {one for one in gone if one},
        {*await tx.scalars(households)} | {one for one in gone if one},
    )


async def _there(
    tx: ReadTx, layer: Layer, lines: Sequence[LayerCoverIn]
) -> dict[UUID | None, LayerCover]:
    """Return the covers that the places and households of the lines have in the layer."""
    there = await tx.scalars(
        select(LayerCover).where(
            LayerCover.layer_id == layer.id,
            or_(
                LayerCover.node_id.in_([line.node_id for line in lines if line.node_id]),
                LayerCover.household_id.in_(
                    [line.household_id for line in lines if line.household_id]
                ),
            ),
        )
    )
    return {cover.node_id or cover.household_id: cover for cover in there}


async def _assign(
    tx: Tx,
    layer: Layer,
    lines: Sequence[LayerCoverIn],
    there: Mapping[UUID | None, LayerCover],
) -> LayerCoversOut:
    new, moved, removed = [], [], []
    for line in lines:
        cover = there.get(line.node_id or line.household_id)
        if line.layer_node_id is None:
            if cover is not None:
                removed.append(cover.id)
        elif cover is None:
            new.append(
                LayerCover(
                    layer_id=layer.id,
                    layer_node_id=line.layer_node_id,
                    node_id=line.node_id,
                    household_id=line.household_id,
                )
            )
        elif cover.layer_node_id != line.layer_node_id:
            moved.append({"id": cover.id, "layer_node_id": line.layer_node_id})
    tx.add_all(new)
    await tx.flush()
    if moved:
        await tx.execute(update(LayerCover), moved)
    if removed:
        await tx.execute(delete(LayerCover).where(LayerCover.id.in_(removed)))
    changed = len(new) + len(moved) + len(removed)
    return LayerCoversOut(
        assigned=len(new),
        moved=len(moved),
        removed=len(removed),
        unchanged=len(lines) - changed,
    )
