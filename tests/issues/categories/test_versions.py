"""A rule is never changed: a change is a new version, and the old one stays as it was."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError

from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.categories.queries import rule_for
from neighborhood_api.issues.categories.seed import category_seeds, load_categories, rule_seeds
from neighborhood_api.issues.categories.service import columns_of_rule
from neighborhood_api.kit.db import Tx, constraint_of
from neighborhood_api.kit.outbox import OutboxRow
from tests.issues.categories.arranging import CODE, limit, put, saved, withdraw
from tests.support.clock import Clock
from tests.support.people import Caller
from tests.support.places import Town
from tests.support.refusals import refused


async def versions(tx: Tx, node_id: UUID | None) -> list[tuple[int, int, bool]]:
    """Version, days to resolve and whether in force, from the first on."""
    rules = await tx.scalars(
        select(HandlingRule)
        .where(HandlingRule.category_code == CODE, HandlingRule.node_id == node_id)
        .order_by(HandlingRule.version)
        .execution_options(populate_existing=True)
    )
    return [(one.version, one.resolve_amount, one.superseded_at is None) for one in rules]


async def announced(tx: Tx) -> list[dict[str, Any]]:
    rows = select(OutboxRow.payload).where(OutboxRow.name == "issues.rule_changed")
    return list(await tx.scalars(rows.order_by(OutboxRow.id)))


async def test_a_change_makes_a_version_and_closes_the_one_before(
    operator: Caller, town: Town, tx: Tx, clock: Clock
) -> None:
    street = town.at(1)
    first = await saved(
        operator, street.id, resolve=limit("working_days", 4), extension_amount=4
    )
    clock.forward(minutes=5)
    second = await saved(operator, street.id, version=1, reason="提速", extension_amount=2)
    assert await versions(tx, street.id) == [(1, 4, False), (2, 5, True)]
    assert (first["version"], first["in_force"], first["node_name"]) == (1, True, street.name)
    assert (second["reason"], second["created_by"]) == ("提速", "总管理员")
    old = await tx.get_one(HandlingRule, UUID(first["id"]))
    new = await tx.get_one(HandlingRule, UUID(second["id"]))
    assert old.superseded_at == new.created_at > old.created_at
    assert old.superseded_by == new.created_by == operator.person_id
    assert [event["rule_id"] for event in await announced(tx)] == [first["id"], second["id"]]


async def test_a_rule_is_answered_as_it_was_given(operator: Caller, town: Town) -> None:
    organization = str(town.organizations[0].id)
    wish = {
        "first_level": 3,
        "accept_minutes": 25,
        "respond": limit("working_hours", 90),
        "resolve": limit("working_days", 4),
        "check_in_minutes": 45,
        "verify": limit("calendar", 300),
        "urgency": "urgent",
        "evidence": ["photo_after", "position"],
        "publicity": "never",
        "confidential": True,
        "verification": True,
        "reopen_days": 9,
        "silence_days": 8,
        "reopen_by": ["reporter"],
        "returns_allowed": 1,
        "extension_amount": 3,
        "department_ids": [organization],
    }
    assert (await saved(operator, town.at(1).id, **wish))["rule"] == wish


async def test_the_same_rule_again_makes_no_version(
    operator: Caller, town: Town, tx: Tx
) -> None:
    street = town.at(1)
    bodies = [str(one.id) for one in town.organizations]
    given = {"evidence": ["text", "photo_after"], "department_ids": bodies}
    first = await saved(operator, street.id, **given)
    turned = {name: [*reversed(values), values[0]] for name, values in given.items()}
    turned["evidence"] = ["photo_after", "text"]
    again = await saved(operator, street.id, version=None, reason="再存一次", **turned)
    assert again == first
    assert len(await versions(tx, street.id)) == 1
    assert len(await announced(tx)) == 1


@pytest.mark.parametrize("version", [None, 1, 3])
async def test_a_change_of_an_older_version_is_refused(
    operator: Caller, town: Town, tx: Tx, version: int | None
) -> None:
    street = town.at(1)
    await saved(operator, street.id)
    await saved(operator, street.id, version=1, extension_amount=4)
    answer = await put(operator, street.id, version=version, extension_amount=3)
    assert refused(answer, 409, "stale_version")["version"] == 2
    assert len(await versions(tx, street.id)) == 2


async def test_defaults_have_versions_of_their_own(
    operator: Caller, town: Town, tx: Tx
) -> None:
    await saved(operator, None, version=1)
    await saved(operator, town.at(1).id)
    assert [n for n, _, _ in await versions(tx, None)] == [1, 2]
    assert [n for n, _, _ in await versions(tx, town.at(1).id)] == [1]


async def test_numbers_go_on_after_a_withdrawal(operator: Caller, town: Town, tx: Tx) -> None:
    street = town.at(1)
    await saved(operator, street.id)
    answer = await withdraw(operator, street.id, 1)
    assert (answer.json()["in_force"], answer.json()["withdrawn_reason"]) == (False, "恢复默认")
    again = await saved(operator, street.id)
    assert again["version"] == 2
    assert [rule["in_force"] for rule in await announced(tx)] == [True, False, True]


async def test_withdrawing_twice_or_from_an_old_version_is_refused(
    operator: Caller, town: Town
) -> None:
    street = town.at(1)
    await saved(operator, street.id)
    refused(await withdraw(operator, street.id, 7), 409, "stale_version")
    assert (await withdraw(operator, street.id, 1)).status_code == 200
    refused(await withdraw(operator, street.id, 1), 404, "no_rule_here")


async def test_the_history_shows_every_version_newest_first(
    operator: Caller, town: Town
) -> None:
    street = town.at(1)
    await saved(operator, street.id)
    await saved(operator, street.id, version=1, extension_amount=4)
    await saved(operator, town.at(1, 1).id)

    async def listed(query: str) -> list[tuple[str | None, int, bool]]:
        answer = await operator.get(f"/issue-categories/{CODE}/rules{query}")
        assert answer.status_code == 200, answer.text
        return [(i["node_name"], i["version"], i["in_force"]) for i in answer.json()["items"]]

    everything = [
        (town.at(1, 1).name, 1, True),
        (street.name, 2, True),
        (street.name, 1, False),
        (None, 1, True),
    ]
    assert await listed("") == everything
    assert await listed(f"?node_id={street.id}") == everything[1:3]
    assert await listed(f"?node_id={street.id}&in_force=true") == everything[1:2]
    assert await listed("?in_force=false") == everything[2:3]
    page = (await operator.get(f"/issue-categories/{CODE}/rules?limit=3")).json()
    assert await listed(f"?limit=3&after={page['next']}") == everything[3:]


@pytest.mark.parametrize(
    "change",
    [
        "resolve_amount = 99",
        "department_ids = '{}', superseded_at = now()",
        "superseded_at = NULL",
        "reason = '改写'",
    ],
)
async def test_the_database_keeps_a_closed_version_as_it_is(
    operator: Caller, town: Town, tx: Tx, change: str
) -> None:
    street = town.at(1)
    first = await saved(operator, street.id, department_ids=[str(town.organizations[0].id)])
    await saved(operator, street.id, version=1)
    await changing(tx, UUID(first["id"]), change)


@pytest.mark.parametrize("change", ["resolve_amount = 99", "version = 9", "created_at = now()"])
async def test_the_database_keeps_a_version_in_force_as_it_is(
    operator: Caller, town: Town, tx: Tx, change: str
) -> None:
    first = await saved(operator, town.at(1).id)
    await changing(tx, UUID(first["id"]), change)


async def changing(tx: Tx, rule_id: UUID, change: str) -> None:
    statement = text(f"UPDATE handling_rule SET {change} WHERE id = :id")  # noqa: S608
    with pytest.raises(IntegrityError) as caught:
        async with tx.begin_nested():
            await tx.execute(statement, {"id": rule_id})
    assert constraint_of(caught.value) == "handling_rule_is_kept"


async def test_the_database_deletes_no_version(operator: Caller, town: Town, tx: Tx) -> None:
    first = await saved(operator, town.at(1).id)
    gone = delete(HandlingRule).where(HandlingRule.id == UUID(first["id"]))
    with pytest.raises(IntegrityError) as caught:
        async with tx.begin_nested():
            await tx.execute(gone)
    assert constraint_of(caught.value) == "handling_rule_is_kept"


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"first_level": 0}, "first_level_known"),
        ({"first_level": 5}, "first_level_known"),
        ({"verify_clock": "lunar"}, "clocks_known"),
        ({"accept_minutes": 0}, "limits_positive"),
        ({"respond_amount": 6}, "answered_before_resolved"),
        ({"reopen_days": 0}, "reporter_has_a_day"),
        ({"silence_days": 0}, "reporter_has_a_day"),
        ({"returns_allowed": -1}, "allowances_not_negative"),
        ({"urgency": "whenever"}, "urgency_known"),
        ({"publicity": "shouted"}, "publicity_known"),
        ({"evidence": ["oath"]}, "evidence_known"),
        ({"reopen_by": ["mayor"]}, "reopen_by_known"),
        ({"confidential": True}, "confidential_is_not_public"),
        ({"version": 0}, "version_counts"),
    ],
)
async def test_the_database_refuses_what_no_rule_may_be(
    seeded: None, town: Town, tx: Tx, clock: Clock, change: dict[str, Any], constraint: str
) -> None:
    del seeded
    columns = columns_of_rule(rule_seeds()["ordinary"][0]) | {"version": 1} | change
    tx.add(
        HandlingRule(category_code=CODE, node_id=town.at(1).id, created_at=clock.now, **columns)
    )
    with pytest.raises(IntegrityError) as caught:
        await tx.flush()
    assert constraint_of(caught.value) == f"ck_handling_rule_{constraint}"


async def test_one_place_has_one_rule_in_force(seeded: None, tx: Tx, clock: Clock) -> None:
    del seeded
    columns = columns_of_rule(rule_seeds()["ordinary"][0])
    tx.add(HandlingRule(category_code=CODE, version=2, created_at=clock.now, **columns))
    with pytest.raises(IntegrityError) as caught:
        await tx.flush()
    assert constraint_of(caught.value) == "uq_handling_rule_in_force"


async def test_reference_data_is_added_once_and_never_overwrites(
    operator: Caller, town: Town, tx: Tx, clock: Clock
) -> None:
    await saved(operator, None, version=1)
    await tx.execute(update(Category).where(Category.code == CODE).values(name="公共厕所"))
    assert await load_categories(tx, now=clock.now) == 0
    rule = await rule_for(tx, CODE, town.place(1, 1, 1, 1))
    category = await tx.get_one(Category, CODE)
    assert rule is not None
    assert (rule.version, category.name) == (2, "公共厕所")
    for code in {seed.code for seed in category_seeds()}:
        count = select(func.count()).where(
            HandlingRule.category_code == code, HandlingRule.superseded_at.is_(None)
        )
        assert await tx.scalar(count) == 1, code
