"""Where places end: drawn one by one or from a file, and compared with each other."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, update

from neighborhood_api.grid.areas.coordinates import Point, metres_between, to_gcj02
from neighborhood_api.grid.models import Boundary, BoundaryRing, Node
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.grid.test_locating import SPOT, Ring, around, off
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused

Json = dict[str, Any]


def polygon(*rings: Sequence[tuple[float, float]]) -> Json:
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]] for ring in rings]}


def multi(*rings: Ring) -> Json:
    return {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]] for ring in rings]}


def box(west: float, south: float, east: float, north: float) -> Ring:
    """Corners given in metres from the spot."""
    return [off(west, south), off(east, south), off(east, north), off(west, north)]


def feature(node: Node | str | int, geometry: Json | None, name: str = "code") -> Json:
    code = node.code if isinstance(node, Node) else node
    return {"type": "Feature", "geometry": geometry, "properties": {name: code}}


async def put(operator: Caller, node: Node, geometry: Json | None, version: int = 0) -> Any:  # noqa: ANN401
    body = {"geometry": geometry, "coordinate_system": "wgs84", "version": version}
    return await operator.put(f"/grid/nodes/{node.id}/boundary", json=body)


async def bring(operator: Caller, top: Node, *features: Json, apply: bool = True) -> Any:  # noqa: ANN401
    body = {"type": "FeatureCollection", "features": features, "coordinate_system": "wgs84"}
    path = f"/grid/nodes/{top.id}/boundary-imports"
    return await operator.post(path, json=body | {"apply": apply})


async def drawn(tx: Tx) -> int:
    return await tx.scalar(select(func.count()).select_from(BoundaryRing)) or 0


@pytest.fixture
async def caller(callers: Callers, town: Town) -> Caller:
    return await callers.resident(town.place(1, 1, 1, 1))


async def located(caller: Caller, point: Point) -> Json:
    query = f"longitude={point.longitude}&latitude={point.latitude}&coordinate_system=wgs84"
    body: Json = (await caller.get(f"/grid/locate?{query}")).json()
    return body


async def test_a_boundary_is_stored_as_wgs84_and_shown_to_all(
    caller: Caller, operator: Caller, town: Town, tx: Tx
) -> None:
    node = town.at(1, 1)
    path = f"/grid/nodes/{node.id}/boundary"
    nothing = {"node_id": str(node.id), "geometry": None, "version": 0}
    assert (await caller.get(path)).json() == nothing
    ring = around(Point(114.28, 23.17), 100)
    shown = polygon([to_gcj02(Point(*corner)) for corner in ring])
    answer = await operator.put(path, json={"geometry": shown, "version": 0})
    body = (await caller.get(path)).json()
    assert body == answer.json()
    assert (body["version"], body["geometry"]["type"]) == (1, "Polygon")
    (corners,) = body["geometry"]["coordinates"]
    assert corners[0] == corners[-1]
    for (x, y), (east, north) in zip(corners, ring, strict=False):
        assert metres_between(Point(x, y), Point(east, north)) < 0.1
    refused(
        await operator.put(path, json={"geometry": shown, "version": 0}), 409, "stale_version"
    )
    cleared = await operator.put(path, json={"geometry": None, "version": 1})
    assert cleared.json() == nothing | {"version": 2}
    stored = await tx.get_one(Boundary, node.id)
    assert (stored.parts, stored.version, await drawn(tx)) == (0, 2, 0)


async def test_a_place_may_have_several_pieces_and_holes(
    caller: Caller, operator: Caller, town: Town
) -> None:
    lane, hole = town.at(1, 1, 1, 1), town.at(1, 1, 1, 2)
    far = around(off(5000), 50)
    geometry = {
        "type": "MultiPolygon",
        "coordinates": [
            polygon(box(-100, -100, 100, 100), box(-20, -20, 20, 20))["coordinates"],
            polygon(far)["coordinates"],
        ],
    }
    answer = await put(operator, lane, geometry)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["geometry"]["coordinates"]) == 2
    assert (await located(caller, off(60)))["lane"]["id"] == str(lane.id)
    assert (await located(caller, off(5010)))["lane"]["id"] == str(lane.id)
    in_the_hole = await located(caller, SPOT)
    assert in_the_hole["by_boundary"] is False
    await put(operator, hole, polygon(box(-20, -20, 20, 20)))
    assert (await located(caller, SPOT))["lane"]["id"] == str(hole.id)


BOW = [SPOT, off(100, 100), off(100), off(0, 100)]


@pytest.mark.parametrize(
    ("coordinates", "why"),
    [
        ([[[*c] for c in (*BOW, SPOT)]], "自己相交"),
        ([[[114, 23], [115, 23], [114, 23]]], "至少要有3个"),
        ([[[114, 23], [23, 114], [115, 24]]], "超出范围"),
        ([[[114, 23], [115, 23], [115]]], "两个数"),
        ([[[114, 23], [115, 23], ["115", 24]]], "两个数"),
        ([[[114, 23], [115, 23], [True, 24]]], "两个数"),
        ([[114, 23], [115, 23], [115, 24]], "两个数"),
        ([114, 23], "层级"),
        ([[[114, 23]] * 3, [[1, 1]]], "至少要有3个"),
        ([box(0, 0, 9, 9), box(20, 20, 30, 30)], "内环不在"),
    ],
    ids=range(10),
)
async def test_a_shape_without_a_clear_inside_is_refused_with_the_reason(
    coordinates: list[Any], why: str, operator: Caller, town: Town, tx: Tx
) -> None:
    answer = await put(operator, town.at(1, 1), {"type": "Polygon", "coordinates": coordinates})
    problem = refused(answer, 422, "shape_unusable")
    assert why in problem["why"]
    assert await drawn(tx) == 0


async def test_a_fault_is_shown_where_the_map_shows_it(operator: Caller, town: Town) -> None:
    bow = [to_gcj02(Point(c[0] + 14, c[1] - 7)) for c in BOW]
    body = {"geometry": polygon(bow), "coordinate_system": "gcj02", "version": 0}
    answer = await operator.put(f"/grid/nodes/{town.at(1, 1).id}/boundary", json=body)
    crossing = Point(*refused(answer, 422, "shape_unusable")["at"])
    middle = off(50, 50)
    assert metres_between(crossing, to_gcj02(Point(middle[0] + 14, middle[1] - 7))) < 5


async def test_a_file_is_looked_at_first_and_then_kept_whole(
    operator: Caller, town: Town, tx: Tx
) -> None:
    street, one, two = town.at(1), town.at(1, 1), town.at(1, 2)
    features = [
        feature(one, polygon(box(0, 0, 100, 100))),
        feature(two, multi(box(100, 0, 200, 100), box(300, 0, 400, 100)), "编码"),
    ]
    looked = (await bring(operator, street, *features, apply=False)).json()
    assert (looked["applied"], looked["new"], await drawn(tx)) == (False, 2, 0)
    kept = (await bring(operator, street, *features)).json()
    assert (kept["applied"], kept["new"], await drawn(tx)) == (True, 2, 3)
    again = (await bring(operator, street, *features)).json()
    assert (again["unchanged"], (await tx.get_one(Boundary, one.id)).version) == (2, 1)
    moved = [feature(one, polygon(box(0, 0, 100, 90))), features[1]]
    changed = (await bring(operator, street, *moved)).json()
    assert [item["change"] for item in changed["items"]] == ["changed", "unchanged"]
    assert (await tx.get_one(Boundary, one.id)).version == 2


async def test_one_fault_keeps_the_whole_file_out_and_each_is_named(
    operator: Caller, town: Town, tx: Tx
) -> None:
    street, one = town.at(1), town.at(1, 1)
    square = polygon(box(0, 0, 9, 9))
    faults = [
        feature(town.at(2, 1), square),  # of the next street
        feature("none such", square),
        feature(town.at(1, 2), None),
        {"geometry": square, "properties": {"name": "没有编码"}},
        feature(town.at(1, 1, 1), polygon(BOW)),
        feature(town.at(1, 1, 2), square),
        feature(town.at(1, 1, 2), square),
    ]
    looked = (await bring(operator, street, feature(one, square), *faults, apply=False)).json()
    assert [item["change"] for item in looked["items"]] == ["new", *["fault"] * 7]
    assert all(item["fault"] for item in looked["items"][1:])
    answer = await bring(operator, street, feature(one, square), *faults)
    problem = refused(answer, 422, "boundaries_faulty")
    assert [item["number"] for item in problem["items"]] == [2, 3, 4, 5, 6, 7, 8]
    assert await drawn(tx) == 0


async def test_gaps_overlaps_and_what_lies_outside_are_told_in_square_metres(
    operator: Caller, town: Town
) -> None:
    whole, first, second = town.at(1, 1), town.at(1, 1, 1), town.at(1, 1, 2)
    path = f"/grid/nodes/{whole.id}/coverage"
    blank = (await operator.get(path)).json()
    assert (blank["parts"], len(blank["without_boundary"]), blank["gaps"]) == (2, 2, None)
    await bring(
        operator,
        whole,
        feature(whole, polygon(box(0, 0, 200, 100))),
        feature(first, polygon(box(0, 0, 110, 100))),
        feature(second, polygon(box(100, 0, 210, 80))),
    )
    found = (await operator.get(path)).json()
    assert found["without_boundary"] == []
    (overlap,) = found["overlaps"]
    pair = {overlap["first"]["id"], overlap["second"]["id"]}
    assert pair == {str(first.id), str(second.id)}
    (gap,), (outside,) = found["gaps"], found["outside"]
    assert outside["node"]["id"] == str(second.id)
    areas = [one["square_metres"] for one in (overlap, gap, outside)]
    assert areas == pytest.approx([10 * 80, 90 * 20, 10 * 80], rel=0.01)
    middle = Point(gap["around"]["longitude"], gap["around"]["latitude"])
    assert metres_between(middle, Point(*off(155, 90))) < 60
    few = (await operator.get(f"{path}?least_square_metres=1000")).json()
    assert (few["overlaps"], few["outside"], len(few["gaps"])) == ([], [], 1)


OTHERS = [
    (Role.STREET_SECRETARY, (1,)),
    (Role.COMMUNITY_SECRETARY, (1, 1)),
    (Role.GRID_LEADER, (1, 1, 1)),
    (Role.LANE_CHIEF, (1, 1, 1, 1)),
]


async def test_operators_alone_draw_import_and_compare(
    callers: Callers, town: Town, tx: Tx
) -> None:
    node = town.at(1, 1)
    for role, where in OTHERS:
        caller = await callers.staff(town, role, *where)
        shape = polygon(around(SPOT, 9))
        refused(await put(caller, node, shape), 403, "forbidden")
        refused(await bring(caller, node, feature(node, shape)), 403, "forbidden")
        refused(await caller.get(f"/grid/nodes/{node.id}/coverage"), 403, "forbidden")
    assert await drawn(tx) == 0


async def test_a_file_of_a_real_town_is_taken_as_map_programs_write_it(
    caller: Caller, operator: Caller, town: Town, tx: Tx
) -> None:
    """Numbers as codes, heights, rings the other way round, corners twice, further members."""
    lanes = [town.at(1, 1, 1, 1), town.at(1, 1, 1, 2), town.at(1, 1, 2, 1)]
    backwards = box(0, 0, 50, 50)[::-1]
    high = [[*corner, 12.5 + n] for n, corner in enumerate([*backwards, backwards[0]])]
    doubled = [corner for corner in box(100, 0, 150, 50) for _ in range(2)]
    full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in lanes[2].code)
    features = [
        feature(lanes[0], {"type": "Polygon", "coordinates": [high], "bbox": [1, 2, 3, 4]}),
        feature(lanes[1], polygon(doubled)) | {"title": "二巷", "id": 7},
        feature(full_width, polygon(box(200, 0, 250, 50)), "地点编码"),
    ]
    numbered = update(Node).where(Node.id == lanes[0].id).values(code="990001001001001")
    await tx.execute(numbered)
    await tx.commit()
    features[0]["properties"] = {"CODE": 990001001001001.0, "name": None}
    kept = await bring(operator, town.at(1), *features)
    assert kept.status_code == 200, kept.text
    assert (kept.json()["new"], await drawn(tx)) == (3, 3)
    for lane, east in zip(lanes, (25, 125, 225), strict=True):
        assert (await located(caller, off(east, 25)))["lane"]["id"] == str(lane.id)
    again = (await bring(operator, town.at(1), *features)).json()
    assert again["unchanged"] == 3

    wrong = [
        feature("990001001001001", {"type": "Point", "coordinates": [*SPOT]}),
        feature(lanes[1], {"type": "GeometryCollection", "geometries": []}),
        feature(lanes[2], {"type": "MultiPolygon", "coordinates": []}),
    ]
    looked = (await bring(operator, town.at(1), *wrong, apply=False)).json()
    faults = [one["fault"] for one in looked["items"]]
    assert "图形是 Point" in faults[0]
    assert "GeometryCollection" in faults[1]
    assert "顶点" in faults[2]
