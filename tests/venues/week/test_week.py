"""A venue's week shows its desk who has what, and what is free."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.reads import count_on
from tests.venues.arranging import TODAY, TUESDAY, at, book, new_room, new_session
from tests.venues.openings.arranging import closure, exception

Day = dict[str, Any]


async def week_of(caller: Caller, venue: Venue, first: date | None = None) -> list[Day]:
    params = {} if first is None else {"from": str(first)}
    answer = await caller.get(f"/venues/{venue.id}/week", params=params)
    assert answer.status_code == 200, answer.text
    days: list[Day] = answer.json()["days"]
    return days


def spans(listed: list[dict[str, str]]) -> list[str]:
    return [f"{one['starts_at'][11:16]}-{one['ends_at'][11:16]}" for one in listed]


async def test_the_week_begins_on_monday_or_where_one_says(
    worker: Caller, venue: Venue, room: RoomRow, clock: Clock
) -> None:
    clock.now = at(10, TUESDAY + timedelta(days=2))
    days = await week_of(worker, venue)
    assert [day["day"]["day"] for day in days] == [
        str(TODAY + timedelta(days=n)) for n in range(7)
    ]
    assert [one["id"] for one in days[0]["rooms"]] == [str(room.id)]
    assert spans(days[1]["rooms"][0]["open"]) == ["09:00-12:00", "14:00-21:00"]
    assert (days[0]["rooms"][0]["open"], days[0]["rooms"][0]["reason"]) == ([], "当天不开放")
    assert (await week_of(worker, venue, TUESDAY))[0]["day"]["day"] == str(TUESDAY)
    for far in ("9999-12-31", "0001-01-01"):
        answer = await worker.get(f"/venues/{venue.id}/week", params={"from": far})
        assert answer.json()["code"] == "bad_period"


async def test_bookings_stand_with_their_unit_their_holder_and_what_is_left(
    worker: Caller, resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    room = await new_room(
        tx,
        venue,
        units=("1号台", "2号台"),
        buffer_after_minutes=30,
        waitlist={"longest": 3, "offer_minutes": 30},
    )
    (await tx.get_one(Person, resident.person_id)).phone = "13800138000"
    await tx.commit()
    first, second = (str(unit.id) for unit in room.units)
    booked = (await book(resident, room, 9, 10, unit_id=first)).json()
    given_up = (await book(resident, room, 11, 12, unit_id=second)).json()
    await resident.post(f"/bookings/{given_up['id']}/cancel", json={})
    neighbour = await callers.resident(town.place(1, 1, 2, 1))
    waits = (await book(neighbour, room, 9, 10, unit_id=first, wait=True)).json()
    assert waits["state"] == "waitlisted"
    (shown,) = (await week_of(worker, venue))[1]["rooms"]
    one, two = shown["units"]
    (listed,) = one["bookings"]
    assert (listed["code"], listed["state"], listed["unit_name"]) == (
        booked["code"],
        "confirmed",
        "1号台",
    )
    assert listed["holder"] == {
        "name": "黄荔红",
        "phone": "138****8000",
        "untold": False,
    }
    assert spans(one["free"]) == ["10:30-12:00", "14:00-21:00"]
    assert (two["bookings"], spans(two["free"])) == ([], ["09:00-12:00", "14:00-21:00"])
    assert [each["id"] for each in shown["unplaced"]] == [waits["id"]]


async def test_sessions_take_the_whole_room_or_stand_beside_the_rooms(
    worker: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    inside = await new_session(tx, venue, 14, room=room)
    outside = await new_session(tx, venue, 16, title="户外义诊")
    await tx.commit()
    day = (await week_of(worker, venue))[1]
    (shown,) = day["rooms"]
    assert [one["id"] for one in shown["sessions"]] == [str(inside.id)]
    assert (shown["sessions"][0]["capacity"], shown["sessions"][0]["taken"]) == (12, 0)
    assert spans(shown["units"][0]["free"]) == ["09:00-12:00", "15:30-21:00"]
    assert [one["id"] for one in day["sessions"]] == [str(outside.id)]


async def test_closures_and_other_hours_are_shown_with_their_reason(
    worker: Caller, venue: Venue, room: RoomRow
) -> None:
    await worker.post(f"/venues/{venue.id}/opening/closures", json=closure(16, 18))
    other = exception(("09:00", "11:00"), day=TUESDAY + timedelta(days=1))
    await worker.post(f"/rooms/{room.id}/opening/exceptions", json=other)
    days = await week_of(worker, venue)
    (tuesday,), (wednesday,) = days[1]["rooms"], days[2]["rooms"]
    assert spans(tuesday["open"]) == ["09:00-12:00", "14:00-16:00", "18:00-21:00"]
    assert tuesday["closures"][0]["reason"] == "空调检修"
    assert tuesday["units"][0]["free"] == tuesday["open"]
    assert spans(wednesday["open"]) == ["09:00-11:00"]
    assert "社区大扫除" in wednesday["reason"]
    assert days[1]["day"]["closures"][0]["reason"] == "空调检修"


async def test_only_those_who_may_read_its_bookings_see_a_venues_week(
    worker: Caller, resident: Caller, callers: Callers, town: Town, venue: Venue
) -> None:
    strangers = (
        resident,
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
        await callers.staff(town, Role.GRID_LEADER, 1, 1, 1),
    )
    for stranger in strangers:
        answer = await stranger.get(f"/venues/{venue.id}/week")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    street = await callers.staff(town, Role.STREET_SECRETARY, 1)
    assert len(await week_of(street, venue)) == 7
    unknown = await worker.get(f"/venues/{worker.person_id}/week")
    assert unknown.json()["code"] == "venue_not_found"


async def test_a_full_week_costs_as_many_statements_as_an_empty_one(
    worker: Caller,
    resident: Caller,
    venue: Venue,
    room: RoomRow,
    tx: Tx,
    connection: AsyncConnection,
) -> None:
    await week_of(worker, venue)  # this process now knows the working calendar
    raw, statements = await count_on(connection)
    await week_of(worker, venue)
    empty = len(statements)
    chess = await new_room(tx, venue)
    await new_session(tx, venue, 18, room=room)
    await tx.commit()
    for n in range(5):
        await book(resident, (room, chess)[n % 2], 24 * n + 9, 24 * n + 10)
    before = len(statements)
    days = await week_of(worker, venue)
    raw.remove_query_logger(statements.hear)
    assert len(statements) - before == empty == 6
    shown = [unit for day in days for one in day["rooms"] for unit in one["units"]]
    assert sum(len(unit["bookings"]) for unit in shown) == 5
