"""Who keeps categories and rules, and what becomes of a change."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.issues.categories.arranging import CODE, put, saved, withdraw
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.reads import count_on
from tests.support.refusals import refused

BODY: dict[str, Any] = {
    "name": "垃圾房异味",
    "group_name": "环境与绿化",
    "aliases": ["垃圾房", "垃圾房臭", "垃圾房"],
    "hint": "垃圾房冲洗不及时",
    "position": 15,
    "active": True,
    "standard_code": "030502",
}
STAFF = [
    (Role.STREET_SECRETARY, (1,)),
    (Role.STREET_DISPATCHER, (1,)),
    (Role.COMMUNITY_SECRETARY, (1, 1)),
    (Role.GRID_LEADER, (1, 1, 1)),
    (Role.LANE_CHIEF, (1, 1, 1, 1)),
]


async def kept(caller: Caller, code: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await caller.put(f"/issue-categories/{code}", json=BODY | changes)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def announced(tx: Tx) -> list[str]:
    rows = select(OutboxRow.payload).where(OutboxRow.name == "issues.category_changed")
    return [row["category_code"] for row in await tx.scalars(rows.order_by(OutboxRow.id))]


async def test_a_new_category_can_be_chosen_once_it_has_a_rule(
    operator: Caller, tx: Tx
) -> None:
    made = await kept(operator, "env.depot")
    assert made == BODY | {
        "code": "env.depot",
        "group_code": "env",
        "aliases": ["垃圾房", "垃圾房臭"],
        "ready": False,
        "version": 1,
    }
    assert "env.depot" not in await listed(operator)
    await saved(operator, None, code="env.depot")
    assert "env.depot" in await listed(operator)
    assert (await managed(operator))["env.depot"]["ready"] is True
    assert await announced(tx) == ["env.depot"]


async def listed(caller: Caller) -> list[str]:
    return [one["code"] for one in (await caller.get("/issue-categories")).json()["items"]]


async def managed(caller: Caller) -> dict[str, dict[str, Any]]:
    items = (await caller.get("/staff/issue-categories")).json()["items"]
    return {one["code"]: one for one in items}


async def test_a_category_taken_out_of_use_stays_for_its_issues(
    operator: Caller, tx: Tx
) -> None:
    before = (await managed(operator))[CODE]
    wish = {name: before[name] for name in BODY} | {"active": False, "version": 1}
    changed = await kept(operator, CODE, **wish)
    assert (changed["active"], changed["version"], changed["ready"]) == (False, 2, True)
    assert CODE not in await listed(operator)
    assert await tx.get(Category, CODE) is not None


async def test_a_group_has_one_name(operator: Caller) -> None:
    before = await managed(operator)
    await kept(operator, "env.depot", group_name="市容环境")
    after = await managed(operator)
    assert {one["group_name"] for one in after.values() if one["group_code"] == "env"} == {
        "市容环境"
    }
    assert after[CODE]["version"] == before[CODE]["version"] + 1
    assert after["care.elder"] == before["care.elder"]


async def test_the_same_category_again_changes_nothing(operator: Caller, tx: Tx) -> None:
    made = await kept(operator, "env.depot")
    assert await kept(operator, "env.depot") == made
    assert await announced(tx) == ["env.depot"]


@pytest.mark.parametrize("version", [None, 2])
async def test_a_change_of_another_version_is_refused(
    operator: Caller, version: int | None
) -> None:
    await kept(operator, "env.depot")
    wish = BODY | {"name": "另一个名字", "version": version}
    answer = await operator.put("/issue-categories/env.depot", json=wish)
    assert refused(answer, 409, "stale_version")["version"] == 1
    assert (await managed(operator))["env.depot"]["name"] == BODY["name"]


async def test_a_version_of_what_does_not_exist_is_refused(operator: Caller) -> None:
    answer = await operator.put("/issue-categories/env.depot", json=BODY | {"version": 1})
    refused(answer, 409, "stale_version")


@pytest.mark.parametrize("code", ["depot", "env.", "Env.depot", "env.depot.small", "环境.垃圾"])
async def test_a_code_has_two_levels(operator: Caller, code: str) -> None:
    answer = await operator.put(f"/issue-categories/{code}", json=BODY)
    refused(answer, 422, "invalid_request")


@pytest.mark.parametrize(("role", "path"), STAFF)
async def test_only_operators_manage_categories_and_rules(
    callers: Callers,
    operator: Caller,
    town: Town,
    tx: Tx,
    role: Role,
    path: tuple[int, ...],
) -> None:
    await saved(operator, town.at(1).id)
    caller = await callers.staff(town, role, *path)
    answers = [
        await caller.put("/issue-categories/env.depot", json=BODY),
        await put(caller, None, version=1, extension_amount=4),
        await put(caller, town.at(1).id, version=1, extension_amount=4),
        await withdraw(caller, town.at(1).id, 1),
        await caller.get(f"/issue-categories/{CODE}/rules"),
        await caller.get("/staff/issue-categories"),
    ]
    for answer in answers:
        refused(answer, 403, "forbidden")
    assert await tx.get(Category, "env.depot") is None
    assert (await saved(operator, town.at(1).id))["version"] == 1


async def test_residents_manage_nothing(callers: Callers, operator: Caller, town: Town) -> None:
    del operator
    resident = await callers.resident(town.place(1, 1, 1, 1))
    refused(await put(resident, town.at(1).id), 403, "forbidden")
    refused(await resident.get(f"/issue-categories/{CODE}/rules"), 403, "forbidden")


async def test_the_operator_next_door_neither_changes_nor_sees_our_rules(
    callers: Callers, operator: Caller, town: Town, elsewhere: Town
) -> None:
    ours = await saved(operator, town.at(1).id)
    neighbour = await callers.staff(elsewhere, Role.OPERATOR)
    answer = await put(neighbour, town.at(1).id, version=1, extension_amount=4)
    refused(answer, 403, "forbidden")
    refused(await put(neighbour, town.at().id), 403, "forbidden")
    refused(await withdraw(neighbour, town.at(1).id, 1), 403, "forbidden")
    theirs = await saved(neighbour, elsewhere.at(1).id)
    seen = (await neighbour.get(f"/issue-categories/{CODE}/rules")).json()["items"]
    assert [rule["id"] for rule in seen if rule["node_id"]] == [theirs["id"]]
    seen = (await operator.get(f"/issue-categories/{CODE}/rules")).json()["items"]
    assert [rule["id"] for rule in seen if rule["node_id"]] == [ours["id"]]
    assert [rule["node_id"] for rule in seen].count(None) == 1


async def test_limits_are_shown_in_words_too(operator: Caller, town: Town) -> None:
    by_code = await shown(operator, town)
    hole = by_code["facility.manhole"]
    assert (hole["urgency"], hole["public"], hole["confidential"]) == ("emergency", True, False)
    assert hole["respond"] == {
        "clock": "calendar",
        "amount": 30,
        "unit": "minutes",
        "text": "30 分钟内",
    }
    assert hole["resolve"]["text"] == "2 小时内"
    assert by_code["env.rubble"]["resolve"]["text"] == "4 个工作时内"
    assert by_code["road.surface"]["resolve"] == {
        "clock": "working_days",
        "amount": 5,
        "unit": "days",
        "text": "5 个工作日内",
    }
    assert by_code["utility.water"]["resolve"]["text"] == "24 小时内"
    assert by_code["other.suggestion"]["resolve"]["text"] == "15 天内"
    attitude = by_code["staff.attitude"]
    assert (attitude["public"], attitude["confidential"]) == (False, True)
    assert "态度差" in attitude["aliases"]


async def shown(caller: Caller, town: Town) -> dict[str, dict[str, Any]]:
    answer = await caller.get(f"/issue-categories?node_id={town.at(1, 1).id}")
    return {one["code"]: one for one in answer.json()["items"]}


async def test_all_categories_with_their_rules_take_one_statement_and_one_for_the_place(
    operator: Caller, town: Town, connection: AsyncConnection
) -> None:
    raw, statements = await count_on(connection)
    assert len(await shown(operator, town)) >= 80
    raw.remove_query_logger(statements.hear)
    assert len(statements) == 2


async def test_an_operator_of_one_district_changes_its_rules_and_nothing_of_the_others(
    of_the_district: Caller, town: Town, tx: Tx
) -> None:
    refused(
        await of_the_district.put("/issue-categories/env.depot", json=BODY), 403, "forbidden"
    )
    answer = await of_the_district.put(f"/issue-categories/{CODE}", json=BODY | {"version": 1})
    refused(answer, 403, "forbidden")
    refused(await put(of_the_district, None, version=1), 403, "forbidden")
    assert await announced(tx) == []
    assert await tx.get(Category, "env.depot") is None
    ours = await saved(of_the_district, town.at().id)
    assert ours["node_id"] == str(town.at().id)
    changed = await saved(of_the_district, town.at().id, version=1, returns_allowed=1)
    assert changed["version"] == 2
    seen = await of_the_district.get(f"/issue-categories/{CODE}/rules")
    assert seen.status_code == 200
    assert None in [rule["node_id"] for rule in seen.json()["items"]]
