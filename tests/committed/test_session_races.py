"""Sessions and series against bookings, enrolments and each other, all at once."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.models import Occupation, Registration, Resource, Unit
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.sessions.models import Session
from neighborhood_api.venues.sessions.settling import settle_session
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import new_room, new_venue, wish
from tests.venues.sessions.arranging import (
    PLAN,
    SERIES,
    TEACHER,
    TIMES,
    added,
    enrolled,
    hired,
    lead,
)

pytestmark = pytest.mark.slow

FIRST = local_day(datetime.now(UTC)) + timedelta(days=2)
DAYS = [FIRST + timedelta(days=n) for n in range(5)]
POLICY = {"horizon_days": 60, "waitlist": {"longest": 50}}


@pytest.fixture
async def place(live_database: Database, live_town: Town) -> tuple[Venue, RoomRow]:
    """A venue of its own with a room."""
    async with live_database.transaction() as tx:
        venue = await new_venue(tx, live_town.place(1, 1), f"站{new_id().hex[-6:]}")
        room = await new_room(tx, venue, range(1, 8), slot_minutes=30, waitlist={"longest": 20})
    return venue, room


@pytest.fixture
async def staff(live_callers: Callers, live_town: Town) -> Caller:
    return await live_callers.staff(live_town, Role.COMMUNITY_WORKER, 1, 1)


async def residents(callers: Callers, town: Town, count: int) -> list[Caller]:
    home = town.place(1, 1, 1, 1)
    return [await callers.resident(home) for _ in range(count)]


def hour(value: float) -> str:
    return (datetime.combine(FIRST, time(), SHOWN_ZONE) + timedelta(hours=value)).isoformat()


def series_body(room: RoomRow, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return SERIES | {
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "first_on": DAYS[0].isoformat(),
        "last_on": DAYS[-1].isoformat(),
        "starts": "15:00",
        "ends": "16:00",
        "room_id": str(room.id),
        "skip_holidays": False,
        "policy": POLICY,
        **changes,
    }


def times(start: float, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    span = {"starts_at": hour(start), "ends_at": hour(start + 1), "policy": POLICY}
    return span | changes


def single() -> dict[str, Any]:
    return PLAN | {"kind": "tutoring"}


def outcomes(answers: Iterable[Response]) -> Counter[str]:
    return Counter(
        answer.json().get("code", "?") if answer.is_error else "done" for answer in answers
    )


async def doubled(database: Database) -> int:
    """Count pairs of occupations of one timetable that share a moment."""
    other = aliased(Occupation)
    pairs = (
        select(func.count())
        .select_from(Occupation)
        .join(
            other,
            (Occupation.id < other.id)
            & (Occupation.timetable_number == other.timetable_number)
            & (Occupation.starts_at < other.ends_at)
            & (other.starts_at < Occupation.ends_at),
        )
    )
    async with database.transaction() as tx:
        return await tx.scalar(pairs) or 0


async def taken_truly(database: Database, session_id: str) -> tuple[int, int]:
    """The seats that a session counts, and the sum of those who have one."""
    its_id = UUID(session_id)
    seated = select(func.coalesce(func.sum(Registration.seats), 0)).where(
        Registration.resource_id == its_id,
        Registration.state.in_(["confirmed", "pending", "offered", "checked_in"]),
    )
    async with database.transaction() as tx:
        taken = await tx.scalar(select(Resource.taken).where(Resource.id == its_id))
        return taken or 0, await tx.scalar(seated) or 0


async def test_a_series_against_single_bookings_of_its_room_never_shares_a_moment(
    live_database: Database,
    live_town: Town,
    live_callers: Callers,
    staff: Caller,
    place: tuple[Venue, RoomRow],
) -> None:
    venue, room = place
    people = await residents(live_callers, live_town, 15)
    url = f"/venues/{venue.id}/series"
    skipping = series_body(room, on_clash="skip")
    failing = series_body(room, on_clash="fail", starts="15:30", ends="16:30")
    bookings = [
        person.post(f"/rooms/{room.id}/bookings", json=wish(15, 16, DAYS[n % 5]))
        for n, person in enumerate(people)
    ]
    first, second, *booked = await asyncio.gather(
        staff.post(url, json=skipping), staff.post(url, json=failing), *bookings
    )
    assert await doubled(live_database) == 0
    assert set(outcomes(booked)) <= {"done", "room_taken"}
    assert set(outcomes([first, second])) <= {"done", "series_clashes", "no_dates_left"}
    on_days: Counter[str] = Counter()
    for answer in (first, second):
        on_days.update(one["on"] for one in answer.json().get("sessions", []))
    on_days.update(answer.json()["starts_at"][:10] for answer in booked if not answer.is_error)
    assert on_days == dict.fromkeys((day.isoformat() for day in DAYS), 1)
    if not first.is_error:
        told = {one["on"] for one in first.json()["skipped"]}
        assert told == {day.isoformat() for day in DAYS} - {
            one["on"] for one in first.json()["sessions"]
        }


async def test_one_teacher_asked_for_everywhere_at_once_is_in_one_place(
    live_database: Database, staff: Caller, place: tuple[Venue, RoomRow]
) -> None:
    venue, _ = place
    teacher, other = await hired(staff, venue), await hired(staff, venue, "周志远")
    both = [lead(teacher), {"teacher_id": other["id"], "role": "helper"}]
    swapped = [lead(other), {"teacher_id": teacher["id"], "role": "helper"}]
    bodies = [
        single() | times(14 + n % 4 / 4, teachers=both if n % 2 else swapped) for n in range(12)
    ]
    answers = await asyncio.gather(
        *(staff.post(f"/venues/{venue.id}/sessions", json=body) for body in bodies)
    )
    assert outcomes(answers) == {"done": 1, "place_or_teacher_taken": 11}
    assert await doubled(live_database) == 0


async def test_changes_of_a_session_against_enrolling_and_cancelling_never_lose_a_seat(
    live_database: Database,
    live_town: Town,
    live_callers: Callers,
    staff: Caller,
    place: tuple[Venue, RoomRow],
) -> None:
    venue, room = place
    session = await added(staff, venue, **times(14, capacity=4, room_id=str(room.id)))
    url = f"/sessions/{session['id']}"
    people = await residents(live_callers, live_town, 12)

    async def come_and_go(person: Caller, number: int) -> list[Response]:
        answers = []
        for _ in range(3):
            answer = await person.post(f"{url}/bookings", json={"wait": True})
            answers.append(answer)
            if not answer.is_error and number % 2:
                its_id = answer.json()["id"]
                answers.append(await person.post(f"/bookings/{its_id}/cancel", json={}))
        return answers

    async def reshape(number: int) -> Response:
        seen = (await staff.get(url)).json()
        start = (14, 15, 16)[number % 3]
        change = {"version": seen["version"], "capacity": 2 + number % 4}
        change["room_id"] = str(room.id) if number % 2 else None
        return await staff.put(url, json=PLAN | TIMES | times(start, **change))

    async def book_the_room(person: Caller) -> Response:
        return await person.post(f"/rooms/{room.id}/bookings", json=wish(15, 16, FIRST))

    visits, single_answers = await asyncio.gather(
        asyncio.gather(*(come_and_go(person, n) for n, person in enumerate(people))),
        asyncio.gather(
            *(reshape(n) for n in range(8)),
            *(book_the_room(person) for person in people[:4]),
        ),
    )
    answers = [*single_answers, *(answer for visit in visits for answer in visit)]
    expected = {
        "done",
        "already_registered",
        "overlaps_own_booking",
        "nothing_free",
        "room_taken",
        "stale_version",
        "place_or_teacher_taken",
        "participants_elsewhere",
        "already_ended",
        "wish_not_possible",
    }
    assert set(outcomes(answers)) <= expected
    taken, seated = await taken_truly(live_database, session["id"])
    shown = (await staff.get(url)).json()
    assert taken == seated <= shown["capacity"]
    assert seated == shown["capacity"] or shown["waiting"] == 0
    assert await doubled(live_database) == 0


async def test_deciding_side_by_side_with_enrolling_decides_once_and_truly(
    live_database: Database,
    live_town: Town,
    live_callers: Callers,
    staff: Caller,
    place: tuple[Venue, RoomRow],
) -> None:
    venue, _ = place
    decide = {"fewest": 3, "decide_at": hour(8)}
    session = await added(staff, venue, **times(14, capacity=6, **decide))
    people = await residents(live_callers, live_town, 6)
    await enrolled(people[0], session["id"])
    moment = datetime.combine(FIRST, time(8), SHOWN_ZONE)

    async def settle() -> None:
        async with live_database.transaction() as tx:
            await settle_session(tx, UUID(session["id"]), now=moment)

    url = f"/sessions/{session['id']}/bookings"
    answers, _ = await asyncio.gather(
        asyncio.gather(*(one.post(url, json={}) for one in people[1:])),
        asyncio.gather(settle(), settle(), settle()),
    )
    shown = (await staff.get(f"/sessions/{session['id']}")).json()
    taken, seated = await taken_truly(live_database, session["id"])
    assert set(outcomes(answers)) <= {"done", "not_open"}
    assert taken == seated
    if shown["cancelled_at"] is None:
        assert shown["settled"]
        assert seated == 6
    else:
        assert seated == 0
        assert outcomes(answers)["done"] < 2


async def test_calling_off_against_enrolling_leaves_nobody_with_a_seat(
    live_database: Database,
    live_town: Town,
    live_callers: Callers,
    staff: Caller,
    place: tuple[Venue, RoomRow],
) -> None:
    venue, room = place
    session = await added(staff, venue, **times(14, capacity=5, room_id=str(room.id)))
    people = await residents(live_callers, live_town, 10)
    url = f"/sessions/{session['id']}"
    off, *answers = await asyncio.gather(
        staff.post(f"{url}/cancel", json={"reason": "停电"}),
        *(one.post(f"{url}/bookings", json={"wait": True}) for one in people),
    )
    assert off.status_code == 200, off.text
    assert set(outcomes(answers)) <= {"done", "not_open"}
    assert await taken_truly(live_database, session["id"]) == (0, 0)
    async with live_database.transaction() as tx:
        live = select(func.count(Registration.id)).where(
            Registration.resource_id == UUID(session["id"]),
            Registration.cancelled_at.is_(None),
        )
        assert await tx.scalar(live) == 0
        its_room = select(Session.room_id).where(Session.id == UUID(session["id"]))
        assert await tx.scalar(its_room) == room.id
        units = select(func.count(Unit.id)).where(Unit.resource_id == room.id)
        assert await tx.scalar(units) == 1
    again = await people[0].post(f"/rooms/{room.id}/bookings", json=wish(14, 15, FIRST))
    assert again.status_code == 200, again.text


async def test_of_many_who_want_the_last_seats_as_many_get_one_as_there_are(
    live_database: Database,
    live_town: Town,
    live_callers: Callers,
    staff: Caller,
    place: tuple[Venue, RoomRow],
) -> None:
    venue, _ = place
    session = await added(staff, venue, **times(14, capacity=7))
    people = await residents(live_callers, live_town, 30)
    url = f"/sessions/{session['id']}/bookings"
    answers = await asyncio.gather(*(one.post(url, json={}) for one in people))
    assert outcomes(answers) == {"done": 7, "nothing_free": 23}
    assert await taken_truly(live_database, session["id"]) == (7, 7)


async def test_changes_of_series_that_share_room_and_teachers_never_wait_in_a_ring(
    live_database: Database,
    live_town: Town,
    live_callers: Callers,
    staff: Caller,
    place: tuple[Venue, RoomRow],
) -> None:
    venue, room = place
    teachers = [await hired(staff, venue, name) for name in ("陈敏华", "周志远")]
    people = await residents(live_callers, live_town, 8)
    made = []
    for number, (starts, ends) in enumerate((("09:00", "10:00"), ("10:00", "11:00"))):
        by = {"teachers": [lead(teachers[number])]}
        body = series_body(room, starts=starts, ends=ends, **by)
        answer = await staff.post(f"/venues/{venue.id}/series", json=body)
        assert answer.status_code == 200, answer.text
        made.append(answer.json())

    async def change(number: int) -> Response:
        one = made[number % 2]
        seen = (await staff.get(f"/series/{one['id']}")).json()
        swap = {"teachers": [lead(teachers[number // 2 % 2])], "capacity": 1 + number % 3}
        hours = {"starts": f"{9 + number % 3:02}:00", "ends": f"{10 + number % 3:02}:00"}
        fixed = {"version": seen["version"], "on_clash": "skip", "outside_hours": True}
        body = seen["plan"] | swap | hours | fixed
        return await staff.put(f"/series/{one['id']}", json=body)

    async def enrol(person: Caller, number: int) -> Response:
        sessions = made[number % 2]["sessions"]
        url = f"/sessions/{sessions[number % 5]['session_id']}/bookings"
        return await person.post(url, json={"wait": True})

    async def book_room(person: Caller, number: int) -> Response:
        body = wish(9 + number % 3, 10 + number % 3, DAYS[number % 5])
        return await person.post(f"/rooms/{room.id}/bookings", json=body)

    async def leave(teacher: dict[str, Any]) -> Response:
        body = TEACHER | {"name": teacher["name"], "active": False, "version": 1}
        return await staff.put(f"/teachers/{teacher['id']}", json=body)

    answers = await asyncio.gather(
        *(change(n) for n in range(6)),
        *(enrol(person, n) for n, person in enumerate(people)),
        *(book_room(person, n) for n, person in enumerate(people)),
        leave(teachers[1]),
        change(6),
        change(7),
    )
    assert set(outcomes(answers)) <= {
        "done",
        "stale_version",
        "series_clashes",
        "teacher_not_found",
        "nothing_free",
        "overlaps_own_booking",
        "room_taken",
    }
    assert await doubled(live_database) == 0
    for one in made:
        for session in one["sessions"]:
            taken, seated = await taken_truly(live_database, session["session_id"])
            assert taken == seated
