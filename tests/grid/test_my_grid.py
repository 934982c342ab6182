"""A resident sees who is responsible where she lives."""

from httpx import AsyncClient

from tests.support.people import Callers
from tests.support.places import Town


async def test_a_resident_sees_her_lane_chief_and_grid_leader_with_duty_phones(
    callers: Callers, town: Town
) -> None:
    resident = await callers.resident(town.place(1, 1, 1, 1))
    answer = await resident.get("/me/grid")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["lane_chief"]["role"] == "lane_chief"
    assert body["lane_chief"]["duty_phone"].startswith("0752-90")
    assert body["grid_leader"]["role"] == "grid_leader"
    assert [level["node"]["level"] for level in body["levels"]] == [4, 3, 2, 1, 0]
    assert body["levels"][0]["node"]["id"] == str(town.at(1, 1, 1, 1).id)


async def test_the_plate_needs_no_sign_in(http: AsyncClient, town: Town) -> None:
    lane = town.at(1, 1, 1, 2)
    answer = await http.get(f"/grid/plates/{lane.plate_code}")
    assert answer.status_code == 200
    assert answer.json()["lane"]["id"] == str(lane.id)
    assert answer.json()["lane_chief"] is not None
