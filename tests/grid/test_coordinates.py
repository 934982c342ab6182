"""GCJ-02 against known answers, there and back again."""

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neighborhood_api.grid.areas.coordinates import (
    CoordinateSystem,
    Point,
    metres_between,
    to_gcj02,
    to_wgs84,
)

CHINA = st.builds(Point, st.floats(74, 135), st.floats(18, 53.5))
ANYWHERE = st.builds(Point, st.floats(-180, 180), st.floats(-90, 90))


def test_tiananmen_lies_where_chinese_maps_show_it() -> None:
    """Published by the widely used converters to six decimals."""
    true, shown = Point(116.391275, 39.906217), Point(116.397517, 39.907620)
    assert metres_between(to_gcj02(true), shown) < 1
    assert metres_between(to_wgs84(shown, CoordinateSystem.GCJ02), true) < 1


def test_the_two_systems_lie_hundreds_of_metres_apart_in_the_demo_county() -> None:
    true = Point(114.2862, 23.1727)
    assert 300 < metres_between(true, to_gcj02(true)) < 800


@given(CHINA)
def test_there_and_back_within_a_centimetre(true: Point) -> None:
    back = to_wgs84(to_gcj02(true), CoordinateSystem.GCJ02)
    assert metres_between(true, back) < 0.01


@given(CHINA)
def test_inside_china_everything_moves_and_not_far(true: Point) -> None:
    assert 10 < metres_between(true, to_gcj02(true)) < 2000


@given(ANYWHERE)
def test_every_position_on_earth_has_an_answer(point: Point) -> None:
    for found in (to_gcj02(point), to_wgs84(point, CoordinateSystem.GCJ02)):
        assert all(map(isfinite, found))
    assert to_wgs84(point, CoordinateSystem.WGS84) == point


@pytest.mark.parametrize(
    "abroad", [Point(-74.0, 40.7), Point(139.7, 35.7), Point(116.4, -39.9), Point(0, 0)]
)
def test_abroad_nothing_moves(abroad: Point) -> None:
    assert to_gcj02(abroad) == abroad
    assert to_wgs84(abroad, CoordinateSystem.GCJ02) == abroad


def test_distances_are_those_of_the_globe() -> None:
    quarter = metres_between(Point(0, 0), Point(0, 90))
    assert quarter == pytest.approx(10_007_557, rel=1e-4)
    assert metres_between(Point(179.999, 0), Point(-179.999, 0)) == pytest.approx(
        222.4, rel=0.01
    )
    assert metres_between(Point(114, 23), Point(114, 23)) == 0
    assert isfinite(metres_between(Point(10, 20), Point(-170, -20)))  # antipodes
