"""Rules of where a place ends."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.areas.coordinates import Point, to_wgs84
from neighborhood_api.grid.models import Boundary, Node
from neighborhood_api.grid.schemas import BoundaryIn, BoundaryOut
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import ReadTx, Tx


async def read_boundary(tx: ReadTx, node_id: UUID, *, now: datetime) -> BoundaryOut:
    """Show where a place ends.

    Raises: NodeNotFound.
    """
    node = await current_node(tx, node_id, now=now)
    return _view(node, await tx.get(Boundary, node.id))


async def state_boundary(
    tx: Tx, actor: Actor, node_id: UUID, wish: BoundaryIn, *, now: datetime
) -> BoundaryOut:
    """Note where a place ends, or that it is not known; positions are then found by it.

    Raises: NodeNotFound, Forbidden, StaleVersion.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.GRID_MANAGE, at=node.place)
    await tx.execute(select(Node.id).where(Node.id == node.id).with_for_update(key_share=True))
    boundary = await tx.get(Boundary, node.id)
    known = 0 if boundary is None else boundary.version
    if wish.version != known:
        raise StaleVersion(version=known)
    if boundary is None:
        boundary = Boundary(node_id=node.id, ring=None, version=0)
        tx.add(boundary)
    boundary.ring = None if wish.ring is None else _written(wish)
    boundary.version += 1
    await tx.flush()
    return _view(node, boundary)


def _written(wish: BoundaryIn) -> str:
    """Write a ring as PostgreSQL writes a polygon."""
    corners = [to_wgs84(Point(*corner), wish.coordinate_system) for corner in wish.ring or []]
    return "(" + ",".join(f"({c.longitude!r},{c.latitude!r})" for c in corners) + ")"


def _view(node: Node, boundary: Boundary | None) -> BoundaryOut:
    if boundary is None:
        return BoundaryOut(node_id=node.id, ring=None, version=0)
    numbers = [float(n) for n in (boundary.ring or "").translate(_PLAIN).split(",") if n]
    ring = list(zip(numbers[::2], numbers[1::2], strict=True))
    return BoundaryOut(node_id=node.id, ring=ring or None, version=boundary.version)


_PLAIN = str.maketrans("", "", "()")
