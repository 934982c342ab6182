"""Saying where one lives."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import OutboxRow
from tests.grid.conftest import Days
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.refusals import refused


async def test_she_states_and_changes_her_residence(
    callers: Callers, town: Town, tx: Tx
) -> None:
    caller = await callers.resident()
    first, second = town.at(1, 1, 1, 1), town.at(2, 1, 1, 2)
    stated = await caller.put(
        "/me/residence", json={"lane_id": str(first.id), "address": "12号"}
    )
    assert stated.status_code == 200, stated.text
    assert stated.json() == {
        "lane_id": str(first.id),
        "lane_name": first.name,
        "community_name": town.at(1, 1).name,
        "address": "12号",
        "household_id": None,
        "state": "waiting",
        "state_name": "待确认",
        "refusal": None,
        "confirmed_at": None,
        "version": 1,
    }
    moved = await caller.put(
        "/me/residence", json={"lane_id": str(second.id), "address": "3号", "version": 1}
    )
    assert moved.json()["version"] == 2
    home = (
        await tx.scalars(select(Residence).where(Residence.person_id == caller.person_id))
    ).one()
    assert home.place == second.place
    assert (home.address, home.version) == ("3号", 2)
    grid = (await caller.get("/me/grid")).json()
    assert (grid["levels"][0]["node"]["id"], grid["version"]) == (str(second.id), 2)
    told = select(OutboxRow.payload).where(OutboxRow.name == "grid.residence_stated")
    assert [p["lane_id"] for p in await tx.scalars(told)] == [str(first.id), str(second.id)]


@pytest.mark.parametrize("version", [None, 0, 2, 99])
async def test_a_stale_change_is_refused_and_changes_nothing(
    version: int | None, callers: Callers, town: Town, tx: Tx
) -> None:
    caller = await callers.resident(town.place(1, 1, 1, 1))
    wish = {"lane_id": str(town.at(1, 1, 1, 2).id), "address": "5号", "version": version}
    problem = refused(await caller.put("/me/residence", json=wish), 409, "stale_version")
    assert problem["version"] == 1
    home = (
        await tx.scalars(select(Residence).where(Residence.person_id == caller.person_id))
    ).one()
    assert (home.lane_id, home.version) == (town.at(1, 1, 1, 1).id, 1)


async def test_the_same_statement_again_is_answered_the_same_and_done_once(
    callers: Callers, town: Town, tx: Tx
) -> None:
    """A phone that lost the answer sends the same PUT again."""
    caller = await callers.resident()
    wish: dict[str, object] = {"lane_id": str(town.at(1, 1, 1, 1).id), "address": "5号"}
    for version in (None, 1):
        if version is not None:
            wish |= {"address": "6号", "version": version}
        first = await caller.put("/me/residence", json=wish)
        second = await caller.put("/me/residence", json=wish)
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.json() == second.json()
    told = select(func.count()).where(OutboxRow.name == "grid.residence_stated")
    assert await tx.scalar(told) == 2


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
async def test_nobody_lives_at_more_than_a_lane(
    depth: int, callers: Callers, town: Town
) -> None:
    caller = await callers.resident()
    wish = {"lane_id": str(town.at(*(1, 1, 1)[:depth]).id), "address": "5号"}
    refused(await caller.put("/me/residence", json=wish), 422, "not_a_lane")
    refused(await caller.get("/me/grid"), 404, "residence_unknown")


async def test_nobody_lives_at_a_lane_that_is_not(
    callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    caller = await callers.resident()
    wish = {"lane_id": str(uuid4()), "address": "5号"}
    refused(await caller.put("/me/residence", json=wish), 404, "node_not_found")
    lane = await tx.merge(town.at(1, 1, 1, 1))
    lane.valid_from, lane.valid_until = days.tomorrow, None
    await tx.flush()
    wish = {"lane_id": str(lane.id), "address": "5号"}
    refused(await caller.put("/me/residence", json=wish), 404, "node_not_found")


@pytest.mark.parametrize(
    "written", ["12号", "\uff11\uff12号", " 1 2 号 ", "\u300012号\u3000", "\uff11 2\xa0号"]
)
async def test_the_door_is_found_in_the_register_however_it_is_written(
    written: str, callers: Callers, town: Town, tx: Tx
) -> None:
    lane = town.at(1, 1, 1, 1)
    household = Household(id=new_id(), address="12号", **columns_of(lane.place))  # type: ignore[arg-type]
    beside = Household(
        id=new_id(),
        address="12号",
        **columns_of(town.place(1, 1, 1, 2)),  # type: ignore[arg-type]
    )
    tx.add_all([household, beside])
    await tx.flush()
    caller = await callers.resident()
    answer = await caller.put(
        "/me/residence", json={"lane_id": str(lane.id), "address": written}
    )
    assert answer.json()["household_id"] == str(household.id)
    assert answer.json()["address"] == "12号"
    assert (await caller.get("/me/grid")).json()["household_id"] == str(household.id)


async def test_a_door_that_is_not_registered_is_kept_as_stated(
    callers: Callers, town: Town
) -> None:
    caller = await callers.resident()
    lane_id = str(town.at(1, 1, 1, 1).id)
    for address, status in (("3栋2单元501", 200), ("", 422), ("  ", 422), ("长" * 61, 422)):
        answer = await caller.put(
            "/me/residence", json={"lane_id": lane_id, "address": address}
        )
        assert answer.status_code == status, answer.text
    grid = (await caller.get("/me/grid")).json()
    assert (grid["address"], grid["household_id"]) == ("3栋2单元501", None)


async def test_without_a_residence_there_is_no_grid_of_mine(callers: Callers) -> None:
    problem = refused(
        await (await callers.resident()).get("/me/grid"), 404, "residence_unknown"
    )
    assert problem["message"] == "请先填写居住地址"


async def test_where_the_lane_is_no_more_the_rest_of_the_grid_is_shown(
    callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    caller = await callers.resident(town.place(1, 1, 1, 1))
    lane = await tx.merge(town.at(1, 1, 1, 1))
    lane.valid_until = days.today - timedelta(days=1)
    await tx.flush()
    grid = (await caller.get("/me/grid")).json()
    assert grid["lane_chief"] is None
    assert grid["grid_leader"] is not None
    assert [level["node"]["level"] for level in grid["levels"]] == [3, 2, 1, 0]
