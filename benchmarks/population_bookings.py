"""Venues with rooms, and years of bookings, made by PostgreSQL itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.population import District
from benchmarks.population_issues import in_bulk
from benchmarks.population_people import Row
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.places import Level, Place, columns_of
from neighborhood_api.kit.copying import copy_rows
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.models import Resource, Timetable, Unit
from neighborhood_api.registrations.policies import Policy, Quota, Terms, Waitlist
from neighborhood_api.registrations.states import Mode
from neighborhood_api.schedules.openings.models import Opening, OpeningRule
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.service import ROOM_KIND

ROOMS_OF_A_VENUE = 50
OPENS, CLOSES = 8, 22
"""Hours of every day."""
SLOT = timedelta(minutes=30)
TERMS = Terms(
    slot_minutes=30,
    shortest_minutes=30,
    largest_party=20,
    horizon_days=366,
    quotas=(Quota(owner="person", window="week", limit=50),),
    waitlist=Waitlist(longest=10),
)
_BOOK = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_BOOKED = ("registration", "occupation")


@dataclass
class Houses:
    """The venues that were loaded."""

    venue_ids: list[UUID] = field(default_factory=list)
    room_ids: list[UUID] = field(default_factory=list)


async def load_rooms(
    connection: asyncpg.Connection, district: District, *, rooms: int, units: int
) -> Houses:
    """Write rooms with so many units each, 50 to a venue that serves the whole district."""
    houses = Houses()
    rows: dict[type[Any], list[Row]] = {
        model: []
        for model in (Opening, OpeningRule, Venue, Policy, Resource, Timetable, Unit, Room)
    }
    # So that whoever books has a timetable, as after her first booking.
    rows[Timetable] += [{"id": one.person_id} for one in district.residents]
    place = district.places[Level.DISTRICT][0]
    for first in range(0, rooms, ROOMS_OF_A_VENUE):
        venue = _venue(place, first // ROOMS_OF_A_VENUE, rows)
        houses.venue_ids.append(venue["id"])
        for number in range(first, min(first + ROOMS_OF_A_VENUE, rooms)):
            houses.room_ids.append(_room(place, venue, number, units, rows))
    # Such as the numbers of registrations, so that none is like a count.
    await connection.execute("ALTER TABLE timetable ALTER number RESTART WITH 100001")
    for model, made in rows.items():
        await copy_rows(connection, model, made)
    return houses


async def load_bookings(
    connection: asyncpg.Connection, district: District, *, past: int
) -> None:
    """Fill all units to the hour since long ago, and every other hour of the coming week."""
    today = datetime.combine(local_day(datetime.now(UTC)), time(OPENS), SHOWN_ZONE)
    async with in_bulk(connection, *_BOOKED):
        await connection.execute("CREATE TEMP TABLE guest (number bigint PRIMARY KEY, id uuid)")
        guests = enumerate(one.person_id for one in district.residents)
        await connection.copy_records_to_table("guest", records=list(guests))
        units = await connection.fetchval("SELECT count(*) FROM unit")
        hours = CLOSES - OPENS
        made = _BOOK.format(past=past, coming=units * hours * 7, units=units, hours=hours)
        await connection.execute(made.replace(":today", f"'{today.isoformat()}'::timestamptz"))
        await connection.execute("DROP TABLE guest")


def _venue(place: Place, number: int, rows: dict[type[Any], list[Row]]) -> Row:
    opening = _opening(place, None)
    venue = {
        "id": new_id(),
        "kind": "service_station",
        "name": f"试验服务站{number}",
        "address": f"试验路{number}号",
        "phone": "0752-9000000",
        "opening_id": opening["id"],
        "photo_ids": [],
        **columns_of(place),
    }
    rows[Opening].append(opening)
    rows[OpeningRule] += _rules(opening["id"])
    rows[Venue].append(venue)
    return venue


def _room(
    place: Place, venue: Row, number: int, units: int, rows: dict[type[Any], list[Row]]
) -> UUID:
    room_id, opening = new_id(), _opening(place, venue["opening_id"])
    policy = {
        "id": new_id(),
        "family_id": room_id,
        "number": 1,
        "terms": TERMS.model_dump_json(),
        "made_at": datetime.now(UTC),
    }
    resource = {
        "id": room_id,
        "kind": ROOM_KIND,
        "mode": Mode.EXCLUSIVE.value,
        "group_id": venue["id"],
        "name": f"活动室{number}",
        "policy_id": policy["id"],
        **columns_of(place),
    }
    its_units = [
        {"id": new_id(), "resource_id": room_id, "name": f"{one + 1}号台", "position": one}
        for one in range(units)
    ]
    room = {
        "id": room_id,
        "venue_id": venue["id"],
        "opening_id": opening["id"],
        "kind": "activity",
        "qr_code": room_id.hex,
    }
    rows[Opening].append(opening)
    rows[Policy].append(policy)
    rows[Resource].append(resource)
    rows[Timetable] += [{"id": unit["id"]} for unit in its_units]
    rows[Unit] += its_units
    rows[Room].append(room)
    return room_id


def _opening(place: Place, parent_id: UUID | None) -> Row:
    return {
        "id": new_id(),
        "district_id": place.at(Level.DISTRICT),
        "parent_id": parent_id,
        "on_holidays": "open" if parent_id is None else None,
    }


def _rules(opening_id: UUID) -> Iterator[Row]:
    for weekday in range(1, 8):
        yield {
            "id": new_id(),
            "opening_id": opening_id,
            "weekday": weekday,
            "opens_minute": OPENS * 60,
            "closes_minute": CLOSES * 60,
        }
