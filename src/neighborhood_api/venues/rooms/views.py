"""How rooms are shown."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.kit.db import ReadTx
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.schedules.openings.models import OpeningRule
from neighborhood_api.schedules.openings.schemas import OpeningRuleOut
from neighborhood_api.venues.rooms.models import RoomKind
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.rooms.schemas import RoomOut, UnitOut


async def room_view(tx: ReadTx, room: RoomRow) -> RoomOut:
    """Show a room with its units, rules and hours."""
    return (await room_views(tx, [room]))[0]


async def room_views(tx: ReadTx, rooms: Sequence[RoomRow]) -> list[RoomOut]:
    """Show several rooms; their hours are read at once."""
    hours: dict[UUID, list[OpeningRuleOut]] = defaultdict(list)
    openings = [room.opening_id for room in rooms]
    rules = select(OpeningRule).where(OpeningRule.opening_id.in_(openings))
    in_order = rules.order_by(OpeningRule.weekday, OpeningRule.opens_minute)
    for rule in await tx.scalars(in_order):
        hours[rule.opening_id].append(OpeningRuleOut.of(rule))
    return [
        RoomOut(
            id=room.id,
            venue_id=room.venue_id,
            name=room.name,
            kind=RoomKind(room.kind),
            house_rules=room.house_rules,
            accepts_bookings=room.accepts_bookings,
            confirmed_only=room.confirmed_only,
            policy=await terms_of(tx, room.policy_id),
            policy_version=room.policy_version,
            units=[UnitOut.model_validate(unit) for unit in room.units],
            opening_rules=hours[room.opening_id],
            version=room.version,
        )
        for room in rooms
    ]
