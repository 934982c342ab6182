"""The shapes of places that became one: it ends where all of them did."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from shapely import MultiPolygon, Polygon, get_parts, unary_union
from sqlalchemy import select

from neighborhood_api.grid.areas.boundaries import draw, shapes_of
from neighborhood_api.grid.areas.coordinates import Point
from neighborhood_api.grid.areas.shapes import Part, Ring, Shape, read_ring, solid_of, written
from neighborhood_api.grid.models import Boundary
from neighborhood_api.kit.db import Tx
from neighborhood_api.reorganisation.deciding import Survey
from neighborhood_api.reorganisation.models import ReorganisedRow

TABLE = Boundary.__tablename__


async def move_boundaries(tx: Tx, plan_id: UUID, found: Survey) -> None:
    """Give a successor the shapes of the places that became it as a whole.

    Only where the shape of all its ground is known: else positions on the rest of it would be
    taken to lie outside.
    """
    joined = _joined(found)
    nodes = {node_id for to, olds in joined.items() for node_id in (to, *olds)}
    shapes = await shapes_of(tx, nodes)
    drawn: dict[UUID, Shape | None] = {}
    for to, olds in joined.items():
        ground = olds if to in found.outcome.new else [to, *olds]
        if all(one in shapes for one in ground):
            drawn[to] = _union(shapes[one] for one in ground)
    if not drawn:
        return
    query = select(Boundary.node_id, Boundary.version).where(Boundary.node_id.in_(drawn))
    versions = {row.node_id: row.version for row in await tx.execute(query)}
    tx.add_all(
        ReorganisedRow(
            reorganisation_id=plan_id,
            table_name=TABLE,
            row_id=to,
            before={"version": versions.get(to, 0), "shape": _plain(shapes.get(to, ()))},
            to_id=to,
        )
        for to in drawn
    )
    await draw(tx, drawn)


def _joined(found: Survey) -> dict[UUID, list[UUID]]:
    """Return the places that become one as a whole, by what they become."""
    out = found.outcome
    several = [heirs for heirs in out.closed.values() if len(heirs) > 1]
    parted = {heir for heirs in [*several, *out.divided.values()] for heir in heirs}
    joined: dict[UUID, list[UUID]] = defaultdict(list)
    for node_id, heirs in out.closed.items():
        if len(heirs) == 1 and heirs[0] not in parted:
            joined[heirs[0]].append(node_id)
    return joined


def _union(shapes: Iterable[Shape]) -> Shape:
    whole = unary_union([solid_of(shape) for shape in shapes])
    pieces: MultiPolygon = MultiPolygon(
        [part for part in get_parts(whole) if isinstance(part, Polygon)]
    )
    return tuple(
        Part(_ring(one.exterior.coords), tuple(_ring(hole.coords) for hole in one.interiors))
        for one in pieces.geoms
    )


def _ring(corners: Iterable[tuple[float, ...]]) -> Ring:
    *ring, _ = (Point(*corner[:2]) for corner in corners)
    return tuple(ring)


def _plain(shape: Shape) -> list[list[str]]:
    return [[written(ring) for ring in (part.outer, *part.holes)] for part in shape]


async def part_boundaries(tx: Tx, plan_id: UUID) -> None:
    """Put the shapes back that were joined, unless a boundary was drawn anew since."""
    mine = select(ReorganisedRow, Boundary.version).where(
        ReorganisedRow.reorganisation_id == plan_id,
        ReorganisedRow.table_name == TABLE,
        Boundary.node_id == ReorganisedRow.row_id,
    )
    before: dict[UUID, Shape | None] = {}
    for row, version in (await tx.execute(mine)).all():
        if version == row.before["version"] + 1:
            rings = [[read_ring(one) for one in part] for part in row.before["shape"]]
            before[row.row_id] = tuple(Part(one[0], tuple(one[1:])) for one in rings) or None
    if before:
        await draw(tx, before)
