"""A venue or a room as something that opens, and the locks under which that may change."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Place
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.registrations.locking import lock_resources
from neighborhood_api.registrations.queries import ResourceRow
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.openings.queries import (
    ROOM_OPENINGS,
    SESSIONS_IN,
    RoomOpening,
    SessionHit,
)
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.service import RoomNotFound
from neighborhood_api.venues.service import VenueNotFound, hold_venue, require_running


class Subject(NamedTuple):
    """What opens: a venue, or a room."""

    venue_id: UUID | None = None
    room_id: UUID | None = None


class Site(NamedTuple):
    """What opens, with the rooms whose time depends on it."""

    venue_id: UUID
    place: Place
    venue_opening_id: UUID
    opening_id: UUID
    rooms: tuple[RoomOpening, ...]

    @property
    def room_ids(self) -> list[UUID]:
        """Of all rooms whose time depends on it."""
        return [room.id for room in self.rooms]

    @property
    def is_venue(self) -> bool:
        """Tell whether it is a whole venue."""
        return self.opening_id == self.venue_opening_id

    def opening_of(self, room_id: UUID | None) -> UUID:
        """Return the opening by which something in a room goes; without one, the venue's."""
        by_id = {room.id: room.opening_id for room in self.rooms}
        return self.venue_opening_id if room_id is None else by_id[room_id]


class Locked(NamedTuple):
    """A site with all that can be booked there, under lock."""

    site: Site
    resources: dict[UUID, ResourceRow]


async def read_site(tx: ReadTx, subject: Subject) -> Site:
    """Return a venue or room as something that opens.

    Raises: VenueNotFound, RoomNotFound.
    """
    if subject.room_id is not None:
        found = await tx.execute(
            select(Venue, Room)
            .join(Room, Room.venue_id == Venue.id)
            .where(Room.id == subject.room_id)
        )
        row = found.one_or_none()
        if row is None:
            raise RoomNotFound
        venue, room = row
        return _site(venue, room.opening_id, [RoomOpening(room.id, room.opening_id)])
    whole = None if subject.venue_id is None else await tx.get(Venue, subject.venue_id)
    if whole is None:
        raise VenueNotFound
    rooms = await ROOM_OPENINGS.all(tx, venue_id=whole.id)
    return _site(whole, whole.opening_id, rooms)


async def lock_site(tx: Tx, actor: Actor, subject: Subject, *, now: datetime) -> Locked:
    """Lock a venue, then its rooms and the sessions to come there, in the order of their ids.

    Whoever books or enrols waits from here on, and then sees the new hours. Rooms are added
    under the venue's lock. A session that is made in a room until then is not locked; it is
    seen all the same, and what nobody confirmed is not cancelled.

    Raises: VenueNotFound, RoomNotFound, Forbidden, VenueGone.
    """
    if subject.venue_id is not None:
        await hold_venue(tx, actor, subject.venue_id)
    site = await read_site(tx, subject)
    actor.require(Permission.VENUE_MANAGE, at=site.place)
    sessions = await sessions_at(tx, site, now=now)
    resources = await lock_resources(tx, {*site.room_ids, *(one.id for one in sessions)})
    venue = await tx.get_one(Venue, site.venue_id, populate_existing=True)
    require_running(venue)
    return Locked(site, resources)


async def sessions_at(tx: ReadTx, site: Site, *, now: datetime) -> list[SessionHit]:
    """Return the sessions that are still to come at a site."""
    venue_id = site.venue_id if site.is_venue else None
    return await SESSIONS_IN.all(tx, ids=site.room_ids, venue_id=venue_id, now=now)


def _site(venue: Venue, opening_id: UUID, rooms: list[RoomOpening]) -> Site:
    return Site(venue.id, venue.place, venue.opening_id, opening_id, tuple(rooms))
