"""Staff take rooms out of use while many book: no live booking lies in a confirmed blackout."""

import asyncio
import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, or_, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database
from neighborhood_api.registrations.models import Registration
from neighborhood_api.registrations.states import LIVE
from neighborhood_api.schedules.openings.models import Closure, Opening
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import at, new_room, new_venue, wish

pytestmark = pytest.mark.slow

SOON = local_day(datetime.now(UTC)) + timedelta(days=3)
CROWD = 50
ROUNDS = int(os.environ.get("ROUNDS", "1"))
"""34 make more than 10,000 attempts to book."""


class Ground:
    """A venue with rooms, its worker, and a crowd that wants them."""

    def __init__(
        self, venue: Venue, rooms: list[RoomRow], worker: Caller, crowd: list[Caller]
    ) -> None:
        self.venue, self.rooms, self.worker, self.crowd = venue, rooms, worker, crowd


@pytest.fixture
async def ground(live_database: Database, live_town: Town, live_callers: Callers) -> Ground:
    async with live_database.transaction() as tx:
        venue = await new_venue(tx, live_town.place(1, 1))
        rooms = [
            await new_room(
                tx,
                venue,
                range(1, 8),
                slot_minutes=5,
                shortest_minutes=5,
                waitlist={"longest": 3, "offer_minutes": 30},
            )
            for _ in range(3)
        ]
    home = live_town.place(1, 1, 1, 1)
    crowd = [await live_callers.resident(home) for _ in range(CROWD)]
    worker = await live_callers.staff(live_town, Role.COMMUNITY_WORKER, 1, 1)
    return Ground(venue, rooms, worker, crowd)


async def live_inside(database: Database, ground: Ground) -> int:
    """Count live bookings that share a moment with a closure of their room or venue."""
    async with database.transaction() as tx:
        venue_opening = select(Venue.opening_id).where(Venue.id == ground.venue.id)
        meeting = (
            select(func.count(Registration.id.distinct()))
            .join(Room, Room.id == Registration.resource_id)
            .join(
                Closure,
                or_(
                    Closure.opening_id == Room.opening_id,
                    Closure.opening_id == venue_opening.scalar_subquery(),
                ),
            )
            .where(
                Room.venue_id == ground.venue.id,
                Registration.state.in_([state.value for state in LIVE]),
                Registration.starts_at < Closure.ends_at,
                Closure.starts_at < Registration.ends_at,
                Closure.lifted_at.is_(None),
            )
        )
        return await tx.scalar(meeting) or 0


async def blackouts(
    ground: Ground, database: Database, chance: random.Random
) -> list[tuple[RoomRow, float]]:
    """Close a room or the venue again and again, as staff who read what they confirm."""
    made = []
    for _ in range(6):
        room = chance.choice([None, *ground.rooms])
        path = f"/venues/{ground.venue.id}" if room is None else f"/rooms/{room.id}"
        opening_id = ground.venue.opening_id if room is None else room.opening_id
        start = 14 + chance.randrange(60) / 12
        async with database.transaction() as tx:
            version = (await tx.get_one(Opening, opening_id)).version
        body: dict[str, Any] = {
            "version": version,
            "starts_at": at(start, SOON).isoformat(),
            "ends_at": at(start + 0.5, SOON).isoformat(),
            "reason": "停电",
            "hits_seen": None,
        }
        while True:
            answer = await ground.worker.post(f"{path}/opening/closures", json=body)
            if answer.is_success:
                made.append((room or ground.rooms[0], start))
                break
            assert answer.json()["code"] == "bookings_in_the_way", answer.text
            body["hits_seen"] = answer.json()["hits_seen"]
    return made


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_nobody_is_left_in_a_blackout_that_was_confirmed_while_fifty_book(
    live_database: Database, ground: Ground, number: int
) -> None:
    chance = random.Random(20261122 + number)  # noqa: S311  (any mix, the same each time)
    codes: Counter[str] = Counter()

    async def want(person: Caller) -> None:
        for _ in range(6):
            room = chance.choice(ground.rooms)
            start = 14 + chance.randrange(72) / 12
            end = start + chance.randrange(1, 12) / 12
            body = wish(start, end, SOON) | {"wait": chance.random() < 0.3}
            answer = await person.post(f"/rooms/{room.id}/bookings", json=body)
            codes[answer.json().get("code", "?") if answer.is_error else "booked"] += 1

    wishes = [asyncio.create_task(want(person)) for person in ground.crowd]
    made = await blackouts(ground, live_database, chance)
    await asyncio.gather(*wishes)
    assert len(made) == 6
    assert await live_inside(live_database, ground) == 0
    assert codes["booked"] > 0
    assert set(codes) <= {
        "booked",
        "room_taken",
        "wish_not_possible",
        "overlaps_own_booking",
        "already_registered",
    }, codes
    async with live_database.transaction() as tx:
        mine = select(func.count(Registration.id)).where(
            Registration.resource_id.in_([room.id for room in ground.rooms])
        )
        assert await tx.scalar(mine) == codes["booked"]
        taken_back = mine.where(Registration.cancel_reason == "停电")
        stands = mine.where(Registration.cancelled_at.is_(None))
        assert (await tx.scalar(taken_back) or 0) + (await tx.scalar(stands) or 0) == codes[
            "booked"
        ]
    for room, start in made:
        late = wish(start, start + 1 / 12, SOON)
        answer = await ground.crowd[0].post(f"/rooms/{room.id}/bookings", json=late)
        assert "closure" in [one["code"] for one in answer.json()["reasons"]]


async def test_a_room_is_not_added_past_a_blackout_of_its_venue(
    live_database: Database, ground: Ground
) -> None:
    """The new room would be booked by its own plan, which does not know the closure yet."""
    async with live_database.transaction() as tx:
        venue = select(Venue.id).where(Venue.id == ground.venue.id)
        await tx.execute(venue.with_for_update(key_share=True))  # as a blackout does
        adding = asyncio.create_task(
            ground.worker.post(
                f"/venues/{ground.venue.id}/rooms", json={"name": "新房间", "kind": "chess"}
            )
        )
        done, _ = await asyncio.wait([adding], timeout=0.5)
        assert not done
    assert (await adding).status_code == 200


async def test_of_two_who_close_a_venue_for_good_one_does_and_bookings_stop(
    live_database: Database, live_town: Town, live_callers: Callers, ground: Ground
) -> None:
    other = await live_callers.staff(live_town, Role.COMMUNITY_SECRETARY, 1, 1)

    async def close(caller: Caller) -> str:
        body: dict[str, Any] = {"version": 1, "reason": "场地到期", "hits_seen": None}
        while True:
            answer = await caller.post(f"/venues/{ground.venue.id}/close", json=body)
            if answer.is_success:
                return "closed"
            if answer.json()["code"] != "bookings_in_the_way":
                return str(answer.json()["code"])
            body["hits_seen"] = answer.json()["hits_seen"]

    async def want(n: int, person: Caller) -> int:
        body = wish(14 + n / 12, 14 + (n + 1) / 12, SOON)
        url = f"/rooms/{ground.rooms[n % 3].id}/bookings"
        return (await person.post(url, json=body)).status_code

    first, second, *answers = await asyncio.gather(
        close(ground.worker), close(other), *(want(n, p) for n, p in enumerate(ground.crowd))
    )
    assert sorted([str(first), str(second)]) == ["closed", "venue_gone"]
    assert set(answers) <= {200, 409}
    late = await ground.crowd[0].post(
        f"/rooms/{ground.rooms[0].id}/bookings", json=wish(20, 20.5, SOON)
    )
    assert late.json()["code"] == "room_closed"
    async with live_database.transaction() as tx:
        rooms = [room.id for room in ground.rooms]
        standing = select(func.count(Registration.id)).where(
            Registration.resource_id.in_(rooms),
            Registration.state.in_([state.value for state in LIVE]),
        )
        assert await tx.scalar(standing) == 0
