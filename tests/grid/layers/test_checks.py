"""What is wrong with a layer is found: households and lanes of nobody, sizes, vacant posts."""

from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.grid.layers.arranging import Drawn, new_households
from tests.support.people import Caller, Callers
from tests.support.places import Town

LANE = (1, 1, 1, 1)


async def test_households_without_a_neighbour_chief_and_wrong_sizes_are_found(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, town: Town, tx: Tx
) -> None:
    layer, households = three_chiefs
    found = await layer.faults(operator, limit=7)
    assert found[str(households[10])] == ["household_uncovered"]
    assert not found.keys() & {str(one) for one in households[:10]}
    few = ["too_few_households", "vacant"]
    assert found[layer.nodes["P1-1-2"]] == few
    assert found[layer.nodes["P1-1-3"]] == few
    assert layer.nodes["P1-1-1"] not in found
    assert layer.nodes["P1"] not in found
    assert str(town.at(*LANE).id) not in found  # some of its households have a chief
    assert found[str(town.at(1, 1, 1, 2).id)] == ["place_uncovered"]
    lanes = [one for one, faults in found.items() if faults == ["place_uncovered"]]
    assert len(lanes) == 15
    there = select(Household.id).where(Household.district_id == town.at().id)
    doors = {str(one) for one in await tx.scalars(there)} - {str(o) for o in households[:10]}
    assert {o for o, faults in found.items() if faults == ["household_uncovered"]} == doors


async def test_a_chief_with_more_than_fifteen_households_is_found_by_the_places_she_has(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, town: Town, tx: Tx
) -> None:
    layer, _ = three_chiefs
    await new_households(tx, town, 12, 1, 1, 1, 2)  # and two that the lane had
    await layer.assign(("node_id", town.at(1, 1, 1, 2).id, "P1-1-3"))
    assert layer.nodes["P1-1-3"] not in await layer.faults(
        operator, fault="too_many_households"
    )
    await layer.assign(("node_id", town.at(*LANE).id, "P1-1-3"))
    found = await layer.faults(operator, fault="too_many_households")
    assert found == {layer.nodes["P1-1-3"]: ["too_many_households"]}  # 14, 1 and 2 of the town
    answer = await operator.get(
        f"/layers/{layer.id}/checks", params={"fault": "too_many_households"}
    )
    (item,) = answer.json()["items"]
    assert (item["code"], item["level"], item["households"]) == ("P1-1-3", 3, 17)
    whole = ("node_id", town.at(1, 1).id, "P1-1-3")
    await layer.assign(whole)
    lanes = await layer.faults(operator, fault="place_uncovered")
    assert len(lanes) == 12
    assert not lanes.keys() & {str(town.at(1, 1, g, n).id) for g in (1, 2) for n in (1, 2)}


async def test_a_layer_without_wanted_sizes_reports_none(
    property_grids: Drawn, operator: Caller, town: Town, tx: Tx
) -> None:
    found = await property_grids.faults(operator)
    faults = {fault for one in found.values() for fault in one}
    assert faults == {"vacant", "place_uncovered", "household_uncovered"}
    lane = town.at(2, 2, 1, 1)
    assert found[str(lane.id)] == ["place_uncovered"]
    doors = select(Household.id).where(Household.lane_id == lane.id)
    uncovered = {one for one, of in found.items() if of == ["household_uncovered"]}
    assert uncovered == {str(one) for one in await tx.scalars(doors)}
    vacant = {one for one, of in found.items() if of == ["vacant"]}
    assert vacant == {property_grids.nodes[f"A{number}"] for number in range(1, 7)}


async def test_staff_read_what_concerns_their_own_places(
    three_chiefs: tuple[Drawn, list[UUID]], callers: Callers, town: Town
) -> None:
    layer, households = three_chiefs
    chief = await callers.staff(town, Role.LANE_CHIEF, *LANE)
    own = {layer.nodes["P1-1-2"]: ["too_few_households", "vacant"]}
    found = await layer.faults(chief)
    doors = {one for one, of in found.items() if of == ["household_uncovered"]}
    assert len(doors) == 3
    assert str(households[10]) in doors
    assert found == own | {one: ["household_uncovered"] for one in doors}
    next_door = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 2)
    found = await layer.faults(next_door)
    assert not found.keys() & (set(layer.nodes.values()) | {str(one) for one in households})
    assert found[str(town.at(1, 1, 1, 2).id)] == ["place_uncovered"]
    assert len(found) == 3
