"""Loads the demonstration's service centre and station, with sessions and bookings to come."""

from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.demo.place import DemoPlace
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.policies import (
    Audience,
    Owner,
    Quota,
    Terms,
    Waitlist,
    Window,
    new_policy,
    terms_of,
)
from neighborhood_api.schedules.openings.models import OpeningRule
from neighborhood_api.schedules.openings.service import add_opening
from neighborhood_api.venues.bookings.handling import cancel_booking
from neighborhood_api.venues.bookings.schemas import BookingIn, CancelIn
from neighborhood_api.venues.bookings.service import book_room
from neighborhood_api.venues.models import Venue, VenueKind
from neighborhood_api.venues.rooms.availability import availability_of
from neighborhood_api.venues.rooms.models import RoomKind
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.rooms.schemas import WHOLE_ROOM, RoomIn, SlotState
from neighborhood_api.venues.rooms.service import make_room
from neighborhood_api.venues.sessions.models import SessionKind
from neighborhood_api.venues.sessions.service import NewSession, make_session, make_teacher

SESSION_DAYS = 14
DESK_OPENS, DESK_CLOSES = time(8, 30), time(21)
"""When the demo's venues are open, every day; their rooms have hours of their own."""
OF_AGE = 18
QUOTAS = (
    Quota(owner=Owner.PERSON, window=Window.WEEK, limit=3),
    Quota(owner=Owner.HOUSEHOLD, window=Window.OPEN, limit=4),
)
"""What the demo's rooms allow."""


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
TEACHING = {"tutoring-science": "resident-15"}
"""Sessions that somebody of the demo gives, who accepted to teach with her own account."""


async def load_venues(
    tx: Tx, place: DemoPlace, nodes: dict[str, Node], people: dict[str, UUID], now: datetime
) -> None:
    """Load venues, rooms, hours, two weeks of sessions, and some bookings.

    `nodes` are found by code, `people` by openid; their residences must be stored already.
    """
    venues = await _load_venues(tx, place, nodes)
    rooms = await _load_rooms(tx, place, venues, now)
    persons = {row.key: people[row.openid] for row in place.residents}
    await _load_sessions(tx, place, venues, rooms, persons, now)
    for wish in WISHES:
        await _book(tx, wish, persons[wish.resident_key], rooms[wish.room_key], now)
    holder = _as_caller(persons[DROPPED.resident_key])
    dropped = await _book(tx, DROPPED, holder.person_id, rooms[DROPPED.room_key], now)
    await cancel_booking(tx, holder, dropped, CancelIn(reason="临时有事"), now=now)


async def _load_venues(tx: Tx, place: DemoPlace, nodes: dict[str, Node]) -> dict[str, Venue]:
    venues = {}
    for row in place.venues:
        node = nodes[row.node_code]
        centre = node.level <= Level.STREET
        opening = await add_opening(tx, node.district_id)
        venues[row.key] = Venue(
            kind=VenueKind.SERVICE_CENTRE if centre else VenueKind.SERVICE_STATION,
            name=row.name,
            address=row.address,
            phone=row.phone,
            services=row.services,
            opening_id=opening.id,
            longitude=row.longitude,
            latitude=row.latitude,
            **columns_of(node.place),  # type: ignore[arg-type]
        )
    tx.add_all(venues.values())
    await tx.flush()
    tx.add_all(
        OpeningRule(
            opening_id=venue.opening_id,
            weekday=weekday,
            opens_minute=_minutes(DESK_OPENS),
            closes_minute=_minutes(DESK_CLOSES),
        )
        for venue in venues.values()
        for weekday in range(1, 8)
    )
    await tx.flush()
    return venues


async def _load_rooms(
    tx: Tx, place: DemoPlace, venues: dict[str, Venue], now: datetime
) -> dict[str, RoomRow]:
    rooms = {}
    for row in place.rooms:
        wish = RoomIn(
            name=row.name,
            kind=RoomKind(row.kind),
            house_rules=row.rules,
            units=tuple(row.units.split("、")) if row.units else (WHOLE_ROOM,),
            policy=Terms(
                slot_minutes=row.slot_minutes,
                shortest_minutes=row.shortest_minutes,
                longest_minutes=row.longest_minutes,
                largest_party=row.capacity,
                notice_minutes=row.notice_minutes,
                horizon_days=row.horizon_days,
                quotas=QUOTAS,
                waitlist=Waitlist(longest=5, offer_minutes=30),
            ),
        )
        rooms[row.key] = await make_room(tx, venues[row.venue_key], wish, by_id=None, now=now)
    tx.add_all(
        OpeningRule(
            opening_id=rooms[hours.room_key].opening_id,
            weekday=hours.weekday,
            opens_minute=_minutes(hours.opens),
            closes_minute=_minutes(hours.closes),
        )
        for hours in place.openings
    )
    await tx.flush()
    return rooms


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


async def _load_sessions(
    tx: Tx,
    place: DemoPlace,
    venues: dict[str, Venue],
    rooms: dict[str, RoomRow],
    persons: dict[str, UUID],
    now: datetime,
) -> None:
    """Place weekly classes on their days of the coming two weeks."""
    venue_of = {venue.id: venue for venue in venues.values()}
    residents = {row.key: row for row in place.residents}
    for row in place.sessions:
        room = rooms[row.room_key]
        venue = venue_of[room.venue_id]
        terms = Terms(
            audience=Audience(youngest=row.youngest_age, oldest=row.oldest_age),
            horizon_days=SESSION_DAYS,
            waitlist=Waitlist(longest=5),
        )
        policy = await new_policy(tx, new_id(), terms, by_id=None, now=now)
        herself = residents.get(TEACHING.get(row.key, ""))
        teacher = await make_teacher(
            tx,
            venue,
            row.teacher if herself is None else herself.name,
            subjects=row.subject,
            phone=None if herself is None else herself.phone,
            person_id=None if herself is None else persons[herself.key],
        )
        room_terms = await terms_of(tx, room.policy_id)
        for day in (local_day(now) + timedelta(days=n) for n in range(SESSION_DAYS)):
            if day.isoweekday() != row.weekday:
                continue
            wish = NewSession(
                kind=SessionKind(row.kind),
                title=row.title,
                subject=row.subject,
                grade=row.grade,
                starts_at=datetime.combine(day, row.starts, SHOWN_ZONE),
                ends_at=datetime.combine(day, row.ends, SHOWN_ZONE),
                capacity=row.capacity,
                room_id=room.id,
                teacher_ids=(teacher.id,),
                about=row.about,
                for_children=row.oldest_age < OF_AGE,
            )
            await make_session(tx, venue, wish, room_terms, policy.id)


async def _book(tx: Tx, wish: Wish, person_id: UUID, room: RoomRow, now: datetime) -> UUID:
    """Book two neighbouring free slots, by the rules of everybody."""
    first = local_day(now) + timedelta(days=wish.days_ahead)
    made_at = min(now, now + timedelta(days=wish.days_ahead - 1))
    days = [first + timedelta(days=n) for n in range(8)]
    shown = (await availability_of(tx, [room], days, now=made_at))[0]
    free = [
        slot
        for day in shown.days
        for slot in day.slots
        if slot.state is SlotState.FREE
        and slot.starts_at.astimezone(SHOWN_ZONE).hour >= wish.not_before
    ]
    pairs = pairwise(free)
    starts_at, ends_at = next(
        (a.starts_at, b.ends_at)
        for a, b in pairs
        if a.ends_at == b.starts_at and set(a.free_units) & set(b.free_units)
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
