"""A district names its levels and posts; the codes underneath stay the same."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.worklists.service import rows_of
from neighborhood_api.issues.worklists.sheets import cells_of
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Database, Tx
from tests.grid.layers.arranging import reads_of
from tests.support.clock import Clock
from tests.support.issues import LANE, ensure_categories, street_of
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appointment_at
from tests.support.refusals import refused

LEVELS: list[dict[str, Any]] = [
    {"level": 0, "name": "区", "kinds": ["district"]},
    {"level": 1, "name": "街道", "kinds": ["street", "town"]},
    {"level": 2, "name": "社区", "kinds": ["community", "village"]},
    {"level": 3, "name": "小区", "kinds": ["compound"]},
    {"level": 4, "name": "楼栋", "kinds": ["building"]},
]
WISH: dict[str, Any] = {
    "levels": LEVELS,
    "roles": [
        {"role": "lane_chief", "name": "楼栋长"},
        {"role": "grid_leader", "name": "小区长"},
    ],
    "version": 0,
}


async def test_the_five_places_can_be_taken_as_they_are(operator: Caller, town: Town) -> None:
    ready = (await operator.get("/grid/profiles")).json()["items"]
    assert [one["code"] for one in ready] == [
        "boluo",
        "yangjiang",
        "haiyang",
        "xiangyang",
        "yuetang",
    ]
    path = f"/grid/nodes/{town.at().id}/profile"
    for version, one in enumerate(ready):
        body = {"levels": one["levels"], "roles": one["roles"], "version": version}
        answer = await operator.put(path, json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["levels"] == one["levels"]
        assert answer.json()["roles"] == one["roles"]
    chiefs = {place["code"]: place["layers"] for place in ready}
    assert [level["post"] for level in chiefs["yuetang"][0]["levels"]] == [
        "片长",
        "组长",
        "邻长",
    ]
    assert chiefs["haiyang"][0]["name"] == "物业网格"


async def test_without_a_profile_everything_has_its_usual_name(
    operator: Caller, town: Town
) -> None:
    answer = await operator.get(f"/grid/nodes/{town.at().id}/profile")
    body = answer.json()
    assert body["version"] == 0
    assert {one["role"]: one["name"] for one in body["roles"]} == {
        role.value: name for role, name in ROLE_NAMES.items()
    }
    assert [one["name"] for one in body["levels"]] == ["区县", "街道", "社区", "网格", "街巷"]
    street = await operator.get(f"/grid/nodes/{town.at(1).id}/profile")
    refused(street, 404, "node_not_found")


async def test_residents_plates_and_contacts_read_the_districts_own_names(
    operator: Caller, callers: Callers, http: AsyncClient, town: Town
) -> None:
    resident = await callers.resident(town.place(1, 1, 1, 1))
    before = (await resident.get("/me/grid")).json()
    assert before["lane_chief"]["role_name"] == "巷长"
    answer = await operator.put(f"/grid/nodes/{town.at().id}/profile", json=WISH)
    assert answer.status_code == 200, answer.text
    grid = (await resident.get("/me/grid")).json()
    assert grid["lane_chief"]["role"] == "lane_chief"
    assert grid["lane_chief"]["role_name"] == "楼栋长"
    assert grid["grid_leader"]["role_name"] == "小区长"
    names = {c["role"]: c["role_name"] for level in grid["levels"] for c in level["contacts"]}
    assert names["community_secretary"] == "社区书记"
    plate = (await http.get(f"/grid/plates/{town.at(1, 1, 1, 1).plate_code}")).json()
    assert plate["lane_chief"]["role_name"] == "楼栋长"
    node = await resident.get(f"/grid/nodes/{town.at(1, 1, 1).id}/contacts")
    shown = {c["role"]: c["role_name"] for c in node.json()["contacts"]}
    assert shown == {"grid_leader": "小区长", "grid_worker": "网格员"}


async def test_a_profile_is_stated_over_the_version_that_was_read_and_leaves_a_trace(
    operator: Caller, town: Town, tx: Tx
) -> None:
    path = f"/grid/nodes/{town.at().id}/profile"
    assert (await operator.put(path, json=WISH)).json()["version"] == 1
    refused(await operator.put(path, json=WISH), 409, "stale_version")
    kept = await tx.scalars(select(Act).where(Act.subject == str(town.at().id)))
    (act,) = [act for act in kept if act.what == "grid.profile_stated"]
    assert act.person_id == operator.person_id
    (change,) = act.detail["changes"]
    assert change["before"]["role_names"] == {}
    assert change["after"]["role_names"] == {"lane_chief": "楼栋长", "grid_leader": "小区长"}
    assert change["after"]["level_names"] == ["区", "街道", "社区", "小区", "楼栋"]


async def test_levels_and_kinds_that_do_not_exist_are_refused(
    operator: Caller, town: Town
) -> None:
    path = f"/grid/nodes/{town.at().id}/profile"
    wrong = [
        WISH | {"levels": [*LEVELS[:4], LEVELS[0]]},
        WISH | {"levels": [*LEVELS[:4], LEVELS[4] | {"kinds": ["street"]}]},
        WISH | {"roles": [*WISH["roles"], {"role": "lane_chief", "name": "巷长"}]},
        WISH | {"roles": [{"role": "emperor", "name": "皇帝"}]},
    ]
    for body in wrong:
        refused(await operator.put(path, json=body), 422, "invalid_request")
    assert (await operator.get(path)).json()["version"] == 0


async def test_without_layers_my_grid_is_one_statement(
    callers: Callers, town: Town, connection: AsyncConnection
) -> None:
    resident = await callers.resident(town.place(1, 1, 1, 1))
    assert await reads_of(connection, resident.get("/me/grid")) == 1


async def test_only_the_districts_own_operator_names_its_posts(
    callers: Callers, town: Town
) -> None:
    path = f"/grid/nodes/{town.at().id}/profile"
    for role, place in ((Role.STREET_SECRETARY, (1,)), (Role.LANE_CHIEF, (1, 1, 1, 1))):
        staff = await callers.staff(town, role, *place)
        refused(await staff.put(path, json=WISH), 403, "forbidden")
    resident = await callers.resident(town.place(1, 1, 1, 1))
    refused(await resident.put(path, json=WISH), 403, "forbidden")
    assert (await resident.get(path)).json()["version"] == 0


OWN = {"lane_chief": "楼栋长", "grid_leader": "小区长", "grid_worker": "小区专员"}


@pytest.fixture
async def named(operator: Caller, town: Town, database: Database) -> None:
    """The district calls three posts otherwise."""
    await ensure_categories(database)
    roles = [{"role": role, "name": name} for role, name in OWN.items()]
    answer = await operator.put(
        f"/grid/nodes/{town.at().id}/profile", json=WISH | {"roles": roles}
    )
    assert answer.status_code == 200, answer.text


def said(answer: Response) -> Any:  # noqa: ANN401
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("named")
async def test_registers_of_posts_rosters_and_checks_read_the_districts_own_names(
    operator: Caller, callers: Callers, town: Town, clock: Clock
) -> None:
    grid, lane = town.at(1, 1, 1), town.at(1, 1, 1, 1)
    held = said(await operator.get(f"/grid/nodes/{grid.id}/appointments"))["items"]
    assert {one["role_name"] for one in held} == {"小区长", "小区专员"}
    chief = town.staff[Role.LANE_CHIEF, lane.id].id
    shift = {
        "person_id": str(chief),
        "starts_at": clock.now.isoformat(),
        "ends_at": (clock.now + timedelta(hours=1)).isoformat(),
    }
    path = f"/grid/nodes/{grid.id}/roster"
    assert said(await operator.post(path, json=shift))["role_name"] == "楼栋长"
    assert said(await operator.get(path))["items"][0]["role_name"] == "楼栋长"
    resident = await callers.resident(lane.place)
    for path in (f"/grid/nodes/{grid.id}/on-call", "/me/grid"):
        shown = said(await resident.get(path))
        assert shown.get("on_call", shown)["role_name"] == "楼栋长"  # by the roster
    clock.forward(hours=2)
    on_call = said(await resident.get(f"/grid/nodes/{grid.id}/on-call"))
    assert on_call["role_name"] == "小区长"
    assert said(await resident.get("/me/grid"))["on_call"]["role_name"] == "小区长"
    checks = said(await operator.get(f"/grid/nodes/{grid.id}/checks"))["items"]
    names = {one["check"]: one["name"] for one in checks}
    assert names["no_selection"] == "楼栋长没有推选记录"
    assert names["no_primary_worker"] == "小区没有唯一主责小区专员"
    found = said(await operator.get(f"/grid/nodes/{lane.id}/checks/no_selection"))["items"]
    assert [one["role_names"] for one in found] == [["楼栋长"]]
    (post,) = said(await operator.get(f"/grid/nodes/{lane.id}/appointments"))["items"]
    assert said(await operator.post(f"/appointments/{post['id']}/end"))["role_name"] == "楼栋长"
    vacant = said(await operator.get("/grid/vacancies"))["items"]
    assert [cover["role_name"] for one in vacant for cover in one["posts"]] == ["楼栋长"]


@pytest.mark.usefixtures("named")
async def test_issues_their_timelines_and_figures_read_the_districts_own_names(
    operator: Caller, callers: Callers, town: Town, tx: Tx
) -> None:
    street = await street_of(town, callers)
    reported = said(await street.report())
    assert reported["hand"]["role_name"] == "楼栋长"
    listed = said(await street.reporter.get("/me/issues"))["items"]
    assert [one["hand"] for one in listed] == [reported["hand"]]
    await street.done(street.chief, reported["id"], "accept")
    held = await appointment_at(tx, town.at(*LANE), Role.LANE_CHIEF)
    assert said(await operator.post(f"/appointments/{held.id}/end"))["handed_over"]["issues"]
    detail = said(await street.leader.get(f"/issues/{reported['id']}"))
    told = [(one["who"] or "", one["text"] or "") for one in detail["timeline"]]
    assert any(who.startswith("楼栋长 ") for who, _ in told)
    assert "楼栋长空缺，暂由上一级接办" in told[-1][1]
    public = said(await street.leader.get(f"/issues/{reported['id']}/public-view"))["public"]
    assert public["answered_by"].endswith(" 楼栋长")
    hands = said(await operator.get("/statistics?dimension=hand"))["items"]
    assert any(one["name"].endswith(" 楼栋长") for one in hands), hands
    (row,) = await rows_of(tx, [UUID(reported["id"])])
    assert "楼栋长" in cells_of(row, row.opened_at)
