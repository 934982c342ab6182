"""A rule that cannot work is refused when it is saved, and every fault is named."""

from typing import Any

import pytest
from sqlalchemy import func, select

from neighborhood_api.issues.categories.models import HandlingRule
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import OutboxRow
from tests.issues.categories.arranging import limit, put, saved
from tests.support.people import Caller
from tests.support.places import Town
from tests.support.refusals import refused

WORKED = limit("working_days", 5)
BROKEN: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"first_level": 0}, [("first_level", "first_level_unknown")]),
    (
        {"respond": limit("working_days", 6)},
        [("respond", "respond_longer_than_resolve")],
    ),
    (
        {"respond": limit("working_hours", 5 * 480 + 1), "resolve": WORKED},
        [("respond", "respond_longer_than_resolve")],
    ),
    (
        {"respond": limit("working_days", 2), "resolve": limit("calendar", 959)},
        [
            ("respond", "respond_longer_than_resolve"),
        ],
    ),
    (
        {"accept_minutes": 61, "respond": limit("calendar", 60)},
        [("accept_minutes", "accept_longer_than_respond")],
    ),
    (
        {"check_in_minutes": 481, "resolve": limit("calendar", 480)},
        [("check_in_minutes", "check_in_longer_than_resolve")],
    ),
    ({"extension_amount": 6}, [("extension_amount", "extension_longer_than_resolve")]),
    (
        {"urgency": "emergency"},
        [("respond", "emergency_rests"), ("resolve", "emergency_rests")],
    ),
    (
        {"urgency": "emergency", "respond": limit("calendar", 240)},
        [("resolve", "emergency_rests")],
    ),
    ({"confidential": True}, [("publicity", "confidential_yet_public")]),
    (
        {"publicity": "never", "reopen_by": ["supporter", "reporter"]},
        [("reopen_by", "supporters_of_the_unseen")],
    ),
    ({"evidence": []}, [("evidence", "evidence_missing")]),
    ({"reopen_by": []}, [("reopen_by", "nobody_may_reopen")]),
    (
        {"evidence": [], "confidential": True, "extension_amount": 9},
        [
            ("extension_amount", "extension_longer_than_resolve"),
            ("publicity", "confidential_yet_public"),
            ("evidence", "evidence_missing"),
        ],
    ),
]
UNREADABLE: list[tuple[dict[str, Any], str]] = [
    ({"respond": limit("lunar", 5)}, "respond/clock"),
    ({"resolve": limit("calendar", 0)}, "resolve/amount"),
    ({"resolve": limit("calendar", 366 * 1440 + 1)}, "resolve/amount"),
    ({"resolve": limit("working_days", 367)}, "resolve"),
    ({"first_level": 9}, "first_level"),
    ({"accept_minutes": 0}, "accept_minutes"),
    ({"reopen_days": 0}, "reopen_days"),
    ({"silence_days": 0}, "silence_days"),
    ({"returns_allowed": -1}, "returns_allowed"),
    ({"urgency": "whenever"}, "urgency"),
    ({"publicity": "shouted"}, "publicity"),
    ({"evidence": ["oath"]}, "evidence/0"),
    ({"reopen_by": ["mayor"]}, "reopen_by/0"),
    ({"department_ids": ["城管办"]}, "department_ids/0"),
    ({"extension_percent": 50}, "extension_percent"),
]


async def counted(tx: Tx) -> int:
    return await tx.scalar(select(func.count()).select_from(HandlingRule)) or 0


def named(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(e["pointer"].removeprefix("#/body/rule/"), e["code"]) for e in body["errors"]]


@pytest.mark.parametrize(("changes", "faults"), BROKEN)
async def test_a_rule_that_cannot_work_is_refused_with_all_its_faults(
    operator: Caller,
    town: Town,
    tx: Tx,
    changes: dict[str, Any],
    faults: list[tuple[str, str]],
) -> None:
    before = await counted(tx)
    for node_id, version in ((town.at(1).id, None), (None, 1)):
        # `check_in_minutes` and `extension_amount` of the ordinary rule suit working days
        fitting = {"check_in_minutes": 60, "extension_amount": 1} | changes
        body = refused(
            await put(operator, node_id, version=version, **fitting), 422, "rule_broken"
        )
        assert named(body) == faults
        assert all(len(error["message"]) >= 8 for error in body["errors"])
    assert await counted(tx) == before
    announced = select(OutboxRow.id).where(OutboxRow.name == "issues.rule_changed")
    assert await tx.scalar(announced) is None


@pytest.mark.parametrize(("changes", "pointer"), UNREADABLE)
async def test_what_is_no_rule_at_all_is_pointed_at(
    operator: Caller, town: Town, tx: Tx, changes: dict[str, Any], pointer: str
) -> None:
    before = await counted(tx)
    body = refused(await put(operator, town.at(1).id, **changes), 422, "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == [f"#/body/rule/{pointer}"]
    assert await counted(tx) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"respond": WORKED, "resolve": WORKED},
        {"respond": limit("working_hours", 2400), "resolve": WORKED},
        {"respond": limit("calendar", 4320), "resolve": limit("working_days", 1)},
        {"accept_minutes": 60, "respond": limit("calendar", 60)},
        {"extension_amount": 0},
        {"returns_allowed": 0},
        {
            "urgency": "emergency",
            "respond": limit("calendar", 240),
            "resolve": limit("calendar", 480),
        },
        {"publicity": "never", "confidential": True, "reopen_by": ["reporter"]},
    ],
)
async def test_a_rule_at_its_bounds_is_accepted(
    operator: Caller, town: Town, changes: dict[str, Any]
) -> None:
    fitting = {"extension_amount": 1, "check_in_minutes": 60} | changes
    shown = (await saved(operator, town.at(1).id, **fitting))["rule"]
    assert fitting.items() <= shown.items()


@pytest.mark.parametrize(
    ("path", "first_level", "fine"),
    [
        ((), 1, True),
        ((1,), 1, True),
        ((1,), 4, True),
        ((1, 1), 1, False),
        ((1, 1), 2, True),
    ],
)
async def test_a_place_hands_nothing_to_those_above_it(
    operator: Caller, town: Town, path: tuple[int, ...], first_level: int, *, fine: bool
) -> None:
    answer = await put(operator, town.at(*path).id, first_level=first_level)
    if fine:
        assert answer.json()["rule"]["first_level"] == first_level
    else:
        body = refused(answer, 422, "rule_broken")
        assert named(body) == [("first_level", "first_level_above_node")]


async def test_departments_must_exist_in_the_district_of_the_rule(
    operator: Caller, town: Town, elsewhere: Town
) -> None:
    ours, theirs = str(town.organizations[0].id), str(elsewhere.organizations[0].id)
    nobody = str(new_id())

    async def faults(*ids: str) -> list[tuple[str, str]]:
        answer = await put(operator, town.at(1).id, department_ids=ids)
        return named(refused(answer, 422, "rule_broken"))

    assert await faults(theirs) == [("department_ids", "department_elsewhere")]
    assert await faults(ours, nobody) == [("department_ids", "department_unknown")]
    both = await faults(nobody, theirs)
    assert {code for _, code in both} == {"department_elsewhere", "department_unknown"}
    rule = (await saved(operator, town.at(1).id, department_ids=[ours]))["rule"]
    assert rule["department_ids"] == [ours]


async def test_the_rule_of_everywhere_names_no_departments(
    operator: Caller, town: Town
) -> None:
    ours = str(town.organizations[0].id)
    answer = await put(operator, None, version=1, department_ids=[ours])
    faults = named(refused(answer, 422, "rule_broken"))
    assert faults == [("department_ids", "departments_need_a_place")]


@pytest.mark.parametrize("path", [(1, 1, 1), (1, 1, 1, 1)])
async def test_grids_and_lanes_have_no_rules_of_their_own(
    operator: Caller, town: Town, path: tuple[int, ...]
) -> None:
    refused(await put(operator, town.at(*path).id), 422, "not_a_place_of_rules")


async def test_a_rule_needs_a_place_and_a_category_that_exist(
    operator: Caller, town: Town
) -> None:
    refused(await put(operator, new_id()), 404, "node_not_found")
    refused(await put(operator, town.at(1).id, code="env.nothing"), 404, "category_unknown")
    answer = await operator.get("/issue-categories/env.nothing/rules")
    refused(answer, 404, "category_unknown")
