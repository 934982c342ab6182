"""Of several rules, the nearest one is in force."""

from datetime import UTC, datetime
from itertools import chain, combinations
from typing import Any

import pytest
from sqlalchemy import insert, select, text, true
from sqlalchemy.dialects.postgresql import dialect

from neighborhood_api.grid.models import Node
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.categories.queries import (
    RULE_IN_FORCE,
    RULED,
    rule_for,
    rule_in_force,
    rules_for,
    terms_of,
)
from neighborhood_api.issues.categories.seed import rule_seeds
from neighborhood_api.issues.categories.service import columns_of_rule
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.schedules.clocks import Clock
from tests.issues.categories.arranging import CODE, limit, saved, withdraw
from tests.support.people import Caller, Callers
from tests.support.places import Town, new_node

PATHS: tuple[tuple[int, ...], ...] = ((), (1,), (1, 1))
"""District, street and community of the town's first lane."""
DEFAULT = 120
DAYS = {(): 11, (1,): 12, (1, 1): 13}
SUBSETS = list(chain.from_iterable(combinations(PATHS, n) for n in range(4)))
LANES = ((1, 1, 1, 1), (1, 2, 1, 1), (2, 1, 1, 1))
"""In that community; in that street but elsewhere; in another street."""


def expected(overridden: tuple[tuple[int, ...], ...], lane: tuple[int, ...]) -> int:
    above = [path for path in overridden if lane[: len(path)] == path]
    return DAYS[max(above, key=len)] if above else DEFAULT


@pytest.mark.parametrize("overridden", SUBSETS)
async def test_the_nearest_rule_wins(
    operator: Caller, town: Town, tx: Tx, overridden: tuple[tuple[int, ...], ...]
) -> None:
    for path in overridden:
        resolve = limit("working_days", DAYS[path])
        await saved(operator, town.at(*path).id, resolve=resolve)
    for lane in LANES:
        want = expected(overridden, lane)
        place = town.place(*lane)
        loaded = await rule_for(tx, CODE, place)
        assert loaded is not None
        assert loaded.resolve_amount == want
        row = await RULE_IN_FORCE.first(
            tx, category_code=CODE, **dict(zip(RULED, place, strict=False))
        )
        assert row is not None
        assert (row["id"], row["node_id"]) == (loaded.id, loaded.node_id)
        node = town.at(*lane)
        found = rule_in_force(Category.code, Node)
        joined = select(found.c.id).select_from(Node).join(Category, Category.code == CODE)
        joined = joined.join(found, true()).where(Node.id == node.id)
        assert (await tx.scalars(joined)).all() == [loaded.id]
        answer = await operator.get(f"/issue-categories?node_id={node.id}")
        shown = {one["code"]: one for one in answer.json()["items"]}
        assert shown[CODE]["resolve"]["amount"] == want


async def test_a_larger_place_is_not_ruled_by_the_smaller_ones_inside(
    operator: Caller, town: Town, tx: Tx
) -> None:
    await saved(operator, town.at(1, 1).id, resolve=limit("working_days", 13))
    for path in PATHS[:2]:
        rule = await rule_for(tx, CODE, town.place(*path))
        assert rule is not None
        assert rule.node_id is None


async def test_a_withdrawn_rule_gives_way_to_the_one_above(
    operator: Caller, town: Town, tx: Tx
) -> None:
    await saved(operator, town.at(1).id, resolve=limit("working_days", 12))
    await saved(operator, town.at(1, 1).id, resolve=limit("working_days", 13))
    assert (await withdraw(operator, town.at(1, 1).id, 1)).status_code == 200
    rule = await rule_for(tx, CODE, town.place(1, 1, 1, 1))
    assert rule is not None
    assert rule.resolve_amount == 12


async def test_a_category_without_a_rule_is_not_offered(
    operator: Caller, town: Town, tx: Tx
) -> None:
    body: dict[str, Any] = {
        "name": "新类别",
        "group_name": "环境与绿化",
        "aliases": [],
        "hint": None,
        "position": 5,
        "active": True,
        "standard_code": None,
    }
    answer = await operator.put("/issue-categories/env.novel", json=body)
    assert answer.json()["ready"] is False
    assert await rule_for(tx, "env.novel", town.place(1, 1, 1, 1)) is None
    assert "env.novel" not in await offered(operator, town)
    await saved(operator, town.at(1, 1).id, code="env.novel")
    assert "env.novel" in await offered(operator, town)
    assert "env.novel" not in await offered(operator, town, 2, 1, 1, 1)


async def offered(caller: Caller, town: Town, *lane: int) -> set[str]:
    node = town.at(*(lane or (1, 1, 1, 1)))
    answer = await caller.get(f"/issue-categories?node_id={node.id}")
    return {one["code"] for one in answer.json()["items"]}


async def test_residents_see_the_limits_of_their_home_unless_they_name_a_place(
    operator: Caller, callers: Callers, town: Town
) -> None:
    await saved(operator, town.at(1, 1).id, resolve=limit("working_days", 13))
    at_home = await callers.resident(town.place(1, 1, 1, 2))
    homeless = await callers.resident()

    async def days(caller: Caller, query: str = "") -> int:
        items = (await caller.get(f"/issue-categories{query}")).json()["items"]
        return int(next(one["resolve"]["amount"] for one in items if one["code"] == CODE))

    assert await days(at_home) == 13
    assert await days(homeless) == DEFAULT
    assert await days(at_home, f"?node_id={town.at(2, 1, 1, 1).id}") == DEFAULT
    assert await days(homeless, f"?node_id={town.at(1, 1).id}") == 13


async def test_a_place_that_does_not_exist_is_refused(operator: Caller) -> None:
    answer = await operator.get(f"/issue-categories?node_id={operator.person_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "node_not_found")


async def test_a_case_takes_the_terms_of_its_rule(operator: Caller, town: Town, tx: Tx) -> None:
    await saved(
        operator,
        town.at(1).id,
        first_level=2,
        respond=limit("working_hours", 60),
        resolve=limit("working_days", 3),
        extension_amount=2,
        evidence=["text", "photo_after"],
    )
    rule = await rule_for(tx, CODE, town.place(1, 2, 2, 2))
    terms = terms_of(rule)
    assert terms.respond == (Clock.WORKING_HOURS, 60)
    assert terms.resolve == (Clock.WORKING_DAYS, 3)
    assert (terms.first_level, terms.extension_amount) == (2, 2)
    assert set(terms.evidence) == {"text", "photo_after"}


async def test_the_rule_is_found_by_index_among_many_places(
    seeded: None, town: Town, tx: Tx
) -> None:
    """As many overrides as a province has communities must not slow a report down."""
    del seeded
    communities = [new_node(town.at(1), n) for n in range(2000)]
    await tx.execute(insert(Node), [row_of(node) for node in communities])
    ordinary = columns_of_rule(rule_seeds()["ordinary"][0])
    begun = {"category_code": CODE, "version": 1, "created_at": datetime.now(UTC)}
    await tx.execute(
        insert(HandlingRule),
        [ordinary | begun | {"id": new_id(), "node_id": node.id} for node in communities],
    )
    await tx.execute(text("ANALYZE handling_rule"))
    wanted = rules_for(CODE, *communities[7].place[: len(RULED)], HandlingRule.node_id)
    postgresql = dialect()  # type: ignore[no-untyped-call]
    sql = wanted.compile(dialect=postgresql, compile_kwargs={"literal_binds": True})
    plan = "\n".join((await tx.scalars(text(f"EXPLAIN {sql}"))).all())
    assert await tx.scalar(wanted) == communities[7].id
    assert "Index Scan on uq_handling_rule" in plan
    assert "(node_id = ANY" in plan
    assert "Seq Scan" not in plan


def row_of(node: Node) -> dict[str, Any]:
    return {column.key: getattr(node, column.key) for column in Node.__table__.c}
