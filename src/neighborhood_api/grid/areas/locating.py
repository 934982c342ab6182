"""Finding what lies around a position.

Boundaries go first: inside the boundary of a lane it is that lane; inside that of a larger
place only the lanes of this place come into question, and of those the nearest is suggested,
by its boundary or by its point. Each search asks an index and measures what it gives.
Limits: a lane with neither point nor boundary is never found; near the poles and within
`NEAREST_METRES` of the antimeridian nothing is near.
"""

from datetime import date, datetime
from http import HTTPStatus
from math import cos, degrees, radians
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Double,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import aliased
from sqlalchemy.types import UserDefinedType
from typing_extensions import override

from neighborhood_api.grid.areas.coordinates import (
    EARTH_METRES,
    CoordinateSystem,
    Point,
    to_wgs84,
)
from neighborhood_api.grid.areas.schemas import LocatedOut
from neighborhood_api.grid.areas.shapes import metres_to, read_ring
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import BoundaryRing, Node
from neighborhood_api.grid.queries import DAY, NODE_COLUMNS, NodeRow, exists_on
from neighborhood_api.grid.schemas import NodePositionOut
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.kit.db import Source
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query

NEAREST_METRES = 500
"""Farther than this from every lane's point, a position is taken as lying in none."""
_EDGES_MEASURED = 16
"""Degrees east are shorter than degrees north, so some are measured before one is chosen."""
_NARROWEST = 0.05
"""Cosine of the latitude up to which a box has a width; China ends at 0.59."""
_RING: ColumnElement[Any] = literal_column("CAST(boundary_ring.ring AS polygon)")
"""Written as the index has it."""
_EAST, _NORTH = (bindparam(name, type_=Double) for name in ("longitude", "latitude"))
"""The position, in WGS-84 degrees."""
_WITHIN = bindparam("within", type_=Uuid)


class NoLaneNearby(Problem):
    """No boundary holds the position, and no lane is near it."""

    status = HTTPStatus.NOT_FOUND
    title = "No lane is registered near this position"
    message = "附近没有登记的街巷，请手动选择街巷"


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


class Polygon(UserDefinedType[str]):
    """PostgreSQL's own polygon."""

    cache_ok = True

    @override
    def get_col_spec(self, **_: Any) -> str:
        return "polygon"


_SPOT = func.point(_EAST, _NORTH)
_AS_POLYGON = func.polygon(func.box(_SPOT, _SPOT))
"""The position as a polygon that is one point: for `polygon @> point` there is no index."""


def _innermost() -> Query[NodeRow]:
    hole = aliased(BoundaryRing)
    pierced = (
        select(hole.number)
        .where(hole.node_id == BoundaryRing.node_id, hole.part == BoundaryRing.part)
        .where(hole.number > 0)
        .where(cast(hole.ring, Polygon).op("@>", is_comparison=True)(_AS_POLYGON))
    )
    return Query(
        select(*NODE_COLUMNS)
        .join(BoundaryRing, BoundaryRing.node_id == Node.id)
        .where(_RING.op("@>", is_comparison=True)(_AS_POLYGON), BoundaryRing.number == 0)
        .where(~pierced.exists(), exists_on(DAY))
        .order_by(Node.level.desc(), Node.id)
        .limit(1),
        NodeRow,
    )


class _Edge(NamedTuple):
    """A lane with one piece of its boundary."""

    id: UUID
    level: int
    kind: str
    code: str
    name: str
    parent_id: UUID | None
    longitude: float | None
    latitude: float | None
    ring: str


def _edges() -> Query[_Edge]:
    """Have the index find the pieces that touch a box around the position."""
    west, east, south, north = (
        bindparam(name, type_=Double) for name in ("west", "east", "south", "north")
    )
    box = func.polygon(func.box(func.point(west, south), func.point(east, north)))
    inside = _WITHIN.in_([getattr(Node, name) for name in COLUMNS])
    return Query(
        select(*NODE_COLUMNS, BoundaryRing.ring)
        .join(BoundaryRing, BoundaryRing.node_id == Node.id)
        .where(_RING.op("&&", is_comparison=True)(box), BoundaryRing.number == 0)
        .where(Node.level == Level.LANE.value, exists_on(DAY))
        .where(or_(_WITHIN.is_(None), inside))
        .order_by(_RING.op("<->", return_type=Double())(_SPOT), Node.id)
        .limit(_EDGES_MEASURED),
        _Edge,
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
EDGES = _edges()
"""The pieces of lanes' boundaries around a position, the nearest in degrees first."""
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
    """Find the lane that is nearest by its boundary or point, of all or of one place's."""
    asked = {
        "longitude": here.longitude,
        "latitude": here.latitude,
        "within": within,
        "day": day,
        **box_around(here),
    }
    edges = await EDGES.all(source, **asked)
    near = [Near(*edge[:-1], metres_to(here, read_ring(edge.ring))) for edge in edges]
    by_point = await NEAREST.first(source, **asked)
    if by_point is not None:
        near.append(by_point)
    near = [one for one in near if one.metres <= NEAREST_METRES]
    return min(near, key=lambda one: (one.metres, one.id), default=None)


async def locate(
    source: Source, point: Point, system: CoordinateSystem, *, now: datetime
) -> LocatedOut:
    """Tell the lane of a position, or the nearest one and the smallest place around it.

    Raises: NoLaneNearby when there is neither.
    """
    here = to_wgs84(point, system)
    day = local_day(now)
    inside = await innermost_around(source, here, day=day)
    if inside is not None and inside.level == Level.LANE:
        lane = NodePositionOut.model_validate(inside)
        return LocatedOut(lane=lane, by_boundary=True, metres=0, inside=lane)
    near = await nearest_around(source, here, inside and inside.id, day=day)
    if near is None and inside is None:
        raise NoLaneNearby
    return LocatedOut(
        lane=None if near is None else NodePositionOut.model_validate(near.lane),
        by_boundary=False,
        metres=None if near is None else round(near.metres),
        inside=None if inside is None else NodePositionOut.model_validate(inside),
    )


async def lane_at(
    source: Source, point: Point, system: CoordinateSystem, *, now: datetime
) -> UUID:
    """Return the lane that a position lies in, or the nearest one.

    Raises: NoLaneNearby.
    """
    found = await locate(source, point, system, now=now)
    if found.lane is None:
        raise NoLaneNearby
    return found.lane.id


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
