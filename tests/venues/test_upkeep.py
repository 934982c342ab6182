"""Staff keep the rooms of their place, and of no other."""

import pytest
from sqlalchemy import func, select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.models import Registration
from neighborhood_api.schedules.openings.models import OpeningRule
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import POLICY, ROOM, book

CHANGED = ROOM | {
    "name": "小乒乓球室",
    "house_rules": "请穿运动鞋",
    "accepts_bookings": False,
    "policy": POLICY | {"largest_party": 4},
}
EVENINGS = [{"weekday": 2, "opens_at": "18:00", "closes_at": "21:30"}]


async def test_a_community_worker_adds_a_room_that_is_booked_once_it_has_hours(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    answer = await worker.post(f"/venues/{venue.id}/rooms", json=ROOM | {"policy": POLICY})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["version"], made["opening_rules"]) == (1, [])
    room = await tx.get_one(Room, made["id"])
    assert room.venue_id == venue.id
    assert made["policy"]["largest_party"] == 8
    assert [unit["name"] for unit in made["units"]] == ["整间"]
    refused = await book(resident, room, 18, 19)
    assert refused.json()["reasons"][0]["message"] == "当天不开放，请换一天"
    rules = {"version": 1, "rules": EVENINGS}
    opened = await worker.put(f"/rooms/{room.id}/opening/rules", json=rules)
    assert opened.json()["opening"]["version"] == 2
    shown = (await worker.get(f"/rooms/{room.id}")).json()
    assert (shown["version"], shown["opening_rules"][0]["closes_at"]) == (1, "21:30")
    assert (await book(resident, room, 18, 19)).status_code == 200


async def test_a_changed_room_keeps_what_is_booked(
    worker: Caller, resident: Caller, room: RoomRow, tx: Tx
) -> None:
    booked = (await book(resident, room, 14, 15)).json()
    answer = await worker.put(f"/rooms/{room.id}", json=CHANGED | {"version": 1})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["name"], body["accepts_bookings"], body["version"]) == ("小乒乓球室", False, 2)
    assert len(body["opening_rules"]) == 12
    replaced = await worker.put(
        f"/rooms/{room.id}/opening/rules", json={"version": 1, "rules": EVENINGS}
    )
    assert len(replaced.json()["opening"]["rules"]) == 1
    assert [one["id"] for one in replaced.json()["bookings"]] == [booked["id"]]
    stored = select(func.count(OpeningRule.id)).where(OpeningRule.opening_id == room.opening_id)
    assert await tx.scalar(stored) == 1
    assert (await tx.get_one(Registration, booked["id"])).cancelled_at is None
    assert (await resident.get(f"/bookings/{booked['id']}")).json()["state"] == "confirmed"


async def test_a_change_based_on_an_old_version_is_refused(
    worker: Caller, room: RoomRow
) -> None:
    first = await worker.put(f"/rooms/{room.id}", json=CHANGED | {"version": 1})
    assert first.status_code == 200
    holidays = {"version": 1, "on_holidays": "open"}
    other = await worker.put(f"/rooms/{room.id}/opening/holidays", json=holidays)
    assert other.status_code == 200
    bodies = {
        f"/rooms/{room.id}": CHANGED | {"version": 1, "name": "旧"},
        f"/rooms/{room.id}/opening/rules": {"version": 1, "rules": []},
    }
    for url, body in bodies.items():
        stale = await worker.put(url, json=body)
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
        assert stale.json()["version"] == 2
    shown = (await worker.get(f"/rooms/{room.id}")).json()
    assert (shown["name"], len(shown["opening_rules"])) == ("小乒乓球室", 12)


async def test_others_may_not_touch_the_rooms(
    resident: Caller, callers: Callers, town: Town, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    strangers = [
        resident,
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.STREET_SECRETARY, 2),
        await callers.staff(town, Role.GRID_LEADER, 1, 1, 1),
    ]
    for stranger in strangers:
        answers = [
            await stranger.post(f"/venues/{venue.id}/rooms", json=ROOM | {"policy": POLICY}),
            await stranger.put(f"/rooms/{room.id}", json=CHANGED | {"version": 1}),
            await stranger.put(
                f"/rooms/{room.id}/opening/rules", json={"version": 1, "rules": []}
            ),
        ]
        assert [answer.json()["code"] for answer in answers] == ["forbidden"] * 3
    rooms = select(func.count(Room.id)).where(Room.venue_id == venue.id)
    assert await tx.scalar(rooms) == 1
    kept = select(func.count(OpeningRule.id)).where(OpeningRule.opening_id == room.opening_id)
    assert await tx.scalar(kept) == 12


async def test_the_street_keeps_the_rooms_of_its_communities(
    callers: Callers, town: Town, room: RoomRow
) -> None:
    dispatcher = await callers.staff(town, Role.STREET_DISPATCHER, 1)
    answer = await dispatcher.put(f"/rooms/{room.id}", json=CHANGED | {"version": 1})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        {"weekday": 0, "opens_at": "09:00", "closes_at": "12:00"},
        {"weekday": 1, "opens_at": "12:00", "closes_at": "12:00"},
        {"weekday": 1, "opens_at": "12:00", "closes_at": "09:00"},
        {"weekday": 1, "opens_at": "9:00", "closes_at": "12:00"},
        {"weekday": 1, "opens_at": "09:00:30", "closes_at": "12:00"},
        {"weekday": 1, "opens_at": 32400, "closes_at": "12:00"},
        {"weekday": 1, "opens_at": "09:00", "closes_at": "24:01"},
        {
            "weekday": 1,
            "opens_at": "09:00",
            "closes_at": "12:00",
            "valid_from": "2026-12-01",
            "valid_until": "2026-12-01",
        },
    ],
)
async def test_hours_that_make_no_sense_are_refused(
    worker: Caller, room: RoomRow, rule: dict[str, object]
) -> None:
    body = {"version": 1, "rules": [rule]}
    answer = await worker.put(f"/rooms/{room.id}/opening/rules", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert len((await worker.get(f"/rooms/{room.id}")).json()["opening_rules"]) == 12


@pytest.mark.parametrize(
    "changes",
    [
        {"shortest_minutes": 120, "longest_minutes": 60},
        {"slot_minutes": 240},
        {"largest_party": 0},
        {"longest_minutes": 1441},
        {"audience": {"youngest": 9, "oldest": 8}},
    ],
)
async def test_a_room_that_makes_no_sense_is_refused(
    worker: Caller, venue: Venue, changes: dict[str, object]
) -> None:
    answer = await worker.post(
        f"/venues/{venue.id}/rooms", json=ROOM | {"policy": POLICY | changes}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
