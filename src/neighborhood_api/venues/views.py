"""How venues are shown."""

from collections.abc import Sequence
from datetime import datetime

from neighborhood_api.files.links import Links
from neighborhood_api.files.service import file_views
from neighborhood_api.grid.areas.coordinates import CoordinateSystem, Point, to_gcj02
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.schemas import PositionOut
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.schedules.openings.schemas import OpenDayOut
from neighborhood_api.venues.equipment import equipment_of
from neighborhood_api.venues.models import EquipmentItem, Venue, VenueKind
from neighborhood_api.venues.rooms.queries import ROOMS_OF
from neighborhood_api.venues.rooms.views import room_views
from neighborhood_api.venues.schemas import EquipmentOut, VenueDetailOut, VenueOut
from neighborhood_api.venues.service import Found


async def venue_views(
    tx: ReadTx, links: Links, found: Sequence[Found], *, now: datetime
) -> list[VenueOut]:
    """Show venues; their photos are read at once."""
    ids = [photo for one in found for photo in one.venue.photo_ids]
    photos = {file.id: file for file in await file_views(tx, links, ids, now=now)}
    return [
        VenueOut(
            id=one.venue.id,
            kind=VenueKind(one.venue.kind),
            name=one.venue.name,
            address=one.venue.address,
            phone=one.venue.phone,
            host=one.venue.host,
            services=one.venue.services,
            position=_position(one.venue),
            metres=None if one.metres is None else round(one.metres),
            photos=[photos[photo] for photo in one.venue.photo_ids if photo in photos],
            node_id=one.venue.place.node_id,
            node_name=one.node_name,
            open_now=one.open_now(now),
            today=OpenDayOut.of(one.plan.day(local_day(now))),
            opens_at=one.opens_at(now),
            closed_at=one.venue.closed_at,
            close_reason=one.venue.close_reason,
            version=one.venue.version,
        )
        for one in found
    ]


async def detail_view(
    tx: ReadTx, links: Links, found: Found, *, now: datetime
) -> VenueDetailOut:
    """Show a venue with its checklist and rooms."""
    (shown,) = await venue_views(tx, links, [found], now=now)
    checks = await equipment_of(tx, found.id)
    rooms = await room_views(tx, await ROOMS_OF.all(tx, id=found.id))
    return VenueDetailOut(
        **{name: getattr(shown, name) for name in VenueOut.model_fields},
        equipment=[EquipmentOut.of(item, checks.get(item.value)) for item in EquipmentItem],
        rooms=rooms,
    )


def _position(venue: Venue) -> PositionOut | None:
    if venue.longitude is None or venue.latitude is None:
        return None
    shown = to_gcj02(Point(venue.longitude, venue.latitude))
    return PositionOut(
        longitude=round(shown.longitude, 6),
        latitude=round(shown.latitude, 6),
        coordinate_system=CoordinateSystem.GCJ02,
    )
