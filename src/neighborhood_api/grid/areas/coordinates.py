"""Positions as phones give them: GCJ-02, China's offset system, or WGS-84."""

from enum import StrEnum
from math import asin, cos, pi, radians, sin, sqrt
from typing import NamedTuple

EARTH_METRES = 6_371_008.8
"""Mean radius (IUGG)."""
_AXIS = 6_378_245.0
_ECCENTRICITY = 0.006_693_421_622_965_943
"""Semi-major axis and squared eccentricity of the Krasovsky ellipsoid that GCJ-02 builds on."""
_ROUNDS = 3
"""Each round of the inversion gains about five digits; three reach centimetres."""


class CoordinateSystem(StrEnum):
    """How a position was measured."""

    GCJ02 = "gcj02"
    WGS84 = "wgs84"


class Point(NamedTuple):
    """Degrees."""

    longitude: float
    latitude: float


def to_wgs84(point: Point, system: CoordinateSystem) -> Point:
    """Return the WGS-84 position, inverting GCJ-02 by iteration."""
    if system is CoordinateSystem.WGS84:
        return point
    guess = point
    for _ in range(_ROUNDS):
        shown = to_gcj02(guess)
        guess = Point(
            guess.longitude + point.longitude - shown.longitude,
            guess.latitude + point.latitude - shown.latitude,
        )
    return guess


def to_gcj02(point: Point) -> Point:
    """Return where Chinese maps show a WGS-84 position; outside China nothing moves."""
    if not (73.66 < point.longitude < 135.05 and 3.86 < point.latitude < 53.55):  # noqa: PLR2004
        return point
    x, y = point.longitude - 105.0, point.latitude - 35.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east += _waves(x, (20, 6), (20, 2)) + _waves(x, (20, 1), (40, 1 / 3))
    east += _waves(x, (150, 1 / 12), (300, 1 / 30))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north += _waves(x, (20, 6), (20, 2)) + _waves(y, (20, 1), (40, 1 / 3))
    north += _waves(y, (160, 1 / 12), (320, 1 / 30))
    latitude = radians(point.latitude)
    magic = 1.0 - _ECCENTRICITY * sin(latitude) ** 2
    root = sqrt(magic)
    per_degree_north = _AXIS * (1.0 - _ECCENTRICITY) / (magic * root) * pi / 180.0
    per_degree_east = _AXIS / root * cos(latitude) * pi / 180.0
    return Point(
        point.longitude + east / per_degree_east, point.latitude + north / per_degree_north
    )


def metres_between(a: Point, b: Point) -> float:
    """Return the great-circle distance."""
    half_north = radians(b.latitude - a.latitude) / 2
    half_east = radians(b.longitude - a.longitude) / 2
    chord = sin(half_north) ** 2 + (
        cos(radians(a.latitude)) * cos(radians(b.latitude)) * sin(half_east) ** 2
    )
    return 2 * EARTH_METRES * asin(sqrt(chord))


def _waves(v: float, *waves: tuple[float, float]) -> float:
    """Add sine waves given as (size in metres, frequency)."""
    return sum(size * sin(frequency * v * pi) for size, frequency in waves) * 2.0 / 3.0
