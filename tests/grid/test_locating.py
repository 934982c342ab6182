"""Which lane a position belongs to: by boundaries first, then by distance in metres."""

import json
from datetime import UTC, datetime
from math import cos, radians
from random import Random
from typing import Any

import asyncpg
import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from neighborhood_api.grid.areas.coordinates import Point, metres_between
from neighborhood_api.grid.areas.locating import innermost_around, nearest_around
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.reads import Reader
from tests.support.people import Caller, Callers
from tests.support.places import Town, new_node
from tests.support.refusals import refused

SPOT = Point(101.0, 30.0)
"""Far from every lane of the town."""
Ring = list[tuple[float, float]]


class Explaining(Reader):
    """Asks how a statement would be run instead of running it."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__("", size=1)
        self._connection = connection
        self.before = self.last = ""

    @override
    async def look(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        plan = await self._connection.exec_driver_sql(
            f"EXPLAIN (FORMAT JSON) {sql}", parameters
        )
        self.before, self.last = self.last, json.dumps(plan.scalar_one())
        return []


@pytest.fixture
async def caller(callers: Callers, town: Town) -> Caller:
    return await callers.resident(town.place(1, 1, 1, 1))


def around(point: Point, metres: float) -> Ring:
    """A square of `metres` to each side."""
    north = metres / 111_195
    east = north / cos(radians(point.latitude))
    x, y = point
    return [
        (x - east, y - north),
        (x + east, y - north),
        (x + east, y + north),
        (x - east, y + north),
    ]


def off(metres_east: float, metres_north: float = 0) -> Point:
    east = metres_east / 111_195 / cos(radians(SPOT.latitude))
    return Point(SPOT.longitude + east, SPOT.latitude + metres_north / 111_195)


async def lane_at(tx: Tx, grid: Node, number: int, point: Point | None) -> Node:
    lane = new_node(grid, number)
    lane.longitude, lane.latitude = point or (None, None)
    tx.add(lane)
    await tx.flush()
    return lane


def shape(ring: Ring | None) -> dict[str, Any] | None:
    return None if ring is None else {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


async def locate(caller: AsyncClient, point: Point = SPOT) -> Response:
    where = f"longitude={point.longitude}&latitude={point.latitude}"
    return await caller.get(f"/grid/locate?{where}&coordinate_system=wgs84")


async def enclose(
    operator: AsyncClient, node: Node, ring: Ring | None, version: int = 0
) -> int:
    body = {"geometry": shape(ring), "coordinate_system": "wgs84", "version": version}
    answer = await operator.put(f"/grid/nodes/{node.id}/boundary", json=body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["version"])


async def test_the_nearest_in_metres_is_found_behind_many_that_are_nearer_in_degrees(
    caller: Caller, town: Town, tx: Tx
) -> None:
    """A degree east is shorter than a degree north; five lie in the way of the nearest."""
    grid = town.at(1, 1, 1)
    for number in range(5):
        await lane_at(tx, grid, 60 + number, off(0, 100 + number))
    nearest = await lane_at(tx, grid, 70, off(99))
    assert abs((nearest.longitude or 0) - SPOT.longitude) > 104 / 111_195
    body = (await locate(caller)).json()
    assert (body["lane"]["id"], body["metres"]) == (str(nearest.id), 99)


async def test_of_many_lanes_the_nearest_is_found_from_everywhere(
    caller: Caller, town: Town, tx: Tx
) -> None:
    chance = Random(20261122)  # noqa: S311  (where lanes lie)
    grid = town.at(1, 1, 1)
    lanes = [
        await lane_at(tx, grid, n, off(chance.uniform(-900, 900), chance.uniform(-900, 900)))
        for n in range(60, 110)
    ]
    for _ in range(25):
        here = off(chance.uniform(-1500, 1500), chance.uniform(-1500, 1500))
        metres, nearest = min(
            (metres_between(here, Point(lane.longitude or 0, lane.latitude or 0)), lane.id)
            for lane in lanes
        )
        answer = await locate(caller, here)
        if metres > 500:
            refused(answer, 404, "no_lane_nearby")
        else:
            assert answer.json()["lane"]["id"] == str(nearest)
            assert answer.json()["metres"] == round(metres)


async def test_inside_a_lanes_boundary_it_is_that_lane_however_far_its_point(
    caller: Caller, operator: Caller, town: Town, tx: Tx
) -> None:
    grid = town.at(1, 1, 1)
    await lane_at(tx, grid, 60, off(10))
    long = await lane_at(tx, grid, 61, off(900))
    blank = await lane_at(tx, grid, 62, None)
    await tx.commit()
    version = await enclose(operator, long, around(SPOT, 50))
    body = (await locate(caller)).json()
    assert (body["lane"]["id"], body["metres"], body["by_boundary"]) == (str(long.id), 0, True)
    body = (await locate(caller, off(55))).json()
    assert (body["lane"]["id"], body["metres"], body["by_boundary"]) == (str(long.id), 5, False)
    assert (await locate(caller, off(33, 80))).json()["lane"]["id"] == str(long.id)
    assert (await locate(caller, off(10, 160))).json()["lane"]["id"] == str(long.id)
    await enclose(operator, long, None, version)
    await enclose(operator, blank, around(SPOT, 50))
    body = (await locate(caller)).json()
    assert (body["lane"]["id"], body["metres"]) == (str(blank.id), 0)


async def test_inside_the_boundary_of_a_larger_place_only_its_lanes_count(
    caller: Caller, operator: Caller, town: Town, tx: Tx
) -> None:
    ours, theirs = town.at(1, 1, 1), town.at(1, 1, 2)
    across = await lane_at(tx, theirs, 60, off(30))
    inside = await lane_at(tx, ours, 61, off(-200))
    await tx.commit()
    assert (await locate(caller)).json()["lane"]["id"] == str(across.id)
    await enclose(operator, town.at(1, 1), around(SPOT, 3000))
    assert (await locate(caller)).json()["lane"]["id"] == str(across.id)
    await enclose(operator, ours, around(SPOT, 20))
    assert (await locate(caller)).json()["lane"]["id"] == str(inside.id)
    inside.longitude, inside.latitude = off(-501)
    await tx.commit()
    body = (await locate(caller)).json()
    assert (body["lane"], body["metres"], body["by_boundary"]) == (None, None, False)
    assert body["inside"]["id"] == str(ours.id)


MANY_LANES = (
    """INSERT INTO node (id, level, kind, parent_id, code, name, code_prefix, district_id,
         street_id, community_id, grid_id, lane_id, longitude, latitude, valid_from, version)
       SELECT lane.id, 4, 'lane', grid.id, grid.code || '-' || n, n, 'X', grid.district_id,
         grid.street_id, grid.community_id, grid.id, lane.id, 100 + n * 0.01, 30,
         '2020-01-01', 1
       FROM node grid, generate_series(1, 2000) AS n,
         LATERAL (SELECT gen_random_uuid() AS id WHERE n > 0) lane
       WHERE grid.id = :grid""",
    """INSERT INTO boundary (node_id, parts, version)
       SELECT id, 1, 1 FROM node WHERE parent_id = :grid AND code_prefix = 'X'""",
    """INSERT INTO boundary_ring (node_id, part, number, ring)
       SELECT id, 0, 0, polygon(circle(point(longitude, latitude), 0.001))::text
       FROM node WHERE parent_id = :grid AND code_prefix = 'X'""",
    "ANALYZE node, boundary, boundary_ring",
)


async def test_all_searches_use_their_index(town: Town, connection: AsyncConnection) -> None:
    """Otherwise a county's lanes would all be measured for every report."""
    for sql in MANY_LANES:
        await connection.execute(text(sql), {"grid": town.at(1, 1, 1).id})
    day, plans = local_day(datetime.now(UTC)), Explaining(connection)
    await connection.execute(text("SET LOCAL enable_seqscan = off"))
    await connection.execute(text("SET LOCAL enable_indexscan = on"))
    await nearest_around(plans, SPOT, None, day=day)
    assert "ix_node_point" in plans.last
    assert "ix_boundary_ring_polygon" in plans.before
    await innermost_around(plans, SPOT, day=day)
    assert "ix_boundary_ring_polygon" in plans.last
