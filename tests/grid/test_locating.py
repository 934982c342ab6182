"""Which lane a position belongs to: by boundaries first, then by distance in metres."""

import json
from datetime import UTC, datetime
from math import cos, radians
from random import Random

import asyncpg
import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from neighborhood_api.grid.areas.coordinates import Point, metres_between, to_gcj02
from neighborhood_api.grid.areas.locating import innermost_around, nearest_around
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Boundary, Node
from neighborhood_api.identity.access import Role
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
        self.last = ""

    @override
    async def look(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        plan = await self._connection.exec_driver_sql(
            f"EXPLAIN (FORMAT JSON) {sql}", parameters
        )
        self.last = json.dumps(plan.scalar_one())
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


async def locate(caller: AsyncClient, point: Point = SPOT) -> Response:
    where = f"longitude={point.longitude}&latitude={point.latitude}"
    return await caller.get(f"/grid/locate?{where}&coordinate_system=wgs84")


async def enclose(
    operator: AsyncClient, node: Node, ring: Ring | None, version: int = 0
) -> int:
    body = {"ring": ring, "coordinate_system": "wgs84", "version": version}
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
    near = await lane_at(tx, grid, 60, off(10))
    long = await lane_at(tx, grid, 61, off(900))
    blank = await lane_at(tx, grid, 62, None)
    await tx.commit()
    version = await enclose(operator, long, around(SPOT, 50))
    body = (await locate(caller)).json()
    assert (body["lane"]["id"], body["metres"]) == (str(long.id), 900)
    assert (await locate(caller, off(51))).json()["lane"]["id"] == str(near.id)
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
    refused(await locate(caller), 404, "no_lane_nearby")


async def test_a_boundary_is_stored_as_wgs84_and_shown_to_all(
    caller: Caller, operator: Caller, town: Town, tx: Tx
) -> None:
    node = town.at(1, 1)
    path = f"/grid/nodes/{node.id}/boundary"
    assert (await caller.get(path)).json() == {
        "node_id": str(node.id),
        "ring": None,
        "version": 0,
    }
    ring = around(Point(114.28, 23.17), 100)
    shown = [to_gcj02(Point(*corner)) for corner in ring]
    answer = await operator.put(path, json={"ring": shown, "version": 0})
    body = (await caller.get(path)).json()
    assert body == answer.json()
    assert body["version"] == 1
    for (x, y), (east, north) in zip(body["ring"], ring, strict=True):
        assert metres_between(Point(x, y), Point(east, north)) < 0.1
    refused(await operator.put(path, json={"ring": shown, "version": 0}), 409, "stale_version")
    cleared = await operator.put(path, json={"ring": None, "version": 1})
    assert (cleared.json()["ring"], cleared.json()["version"]) == (None, 2)
    stored = await tx.get_one(Boundary, node.id)
    assert (stored.ring, stored.version) == (None, 2)


@pytest.mark.parametrize(
    "ring",
    [
        [],
        [[114, 23], [115, 23]],
        [[114, 23], [115, 23], [181, 23]],
        [[114, 23], [115, 23], [115]],
        [[114, 23], [115, 23], ["nan", 23]],
    ],
)
async def test_what_is_no_ring_is_refused(
    ring: list[object], operator: Caller, town: Town, tx: Tx
) -> None:
    node = town.at(1, 1)
    body = {"ring": ring, "version": 0}
    answer = await operator.put(f"/grid/nodes/{node.id}/boundary", json=body)
    refused(answer, 422, "invalid_request")
    assert await tx.get(Boundary, node.id) is None


async def test_operators_alone_draw_boundaries(callers: Callers, town: Town, tx: Tx) -> None:
    node = town.at(1, 1)
    body = {"ring": around(SPOT, 9), "version": 0}
    for role, where in ((Role.STREET_SECRETARY, (1,)), (Role.COMMUNITY_SECRETARY, (1, 1))):
        caller = await callers.staff(town, role, *where)
        answer = await caller.put(f"/grid/nodes/{node.id}/boundary", json=body)
        refused(answer, 403, "forbidden")
    assert await tx.get(Boundary, node.id) is None


async def test_both_searches_use_their_index(connection: AsyncConnection) -> None:
    """Otherwise a county's lanes would all be measured for every report."""
    day, plans = local_day(datetime.now(UTC)), Explaining(connection)
    await connection.execute(text("SET LOCAL enable_seqscan = off"))
    await connection.execute(text("SET LOCAL enable_indexscan = on"))
    await nearest_around(plans, SPOT, None, day=day)
    assert "ix_node_point" in plans.last
    await innermost_around(plans, SPOT, day=day)
    assert "ix_boundary_ring" in plans.last
