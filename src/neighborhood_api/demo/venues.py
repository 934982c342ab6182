"""Loads the demonstration's service centre and station, with sessions and bookings to come."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.demo.place import DemoPlace, SessionRow
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.venues.bookings import book_room, cancel_booking
from neighborhood_api.venues.models import OpeningRule, Room, TutoringSession, Venue, VenueKind
from neighborhood_api.venues.queries import BookingRow
from neighborhood_api.venues.schemas import BookingIn, CancelIn, SlotState
from neighborhood_api.venues.service import read_availability

SESSION_DAYS = 14


class Wish(NamedTuple):
    """A booking that somebody of the demo makes."""

    resident_key: str
    room_key: str
    days_ahead: int
    """From when on a free time is looked for; negative for a booking that is over by now."""
    not_before: int
    """Local hour."""
    party_size: int
    purpose: str


WISHES = (
    Wish("resident-01", "activity", 1, 15, 6, "邻里手工小组排练"),
    Wish("resident-02", "table-tennis", 1, 19, 4, "和邻居打乒乓球"),
    Wish("resident-05", "chess", 2, 14, 2, "老友下象棋"),
    Wish("resident-09", "reading", 2, 10, 5, "亲子共读"),
    Wish("resident-03", "activity", 3, 9, 12, "楼栋议事会"),
    Wish("resident-01", "table-tennis", -3, 17, 2, "陪孩子练球"),
)
DROPPED = Wish("resident-01", "chess", 4, 15, 4, "周末棋局")
"""A booking that is given back."""


async def load_venues(
    tx: Tx, place: DemoPlace, nodes: dict[str, Node], people: dict[str, UUID], now: datetime
) -> None:
    """Load venues, rooms, hours, two weeks of sessions, and some bookings.

    `nodes` are found by code, `people` by openid; their residences must be stored already.
    """
    venues = await _load_venues(tx, place, nodes)
    rooms = await _load_rooms(tx, place, venues)
    tx.add_all(
        session
        for row in place.sessions
        for session in _sessions(row, rooms[row.room_key], now)
    )
    await tx.flush()
    persons = {row.key: people[row.openid] for row in place.residents}
    for wish in WISHES:
        await _book(tx, wish, persons[wish.resident_key], rooms[wish.room_key], now)
    holder = _as_caller(persons[DROPPED.resident_key])
    dropped = await _book(tx, DROPPED, holder.person_id, rooms[DROPPED.room_key], now)
    await cancel_booking(tx, holder, dropped.id, CancelIn(reason="临时有事"), now=now)


async def _load_venues(tx: Tx, place: DemoPlace, nodes: dict[str, Node]) -> dict[str, Venue]:
    venues = {}
    for row in place.venues:
        node = nodes[row.node_code]
        centre = node.level <= Level.STREET
        venues[row.key] = Venue(
            kind=VenueKind.SERVICE_CENTRE if centre else VenueKind.SERVICE_STATION,
            name=row.name,
            address=row.address,
            phone=row.phone,
            services=row.services,
            longitude=row.longitude,
            latitude=row.latitude,
            **columns_of(node.place),  # type: ignore[arg-type]
        )
    tx.add_all(venues.values())
    await tx.flush()
    return venues


async def _load_rooms(tx: Tx, place: DemoPlace, venues: dict[str, Venue]) -> dict[str, Room]:
    rooms = {
        row.key: Room(
            venue_id=venues[row.venue_key].id,
            name=row.name,
            kind=row.kind,
            capacity=row.capacity,
            slot_minutes=row.slot_minutes,
            shortest_minutes=row.shortest_minutes,
            longest_minutes=row.longest_minutes,
            notice_minutes=row.notice_minutes,
            horizon_days=row.horizon_days,
            house_rules=row.rules,
        )
        for row in place.rooms
    }
    tx.add_all(rooms.values())
    await tx.flush()
    tx.add_all(
        OpeningRule(
            room_id=rooms[row.room_key].id,
            weekday=row.weekday,
            opens_at=row.opens,
            closes_at=row.closes,
        )
        for row in place.openings
    )
    await tx.flush()
    return rooms


def _sessions(row: SessionRow, room: Room, now: datetime) -> list[TutoringSession]:
    """Place a weekly class on its days of the coming two weeks."""
    days = [local_day(now) + timedelta(days=n) for n in range(SESSION_DAYS)]
    return [
        TutoringSession(
            venue_id=room.venue_id,
            room_id=room.id,
            kind=row.kind,
            title=row.title,
            subject=row.subject,
            grade=row.grade,
            teacher_name=row.teacher,
            starts_at=datetime.combine(day, row.starts, SHOWN_ZONE),
            ends_at=datetime.combine(day, row.ends, SHOWN_ZONE),
            capacity=row.capacity,
            about=row.about,
        )
        for day in days
        if day.isoweekday() == row.weekday
    ]


async def _book(tx: Tx, wish: Wish, person_id: UUID, room: Room, now: datetime) -> BookingRow:
    """Book two neighbouring free slots, by the rules of everybody."""
    first = local_day(now) + timedelta(days=wish.days_ahead)
    made_at = min(now, now + timedelta(days=wish.days_ahead - 1))
    shown = await read_availability(tx, room.id, first, first + timedelta(days=7), now=made_at)
    free = [
        slot
        for day in shown.days
        for slot in day.slots
        if slot.state is SlotState.FREE
        and slot.starts_at.astimezone(SHOWN_ZONE).hour >= wish.not_before
    ]
    pairs = pairwise(free)
    starts_at, ends_at = next(
        (a.starts_at, b.ends_at) for a, b in pairs if a.ends_at == b.starts_at
    )
    body = BookingIn(
        starts_at=starts_at,
        ends_at=ends_at,
        party_size=wish.party_size,
        purpose=wish.purpose,
    )
    return await book_room(tx, _as_caller(person_id), room.id, body, now=made_at)


def _as_caller(person_id: UUID) -> Actor:
    return Actor(person_id=person_id, sign_in_id=new_id())
