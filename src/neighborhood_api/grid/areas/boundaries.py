"""Rules of where a place ends."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, delete, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from neighborhood_api.grid.areas.schemas import BoundaryIn, BoundaryOut
from neighborhood_api.grid.areas.shapes import (
    Part,
    Ring,
    Shape,
    geometry_of,
    read_ring,
    read_shape,
    written,
)
from neighborhood_api.grid.models import Boundary, BoundaryRing, Node
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx


async def read_boundary(tx: ReadTx, node_id: UUID, *, now: datetime) -> BoundaryOut:
    """Show where a place ends.

    Raises: NodeNotFound.
    """
    node = await current_node(tx, node_id, now=now)
    shapes = await shapes_of(tx, [node.id])
    return _view(node, await tx.get(Boundary, node.id), shapes.get(node.id))


async def state_boundary(
    tx: Tx, actor: Actor, node_id: UUID, wish: BoundaryIn, *, now: datetime
) -> BoundaryOut:
    """Note where a place ends, or that it is not known; positions are then found by it.

    Raises: NodeNotFound, Forbidden, StaleVersion, ShapeUnusable.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.GRID_MANAGE, at=node.place)
    shape = None
    if wish.geometry is not None:
        given = wish.geometry
        read = partial(read_shape, given.type, given.coordinates, wish.coordinate_system)
        shape = await asyncio.to_thread(read)
    await lock_nodes(tx, [node.id])
    boundary = await tx.get(Boundary, node.id)
    known = 0 if boundary is None else boundary.version
    if wish.version != known:
        raise StaleVersion(version=known)
    await draw(tx, {node.id: shape})
    parts = len(shape or ())
    record_act(tx, "grid.boundary_stated", node.id, by=actor.person_id, now=now, parts=parts)
    return _view(node, await tx.get_one(Boundary, node.id), shape)


async def lock_nodes(tx: Tx, node_ids: Collection[UUID]) -> None:
    """Have whoever else draws boundaries of these places wait."""
    mine = select(Node.id).where(_one_of(Node.id, node_ids)).order_by(Node.id)
    await tx.execute(mine.with_for_update(key_share=True))


async def draw(tx: Tx, shapes: Mapping[UUID, Shape | None]) -> None:
    """Put the boundaries of locked places in place of those they had."""
    drawn = {
        boundary.node_id: boundary
        for boundary in await tx.scalars(
            select(Boundary).where(_one_of(Boundary.node_id, shapes)).with_for_update()
        )
    }
    await tx.execute(delete(BoundaryRing).where(_one_of(BoundaryRing.node_id, shapes)))
    for node_id, shape in shapes.items():
        boundary = drawn.get(node_id)
        if boundary is None:
            boundary = Boundary(node_id=node_id, parts=0, version=0)
            tx.add(boundary)
        boundary.parts = len(shape or ())
        boundary.version += 1
    await tx.flush()
    tx.add_all(
        BoundaryRing(node_id=node_id, part=part, number=number, ring=written(ring))
        for node_id, shape in shapes.items()
        for part, piece in enumerate(shape or ())
        for number, ring in enumerate((piece.outer, *piece.holes))
    )
    await tx.flush()


async def shapes_of(tx: ReadTx, node_ids: Collection[UUID]) -> dict[UUID, Shape]:
    """Return the shapes of places; those whose boundary is not known are missing."""
    rings = (
        select(BoundaryRing)
        .where(_one_of(BoundaryRing.node_id, node_ids))
        .order_by(BoundaryRing.node_id, BoundaryRing.part, BoundaryRing.number)
    )
    parts: dict[UUID, dict[int, list[BoundaryRing]]] = defaultdict(lambda: defaultdict(list))
    for one in await tx.scalars(rings):
        parts[one.node_id][one.part].append(one)
    return {
        node_id: tuple(_part([read_ring(one.ring) for one in rings]) for rings in of.values())
        for node_id, of in parts.items()
    }


def _one_of(
    column: InstrumentedAttribute[UUID], node_ids: Collection[UUID]
) -> ColumnElement[bool]:
    """Hold for any of the places; one array, because a county has more than a list may."""
    return column == any_(literal([*node_ids], ARRAY(Uuid)))


def _part(rings: list[Ring]) -> Part:
    return Part(rings[0], tuple(rings[1:]))


def _view(node: Node, boundary: Boundary | None, shape: Shape | None) -> BoundaryOut:
    geometry = None if shape is None else geometry_of(shape)
    version = 0 if boundary is None else boundary.version
    return BoundaryOut.model_validate(
        {"node_id": node.id, "geometry": geometry, "version": version}
    )
