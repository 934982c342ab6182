"""The signs at the doors of rooms, by which one checks in."""

from datetime import datetime
from secrets import token_urlsafe
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, update

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Handle, Source
from neighborhood_api.kit.reads import Query
from neighborhood_api.venues.bookings.queries import ROOM_GROUND
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.service import RoomNotFound


class _Sign(NamedTuple):
    code: str


_SIGN = Query(
    select(Room.qr_code.label("code")).where(Room.id == bindparam("id", type_=Uuid)), _Sign
)
_RENEW = Query(
    update(Room)
    .where(Room.id == bindparam("its_id", type_=Uuid))
    .values(qr_code=bindparam("new_code"))
    .returning(Room.qr_code.label("code")),
    _Sign,
)


async def read_sign(source: Source, actor: Actor, room_id: UUID) -> str:
    """Return what the sign at a room's door says, for the staff of its venue.

    Raises: RoomNotFound, Forbidden.
    """
    await _require(source, actor, room_id)
    sign = await _SIGN.first(source, id=room_id)
    if sign is None:
        raise RoomNotFound
    return sign.code


async def renew_sign(handle: Handle, actor: Actor, room_id: UUID, *, now: datetime) -> str:
    """Give a room a new sign; the old one is worthless at once.

    Raises: RoomNotFound, Forbidden.
    """
    await _require(handle, actor, room_id)
    code = token_urlsafe(12)
    await _RENEW.all(handle, its_id=room_id, new_code=code)
    record_act(handle, "venues.sign_renewed", room_id, by=actor.person_id, now=now)
    return code


async def _require(source: Source, actor: Actor, room_id: UUID) -> None:
    ground = await ROOM_GROUND.first(source, id=room_id)
    if ground is None:
        raise RoomNotFound
    actor.require(Permission.VENUE_MANAGE, at=ground.place)
