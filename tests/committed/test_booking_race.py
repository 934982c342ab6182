"""Many phones at once: never one booking too many, never one too few, and nobody gets a 500."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import new_room, new_venue, wish

SOON = local_day(datetime.now(UTC)) + timedelta(days=2)
"""Two days ahead, so that a run around midnight meets no rule about notice."""


@pytest.fixture
async def rooms(live_database: Database, live_town: Town) -> list[RoomRow]:
    async with live_database.transaction() as tx:
        venue = await new_venue(tx, live_town.place(1, 1))
        return [
            await new_room(tx, venue, range(1, 8), slot_minutes=5, shortest_minutes=5)
            for _ in range(3)
        ]


async def residents(callers: Callers, town: Town, count: int) -> list[Caller]:
    home = town.place(1, 1, 1, 1)
    return [await callers.resident(home) for _ in range(count)]


async def attempt(
    caller: AsyncClient, room: RoomRow, start: float, end: float, key: str | None = None
) -> Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = wish(start, end, SOON)
    return await caller.post(f"/rooms/{room.id}/bookings", json=body, headers=headers)


def outcomes(answers: Iterable[Response]) -> Counter[str]:
    """Count the answers by their problem's code, `booked` for those without."""
    return Counter(
        answer.json().get("code", "?") if answer.is_error else "booked" for answer in answers
    )


async def live(database: Database, room: RoomRow) -> int:
    async with database.transaction() as tx:
        count = select(func.count(Registration.id)).where(
            Registration.resource_id == room.id, Registration.cancelled_at.is_(None)
        )
        return await tx.scalar(count) or 0


async def overlaps(database: Database, rooms: list[RoomRow]) -> int:
    """Count pairs of live bookings that share a moment, and a room or a person."""
    other = aliased(Registration)
    async with database.transaction() as tx:
        pairs = (
            select(func.count())
            .select_from(Registration)
            .join(
                other,
                (Registration.id < other.id)
                & (Registration.starts_at < other.ends_at)
                & (other.starts_at < Registration.ends_at)
                & (
                    (Registration.resource_id == other.resource_id)
                    | (Registration.person_id == other.person_id)
                ),
            )
        )
        here = [room.id for room in rooms]
        return (
            await tx.scalar(
                pairs.where(
                    Registration.resource_id.in_(here),
                    Registration.cancelled_at.is_(None),
                    other.cancelled_at.is_(None),
                )
            )
            or 0
        )


async def test_of_fifty_phones_one_gets_the_slot_and_the_others_are_told(
    live_database: Database, live_town: Town, live_callers: Callers, rooms: list[RoomRow]
) -> None:
    people = await residents(live_callers, live_town, 50)
    answers = await asyncio.gather(
        *(attempt(p, rooms[0], 14, 15, key=f"form-{n}") for n, p in enumerate(people))
    )
    assert outcomes(answers) == {"booked": 1, "room_taken": 49}
    assert await live(live_database, rooms[0]) == 1


async def test_overlapping_wishes_of_many_never_deadlock_and_each_refusal_is_true(
    live_database: Database, live_town: Town, live_callers: Callers, rooms: list[RoomRow]
) -> None:
    chance = random.Random(20261122)  # noqa: S311  (any mix will do, but the same each time)
    people = await residents(live_callers, live_town, 25)
    wishes = []
    for _ in range(300):
        start = 14 + chance.randrange(48) / 12
        end = start + chance.randrange(1, 24) / 12
        wishes.append((chance.choice(people), chance.choice(rooms), start, end))
    crowd = asyncio.Semaphore(60)  # three times the connections: no wait for one is too long

    async def push(wish: tuple[Caller, RoomRow, float, float]) -> Response:
        async with crowd:
            return await attempt(*wish)

    answers = await asyncio.gather(*(push(one) for one in wishes))
    counted = outcomes(answers)
    told = {"booked", "room_taken", "overlaps_own_booking"}
    # Some wish for the same room and hour twice: who comes second may have it already.
    assert told <= set(counted) <= told | {"already_registered"}
    assert await overlaps(live_database, rooms) == 0
    kept = [one for one, answer in zip(wishes, answers, strict=True) if answer.is_success]
    assert sum([await live(live_database, room) for room in rooms]) == len(kept)
    # Never one too few: nothing was given back, so what stood in the way still stands.
    for (person, room, start, end), answer in zip(wishes, answers, strict=True):
        if answer.is_error:
            taken = answer.json()["code"] == "room_taken"
            assert any(
                (k_room is room and k_person is not person) if taken else k_person is person
                for k_person, k_room, k_start, k_end in kept
                if k_start < end and start < k_end
            )


async def test_one_person_at_several_rooms_at_once_gets_one(
    live_database: Database, live_town: Town, live_callers: Callers, rooms: list[RoomRow]
) -> None:
    (person,) = await residents(live_callers, live_town, 1)
    answers = await asyncio.gather(
        *(attempt(person, rooms[n % 3], 14 + n / 12, 15 + n / 12) for n in range(12))
    )
    assert outcomes(answers) == {"booked": 1, "overlaps_own_booking": 11}
    assert sum([await live(live_database, room) for room in rooms]) == 1


async def test_one_form_sent_ten_times_at_once_books_once_and_answers_the_same(
    live_database: Database, live_town: Town, live_callers: Callers, rooms: list[RoomRow]
) -> None:
    (person,) = await residents(live_callers, live_town, 1)
    answers = await asyncio.gather(
        *(attempt(person, rooms[0], 9, 10, key="one-form") for _ in range(10))
    )
    assert outcomes(answers) == {"booked": 10}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await live(live_database, rooms[0]) == 1


async def test_a_room_given_back_while_others_ask_for_it_goes_to_exactly_one(
    live_database: Database, live_town: Town, live_callers: Callers, rooms: list[RoomRow]
) -> None:
    holder, last, *others = await residents(live_callers, live_town, 20)
    hours = (9, 10, 14, 15, 16)
    for hour in hours:
        held = (await attempt(holder, rooms[0], hour, hour + 1)).json()
        cancelled, *answers = await asyncio.gather(
            holder.post(f"/bookings/{held['id']}/cancel", json={}),
            *(attempt(other, rooms[0], hour, hour + 1) for other in others),
        )
        assert cancelled.status_code == 200
        counted = outcomes(answers)
        assert set(counted) <= {"booked", "room_taken"}
        afterwards = outcomes([await attempt(last, rooms[0], hour, hour + 1)])
        assert counted["booked"] + afterwards["booked"] == 1
    assert await overlaps(live_database, rooms) == 0
    assert await live(live_database, rooms[0]) == len(hours)


async def test_a_booking_waits_for_its_room_before_it_locks_its_person(
    live_database: Database, live_town: Town, live_callers: Callers, rooms: list[RoomRow]
) -> None:
    """The one order of locks, by which no two bookings can wait for each other."""
    (person,) = await residents(live_callers, live_town, 1)
    room = select(Resource.id).where(Resource.id == rooms[0].id)
    async with live_database.transaction() as tx:
        await tx.execute(room.with_for_update(key_share=True))
        booking = asyncio.create_task(attempt(person, rooms[0], 9, 10))
        done, _ = await asyncio.wait([booking], timeout=0.5)
        assert not done
        async with live_database.transaction() as other:
            row = select(Person.id).where(Person.id == person.person_id)
            assert await other.scalar(row.with_for_update(nowait=True)) == person.person_id
    assert outcomes([await booking]) == {"booked": 1}


async def test_a_booking_does_not_wait_for_those_who_merely_refer_to_its_room(
    live_database: Database, live_town: Town, live_callers: Callers, rooms: list[RoomRow]
) -> None:
    (person,) = await residents(live_callers, live_town, 1)
    room = select(Resource.id).where(Resource.id == rooms[0].id)
    async with live_database.transaction() as tx:
        await tx.execute(room.with_for_update(read=True, key_share=True))
        answer = await asyncio.wait_for(attempt(person, rooms[0], 9, 10), timeout=5)
    assert outcomes([answer]) == {"booked": 1}
