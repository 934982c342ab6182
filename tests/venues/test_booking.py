"""Residents book rooms."""

from typing import Any

import pytest
from sqlalchemy import func, select

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TUESDAY, at, book, new_room, new_session, new_venue, wish


async def live_bookings(tx: Tx, room: RoomRow) -> int:
    live = select(func.count(Registration.id)).where(
        Registration.resource_id == room.id, Registration.cancelled_at.is_(None)
    )
    return await tx.scalar(live) or 0


async def test_a_free_room_is_booked_and_announced(
    resident: Caller, room: RoomRow, venue: Venue, tx: Tx
) -> None:
    answer = await book(resident, room, 14, 15.5)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["code"].startswith("B1")
    assert (body["state"], body["title"], body["venue_name"]) == (
        "confirmed",
        "乒乓球室",
        venue.name,
    )
    assert (body["starts_at"], body["ends_at"]) == (
        "2026-11-24T14:00:00+08:00",
        "2026-11-24T15:30:00+08:00",
    )
    stored = await tx.get_one(Registration, body["id"])
    assert (stored.person_id, stored.starts_at) == (resident.person_id, at(14))
    announced = select(OutboxRow.payload).where(OutboxRow.name == "registrations.registered")
    assert (await tx.scalars(announced)).one() == {
        "registration_id": body["id"],
        "resource_id": str(room.id),
        "kind": "room",
        "person_id": str(resident.person_id),
        "state": "confirmed",
    }


async def test_a_retried_request_books_once_and_is_answered_the_same(
    resident: Caller, room: RoomRow, tx: Tx
) -> None:
    key = {"Idempotency-Key": "booking-form-1"}
    url = f"/rooms/{room.id}/bookings"
    first = await resident.post(url, json=wish(9, 10), headers=key)
    again = await resident.post(url, json=wish(9, 10), headers=key)
    other = await resident.post(url, json=wish(10, 11), headers=key)
    assert first.status_code == 200
    assert again.json() == first.json()
    assert other.json()["code"] == "idempotency_key_reused"
    assert await live_bookings(tx, room) == 1


async def test_an_overlap_with_a_neighbour_is_refused_and_says_what_is_taken(
    resident: Caller, callers: Callers, town: Town, room: RoomRow, tx: Tx
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 2, 1))
    await book(neighbour, room, 14, 16)
    answer = await book(resident, room, 15, 17)
    assert answer.status_code == 409
    body = answer.json()
    assert body["code"] == "room_taken"
    assert body["reasons"] == [{"code": "taken", "message": "这个时段已被预约，请另选时间"}]
    assert body["can_wait"] is False
    assert body["message"] == "这个时段已被预约，请另选时间"
    assert await live_bookings(tx, room) == 1


async def test_only_where_there_is_a_waitlist_it_is_offered(
    resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, waitlist={"longest": 1})
    await tx.commit()
    neighbours = [await callers.resident(town.place(1, 1, 2, 1)) for _ in range(2)]
    await book(neighbours[0], room, 14, 16)
    said = [(await book(resident, room, 15, 17)).json()["message"]]
    await book(neighbours[1], room, 15, 17, wait=True)
    said.append((await book(resident, room, 15, 17)).json()["message"])
    assert said == ["这个时段已被预约，请另选时间或加入候补", "这个时段已被预约，请另选时间"]


async def test_one_may_start_when_another_ends(
    resident: Caller, callers: Callers, town: Town, room: RoomRow
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 2, 2))
    answers = [
        await book(caller, room, start, start + 1)
        for caller, start in ((resident, 14), (neighbour, 15), (resident, 16))
    ]
    assert [answer.status_code for answer in answers] == [200] * 3


async def test_nobody_is_in_two_rooms_at_the_same_time(
    resident: Caller, callers: Callers, town: Town, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    chess = await new_room(tx, venue)
    await tx.commit()
    await book(resident, room, 14, 16)
    answer = await book(resident, chess, 15, 17)
    assert answer.status_code == 409
    assert answer.json()["code"] == "overlaps_own_booking"
    (why,) = answer.json()["reasons"]
    assert why["message"] == "与已有的“乒乓球室”(11-24 14:00–16:00)时间冲突"
    neighbour = await callers.resident(town.place(1, 1, 1, 2))
    assert (await book(neighbour, chess, 15, 17)).status_code == 200
    assert (await book(resident, chess, 17, 18)).status_code == 200


async def test_a_room_in_which_a_session_is_held_is_taken(
    resident: Caller, room: RoomRow, venue: Venue, tx: Tx
) -> None:
    await new_session(tx, venue, 9.5, 1.5, room=room)
    await tx.commit()
    assert (await book(resident, room, 9, 10)).json()["code"] == "room_taken"
    day = await resident.get(
        f"/rooms/{room.id}/availability", params={"from": "2026-11-24", "to": "2026-11-24"}
    )
    states = [slot["state"] for slot in day.json()["days"][0]["slots"][:6]]
    assert states == ["free", "taken", "taken", "taken", "free", "free"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (15, 14, ["runs_backwards"]),
        (15, 15, ["runs_backwards"]),
        (-27, -26, ["in_the_past", "outside_opening_hours"]),
        (12, 13, ["outside_opening_hours"]),
        (11.5, 14.5, ["outside_opening_hours", "too_long"]),
        (20, 30, ["outside_opening_hours", "too_long"]),
        (14.25, 14.75, ["off_the_grid"]),
        (14, 14.25, ["off_the_grid", "too_short"]),
        (14, 17, ["too_long"]),
        (24 * 14 + 14, 24 * 14 + 15, ["too_far"]),
    ],
)
async def test_every_broken_rule_is_named(
    resident: Caller, room: RoomRow, tx: Tx, start: float, end: float, expected: list[str]
) -> None:
    answer = await book(resident, room, start, end)
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "wish_not_possible"
    assert [reason["code"] for reason in body["reasons"]] == expected
    assert all(reason["message"] for reason in body["reasons"])
    assert await live_bookings(tx, room) == 0


async def test_a_refusal_carries_the_numbers_behind_each_rule(
    resident: Caller, room: RoomRow, clock: Clock
) -> None:
    clock.now = at(13.5)
    answer = await book(resident, room, 14.25, 17, party_size=9)
    assert answer.json()["reasons"] == [
        {"code": "too_soon", "message": "至少要提前1小时预约", "notice_minutes": 60},
        {
            "code": "off_the_grid",
            "message": "请按每格30分钟选择，从开门时间算起",
            "slot_minutes": 30,
        },
        {"code": "too_long", "message": "每次最多使用2小时", "longest_minutes": 120},
        {"code": "party_too_large", "message": "最多8人", "largest_party": 8},
    ]
    closed = await book(resident, room, 13, 13.5, day=TUESDAY)
    assert closed.json()["reasons"][1] == {
        "code": "outside_opening_hours",
        "message": "请在开放时间内预约，当天为09:00–12:00、14:00–21:00",
        "opening_hours": ["09:00–12:00", "14:00–21:00"],
    }


async def test_a_room_that_takes_no_bookings_refuses(
    resident: Caller, room: RoomRow, tx: Tx
) -> None:
    (await tx.get_one(Resource, room.id)).open = False
    await tx.commit()
    answer = await book(resident, room, 14, 15)
    assert (answer.status_code, answer.json()["code"]) == (409, "room_closed")
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["closed"]


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": "2026-11-24T14:00:00"},
        {"starts_at": "2026-11-24T14:00:30+08:00"},
        {"ends_at": "9999-12-31T23:59:00-12:00"},
        {"starts_at": "0001-01-01T00:00:00+14:00"},
        {"party_size": 0},
        {"purpose": "  "},
        {"colour": "red"},
    ],
)
async def test_what_cannot_be_read_is_pointed_at(
    resident: Caller, room: RoomRow, changes: dict[str, Any]
) -> None:
    answer = await resident.post(f"/rooms/{room.id}/bookings", json=wish(14, 15) | changes)
    assert answer.status_code == 422
    (field,) = changes
    assert answer.json()["errors"][0]["pointer"] == f"#/body/{field}"


async def test_a_wish_may_use_any_offset(resident: Caller, room: RoomRow) -> None:
    body = wish(14, 15) | {
        "starts_at": "2026-11-24T06:00:00Z",
        "ends_at": "2026-11-24T10:00:00+03:00",
    }
    answer = await resident.post(f"/rooms/{room.id}/bookings", json=body)
    assert answer.json()["ends_at"] == "2026-11-24T15:00:00+08:00"


async def test_the_neighbour_one_community_over_is_told_whose_room_it_is(
    callers: Callers, town: Town, room: RoomRow, tx: Tx
) -> None:
    stranger = await callers.resident(town.place(1, 2, 1, 1))
    answer = await book(stranger, room, 14, 15)
    assert answer.status_code == 403
    body = answer.json()
    assert body["code"] == "not_for_your_place"
    (why,) = body["reasons"]
    assert (why["code"], why["node_id"]) == ("not_for_your_place", str(town.at(1, 1).id))
    assert town.at(1, 1).name in why["message"]
    assert "居住地址" in why["message"]
    assert await live_bookings(tx, room) == 0


async def test_where_one_lives_is_asked_of_the_database_and_not_of_the_token(
    callers: Callers, town: Town, room: RoomRow
) -> None:
    newcomer = await callers.resident(None)
    assert (await book(newcomer, room, 14, 15)).json()["code"] == "not_for_your_place"
    lane = str(town.at(1, 1, 2, 2).id)
    stated = await newcomer.put("/me/residence", json={"lane_id": lane, "address": "2号"})
    assert stated.status_code == 200
    assert (await book(newcomer, room, 14, 15)).status_code == 200
    moved = {"lane_id": str(town.at(2, 1, 1, 1).id), "address": "1号", "version": 1}
    assert (await newcomer.put("/me/residence", json=moved)).status_code == 200
    assert (await book(newcomer, room, 16, 17)).json()["code"] == "not_for_your_place"


async def test_a_street_centre_serves_all_its_communities_and_no_other_street(
    callers: Callers, town: Town, tx: Tx, clock: Clock
) -> None:
    del clock
    centre = await new_venue(tx, town.place(1), "党群服务中心")
    hall = await new_room(tx, centre)
    await tx.commit()
    homes = (town.place(1, 1, 1, 1), town.place(1, 2, 2, 2), town.place(2, 1, 1, 1))
    answers = [
        await book(await callers.resident(home), hall, 14 + n, 15 + n)
        for n, home in enumerate(homes)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 403]


async def test_somebody_who_became_another_books_no_more_as_the_old_one(
    resident: Caller, callers: Callers, room: RoomRow, tx: Tx
) -> None:
    known = await callers.resident(None)
    person = await tx.get_one(Person, resident.person_id)
    person.merged_into_id = known.person_id
    await tx.commit()
    answer = await book(resident, room, 14, 15)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")


async def test_a_room_that_does_not_exist(resident: Caller, clock: Clock) -> None:
    del clock
    url = f"/rooms/{resident.person_id}"
    answers = [
        await resident.get(url),
        await resident.get(f"{url}/availability"),
        await resident.post(f"{url}/bookings", json=wish(14, 15)),
    ]
    assert [answer.json()["code"] for answer in answers] == ["room_not_found"] * 3


async def test_without_signing_in_nothing_is_booked(
    http: Caller, room: RoomRow, tx: Tx
) -> None:
    answer = await http.post(f"/rooms/{room.id}/bookings", json=wish(14, 15))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert await live_bookings(tx, room) == 0


async def test_nobody_is_told_to_wait_for_what_waiting_cannot_cure(
    resident: Caller, venue: Venue, callers: Callers, town: Town, tx: Tx
) -> None:
    quota = {"owner": "person", "window": "week", "limit": 1, "measure": "times"}
    room = await new_room(tx, venue, waitlist={"longest": 5}, quotas=[quota])
    await tx.commit()
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    assert (await book(neighbour, room, 14, 15)).status_code == 200
    taken = (await book(resident, room, 14, 15)).json()
    assert (taken["code"], taken["can_wait"]) == ("room_taken", True)
    too_long = (await book(resident, room, 14, 17)).json()
    assert [one["code"] for one in too_long["reasons"]] == ["too_long", "taken"]
    assert too_long["can_wait"] is False
    assert (await book(resident, room, 9, 10)).status_code == 200
    enough = (await book(resident, room, 14, 15)).json()
    assert [one["code"] for one in enough["reasons"]] == ["quota_exceeded", "taken"]
    assert enough["can_wait"] is False
    assert "次数" not in enough["message"]
