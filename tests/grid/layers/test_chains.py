"""岳塘's three chiefs and 海阳's property grids: who answers for a resident's home."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.grid.models import Residence
from neighborhood_api.kit.db import Tx
from tests.grid.layers.arranging import THREE_CHIEFS, Drawn, reads_of
from tests.support.people import Caller, Callers
from tests.support.places import Town

LANE = (1, 1, 1, 1)


async def at_home(callers: Callers, town: Town, tx: Tx, household_id: UUID) -> Caller:
    """Somebody whose claim names a household of the register."""
    resident = await callers.resident(town.place(*LANE))
    mine = update(Residence).where(Residence.person_id == resident.person_id)
    await tx.execute(mine.values(household_id=household_id))
    await tx.commit()
    return resident


async def layers_of(resident: Caller) -> list[dict[str, Any]]:
    answer = await resident.get("/me/grid")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["layers"]
    return found


async def test_a_resident_of_yuetang_sees_her_three_chiefs(
    three_chiefs: tuple[Drawn, list[UUID]], callers: Callers, town: Town, tx: Tx
) -> None:
    layer, households = three_chiefs
    resident = await at_home(callers, town, tx, households[0])
    assert await layers_of(resident) == [
        {
            "layer_id": layer.id,
            "layer_code": "neighbours",
            "layer_name": "三长",
            "chain": [
                {
                    "name": "建设路片",
                    "level_name": "片",
                    "post": "片长",
                    "holder": "刘片长",
                    "duty_phone": "0731-5800001",
                },
                {
                    "name": "建设路一组",
                    "level_name": "组",
                    "post": "组长",
                    "holder": "罗组长",
                    "duty_phone": "0731-5800002",
                },
                {
                    "name": "建设路一组一邻",
                    "level_name": "邻",
                    "post": "邻长",
                    "holder": "谭邻长",
                    "duty_phone": "0731-5800003",
                },
            ],
        }
    ]
    vacant = await at_home(callers, town, tx, households[8])
    last = (await layers_of(vacant))[0]["chain"][-1]
    assert (last["name"], last["holder"], last["duty_phone"]) == ("建设路一组二邻", None, None)
    nobodys = await at_home(callers, town, tx, households[10])
    assert await layers_of(nobodys) == []


@pytest.mark.usefixtures("property_grids")
async def test_a_resident_of_haiyang_sees_the_property_grid_of_her_compound(
    callers: Callers, town: Town
) -> None:
    resident = await callers.resident(town.place(*LANE))
    (shown,) = await layers_of(resident)
    assert shown["layer_name"] == "物业网格"
    posts = [(link["level_name"], link["post"]) for link in shown["chain"]]
    assert posts == [("片区", "片区负责人"), ("物业网格", "物业网格员")]
    assert [link["name"] for link in shown["chain"]] == ["第1片区", "物业网格1"]
    assert shown["chain"][1]["duty_phone"] == "0535-6600001"
    by_lane = await callers.resident(town.place(2, 2, 2, 2))
    (shown,) = await layers_of(by_lane)
    assert shown["chain"][1]["name"] == "物业网格9"


@pytest.mark.usefixtures("property_grids")
async def test_two_layers_stand_side_by_side_and_the_nearest_answers_in_each(
    three_chiefs: tuple[Drawn, list[UUID]],
    callers: Callers,
    town: Town,
    tx: Tx,
) -> None:
    layer, households = three_chiefs
    resident = await at_home(callers, town, tx, households[0])
    assert [one["layer_code"] for one in await layers_of(resident)] == [
        "neighbours",
        "property",
    ]
    lane, grid = town.at(*LANE).id, town.at(1, 1, 1).id
    await layer.assign(("node_id", lane, "P1-1-2"), ("node_id", grid, "P1-1-3"))

    async def nearest(who: Caller) -> str:
        name: str = (await layers_of(who))[0]["chain"][-1]["name"]
        return name

    assert await nearest(resident) == "建设路一组一邻"
    unregistered = await callers.resident(town.place(*LANE))
    assert await nearest(unregistered) == "建设路一组二邻"
    next_lane = await callers.resident(town.place(1, 1, 1, 2))
    assert await nearest(next_lane) == "建设路一组三邻"
    turned_away = update(Residence).where(Residence.person_id == resident.person_id)
    now = datetime.now(UTC)
    await tx.execute(turned_away.values(refused_at=now, refusal="查无此人"))
    await tx.commit()
    assert await nearest(resident) == "建设路一组二邻"


@pytest.mark.usefixtures("property_grids")
async def test_all_layers_cost_one_further_statement(
    three_chiefs: tuple[Drawn, list[UUID]],
    callers: Callers,
    town: Town,
    tx: Tx,
    connection: AsyncConnection,
) -> None:
    resident = await at_home(callers, town, tx, three_chiefs[1][0])
    assert len(await layers_of(resident)) == 2
    assert await reads_of(connection, resident.get("/me/grid")) == 2


async def test_what_has_ended_or_not_begun_is_not_shown(
    three_chiefs: tuple[Drawn, list[UUID]],
    operator: Caller,
    callers: Callers,
    town: Town,
    tx: Tx,
) -> None:
    layer, households = three_chiefs
    resident = await at_home(callers, town, tx, households[0])
    term = {
        "name": "代邻长",
        "phone": "15411112222",
        "duty_phone": "0731-5800009",
        "starts_on": "2025-01-01",
        "ends_on": "2025-06-30",
    }
    path = f"/layer-nodes/{layer.nodes['P1-1-1']}"
    assert (await operator.put(f"{path}/holder", json=term)).status_code == 200
    (shown,) = await layers_of(resident)
    assert shown["chain"][2]["holder"] is None  # her term is over
    ended = THREE_CHIEFS | {"valid_until": "2025-12-31", "version": 1}
    assert (await operator.put(f"/layers/{layer.id}", json=ended)).status_code == 200
    assert await layers_of(resident) == []
    later = THREE_CHIEFS | {"valid_until": None, "valid_from": "2099-01-01", "version": 2}
    assert (await operator.put(f"/layers/{layer.id}", json=later)).status_code == 200
    assert await layers_of(resident) == []
