"""Boundaries as GeoJSON gives them (RFC 7946), checked and written as PostgreSQL finds them.

A shape is made of parts; a part is an outer ring and the rings of its holes. Rings are kept
in WGS-84 without their repeated last corner.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from http import HTTPStatus
from math import cos, isfinite, radians
from typing import Any, NamedTuple

import shapely
from pydantic import JsonValue
from shapely import MultiPolygon, Polygon
from shapely.validation import explain_validity

from neighborhood_api.grid.areas.coordinates import (
    EARTH_METRES,
    CoordinateSystem,
    Point,
    to_gcj02,
    to_wgs84,
)
from neighborhood_api.kit.problems import Problem

MOST_CORNERS = 20_000
"""Of one shape; a street drawn to the metre has some hundreds."""
_FEWEST = 3
_EAST, _NORTH = 180.0, 90.0

Ring = tuple[Point, ...]


class ShapeKind(StrEnum):
    """The two kinds of GeoJSON geometry that have an inside."""

    POLYGON = "Polygon"
    MULTI_POLYGON = "MultiPolygon"


class Part(NamedTuple):
    """One piece of a shape."""

    outer: Ring
    holes: tuple[Ring, ...] = ()


Shape = tuple[Part, ...]


class ShapeUnusable(Problem):
    """A geometry has no clear inside; `why` and `at` say what is wrong and where."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The boundary cannot be used"
    message = "边界图形有误，请按提示修改后重新提交"

    def __init__(self, why: str, at: Sequence[float] | None = None) -> None:
        """Say in Chinese what is wrong, and near which corner."""
        self.why = why
        self.at = None if at is None else [round(one, 6) for one in at]
        place: list[JsonValue] = [*(self.at or ())]
        super().__init__(why=why, at=place or None)


def read_shape(kind: ShapeKind, coordinates: list[Any], system: CoordinateSystem) -> Shape:
    """Read the coordinates of a geometry; a large one takes its time, so use a thread.

    Raises: ShapeUnusable.
    """
    parts = [coordinates] if kind is ShapeKind.POLYGON else coordinates
    if not coordinates:
        raise ShapeUnusable("没有任何顶点")
    if _corners_of(parts) > MOST_CORNERS:
        raise ShapeUnusable(f"顶点太多，最多{MOST_CORNERS}个，请先简化图形")
    shape = tuple(_read_part(part, system) for part in parts)
    solid = solid_of(shape)
    if not solid.is_valid:
        raise _explained(explain_validity(solid), system)
    return shape


def rings_of(shape: Shape) -> Iterator[Ring]:
    """Give every ring, holes included."""
    for part in shape:
        yield part.outer
        yield from part.holes


def geometry_of(shape: Shape) -> dict[str, Any]:
    """Write a shape as GeoJSON, WGS-84 degrees."""
    parts = [[_closed(ring) for ring in (part.outer, *part.holes)] for part in shape]
    if len(parts) == 1:
        return {"type": ShapeKind.POLYGON, "coordinates": parts[0]}
    return {"type": ShapeKind.MULTI_POLYGON, "coordinates": parts}


def solid_of(shape: Shape) -> MultiPolygon:
    """Return a shape to compute with, in degrees."""
    return MultiPolygon([Polygon(part.outer, part.holes) for part in shape])


def flat_of(shape: Shape, origin: Point) -> MultiPolygon:
    """Return a shape in metres east and north of `origin`; good to a permille over 50 km."""
    north = radians(1) * EARTH_METRES
    east = north * cos(radians(origin.latitude))

    def flat(ring: Ring) -> list[tuple[float, float]]:
        return [
            ((c.longitude - origin.longitude) * east, (c.latitude - origin.latitude) * north)
            for c in ring
        ]

    return MultiPolygon([Polygon(flat(p.outer), [flat(h) for h in p.holes]) for p in shape])


def back_from(x: float, y: float, origin: Point) -> Point:
    """Return the position that lies so many metres east and north of `origin`."""
    north = radians(1) * EARTH_METRES
    east = north * cos(radians(origin.latitude))
    return Point(origin.longitude + x / east, origin.latitude + y / north)


def metres_to(here: Point, ring: Ring) -> float:
    """Return the distance from a position to the nearest point of a ring, 0 inside it."""
    corners = flat_of((Part(ring),), here)
    return float(corners.distance(shapely.Point(0, 0)))


def written(ring: Ring) -> str:
    """Write a ring as PostgreSQL writes a polygon."""
    return "(" + ",".join(f"({c.longitude!r},{c.latitude!r})" for c in ring) + ")"


def read_ring(text: str) -> Ring:
    """Read what `written` wrote."""
    numbers = [float(n) for n in text.translate(_PLAIN).split(",")]
    return tuple(Point(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True))


def _corners_of(parts: Sequence[object]) -> int:
    """Count the corners before any of them is looked at."""
    rings = (ring for part in parts if isinstance(part, list) for ring in part)
    return sum(len(ring) for ring in rings if isinstance(ring, list))


def _read_part(rings: object, system: CoordinateSystem) -> Part:
    if not isinstance(rings, list) or not rings:
        raise ShapeUnusable("坐标层级不对：每个面由一个外环和若干内环组成")
    outer, *holes = (_read_ring(ring, system) for ring in rings)
    return Part(outer, tuple(holes))


def _read_ring(corners: object, system: CoordinateSystem) -> Ring:
    if not isinstance(corners, list):
        raise ShapeUnusable("坐标层级不对：环由若干 [经度, 纬度] 组成")
    ring = [to_wgs84(_read_corner(corner), system) for corner in corners]
    if len(ring) > 1 and ring[0] == ring[-1]:
        del ring[-1]
    if len(set(ring)) < _FEWEST:
        raise ShapeUnusable(f"每个环至少要有{_FEWEST}个不同的顶点", ring[0] if ring else None)
    return tuple(ring)


def _read_corner(corner: object) -> Point:
    """Read one position; a height is allowed and dropped."""
    numbers = corner[:2] if isinstance(corner, list | tuple) else ()
    real = all(type(n) in {int, float} and isfinite(n) for n in numbers)
    if len(numbers) < 2 or not real:  # noqa: PLR2004  (longitude and latitude)
        raise ShapeUnusable("顶点要写成 [经度, 纬度] 两个数")
    east, north = (float(n) for n in numbers)
    if abs(east) > _EAST or abs(north) > _NORTH:
        raise ShapeUnusable("顶点超出范围：经度 ±180，纬度 ±90，请检查是否写反", (east, north))
    return Point(east, north)


def _closed(ring: Ring) -> list[tuple[float, float]]:
    return [(c.longitude, c.latitude) for c in (*ring, ring[0])]


def _explained(reason: str, system: CoordinateSystem) -> ShapeUnusable:
    """Turn GEOS's English into ours; it names the place in brackets."""
    what, _, place = reason.partition("[")
    at: Point | None = None
    if place:
        east, _, north = place.rstrip("]").partition(" ")
        at = Point(float(east), float(north))
        if system is CoordinateSystem.GCJ02:
            at = to_gcj02(at)
    known = next((told for key, told in _FAULTS.items() if key in what.lower()), None)
    return ShapeUnusable(known or "图形自相矛盾", at)


_FAULTS = {
    "self-intersection": "边界线自己相交",
    "hole lies outside": "内环不在外环之内",
    "nested": "各部分互相重叠",
    "interior is disconnected": "内环把图形分成了不相连的几块，请拆成多个面",
    "duplicate rings": "有重复的环",
    "too few points": "顶点太少",
}
_PLAIN = str.maketrans("", "", "()")
