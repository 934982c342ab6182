"""On its day a plan takes effect by itself, unless the ground does not bear it any more."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.notifications.models import Notification
from neighborhood_api.reorganisation.jobs import apply_all_due
from neighborhood_api.reorganisation.models import Reorganisation
from tests.reorganisation.arranging import Planner, split_in_two
from tests.support.places import Town
from tests.venues.arranging import new_venue


async def _scheduled(planner: Planner, town: Town, now: datetime) -> None:
    await planner.drafts(split_in_two(town), local_day(now).isoformat())
    await planner.decides()
    await planner.done("apply")
    assert planner.plan["state"] == "scheduled"


async def test_a_scheduled_plan_takes_effect_on_its_day_and_not_before(
    planner: Planner, town: Town, rolled_back: Database, tx: Tx
) -> None:
    day = datetime.now(UTC) + timedelta(days=2)
    await _scheduled(planner, town, day)
    assert await apply_all_due(rolled_back, now=day - timedelta(days=1)) == 0
    assert await apply_all_due(rolled_back, now=day) == 1
    assert await apply_all_due(rolled_back, now=day) == 0
    lane = await tx.get_one(Node, town.at(1, 1, 1, 1).id)
    assert str(lane.community_id) == planner.new("east")
    secretary = town.staff[Role.COMMUNITY_SECRETARY, town.at(1, 1).id].id
    told = select(Notification.title).where(Notification.person_id == secretary)
    assert "已生效" in (await tx.scalar(told) or "")


async def test_a_plan_that_the_ground_does_not_bear_is_a_draft_again_and_says_why(
    planner: Planner, town: Town, rolled_back: Database, tx: Tx
) -> None:
    day = datetime.now(UTC) + timedelta(days=2)
    await _scheduled(planner, town, day)
    await new_venue(tx, town.place(1, 1), "新开的站")
    assert await apply_all_due(rolled_back, now=day) == 0
    shown = (await planner.operator.get(planner.path)).json()
    assert shown["state"] == "draft"
    assert [one["message"] for one in shown["refusal"]] == ["场馆「新开的站」：请选择去向"]
    assert (await tx.get_one(Node, town.at(1, 1).id)).valid_until is None
    operator = town.staff[Role.OPERATOR, town.at().id].id
    told = select(Notification.title).where(Notification.person_id == operator)
    assert "未能生效" in (await tx.scalar(told) or "")


async def test_a_plan_that_fails_by_a_defect_keeps_no_other_from_its_turn(
    planner: Planner, town: Town, rolled_back: Database, tx: Tx
) -> None:
    day = datetime.now(UTC) + timedelta(days=2)
    await _scheduled(planner, town, day)
    broken = await tx.get_one(Reorganisation, planner.plan["id"])
    broken.new_ids = {}
    await tx.commit()
    other = Planner(planner.operator, town)
    rename = {"do": "rename", "node": str(town.at(2, 1).id), "name": "新名社区"}
    await other.drafts([rename], local_day(day + timedelta(days=1)).isoformat())
    await other.done("apply")
    later = day + timedelta(days=1)
    for _ in range(2):
        with pytest.raises(ExceptionGroup) as caught:
            await apply_all_due(rolled_back, now=later)
        assert [type(one) for one in caught.value.exceptions] == [KeyError]
    assert (await tx.get_one(Node, town.at(2, 1).id, populate_existing=True)).name == "新名社区"
    assert (await planner.operator.get(planner.path)).json()["state"] == "scheduled"
    told = select(func.count()).where(Notification.title.like("%暂未生效"))
    assert await tx.scalar(told) == 1
