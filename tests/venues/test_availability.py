"""What is shown as free can be booked, and nothing else."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.models import Resource
from neighborhood_api.schedules.openings.models import OpeningRule
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.reads import count_on
from tests.venues.arranging import TODAY, TUESDAY, at, book, new_room

Day = dict[str, Any]


async def days_of(
    caller: Caller, room: RoomRow, first: date | None = None, last: date | None = None
) -> list[Day]:
    params = {"from": first, "to": last}
    given = {name: day.isoformat() for name, day in params.items() if day is not None}
    answer = await caller.get(f"/rooms/{room.id}/availability", params=given)
    assert answer.status_code == 200, answer.text
    days: list[Day] = answer.json()["days"]
    return days


def states(day: Day) -> dict[str, str]:
    return {slot["starts_at"][11:16]: slot["state"] for slot in day["slots"]}


async def test_a_week_from_today_is_shown_and_a_closed_day_says_so(
    resident: Caller, room: RoomRow
) -> None:
    days = await days_of(resident, room)
    assert [day["date"] for day in days] == [
        (TODAY + timedelta(days=n)).isoformat() for n in range(7)
    ]
    assert (days[0]["slots"], days[0]["reason"]) == ([], "当天不开放")
    assert len(states(days[1])) == 6 + 14
    assert set(states(days[1]).values()) == {"free"}


async def test_each_slot_says_why_it_cannot_be_had(
    resident: Caller, callers: Callers, town: Town, room: RoomRow, clock: Clock
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 2, 1))
    await book(neighbour, room, 15, 16)
    clock.now = at(13.25)
    (today,) = await days_of(resident, room, TUESDAY, TUESDAY)
    reasons = {slot["starts_at"][11:16]: slot["reason"] for slot in today["slots"]}
    expected = {
        "11:30": ("too_soon", "时间已过"),
        "14:00": ("too_soon", "需提前1小时预约"),
        "14:30": ("free", None),
        "15:30": ("taken", "已被预约"),
        "16:00": ("free", None),
    }
    assert {start: (states(today)[start], reasons[start]) for start in expected} == expected
    far = TUESDAY + timedelta(days=14)
    last, beyond = await days_of(resident, room, far, far + timedelta(days=1))
    assert set(states(last).values()) == {"free"}
    assert set(states(beyond).values()) == {"too_far"}


async def test_booking_agrees_with_every_slot_shown(
    resident: Caller, callers: Callers, town: Town, room: RoomRow, clock: Clock
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 2, 1))
    await book(neighbour, room, 16, 17)
    clock.now = at(14.25)
    (shown,) = await days_of(resident, room, TUESDAY, TUESDAY)
    taken = 0
    for slot in shown["slots"]:
        body = {k: slot[k] for k in ("starts_at", "ends_at")} | {"purpose": "练球"}
        answer = await resident.post(f"/rooms/{room.id}/bookings", json=body)
        assert (answer.status_code == 200) == (slot["state"] == "free"), (slot, answer.text)
        taken += answer.status_code == 200
    assert taken == 9
    (after,) = await days_of(resident, room, TUESDAY, TUESDAY)
    assert "free" not in states(after).values()


async def test_a_cancelled_booking_gives_its_slots_back(
    resident: Caller, room: RoomRow
) -> None:
    booked = (await book(resident, room, 14, 15)).json()
    (before,) = await days_of(resident, room, TUESDAY, TUESDAY)
    await resident.post(f"/bookings/{booked['id']}/cancel", json={})
    (after,) = await days_of(resident, room, TUESDAY, TUESDAY)
    assert (states(before)["14:30"], states(after)["14:30"]) == ("taken", "free")


async def test_rules_hold_only_while_they_are_valid(
    resident: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue)
    monday = TODAY.isoweekday()
    winter = OpeningRule(
        opening_id=room.opening_id,
        weekday=monday,
        opens_minute=9 * 60,
        closes_minute=10 * 60,
        valid_from=TODAY + timedelta(days=7),
        valid_until=TODAY + timedelta(days=14),
    )
    tx.add(winter)
    await tx.commit()
    days = await days_of(resident, room, TODAY, TODAY + timedelta(days=13))
    assert (len(states(days[0])), len(states(days[7]))) == (0, 2)
    (later,) = await days_of(
        resident, room, TODAY + timedelta(days=14), TODAY + timedelta(days=14)
    )
    assert states(later) == {}


async def test_a_room_that_takes_no_bookings_is_shown_closed(
    resident: Caller, room: RoomRow, tx: Tx
) -> None:
    (await tx.get_one(Resource, room.id)).open = False
    await tx.commit()
    (day,) = await days_of(resident, room, TUESDAY, TUESDAY)
    assert set(states(day).values()) == {"closed"}


async def test_another_rooms_bookings_do_not_show(
    resident: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    chess = await new_room(tx, venue)
    await tx.commit()
    await book(resident, chess, 14, 16)
    (day,) = await days_of(resident, room, TUESDAY, TUESDAY)
    assert set(states(day).values()) == {"free"}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-24", "2026-11-23"),
        ("2026-11-24", "2026-12-08"),
        ("9999-12-31", "9999-12-31"),
        ("0001-01-01", "0001-01-02"),
    ],
)
async def test_too_many_days_are_refused(
    resident: Caller, room: RoomRow, first: str, last: str
) -> None:
    answer = await resident.get(
        f"/rooms/{room.id}/availability", params={"from": first, "to": last}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_period")
    assert answer.json()["longest_days"] == 14


async def test_a_full_fortnight_costs_as_many_statements_as_an_empty_one(
    resident: Caller,
    callers: Callers,
    town: Town,
    room: RoomRow,
    connection: AsyncConnection,
) -> None:
    last = TODAY + timedelta(days=13)
    await days_of(resident, room, TODAY, last)  # this process now knows the working calendar
    raw, statements = await count_on(connection)
    await days_of(resident, room, TODAY, last)
    empty = len(statements)
    neighbour = await callers.resident(town.place(1, 1, 2, 1))
    for day in range(1, 6):
        assert (await book(neighbour, room, 24 * day + 14, 24 * day + 16)).status_code == 200
    before = len(statements)
    await days_of(resident, room, TODAY, last)
    raw.remove_query_logger(statements.hear)
    assert len(statements) - before == empty == 3  # the room, its hours, what takes it


@pytest.mark.parametrize(
    ("first", "last", "fault", "word"),
    [
        ("1999-11-24", "1999-11-25", "unknown_year", "年份"),
        ("2026-11-25", "2026-11-24", "backwards", "早于"),
        ("2026-11-24", "2026-12-24", "too_long", "14天"),
    ],
)
async def test_each_fault_of_a_period_has_its_own_words(
    resident: Caller, room: RoomRow, first: str, last: str, fault: str, word: str
) -> None:
    answer = await resident.get(
        f"/rooms/{room.id}/availability", params={"from": first, "to": last}
    )
    problem = answer.json()
    assert (problem["code"], problem["fault"]) == ("bad_period", fault)
    assert word in problem["message"]
