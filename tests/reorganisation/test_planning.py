"""What makes a plan impossible is named, in words that say what to do."""

from typing import Any

from sqlalchemy import select

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from tests.reorganisation.arranging import Planner, founded, split_in_two, today
from tests.support.people import Callers
from tests.support.places import Town
from tests.venues.arranging import new_venue


def at(town: Town, *path: int) -> str:
    return str(town.at(*path).id)


def plans(town: Town) -> dict[str, list[dict[str, Any]]]:
    """Wrong plans, by the trouble that each of them has."""
    first = at(town, 1, 1)
    half = [{"to": "east", "children": [at(town, 1, 1, 1)]}]
    taken = founded(town, "east", "东社区", code=town.at(1, 2).code)
    return {
        "node_unknown": [{"do": "rename", "node": str(new_id()), "name": "无"}],
        "key_unknown": [{"do": "move", "node": first, "under": "nowhere"}],
        "key_twice": [founded(town, "east", "东"), founded(town, "east", "东")],
        "wrong_level": [{"do": "move", "node": first, "under": at(town, 1, 2)}],
        "cycle": [{"do": "move", "node": first, "under": at(town, 1, 1, 1)}],
        "district_stays": [{"do": "merge", "nodes": [at(town)], "into": at(town)}],
        "node_twice": [
            {"do": "merge", "nodes": [first], "into": at(town, 1, 2)},
            {"do": "close", "node": first},
        ],
        "child_twice": [
            {"do": "move", "node": at(town, 1, 1, 1), "under": at(town, 1, 2)},
            {"do": "move", "node": at(town, 1, 1, 1), "under": at(town, 2, 1)},
        ],
        "not_a_child": [
            founded(town, "east", "东"),
            {
                "do": "split",
                "node": first,
                "into": [{"to": "east", "children": [at(town, 1, 2, 1)]}, {"to": first}],
            },
        ],
        "children_left": [
            founded(town, "east", "东"),
            founded(town, "west", "西"),
            {"do": "split", "node": first, "into": [*half, {"to": "west"}]},
        ],
        "successor_ends": [
            {"do": "merge", "nodes": [first], "into": at(town, 1, 2)},
            {"do": "merge", "nodes": [at(town, 1, 2)], "into": first},
        ],
        "parent_ends": [
            {"do": "merge", "nodes": [first], "into": at(town, 1, 2)},
            {"do": "move", "node": at(town, 1, 2, 1), "under": first},
        ],
        "code_taken": [taken],
        "household_unknown": [
            {
                "do": "split",
                "node": at(town, 1, 1, 1, 1),
                "into": [{"to": at(town, 1, 1, 1, 2), "households": [str(new_id())]}],
            }
        ],
        "doors_twice": [
            {"do": "merge", "nodes": [at(town, 1, 1, 1, 1)], "into": at(town, 1, 1, 1, 2)}
        ],
        "not_empty": [{"do": "close", "node": at(town, 1, 1, 1, 1)}],
    }


async def test_each_wrong_plan_is_named(planner: Planner, town: Town) -> None:
    for trouble, operations in plans(town).items():
        await planner.drafts(operations)
        shown = await planner.preview()
        found = {one["code"]: one["message"] for one in shown["troubles"]}
        assert trouble in found, (trouble, shown)
        assert not shown["possible"]
        answer = await planner.does("apply")
        assert answer.json()["code"] == "reorganisation_impossible", trouble
        assert found[trouble] in {one["message"] for one in answer.json()["troubles"]}


async def test_the_grid_stays_while_a_plan_waits_for_its_day(
    planner: Planner, town: Town
) -> None:
    await planner.drafts(split_in_two(town), "2099-01-01")
    await planner.decides()
    await planner.done("apply")
    assert planner.plan["state"] == "scheduled"
    assert planner.plan["state_name"] == "已排期"
    answer = await planner.operator.get(f"/grid/nodes/{at(town, 1, 1)}")
    assert answer.json()["succeeded_by"] == []
    scheduled = planner.plan
    await planner.drafts(split_in_two(town))
    assert await planner.troubles() == {"plans_overlap"}
    planner.plan = scheduled
    assert (await planner.does("decisions", decisions=[])).status_code == 422
    change = {"name": "改", "effective_on": today(), "operations": [], "version": 3}
    refused = await planner.operator.put(planner.path, json=change)
    assert refused.json()["code"] == "not_a_draft"
    await planner.done("cancel")
    assert planner.plan["state"] == "draft"


async def test_the_preview_counts_what_lies_there_and_asks_where_it_goes(
    planner: Planner, callers: Callers, town: Town, tx: Tx
) -> None:
    await callers.resident(town.place(1, 1, 1, 1))
    venue = await new_venue(tx, town.place(1, 1))
    await planner.drafts(split_in_two(town))
    shown = await planner.preview()
    (ends,) = [one for one in shown["places"] if one["change"] == "ends"]
    counts = ends["counts"]
    assert (counts["residents"], counts["households"], counts["venues"]) == (1, 8, 1)
    assert (counts["plates"], counts["appointments"]) == (4, 10)
    asked = {one["key"]: one for one in shown["questions"]}
    question = asked[f"venue:{venue.id}"]
    assert {one["name"] for one in question["options"]} == {"东社区", "西社区"}
    wrong = [{"key": question["key"], "to": at(town, 1, 2)}]
    answer = await planner.does("decisions", decisions=wrong)
    assert answer.json()["code"] == "not_an_option"
    ended = [{"key": question["key"], "to": None}]
    assert (await planner.does("decisions", decisions=ended)).status_code == 422
    await planner.decides(venue=planner.new("west"))
    await planner.done("apply")
    await tx.refresh(venue)
    assert str(venue.community_id) == planner.new("west")


async def test_a_lane_is_split_by_its_households(
    planner: Planner, callers: Callers, town: Town, tx: Tx
) -> None:
    lane = town.at(1, 1, 1, 1)
    here: dict[str, Any] = {**columns_of(lane.place)}
    first, second = [Household(id=new_id(), address=door, **here) for door in ("31号", "32号")]
    tx.add_all((first, second))
    await tx.commit()
    half: dict[str, Any] = {"level": 4, "kind": "lane", "parent": at(town, 1, 1, 2)}
    part: dict[str, Any] = {"to": "half", "households": [str(first.id)]}
    await planner.drafts(
        [
            founded(town, "half", "新巷", **half),
            {"do": "split", "node": str(lane.id), "into": [part, {"to": at(town, 1, 1, 1, 2)}]},
        ]
    )
    await planner.decides(household=at(town, 1, 1, 1, 2))
    assert await planner.troubles() == {"doors_twice"}  # 1号 and 2号 are there already
    part["households"] += [
        str(one)
        for one in await tx.scalars(select(Household.id).where(Household.lane_id == lane.id))
        if one not in {first.id, second.id}
    ]
    await planner.drafts(
        [
            founded(town, "half", "新巷", **half),
            {"do": "split", "node": str(lane.id), "into": [part, {"to": at(town, 1, 1, 1, 2)}]},
        ]
    )
    assert await planner.troubles() == set()
    await planner.decides(household=at(town, 1, 1, 1, 2), appointment=planner.new("half"))
    await planner.done("apply")
    await tx.refresh(first)
    await tx.refresh(second)
    assert (str(first.lane_id), first.grid_id) == (planner.new("half"), town.at(1, 1, 2).id)
    assert str(second.lane_id) == at(town, 1, 1, 1, 2)
    plate = (await planner.operator.get(f"/grid/plates/{lane.plate_code}")).json()
    assert plate["lane"]["id"] == planner.new("half")
    operator = await callers.staff(town, Role.OPERATOR)
    heirs = (await operator.get(f"/grid/nodes/{lane.id}")).json()["succeeded_by"]
    assert len(heirs) == 2
