"""Rules of keeping rooms: who may make and change them, their units and rules."""

from datetime import datetime
from http import HTTPStatus
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import columns_of
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Source, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.granting import UnitNotFound
from neighborhood_api.registrations.models import Resource, Timetable, Unit
from neighborhood_api.registrations.policies import Policy, new_policy, terms_of
from neighborhood_api.registrations.states import Mode
from neighborhood_api.schedules.openings.models import Opening
from neighborhood_api.schedules.openings.service import add_opening
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.queries import ROOM, ROOMS_OF, VENUE, RoomRow
from neighborhood_api.venues.rooms.schemas import (
    MOST_UNITS,
    RoomChangeIn,
    RoomIn,
    UnitsIn,
)
from neighborhood_api.venues.rooms.units import require_unbooked
from neighborhood_api.venues.service import VenueNotFound, hold_venue, require_running
from neighborhood_api.venues.sessions.units import follow_units

ROOM_KIND = "room"
"""What rooms are among resources."""


class RoomNotFound(Problem):
    """The id names no room."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such room"
    message = "没有找到这个活动室，请返回列表重新选择"


class UnitNameTaken(Problem):
    """Two units of a room, also those out of use, cannot have the same name."""

    title = "Another unit of the room has that name"
    message = "台位名称重复（含已停用的），请换一个名称"


async def read_room(source: Source, room_id: UUID) -> RoomRow:
    """Return a room.

    Raises: RoomNotFound.
    """
    room = await ROOM.first(source, id=room_id)
    if room is None:
        raise RoomNotFound
    return room


async def rooms_of(source: Source, venue_id: UUID) -> list[RoomRow]:
    """Return the rooms of a venue; only where there are none, is it asked whether it exists.

    Raises: VenueNotFound.
    """
    rooms = await ROOMS_OF.all(source, id=venue_id)
    if not rooms and await VENUE.first(source, id=venue_id) is None:
        raise VenueNotFound
    return rooms


async def add_room(
    tx: Tx, actor: Actor, venue_id: UUID, wish: RoomIn, *, now: datetime
) -> RoomRow:
    """Add a room to a venue; it is open when the venue is, until it has hours of its own.

    Raises: VenueNotFound, Forbidden, VenueGone.
    """
    venue = await hold_venue(tx, actor, venue_id)
    return await make_room(tx, venue, wish, by_id=actor.person_id, now=now)


async def make_room(
    tx: Tx, venue: Venue, wish: RoomIn, *, by_id: UUID | None, now: datetime
) -> RoomRow:
    """Make a room with its resource, units, policy and opening."""
    around = await tx.get_one(Opening, venue.opening_id)
    opening = await add_opening(tx, venue.district_id, parent=around)
    policy = await new_policy(tx, new_id(), wish.policy, by_id=by_id, now=now)
    resource = Resource(
        kind=ROOM_KIND,
        mode=Mode.EXCLUSIVE.value,
        group_id=venue.id,
        name=wish.name,
        policy_id=policy.id,
        open=wish.accepts_bookings,
        **columns_of(venue.place),  # type: ignore[arg-type]
    )
    tx.add(resource)
    await tx.flush()
    room = Room(
        id=resource.id,
        venue_id=venue.id,
        opening_id=opening.id,
        kind=wish.kind.value,
        qr_code=token_urlsafe(12),
        house_rules=wish.house_rules,
    )
    tx.add(room)
    await _add_units(tx, room.id, list(enumerate(wish.units)))
    if by_id is not None:
        record_act(tx, "venues.room_added", room.id, by=by_id, now=now)
    await tx.flush()
    return await read_room(tx, room.id)


async def change_room(
    tx: Tx, actor: Actor, room_id: UUID, wish: RoomChangeIn, *, now: datetime
) -> RoomRow:
    """Change a room; what is booked stays booked, under the rules it was booked under.

    Raises: RoomNotFound, Forbidden, VenueGone, StaleVersion.
    """
    room, resource = await lock_room(tx, actor, room_id, wish.version)
    room.kind, room.house_rules = wish.kind.value, wish.house_rules
    resource.name, resource.open = wish.name, wish.accepts_bookings
    if await terms_of(tx, resource.policy_id) != wish.policy:
        family_id = await _family(tx, resource.policy_id)
        policy = await new_policy(tx, family_id, wish.policy, by_id=actor.person_id, now=now)
        resource.policy_id = policy.id
    record_act(
        tx,
        "venues.room_changed",
        room.id,
        by=actor.person_id,
        now=now,
        policy_id=resource.policy_id,
        accepts_bookings=wish.accepts_bookings,
    )
    await tx.flush()
    return await read_room(tx, room.id)


async def replace_units(
    tx: Tx, actor: Actor, room_id: UUID, wish: UnitsIn, *, now: datetime
) -> RoomRow:
    """Put the units of a room in order; one that is left out is put out of use, if not booked.

    Sessions to come in the room take the units that come into use, too.

    Raises: RoomNotFound, Forbidden, VenueGone, StaleVersion, UnitNotFound, UnitNameTaken,
        UnitTaken, UnitBooked.
    """
    room, _ = await lock_room(tx, actor, room_id, wish.version)
    found = await tx.scalars(select(Unit).where(Unit.resource_id == room.id))
    known = {unit.id: unit for unit in found}
    used = {unit.id for unit in known.values() if unit.active}
    kept = {one.id for one in wish.units if one.id is not None}
    if not kept <= known.keys():
        raise UnitNotFound
    names = [one.name for one in wish.units]
    names += [unit.name for unit in known.values() if unit.id not in kept]
    if len(set(names)) < len(names) or len(names) > 2 * MOST_UNITS:
        raise UnitNameTaken
    await _rename_apart(tx, known, kept)
    new: list[tuple[int, str]] = []
    for position, one in enumerate(wish.units):
        if one.id is None:
            new.append((position, one.name))
        else:
            unit = known[one.id]
            unit.name, unit.active, unit.position = one.name, one.active, position
    for unit in known.values():
        if unit.id not in kept:
            unit.active = False
    await tx.flush()
    now_used = {unit.id for unit in known.values() if unit.active}
    now_used |= await _add_units(tx, room.id, new)
    await require_unbooked(tx, room.id, used - now_used, now=now)
    await follow_units(tx, room.id, used ^ now_used, now=now)
    record_act(tx, "venues.units_changed", room.id, by=actor.person_id, now=now)
    await tx.flush()
    return await read_room(tx, room.id)


async def lock_room(tx: Tx, actor: Actor, room_id: UUID, version: int) -> tuple[Room, Resource]:
    """Lock the row that bookings lock too, so that each sees the rules whole.

    Raises: RoomNotFound, Forbidden, VenueGone, StaleVersion.
    """
    found = await tx.execute(
        select(Room, Resource, Venue)
        .join(Resource, Resource.id == Room.id)
        .join(Venue, Venue.id == Room.venue_id)
        .where(Room.id == room_id)
        .with_for_update(of=Resource, key_share=True)
    )
    row = found.one_or_none()
    if row is None:
        raise RoomNotFound
    room, resource, venue = row
    actor.require(Permission.VENUE_MANAGE, at=venue.place)
    await tx.refresh(room)  # read before the lock was had
    await tx.refresh(venue)
    require_running(venue)
    if room.version != version:
        raise StaleVersion(version=room.version)
    room.version += 1
    return room, resource


async def _add_units(tx: Tx, room_id: UUID, named: list[tuple[int, str]]) -> set[UUID]:
    timetables = [Timetable(id=new_id()) for _ in named]
    tx.add_all(timetables)
    await tx.flush()
    tx.add_all(
        Unit(id=timetable.id, resource_id=room_id, name=name, position=position)
        for timetable, (position, name) in zip(timetables, named, strict=True)
    )
    await tx.flush()
    return {timetable.id for timetable in timetables}


async def _rename_apart(tx: Tx, known: dict[UUID, Unit], kept: set[UUID]) -> None:
    """Let units swap their names: each has one of its own for a moment."""
    for unit in known.values():
        if unit.id in kept:
            unit.name = f"~{unit.id}"
    await tx.flush()


async def _family(tx: Tx, policy_id: UUID) -> UUID:
    return (await tx.get_one(Policy, policy_id)).family_id
