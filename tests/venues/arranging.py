"""A venue with a room, a clock that stands still, and wishes in hours of a day."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from httpx import AsyncClient, Response

from neighborhood_api.identity.places import Place, columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.venues.models import OpeningRule, Room, Venue

TUESDAY = date(2026, 11, 24)
TODAY = TUESDAY - timedelta(days=1)
HOURS = ((time(9), time(12)), (time(14), time(21)))
ROOM: dict[str, Any] = {
    "name": "乒乓球室",
    "kind": "table_tennis",
    "capacity": 8,
    "slot_minutes": 30,
    "shortest_minutes": 30,
    "longest_minutes": 120,
    "notice_minutes": 60,
    "horizon_days": 14,
}


def at(hour: float, day: date = TUESDAY) -> datetime:
    """A moment of `day`, by its local hour."""
    return datetime.combine(day, time(), SHOWN_ZONE) + timedelta(hours=hour)


def wish(start: float, end: float, day: date = TUESDAY) -> dict[str, object]:
    """The body that asks for a room between two local hours."""
    return {
        "starts_at": at(start, day).isoformat(),
        "ends_at": at(end, day).isoformat(),
        "party_size": 2,
        "purpose": "练球",
    }


async def book(
    caller: AsyncClient,
    room: Room,
    start: float,
    end: float,
    day: date = TUESDAY,
    **changes: object,
) -> Response:
    return await caller.post(f"/rooms/{room.id}/bookings", json=wish(start, end, day) | changes)


async def new_venue(tx: Tx, place: Place, name: str = "党群服务站") -> Venue:
    venue = Venue(
        kind="service_station",
        name=name,
        address="迎曦街6号",
        phone="0752-9000902",
        longitude=114.2826,
        latitude=23.1689,
        **columns_of(place),  # type: ignore[arg-type]
    )
    tx.add(venue)
    await tx.flush()
    return venue


async def new_room(
    tx: Tx, venue: Venue, weekdays: Iterable[int] = range(2, 8), **changes: object
) -> Room:
    """A room that is open 09:00-12:00 and 14:00-21:00, usually from Tuesday to Sunday."""
    room = Room(venue_id=venue.id, **(ROOM | changes))
    tx.add(room)
    await tx.flush()
    tx.add_all(
        OpeningRule(room_id=room.id, weekday=weekday, opens_at=opens, closes_at=closes)
        for weekday in weekdays
        for opens, closes in HOURS
    )
    await tx.flush()
    return room
