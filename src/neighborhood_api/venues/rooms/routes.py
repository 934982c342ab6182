"""HTTP operations of rooms."""

from uuid import UUID

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.registrations.granting import UnitNotFound
from neighborhood_api.venues.dependencies import CALLER, ONCE, SIGNED_IN, FirstDay, LastDay
from neighborhood_api.venues.rooms import service
from neighborhood_api.venues.rooms.availability import BadPeriod, availability_of, days_shown
from neighborhood_api.venues.rooms.schemas import (
    AvailabilityOut,
    RoomChangeIn,
    RoomIn,
    RoomOut,
    UnitsIn,
    VenueAvailabilityOut,
)
from neighborhood_api.venues.rooms.units import UnitBooked
from neighborhood_api.venues.rooms.views import room_view
from neighborhood_api.venues.service import VenueGone, VenueNotFound
from neighborhood_api.venues.sessions.units import UnitTaken

router = new_router(tags=["活动室 rooms"])


@router.get(
    "/rooms/{room_id}/availability",
    summary="活动室空闲时段 · When a room can be had",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.RoomNotFound, BadPeriod),
)
async def read_availability(
    room_id: UUID,
    reader: ReaderDep,
    now: NowDep,
    since: FirstDay = None,
    until: LastDay = None,
) -> AvailabilityOut:
    """按天列出每一格能否预约，不能时说明原因；与预约时的检查一致。

    Every slot of each day with its state, by the same rules that booking applies.
    """
    days = days_shown(since, until, now)
    room = await service.read_room(reader, room_id)
    return (await availability_of(reader, [room], days, now=now))[0]


@router.get(
    "/venues/{venue_id}/availability",
    summary="服务中心各活动室空闲时段 · When the rooms of a venue can be had",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, VenueNotFound, BadPeriod),
)
async def read_venue_availability(
    venue_id: UUID,
    reader: ReaderDep,
    now: NowDep,
    since: FirstDay = None,
    until: LastDay = None,
) -> VenueAvailabilityOut:
    """各活动室每一格能否预约，不能时说明原因。Every slot of every room, with its state."""
    days = days_shown(since, until, now)
    rooms = await service.rooms_of(reader, venue_id)
    return VenueAvailabilityOut(rooms=await availability_of(reader, rooms, days, now=now))


@router.get(
    "/rooms/{room_id}",
    summary="一个活动室 · One room",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.RoomNotFound),
)
async def read_room(room_id: UUID, tx: ReadTxDep) -> RoomOut:
    """活动室的台位、预约规则和开放时间。A room, its units, rules and hours."""
    return await room_view(tx, await service.read_room(tx, room_id))


@router.post(
    "/venues/{venue_id}/rooms",
    summary="新增活动室（工作人员）· Add a room",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, VenueNotFound, VenueGone),
)
async def add_room(
    venue_id: UUID, body: RoomIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> RoomOut:
    """新增活动室；未设开放时间时按服务中心的时间开放。

    Add a room; until it has hours of its own, it is open when the venue is.
    """
    return await room_view(tx, await service.add_room(tx, actor, venue_id, body, now=now))


CHANGING = problems(*SIGNED_IN, Forbidden, service.RoomNotFound, VenueGone, StaleVersion)


@router.put(
    "/rooms/{room_id}",
    summary="修改活动室（工作人员）· Change a room",
    responses=CHANGING,
)
async def change_room(
    room_id: UUID, body: RoomChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> RoomOut:
    """修改活动室和预约规则；已有预约不受影响，仍按预约时的规则。

    Change a room; what is booked stays booked, under the rules it was booked under.
    """
    return await room_view(tx, await service.change_room(tx, actor, room_id, body, now=now))


@router.put(
    "/rooms/{room_id}/units",
    summary="设置台位（工作人员）· Replace a room's units",
    responses=problems(
        *SIGNED_IN,
        Forbidden,
        service.RoomNotFound,
        VenueGone,
        StaleVersion,
        UnitNotFound,
        service.UnitNameTaken,
        UnitTaken,
        UnitBooked,
    ),
)
async def replace_units(
    room_id: UUID, body: UnitsIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> RoomOut:
    """按顺序设置台位；没有列出的停用，有预约的不能停用；占用整间的课程同时占用新台位。

    Units in their order; one that is left out is put out of use, and is refused while it is
    booked: `bookings` says what to move or cancel first. Sessions that take the room take what
    comes into use; `clashes` says where that is booked.
    """
    return await room_view(tx, await service.replace_units(tx, actor, room_id, body, now=now))
