"""Staff keep the venues of their place: what they are like, and what they are equipped with."""

from typing import Any

import pytest
from sqlalchemy import func, select

from neighborhood_api.files.models import File
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.venues.models import EquipmentItem, Venue, VenueKind
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TODAY, at, new_venue

STATION: dict[str, Any] = {
    "kind": "care_station",
    "name": "文魁街党员爱心驿站",
    "address": "文魁街18号",
    "host": "便民药店",
    "phone": "0752-9000901",
    "services": "歇脚、饮水、充电",
    "position": {"longitude": 114.28, "latitude": 23.17, "coordinate_system": "wgs84"},
    "photo_ids": [],
}


async def picture_of(tx: Tx, caller: Caller) -> str:
    """An uploaded photo that nothing uses yet."""
    file = File(
        uploaded_by=caller.person_id,
        media_type="image/jpeg",
        width=4,
        height=3,
        size_bytes=10,
        sha256=b"0" * 32,
        storage_key=new_id().hex,
        created_at=at(0, TODAY),
    )
    tx.add(file)
    await tx.commit()
    return str(file.id)


@pytest.mark.parametrize("path", [(), (1,), (1, 1), (1, 1, 1), (1, 1, 1, 2)])
async def test_a_venue_is_added_at_any_level_and_serves_whoever_lives_there(
    callers: Callers, town: Town, tx: Tx, path: tuple[int, ...]
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    body = STATION | {"node_id": str(town.at(*path).id)}
    answer = await operator.post("/venues", json=body)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["kind"], made["host"], made["version"]) == ("care_station", "便民药店", 1)
    assert (made["node_id"], made["node_name"]) == (body["node_id"], town.at(*path).name)
    assert (await tx.get_one(Venue, made["id"])).place == town.place(*path)
    lives_there = await callers.resident(town.place(1, 1, 1, 2))
    shown = (await lives_there.get("/venues")).json()["items"]
    assert [one["id"] for one in shown] == [made["id"]]
    act = await tx.scalar(select(Act).where(Act.what == "venues.venue_added"))
    assert act is not None
    assert (act.subject, act.person_id) == (made["id"], operator.person_id)


async def test_a_position_is_kept_in_one_system_whichever_it_was_given_in(
    worker: Caller, town: Town, tx: Tx
) -> None:
    body = STATION | {"node_id": str(town.at(1, 1).id)}
    first = (await worker.post("/venues", json=body)).json()
    assert first["position"]["coordinate_system"] == "gcj02"
    second = (await worker.post("/venues", json=body | {"position": first["position"]})).json()
    assert second["position"] == first["position"]
    stored = await tx.get_one(Venue, second["id"])
    assert (stored.longitude, stored.latitude) == pytest.approx((114.28, 23.17), abs=1e-5)


async def test_a_change_shows_at_once_and_a_stale_one_is_refused(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    body = STATION | {"name": "新名称", "position": None, "version": 1}
    changed = await worker.put(f"/venues/{venue.id}", json=body)
    assert (changed.json()["version"], changed.json()["position"]) == (2, None)
    shown = (await resident.get("/venues")).json()["items"][0]
    assert (shown["name"], shown["kind"]) == ("新名称", "care_station")
    stale = await worker.put(f"/venues/{venue.id}", json=body | {"name": "旧"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    act = await tx.scalar(select(Act).where(Act.what == "venues.venue_changed"))
    assert act is not None
    assert set(act.detail["changed"]) == {
        "name",
        "address",
        "phone",
        "host",
        "services",
        "kind",
        "position",
    }


async def test_photos_are_claimed_once_kept_in_order_and_shown_by_links(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    first, second = await picture_of(tx, worker), await picture_of(tx, worker)
    foreign = await picture_of(tx, resident)
    body = STATION | {"version": 1}
    refused = await worker.put(f"/venues/{venue.id}", json=body | {"photo_ids": [foreign]})
    assert refused.json()["code"] == "files_not_usable"
    await worker.put(f"/venues/{venue.id}", json=body | {"photo_ids": [first]})
    both = body | {"photo_ids": [second, first], "version": 2}
    changed = (await worker.put(f"/venues/{venue.id}", json=both)).json()
    assert [photo["id"] for photo in changed["photos"]] == [second, first]
    (listed,) = (await resident.get("/venues")).json()["items"]
    assert f"/files/{second}?" in listed["photos"][0]["url"]
    twice = await worker.put(
        f"/venues/{venue.id}", json=both | {"photo_ids": [first, first], "version": 3}
    )
    assert twice.status_code == 422


async def test_others_neither_add_nor_change_venues(
    resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    strangers = [
        resident,
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
        await callers.staff(town, Role.STREET_SECRETARY, 2),
    ]
    node = {"node_id": str(town.at(1, 1).id)}
    checks = {"items": [{"item": "seats", "state": "present"}]}
    for stranger in strangers:
        answers = [
            await stranger.post("/venues", json=STATION | node),
            await stranger.put(f"/venues/{venue.id}", json=STATION | {"version": 1}),
            await stranger.put(f"/venues/{venue.id}/equipment", json=checks),
        ]
        assert [answer.json()["code"] for answer in answers] == ["forbidden"] * 3
    above = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)
    higher = STATION | {"node_id": str(town.at(1).id)}
    assert (await above.post("/venues", json=higher)).json()["code"] == "forbidden"
    assert await tx.scalar(select(func.count(Venue.id))) == 1
    assert (await tx.get_one(Venue, venue.id)).name == venue.name


async def test_the_checklist_of_eight_shows_what_was_found_and_what_nobody_looked_at(
    worker: Caller, resident: Caller, venue: Venue
) -> None:
    url = f"/venues/{venue.id}/equipment"
    found = [{"item": "drinks", "state": "present"}, {"item": "umbrellas", "state": "missing"}]
    await worker.put(url, json={"items": found})
    repaired = [{"item": "umbrellas", "state": "broken", "note": "两把断骨"}]
    answer = await worker.put(url, json={"items": repaired})
    assert answer.status_code == 200, answer.text
    shown = (await resident.get(f"/venues/{venue.id}")).json()["equipment"]
    assert [one["item"] for one in shown] == [item.value for item in EquipmentItem]
    states = {one["item"]: one["state"] for one in shown}
    assert (states["drinks"], states["umbrellas"], states["seats"]) == (
        "present",
        "broken",
        None,
    )
    twice = await worker.put(url, json={"items": [found[0], found[0]]})
    assert twice.status_code == 422


async def test_staff_are_shown_what_is_missing_at_their_venues_and_at_no_others(
    worker: Caller, resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    await new_venue(tx, town.place(1, 2))
    await tx.commit()
    bad = [
        {"item": "umbrellas", "state": "missing"},
        {"item": "seats", "state": "broken"},
        {"item": "drinks", "state": "present"},
    ]
    await worker.put(f"/venues/{venue.id}/equipment", json={"items": bad})
    first = (await worker.get("/staff/venue-equipment", params={"limit": "1"})).json()
    second = (
        await worker.get("/staff/venue-equipment", params={"after": first["next"]})
    ).json()
    gaps = first["items"] + second["items"]
    assert [(gap["item"], gap["state"]) for gap in gaps] == [
        ("seats", "broken"),
        ("umbrellas", "missing"),
    ]
    assert {gap["venue_name"] for gap in gaps} == {venue.name}
    assert all(gap["checked_by"] for gap in gaps)
    assert second["next"] is None
    next_door = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    assert (await next_door.get("/staff/venue-equipment")).json()["items"] == []
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    for stranger in (resident, chief):
        assert (await stranger.get("/staff/venue-equipment")).json()["code"] == "forbidden"


def test_the_kinds_of_venue_are_a_closed_list() -> None:
    assert {"service_centre", "service_station", "care_station", "practice_station"} <= {
        kind.value for kind in VenueKind
    }
