"""The tree, the plates, and finding the lane one stands in."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from httpx import AsyncClient

from neighborhood_api.grid.areas.coordinates import Point, metres_between, to_gcj02
from neighborhood_api.kit.db import Tx
from tests.grid.conftest import Days
from tests.support.people import Caller, Callers
from tests.support.places import Town, new_node
from tests.support.posts import vacate
from tests.support.refusals import refused


@pytest.fixture
async def caller(callers: Callers, town: Town) -> Caller:
    return await callers.resident(town.place(1, 1, 1, 1))


async def test_the_tree_is_walked_down_from_the_districts(caller: Caller, town: Town) -> None:
    districts = (await caller.get("/grid/districts")).json()["items"]
    assert str(town.at().id) in {row["id"] for row in districts}
    assert {row["level"] for row in districts} == {0}
    path: tuple[int, ...] = ()
    while len(path) < 4:
        node = town.at(*path)
        children = (await caller.get(f"/grid/nodes/{node.id}/children")).json()["items"]
        assert [row["id"] for row in children] == [
            str(town.at(*path, number).id) for number in (1, 2)
        ]
        assert {row["parent_id"] for row in children} == {str(node.id)}
        path = (*path, 1)
    lane = (await caller.get(f"/grid/nodes/{town.at(*path).id}")).json()
    assert (lane["level"], lane["kind"], lane["name"]) == (4, "lane", "1号巷")
    below = (await caller.get(f"/grid/nodes/{town.at(*path).id}/children")).json()
    assert below == {"items": []}


async def test_the_tree_needs_a_sign_in(http: AsyncClient, town: Town) -> None:
    node = town.at(1)
    for path in ("districts", f"nodes/{node.id}", "locate?longitude=1&latitude=1"):
        refused(await http.get(f"/grid/{path}"), 401, "not_signed_in")


async def test_only_todays_nodes_are_shown(
    caller: Caller, town: Town, tx: Tx, days: Days, http: AsyncClient
) -> None:
    grid = town.at(1, 1, 1)
    spans: dict[str, tuple[date, date | None]] = {
        "from tomorrow": (days.tomorrow, None),
        "from today": (days.today, None),
        "until yesterday": (date(2020, 1, 1), days.yesterday),
        "gone today": (date(2020, 1, 1), days.today),
        "gone tomorrow": (date(2020, 1, 1), days.tomorrow),
    }
    nodes = {}
    for number, (name, (first, end)) in enumerate(spans.items(), start=50):
        node = nodes[name] = new_node(grid, number)
        node.name, node.valid_from, node.valid_until = name, first, end
        tx.add(node)
    await tx.flush()
    children = (await caller.get(f"/grid/nodes/{grid.id}/children")).json()["items"]
    shown = {row["name"] for row in children} & set(spans)
    assert shown == {"from today", "gone tomorrow"}
    for name, node in nodes.items():
        status = 200 if name in shown else 404
        position = f"longitude={node.longitude}&latitude={node.latitude}"
        where = f"/grid/locate?{position}&coordinate_system=wgs84"
        answers = {
            "node": await caller.get(f"/grid/nodes/{node.id}"),
            "contacts": await caller.get(f"/grid/nodes/{node.id}/contacts"),
            "plate": await http.get(f"/grid/plates/{node.plate_code}"),
            "locate": await caller.get(where),
        }
        assert {key: a.status_code for key, a in answers.items()} == dict.fromkeys(
            answers, status
        ), name


async def test_a_plate_opens_however_its_code_is_typed(http: AsyncClient, town: Town) -> None:
    lane = town.at(1, 2, 1, 2)
    assert lane.plate_code is not None
    for code in (lane.plate_code, lane.plate_code.lower(), f"%20{lane.plate_code}%20"):
        body = (await http.get(f"/grid/plates/{code}")).json()
        assert body["lane"]["id"] == str(lane.id), body
        assert body["plate_code"] == lane.plate_code
        assert body["lane_chief"]["duty_phone"].startswith("0752-90")
        roles = [c["role"] for level in body["levels"] for c in level["contacts"]]
        assert "operator" not in roles  # a phone book of duty posts, not of administrators
        assert "street_dispatcher" in roles


async def test_a_plate_tells_nothing_personal(http: AsyncClient, town: Town) -> None:
    lane = town.at(1, 2, 1, 2)
    text = (await http.get(f"/grid/plates/{lane.plate_code}")).text
    for person in town.staff.values():
        assert person.phone is not None
        assert person.phone not in text
        assert str(person.id) not in text


@pytest.mark.parametrize("code", ["NOPE", "%00", "%F0%9F%98%80", "a'--", "x" * 32])
async def test_an_unknown_plate_is_not_found(code: str, http: AsyncClient) -> None:
    answer = await http.get(f"/grid/plates/{code}")
    assert answer.status_code in {404, 422}, answer.text
    assert answer.json()["code"] in {"plate_not_found", "unstorable_text"}


async def test_a_vacant_lane_shows_its_grid_leader(
    http: AsyncClient, town: Town, tx: Tx
) -> None:
    lane = town.at(1, 1, 1, 1)
    await vacate(tx, lane)
    body = (await http.get(f"/grid/plates/{lane.plate_code}")).json()
    assert body["lane_chief"] is None
    assert body["levels"][0]["contacts"] == []
    assert body["grid_leader"]["duty_phone"].startswith("0752-90")


async def test_contacts_of_a_place(caller: Caller, town: Town) -> None:
    node = town.at(1)
    body = (await caller.get(f"/grid/nodes/{node.id}/contacts")).json()
    assert body["node"]["id"] == str(node.id)
    assert [(c["role"], c["organization"]) for c in body["contacts"]] == [
        ("street_dispatcher", None),
        ("street_secretary", None),
        ("department_officer", "城管办"),
        ("department_officer", "派出所"),
    ]
    unknown = await caller.get(f"/grid/nodes/{uuid4()}/contacts")
    refused(unknown, 404, "node_not_found")


async def test_the_nearest_lane_is_found_in_both_systems(caller: Caller, town: Town) -> None:
    lanes = [town.at(1, 1, 1, number) for number in (1, 2)]
    first = Point(lanes[0].longitude or 0, lanes[0].latitude or 0)
    beside = Point(first.longitude + 0.001, first.latitude)
    metres = round(metres_between(first, beside))
    for system, point in (("wgs84", beside), ("gcj02", to_gcj02(beside))):
        query = f"longitude={point.longitude}&latitude={point.latitude}"
        body = (await caller.get(f"/grid/locate?{query}&coordinate_system={system}")).json()
        assert body["metres"] == pytest.approx(metres, abs=1)
        assert body["lane"]["longitude"] == first.longitude


@pytest.mark.parametrize(
    ("longitude", "latitude", "status"),
    [
        (114.29 + 0.0045, 23.17, 200),  # some 460 m
        (114.29 + 0.0050, 23.17, 404),  # some 510 m, as far from the next lane
        (-65.7, -23.17, 404),
        (180, 90, 404),
        (-180, -90, 404),
        (181, 0, 422),
        ("nan", 0, 422),
        ("inf", 0, 422),
        ("", 0, 422),
    ],
)
async def test_near_far_and_the_other_side_of_the_world(
    longitude: object, latitude: object, status: int, caller: Caller
) -> None:
    query = f"longitude={longitude}&latitude={latitude}&coordinate_system=wgs84"
    answer = await caller.get(f"/grid/locate?{query}")
    assert answer.status_code == status, answer.text
    if status == 404:
        assert answer.json()["code"] == "no_lane_nearby"


async def test_residents_move_between_days_by_the_clock_of_china(
    caller: Caller, town: Town, tx: Tx, days: Days
) -> None:
    """A node that begins today begins at midnight in China, not in Greenwich."""
    node = new_node(town.at(1, 1, 1), 60)
    node.valid_from = days.today
    tx.add(node)
    await tx.flush()
    assert (await caller.get(f"/grid/nodes/{node.id}")).status_code == 200
    node.valid_from = days.today + timedelta(days=1)
    await tx.flush()
    assert (await caller.get(f"/grid/nodes/{node.id}")).status_code == 404


async def test_the_departments_of_a_place_are_its_own_and_those_above(
    caller: Caller, town: Town
) -> None:
    for path, names in (
        ((1, 1, 1, 1), ["城管办", "派出所"]),
        ((1,), ["城管办", "派出所"]),
        ((2,), []),
        ((), []),
    ):
        answer = await caller.get(f"/grid/nodes/{town.at(*path).id}/organizations")
        assert sorted(row["name"] for row in answer.json()["items"]) == names, path
    unknown = await caller.get(f"/grid/nodes/{uuid4()}/organizations")
    refused(unknown, 404, "node_not_found")
