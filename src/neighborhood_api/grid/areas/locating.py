"""Finding what lies around a position.

Boundaries go first: inside the boundary of a lane it is that lane; inside that of a larger
place only the lanes of this place come into question, and of those the nearest point decides.
Limits: a boundary is one ring without holes; a lane with neither point nor boundary is never
found; near the poles and within `NEAREST_METRES` of the antimeridian nothing is near.
"""

from datetime import date
from math import cos, degrees, radians
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Double,
    Uuid,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from neighborhood_api.grid.areas.coordinates import EARTH_METRES, Point
from neighborhood_api.grid.models import Boundary, Node
from neighborhood_api.grid.queries import DAY, NODE_COLUMNS, NodeRow, exists_on
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.kit.db import Source
from neighborhood_api.kit.reads import Query

NEAREST_METRES = 500
"""Farther than this from every lane's point, a position is taken as lying in none."""
_NARROWEST = 0.05
"""Cosine of the latitude up to which a box has a width; China ends at 0.59."""
_RING: ColumnElement[Any] = literal_column("CAST(boundary.ring AS polygon)")
"""Written as the index has it."""
_EAST, _NORTH = (bindparam(name, type_=Double) for name in ("longitude", "latitude"))
"""The position, in WGS-84 degrees."""
_WITHIN = bindparam("within", type_=Uuid)


class Near(NamedTuple):
    """A lane near a position."""

    id: UUID
    level: int
    kind: str
    code: str
    name: str
    parent_id: UUID | None
    longitude: float | None
    latitude: float | None
    metres: float

    @property
    def lane(self) -> NodeRow:
        """The lane alone."""
        return NodeRow(*self[:-1])


def _metres() -> ColumnElement[float]:
    """Return the great-circle distance of a node's point, as `metres_between` computes it."""
    half_north = func.radians(Node.latitude - _NORTH) / 2
    half_east = func.radians(Node.longitude - _EAST) / 2
    narrowed = func.cos(func.radians(Node.latitude)) * func.cos(func.radians(_NORTH))
    chord = func.power(func.sin(half_north), 2) + narrowed * func.power(func.sin(half_east), 2)
    distance: ColumnElement[float] = 2 * EARTH_METRES * func.asin(func.sqrt(chord))
    return distance


def _innermost() -> Query[NodeRow]:
    spot = func.point(_EAST, _NORTH)
    # A polygon that is one point: for `polygon @> point` there is no index.
    holds = _RING.op("@>", is_comparison=True)(func.polygon(func.box(spot, spot)))
    return Query(
        select(*NODE_COLUMNS)
        .join(Boundary, Boundary.node_id == Node.id)
        .where(holds, exists_on(DAY))
        .order_by(Node.level.desc(), Node.id)
        .limit(1),
        NodeRow,
    )


def _nearest() -> Query[Near]:
    """Have the index find the points in a box around the position; only those are measured."""
    west, east, south, north = (
        bindparam(name, type_=Double) for name in ("west", "east", "south", "north")
    )
    box = func.box(func.point(west, south), func.point(east, north))
    spot = func.point(Node.longitude, Node.latitude)
    inside = _WITHIN.in_([getattr(Node, name) for name in COLUMNS])
    return Query(
        select(*NODE_COLUMNS, _metres().label("metres"))
        # Spelled out, not bound: PostgreSQL must see that the partial index has them all.
        .where(Node.level == literal_column(str(Level.LANE.value)))
        .where(spot.op("<@", is_comparison=True)(box), _metres() <= NEAREST_METRES)
        .where(or_(_WITHIN.is_(None), inside), exists_on(DAY))
        .order_by(literal_column("metres"), Node.id)
        .limit(1),
        Near,
    )


INNERMOST = _innermost()
"""The deepest place whose boundary holds a position."""
NEAREST = _nearest()
"""The lane whose point is nearest in metres, of all or of those of one place."""


async def innermost_around(source: Source, here: Point, *, day: date) -> NodeRow | None:
    """Find the deepest place whose boundary holds a position."""
    return await INNERMOST.first(
        source, longitude=here.longitude, latitude=here.latitude, day=day
    )


async def nearest_around(
    source: Source, here: Point, within: UUID | None, *, day: date
) -> Near | None:
    """Find the lane whose point is nearest, of all or of those of one place."""
    return await NEAREST.first(
        source,
        longitude=here.longitude,
        latitude=here.latitude,
        within=within,
        day=day,
        **box_around(here),
    )


def box_around(here: Point) -> dict[str, float]:
    """Return the box that holds every point within `NEAREST_METRES`."""
    north = degrees(NEAREST_METRES / EARTH_METRES)
    east = north / max(_NARROWEST, cos(radians(here.latitude)))
    return {
        "west": here.longitude - east,
        "east": here.longitude + east,
        "south": here.latitude - north,
        "north": here.latitude + north,
    }
