"""Rules of keeping rooms: who may make and change them, and their hours."""

from uuid import UUID

from sqlalchemy import delete, select

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.models import OpeningRule, Room, Venue
from neighborhood_api.venues.schemas import OpeningRulesIn, RoomChangeIn, RoomIn
from neighborhood_api.venues.service import RoomNotFound, VenueNotFound


async def add_room(tx: Tx, actor: Actor, venue_id: UUID, wish: RoomIn) -> Room:
    """Add a room to a venue; it can be booked once it has opening hours.

    Raises: VenueNotFound, Forbidden.
    """
    venue = await tx.get(Venue, venue_id)
    if venue is None:
        raise VenueNotFound
    actor.require(Permission.VENUE_MANAGE, at=venue.place)
    room = Room(venue_id=venue_id, **wish.model_dump(mode="json"))
    tx.add(room)
    await tx.flush()
    return room


async def change_room(tx: Tx, actor: Actor, room_id: UUID, wish: RoomChangeIn) -> Room:
    """Change a room; what is booked stays booked.

    Raises: RoomNotFound, Forbidden, StaleVersion.
    """
    room = await _lock_room_to_change(tx, actor, room_id, wish.version)
    for name, value in wish.model_dump(mode="json", exclude={"version"}).items():
        setattr(room, name, value)
    await tx.flush()
    return room


async def replace_opening_rules(
    tx: Tx, actor: Actor, room_id: UUID, wish: OpeningRulesIn
) -> Room:
    """Replace all weekly hours of a room; what is booked stays booked.

    Raises: RoomNotFound, Forbidden, StaleVersion.
    """
    room = await _lock_room_to_change(tx, actor, room_id, wish.version)
    await tx.execute(delete(OpeningRule).where(OpeningRule.room_id == room_id))
    tx.add_all(OpeningRule(room_id=room_id, **rule.model_dump()) for rule in wish.rules)
    await tx.flush()
    return room


async def _lock_room_to_change(tx: Tx, actor: Actor, room_id: UUID, version: int) -> Room:
    """Lock the row that bookings lock too, so that each sees the rules whole."""
    found = await tx.execute(
        select(Room, Venue)
        .join(Venue, Venue.id == Room.venue_id)
        .where(Room.id == room_id)
        .with_for_update(of=Room, key_share=True)
    )
    row = found.one_or_none()
    if row is None:
        raise RoomNotFound
    room, venue = row
    actor.require(Permission.VENUE_MANAGE, at=venue.place)
    if room.version != version:
        raise StaleVersion(version=room.version)
    room.version += 1
    return room
