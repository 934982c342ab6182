"""Residents find the venues and sessions that are for them."""

from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Place
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.audience import serves, serving
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import at, new_session, new_venue


async def listed(caller: Caller, **params: str) -> set[str]:
    answer = await caller.get("/venues", params=params)
    assert answer.status_code == 200, answer.text
    return {item["id"] for item in answer.json()["items"]}


async def test_a_resident_sees_the_venues_that_serve_her_lane(
    resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    centre = await new_venue(tx, town.place(1))
    next_door = await new_venue(tx, town.place(1, 2))
    await new_venue(tx, town.place(2))
    await tx.commit()
    assert await listed(resident) == {str(venue.id), str(centre.id)}
    neighbour = await callers.resident(town.place(1, 2, 1, 1))
    assert await listed(neighbour) == {str(next_door.id), str(centre.id)}


async def test_a_place_can_be_chosen_and_shows_what_serves_it_or_lies_in_it(
    callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    centre = await new_venue(tx, town.place(1))
    next_door = await new_venue(tx, town.place(1, 2))
    elsewhere = await new_venue(tx, town.place(2, 1))
    await tx.commit()
    guest = await callers.resident(None)
    street, community = str(town.at(1).id), str(town.at(1, 1).id)
    assert await listed(guest, node_id=street) == {
        str(v.id) for v in (venue, centre, next_door)
    }
    assert await listed(guest, node_id=community) == {str(venue.id), str(centre.id)}
    assert await listed(guest, node_id=str(town.at(2, 1, 1, 1).id)) == {str(elsewhere.id)}
    unknown = await guest.get("/venues", params={"node_id": str(guest.person_id)})
    assert unknown.json()["code"] == "node_not_found"


async def test_one_without_a_residence_is_asked_for_it_and_staff_see_their_own(
    callers: Callers, worker: Caller, venue: Venue
) -> None:
    newcomer = await callers.resident(None)
    for url in ("/venues", "/sessions"):
        assert (await newcomer.get(url)).json()["code"] == "residence_unknown"
    assert await listed(worker) == {str(venue.id)}


async def test_the_list_and_the_booking_have_one_idea_of_the_audience(
    town: Town, tx: Tx, clock: Clock
) -> None:
    del clock
    paths: list[tuple[int, ...]] = [(), (1,), (1, 1), (1, 1, 1), (1, 1, 1, 2), (2,), (2, 2)]
    venues = [await new_venue(tx, town.place(*path)) for path in paths]
    homes: list[Place] = [node.place for path, node in town.nodes.items() if len(path) == 4]
    outcomes = set()
    for home in homes:
        found = set(await tx.scalars(select(Venue.id).where(serving(home))))
        for venue in venues:
            assert (venue.id in found) == serves(venue.place, home)
            outcomes.add(venue.id in found)
    assert outcomes == {True, False}


async def test_venues_come_newest_first_page_by_page(
    resident: Caller, town: Town, tx: Tx, clock: Clock
) -> None:
    del clock
    made = [await new_venue(tx, town.place(1, 1), f"服务站{n}") for n in range(3)]
    await tx.commit()
    first = (await resident.get("/venues", params={"limit": "2"})).json()
    second = (await resident.get("/venues", params={"after": first["next"]})).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [
        str(venue.id) for venue in reversed(made)
    ]
    assert second["next"] is None


async def test_a_venue_is_shown_with_its_rooms_and_hours(
    resident: Caller, town: Town, venue: Venue, room: RoomRow
) -> None:
    body = (await resident.get(f"/venues/{venue.id}")).json()
    assert (body["node_id"], body["node_name"]) == (str(town.at(1, 1).id), town.at(1, 1).name)
    assert body["position"]["coordinate_system"] == "gcj02"
    # Maps in China show a place some hundred metres from where WGS-84 has it.
    assert 0.001 < body["position"]["longitude"] - 114.2826 < 0.01
    (shown,) = body["rooms"]
    assert shown == (await resident.get(f"/rooms/{room.id}")).json()
    assert len(shown["opening_rules"]) == 12
    assert shown["opening_rules"][0] == {
        "weekday": 2,
        "opens_at": "09:00",
        "closes_at": "12:00",
        "valid_from": None,
        "valid_until": None,
    }
    missing = await resident.get(f"/venues/{room.id}")
    assert (missing.status_code, missing.json()["code"]) == (404, "venue_not_found")


async def test_sessions_come_soonest_first_page_by_page_and_past_ones_not_at_all(
    resident: Caller, town: Town, venue: Venue, room: RoomRow, tx: Tx, clock: Clock
) -> None:
    foreign = await new_venue(tx, town.place(1, 2))
    await new_session(tx, venue, 48, title="后天")
    await new_session(tx, venue, 16.5, title="明天", room=room)
    await new_session(tx, venue, 16.5, title="同时")
    await new_session(tx, venue, 9, title="已过")
    await new_session(tx, venue, 10, title="进行中")
    await new_session(tx, foreign, 16, title="别处")
    await tx.commit()
    clock.now = at(11)
    titles: list[str] = []
    params = {"limit": "1"}
    while True:
        page = (await resident.get("/sessions", params=params)).json()
        titles += [item["title"] for item in page["items"]]
        if page["next"] is None:
            break
        params["after"] = page["next"]
    assert titles == ["进行中", "明天", "同时", "后天"]
    named = (await resident.get("/sessions")).json()["items"][1]
    assert (named["room_name"], named["venue_name"]) == (room.name, venue.name)


async def test_sessions_are_filtered_by_kind_and_place(
    resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    await new_session(tx, venue, 16)
    await new_session(tx, venue, 17, kind="activity", title="剪纸")
    await tx.commit()
    shown = await resident.get("/sessions", params={"kind": "activity"})
    assert [item["title"] for item in shown.json()["items"]] == ["剪纸"]
    nonsense = await resident.get("/sessions", params={"kind": "party"})
    assert nonsense.status_code == 422
    dispatcher = await callers.staff(town, Role.STREET_DISPATCHER, 2)
    assert (await dispatcher.get("/sessions")).json()["items"] == []
    here = await dispatcher.get("/sessions", params={"node_id": str(town.at(1).id)})
    assert len(here.json()["items"]) == 2
