"""Whether the parts of a place cover it: gaps, overlaps, and what lies outside (全覆盖)."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shapely import MultiPolygon, STRtree, unary_union

from neighborhood_api.grid.areas.boundaries import shapes_of
from neighborhood_api.grid.areas.coordinates import Point
from neighborhood_api.grid.areas.schemas import (
    CoverageOut,
    GapOut,
    OutsideOut,
    OverlapOut,
    SpotOut,
)
from neighborhood_api.grid.areas.shapes import Shape, back_from, flat_of
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.queries import CHILDREN, NodeRow
from neighborhood_api.grid.schemas import NodeOut
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import ReadTx

MOST_TOLD = 200
"""Of each kind, the largest first; whoever has more has a wrong file."""


class _Patch(NamedTuple):
    """A piece of ground."""

    square_metres: int
    around: Point


async def read_coverage(
    tx: ReadTx, actor: Actor, node_id: UUID, least: int, *, now: datetime
) -> CoverageOut:
    """Compare the boundaries of the parts of a node with each other and with its own.

    Pieces of less than `least` square metres are passed over.

    Raises: NodeNotFound, Forbidden.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.GRID_MANAGE, at=node.place)
    parts = await CHILDREN.all(tx, node_id=node.id, day=local_day(now))
    shapes = await shapes_of(tx, [node.id, *(part.id for part in parts)])
    whole = shapes.pop(node.id, None)
    drawn = [part for part in parts if part.id in shapes]
    found = await asyncio.to_thread(_compare, whole, drawn, shapes, least)
    return CoverageOut(
        node=NodeOut.model_validate(node),
        parts=len(parts),
        without_boundary=[NodeOut.model_validate(p) for p in parts if p.id not in shapes],
        **found,
    )


def _compare(
    whole: Shape | None, parts: list[NodeRow], shapes: Mapping[UUID, Shape], least: int
) -> dict[str, Any]:
    """Compute with the shapes in metres; GEOS takes its time, so this runs in a thread."""
    every = [shape for shape in (whole, *shapes.values()) if shape is not None]
    origin = every[0][0].outer[0] if every else Point(0, 0)
    flat = [flat_of(shapes[part.id], origin) for part in parts]
    edge = None if whole is None else flat_of(whole, origin)
    overlaps = [
        OverlapOut(
            first=NodeOut.model_validate(parts[a]),
            second=NodeOut.model_validate(parts[b]),
            square_metres=patch.square_metres,
            around=_spot(patch),
        )
        for a, b in _neighbours(flat)
        if (patch := _patch(flat[a].intersection(flat[b]), origin)).square_metres >= least
    ]
    outside = [
        OutsideOut(
            node=NodeOut.model_validate(part),
            square_metres=patch.square_metres,
            around=_spot(patch),
        )
        for part, shape in zip(parts, flat, strict=True)
        if edge is not None
        and (patch := _patch(shape.difference(edge), origin)).square_metres >= least
    ]
    gaps = None if edge is None else list(_gaps(edge, flat, origin, least))
    found = {"gaps": gaps, "overlaps": overlaps, "outside": outside}
    return {kind: _largest(patches) for kind, patches in found.items()}


def _neighbours(flat: list[MultiPolygon]) -> Iterator[tuple[int, int]]:
    """Give the pairs that share more than an edge, each once."""
    if not flat:
        return
    pairs = STRtree(flat).query(flat, predicate="intersects")
    yield from ((int(a), int(b)) for a, b in pairs.T if a < b)


def _gaps(
    edge: MultiPolygon, flat: list[MultiPolygon], origin: Point, least: int
) -> Iterator[GapOut]:
    """Give each piece of the whole that no part covers."""
    left = edge.difference(unary_union(flat))
    for piece in getattr(left, "geoms", [left]):
        patch = _patch(piece, origin)
        if patch.square_metres >= least:
            yield GapOut(square_metres=patch.square_metres, around=_spot(patch))


def _patch(ground: Any, origin: Point) -> _Patch:  # noqa: ANN401  (any geometry of shapely)
    if ground.is_empty or not ground.area:
        return _Patch(0, origin)
    inside = ground.representative_point()
    return _Patch(round(ground.area), back_from(inside.x, inside.y, origin))


def _spot(patch: _Patch) -> SpotOut:
    return SpotOut(
        longitude=round(patch.around.longitude, 6), latitude=round(patch.around.latitude, 6)
    )


def _largest(found: list[Any] | None) -> list[Any] | None:
    if found is None:
        return None
    return sorted(found, key=lambda one: -one.square_metres)[:MOST_TOLD]
