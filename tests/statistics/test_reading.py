"""Who may read which numbers, over which days, with which weights, and what is public."""

from datetime import date, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.statistics.measures import Metric
from neighborhood_api.statistics.weights import InForce, score
from tests.support.clock import Clock
from tests.support.issues import Street, act
from tests.support.refusals import refused


async def figures(caller: AsyncClient, **wish: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await caller.get("/statistics", params=wish)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["total"]["figures"]
    return shown


async def test_the_real_life_of_an_issue_is_told_in_numbers(
    street: Street, clock: Clock
) -> None:
    before = await figures(street.leader)
    assert (before["opened"], before["response"]["rate"], before["score"]) == (0, None, None)
    issue_id = await street.reported()
    clock.forward(minutes=20)
    await street.done(street.chief, issue_id, "accept")
    clock.forward(minutes=10)
    await street.done(street.chief, issue_id, "respond", text="已到现场")
    clock.forward(minutes=30)
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    await street.done(street.reporter, issue_id, "confirm")
    await street.done(street.reporter, issue_id, "rate", rating=4)
    told = await figures(street.leader)
    one = {"hits": 1, "n": 1, "rate": 1.0}
    for name in ("response", "solution", "satisfaction", "resolution_in_time"):
        assert told[name] == one, name
    assert told["score"] == 1.0
    assert told["first_response_minutes"] == {"n": 1, "p50": 30.0, "p80": 30.0, "p90": 30.0}
    assert told["resolution_minutes"]["p50"] == 60.0
    clock.forward(minutes=1)
    await street.done(street.reporter, issue_id, "reopen", text="又满了")
    told = await figures(street.leader)
    assert told["solution"] == {"hits": 0, "n": 1, "rate": 0.0}
    assert told["reopened"] == one
    assert told["resolution_in_time"]["n"] == 0


async def test_a_missed_limit_counts_when_it_has_passed_and_not_before(
    street: Street, clock: Clock
) -> None:
    await street.reported()
    clock.forward(minutes=60)
    assert (await figures(street.leader))["response"]["n"] == 0
    clock.forward(seconds=1)
    told = await figures(street.leader)
    assert told["response"] == {"hits": 0, "n": 1, "rate": 0.0}
    assert told["overdue"] == 1


async def test_posts_count_at_their_own_nodes_only(street: Street) -> None:
    await street.reported()
    town = street.town
    leader, own = street.leader, str(town.at(1, 1, 1).id)
    assert (await figures(leader))["opened"] == (await figures(leader, node_id=own))["opened"]
    for path in ((1, 1, 2), (1, 1), (2,), ()):
        answer = await leader.get("/statistics", params={"node_id": str(town.at(*path).id)})
        refused(answer, 403, "forbidden")
        behind = {"node_id": str(town.at(*path).id)}
        refused(await leader.get("/statistics/issues", params=behind), 403, "forbidden")
        refused(await leader.get("/statistics/hands", params=behind), 403, "forbidden")
    for caller in (street.chief, street.reporter):
        for address in ("/statistics", "/statistics/issues", "/statistics/hands"):
            refused(await caller.get(address), 403, "forbidden")
    other = await street.staff(Role.GRID_LEADER, 1, 1, 2)
    assert (await figures(other))["opened"] == 0


async def test_departments_count_their_own_work_and_no_persons(street: Street) -> None:
    await street.dispatched(0)
    await street.reported()
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    other = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)
    assert (await figures(officer))["opened"] == 1
    assert (await figures(other))["opened"] == 0
    refused(await officer.get("/statistics?dimension=handler"), 403, "forbidden")
    key = f"dimension=handler&key={street.chief.person_id}"
    refused(await officer.get(f"/statistics/issues?{key}"), 403, "forbidden")
    hands = (await officer.get("/statistics?dimension=hand")).json()["items"]
    assert any("城管办" in one["name"] for one in hands)


async def test_people_are_shown_to_those_with_the_right_where_they_held_it(
    street: Street,
) -> None:
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "escalate", text="需上级协调")
    community = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    await street.done(street.leader, issue_id, "accept")
    await street.done(street.leader, issue_id, "escalate", text="需上级协调")

    async def people(caller: AsyncClient) -> set[str]:
        answer = await caller.get("/statistics?dimension=handler")
        return {part["key"] for part in answer.json()["items"]}

    lower = {str(street.chief.person_id), str(street.leader.person_id)}
    assert await people(street.leader) == lower
    seen = await people(community)
    assert lower < seen


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"from": "2026-02-01", "to": "2026-01-31"}, 422, "period_not_usable"),
        ({"from": "2025-01-01", "to": "2026-02-05"}, 422, "period_not_usable"),
        ({"from": "2025-01-01", "to": "2026-02-04"}, 200, None),
        ({"to": "9999-12-31"}, 422, "period_not_usable"),
        ({"node_id": "0198c0de-0000-7000-8000-000000000001"}, 404, "node_not_found"),
    ],
)
async def test_periods_and_places_are_checked(
    wish: dict[str, str], status: int, code: str | None, street: Street
) -> None:
    answer = await street.leader.get("/statistics", params=wish)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


@pytest.mark.parametrize(
    "query",
    ["metric=opened&part=hits", "dimension=node", "key=x", "dimension=day&key=x",
     "dimension=hand&key=a.b", "dimension=node&key=x", "metric=nothing"],
)  # fmt: skip
async def test_a_list_of_nothing_that_is_counted_is_refused(query: str, street: Street) -> None:
    refused(await street.leader.get(f"/statistics/issues?{query}"), 422, "invalid_request")


async def test_days_are_those_of_china(street: Street, clock: Clock) -> None:
    clock.now = clock.now.replace(hour=15, minute=59, second=0)
    late = await street.reported()
    clock.forward(minutes=2)
    early = await street.reported()
    day = (clock.now + timedelta(hours=8)).date()
    for on, expected in ((day - timedelta(days=1), late), (day, early)):
        wish = {"from": on.isoformat(), "to": on.isoformat()}
        answer = await street.leader.get("/statistics/issues", params=wish)
        assert [item["id"] for item in answer.json()["items"]] == [expected]
        parts = await street.leader.get("/statistics", params={"dimension": "day"} | wish)
        assert [part["key"] for part in parts.json()["items"]] == [on.isoformat()]


async def test_weights_have_versions_and_old_scores_keep_theirs(
    street: Street, clock: Clock
) -> None:
    operator = await street.staff(Role.OPERATOR)
    district = str(street.town.at().id)
    wish = {"district_id": district, "response": 0, "solution": 3, "satisfaction": 1}
    body = wish | {"version": 0, "reason": "年度考核办法"}
    refused(await street.leader.put("/statistics/weights", json=body), 403, "forbidden")
    made = await operator.put("/statistics/weights", json=body)
    assert (made.status_code, made.json()["version"]) == (200, 1)
    again = await operator.put("/statistics/weights", json=body)
    assert again.json() == made.json()
    changed = body | {"response": 1}
    refused(await operator.put("/statistics/weights", json=changed), 409, "stale_version")
    nothing = wish | {"solution": 0, "satisfaction": 0, "version": 1, "reason": "x"}
    refused(await operator.put("/statistics/weights", json=nothing), 422, "invalid_request")
    listed = await street.leader.get(f"/statistics/weights?district_id={district}")
    assert [one["version"] for one in listed.json()["items"]] == [1, 0]
    clock.forward(seconds=1)
    now = (await operator.get("/statistics")).json()["weights"]
    assert (now["response"], now["solution"], now["version"]) == (0, 3, 1)
    last_month = (clock.now - timedelta(days=40)).date().isoformat()
    then = (await operator.get(f"/statistics?to={last_month}")).json()["weights"]
    assert (then["response"], then["solution"], then["version"]) == (1, 1, 0)
    published = await street.leader.get(f"/statistics/formulae?district_id={district}")
    assert published.json()["weights"]["version"] == 1
    street_id = str(street.town.at(1).id)
    refused(
        await operator.put("/statistics/weights", json=body | {"district_id": street_id}),
        404,
        "node_not_found",
    )


def test_a_score_is_the_weighted_mean_and_unknown_while_a_part_is() -> None:
    assert score(InForce(), 1.0, 0.5, 0.0) == 0.5
    assert score(InForce(2, 1, 1), 1.0, 0.5, 0.5) == 0.75
    assert score(InForce(), 1.0, None, 0.5) is None
    assert score(InForce(1, 0, 1), 1.0, None, 0.5) == 0.75


async def test_every_number_has_its_published_formula(http: AsyncClient) -> None:
    answer = await http.get("/statistics/formulae")
    items = answer.json()["items"]
    assert {item["metric"] for item in items} == {metric.value for metric in Metric}
    assert all(item["definition"] and item["definition_en"] for item in items)
    weights = answer.json()["weights"]
    assert [weights[one] for one in ("response", "solution", "satisfaction")] == [1, 1, 1]


async def test_the_public_board_tells_nothing_about_few_issues(
    street: Street, http: AsyncClient, clock: Clock
) -> None:
    node = {"node_id": str(street.town.at(1, 1).id)}
    for number in range(5):
        board = (await http.get("/public/statistics", params=node)).json()
        assert (board["opened"], board["response"]) == (None, {"percent": None, "n": None})
        issue_id = await street.reported()
        await street.reported(category_code="staff.conduct")
        await street.done(street.chief, issue_id, "accept")
        if number:
            await act(street.chief, issue_id, "respond", text="已到现场")
    clock.forward(minutes=61)
    answer = await http.get("/public/statistics", params=node)
    board = answer.json()
    assert board["opened"] == 5
    assert board["response"] == {"percent": 80, "n": 5}
    assert board["satisfaction"] == {"percent": None, "n": None}
    assert "chief" not in answer.text
    for path in ((1, 1, 1), (1, 1, 1, 1), ()):
        place = {"node_id": str(street.town.at(*path).id)}
        refused(await http.get("/public/statistics", params=place), 422, "no_board_here")
    then = (await http.get("/public/statistics", params=node | {"month": "2024-02"})).json()
    assert (then["first_on"], then["last_on"]) == ("2024-02-01", "2024-02-29")
    assert date.fromisoformat(board["first_on"]).day == 1


async def test_neighbours_see_no_list_behind_the_board(street: Street, tx: Tx) -> None:
    del tx
    refused(await street.reporter.get("/statistics/issues"), 403, "forbidden")
