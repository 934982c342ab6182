"""A service station whose rooms and sessions are scarce, and are given in several ways."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.policies import Terms, new_policy
from neighborhood_api.schedules.openings.models import OpeningRule
from neighborhood_api.schedules.openings.service import add_opening
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room, RoomKind
from neighborhood_api.venues.rooms.schemas import RoomIn
from neighborhood_api.venues.rooms.service import make_room
from neighborhood_api.venues.sessions.models import SessionKind
from neighborhood_api.venues.sessions.service import NewSession, make_session
from soak.town import Town

SLOT = timedelta(minutes=30)
SLOTS = 8
"""From the next half hour on; so few that there are never enough."""
OPEN_AT_ONCE = 5
QUOTA = {"owner": "person", "window": "open", "limit": OPEN_AT_ONCE}
LONGEST = 6
COMMON: dict[str, Any] = {
    "longest_minutes": 60,
    "notice_minutes": 0,
    "horizon_days": 30,
    "cancel_minutes": 0,
    "quotas": [QUOTA],
    "strikes": {"limit": 100},
    "waitlist": {"longest": LONGEST},
}
OFFERS = {"longest": LONGEST, "offer_minutes": 30}
ROOMS: dict[str, dict[str, Any]] = {
    "at once": {},
    "by offer": {"waitlist": OFFERS, "buffer_before_minutes": 5, "buffer_after_minutes": 5},
    "approved": {"approval": True},
    "asked": {"approval": True, "pending_blocks": False, "waitlist": OFFERS},
}
DOOR: dict[str, Any] = {"check_in": True, "check_in_before_minutes": 24 * 60}
DOOR_TABLES = tuple(f"{number}号台" for number in range(1, 5))
SESSIONS: tuple[dict[str, Any], ...] = ({}, {"waitlist": OFFERS}, {"approval": True})
SEATS = 3


@dataclass
class Premises:
    """What can be had."""

    rooms: list[UUID] = field(default_factory=list)
    """The last is the one that has a sign at its door."""
    sessions: list[UUID] = field(default_factory=list)
    sign: str = ""

    def time(self, random: Random) -> dict[str, str]:
        """Choose a time of a room."""
        now = datetime.now(UTC)
        first = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0) + SLOT
        starts_at = first + random.randrange(SLOTS) * SLOT
        ends_at = starts_at + random.choice((SLOT, SLOT, 2 * SLOT))
        return {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}


async def furnish(url: str, town: Town) -> Premises:
    """Write the station into a database with a town."""
    database = Database(url, pool_size=2)
    try:
        async with database.transaction() as tx:
            return await _furnish(tx, town)
    finally:
        await database.close()


async def _furnish(tx: Tx, town: Town) -> Premises:
    premises, now = Premises(), datetime.now(UTC)
    venue = await _venue(tx, town)
    for name, terms in ROOMS.items():
        wish = RoomIn(name=name, kind=RoomKind.ACTIVITY, policy=Terms(**COMMON | terms))
        room = await make_room(tx, venue, wish, by_id=None, now=now)
        premises.rooms.append(room.id)
    wish = RoomIn(
        name="at the door",
        kind=RoomKind.TABLE_TENNIS,
        policy=Terms(**COMMON | DOOR),
        units=DOOR_TABLES,
    )
    room = await make_room(tx, venue, wish, by_id=None, now=now)
    premises.rooms.append(room.id)
    premises.sign = (await tx.get_one(Room, room.id)).qr_code
    tomorrow = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    for number, terms in enumerate(SESSIONS):
        policy = Terms(**COMMON | terms)
        stored = await new_policy(tx, new_id(), policy, by_id=None, now=now)
        starts_at = tomorrow + number // 2 * timedelta(hours=2)  # two are at the same time
        session = NewSession(
            kind=SessionKind.ACTIVITY,
            title=f"活动{number}",
            subject="活动",
            grade="不限",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            capacity=SEATS,
        )
        made = await make_session(tx, venue, session, policy, stored.id)
        premises.sessions.append(made.id)
    return premises


async def _venue(tx: Tx, town: Town) -> Venue:
    columns: dict[str, Any] = {**columns_of(town.nodes[Level.COMMUNITY].place)}
    opening = await add_opening(tx, columns["district_id"])
    venue = Venue(
        kind="service_station",
        name="服务站",
        address="1号",
        phone="0752-9000001",
        opening_id=opening.id,
        **columns,
    )
    tx.add(venue)
    tx.add_all(
        OpeningRule(
            opening_id=opening.id, weekday=weekday, opens_minute=0, closes_minute=24 * 60
        )
        for weekday in range(1, 8)
    )
    await tx.flush()
    return venue
