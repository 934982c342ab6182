"""A venue with a room, a clock that stands still, and wishes in hours of a day."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from httpx import AsyncClient, Response

from neighborhood_api.identity.places import Place, columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.policies import Terms, new_policy
from neighborhood_api.schedules.openings.models import OpeningRule
from neighborhood_api.schedules.openings.service import add_opening
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.rooms.schemas import WHOLE_ROOM, RoomIn
from neighborhood_api.venues.rooms.service import make_room
from neighborhood_api.venues.sessions.models import Session, SessionKind
from neighborhood_api.venues.sessions.service import NewSession, make_session

TUESDAY = date(2026, 11, 24)
TODAY = TUESDAY - timedelta(days=1)
HOURS = ((9 * 60, 12 * 60), (14 * 60, 21 * 60))
POLICY: dict[str, Any] = {
    "largest_party": 8,
    "slot_minutes": 30,
    "shortest_minutes": 30,
    "longest_minutes": 120,
    "notice_minutes": 60,
    "horizon_days": 14,
}
ROOM: dict[str, Any] = {"name": "乒乓球室", "kind": "table_tennis"}


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
    room: RoomRow | Room,
    start: float,
    end: float,
    day: date = TUESDAY,
    **changes: object,
) -> Response:
    return await caller.post(f"/rooms/{room.id}/bookings", json=wish(start, end, day) | changes)


async def new_venue(tx: Tx, place: Place, name: str = "党群服务站") -> Venue:
    columns: dict[str, Any] = {**columns_of(place)}
    opening = await add_opening(tx, columns["district_id"])
    venue = Venue(
        kind="service_station",
        name=name,
        address="迎曦街6号",
        phone="0752-9000902",
        longitude=114.2826,
        latitude=23.1689,
        opening_id=opening.id,
        **columns,
    )
    tx.add(venue)
    await tx.flush()
    return venue


async def new_room(
    tx: Tx,
    venue: Venue,
    weekdays: Iterable[int] = range(2, 8),
    units: tuple[str, ...] = (WHOLE_ROOM,),
    **policy: object,
) -> RoomRow:
    """A room that is open 09:00-12:00 and 14:00-21:00, usually from Tuesday to Sunday."""
    wish = RoomIn(**ROOM, units=units, policy=Terms(**(POLICY | policy)))
    room = await make_room(tx, venue, wish, by_id=None, now=at(0, TODAY))
    tx.add_all(
        OpeningRule(
            opening_id=room.opening_id,
            weekday=weekday,
            opens_minute=opens,
            closes_minute=closes,
        )
        for weekday in weekdays
        for opens, closes in HOURS
    )
    await tx.flush()
    return room


async def new_session(
    tx: Tx,
    venue: Venue,
    start: float,
    hours: float = 1.5,
    *,
    room: RoomRow | None = None,
    capacity: int = 12,
    kind: str = "tutoring",
    title: str = "四点半课堂·三年级数学",
    policy: dict[str, Any] | None = None,
    teachers: tuple[UUID, ...] = (),
) -> Session:
    """A session on Tuesday, by its local hour."""
    terms = Terms(**{"horizon_days": 14} | (policy or {}))
    stored = await new_policy(tx, new_id(), terms, by_id=None, now=at(0, TODAY))
    wish = NewSession(
        kind=SessionKind(kind),
        title=title,
        subject="数学",
        grade="三年级",
        starts_at=at(start),
        ends_at=at(start + hours),
        capacity=capacity,
        room_id=None if room is None else room.id,
        teacher_ids=teachers,
    )
    return await make_session(tx, venue, wish, Terms(**POLICY), stored.id)
