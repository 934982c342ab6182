"""How the bookings of a venue are taken out, on the record."""

import asyncio
from base64 import b64encode
from datetime import datetime
from uuid import UUID

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.sheets import MEDIA_TYPES
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.sessions.roster.schemas import SheetOut
from neighborhood_api.venues.use.periods import period_asked
from neighborhood_api.venues.use.queries import EXPORTED
from neighborhood_api.venues.use.schemas import ExportBookingsIn
from neighborhood_api.venues.use.sheets import sheet_of

MOST_LINES = 10_000


class TooManyToExport(Problem):
    """More bookings than one file takes; `most` says how many it does."""

    title = "There are too many bookings for one file"
    message = "预约太多，请缩短日期范围，或按活动室分别导出"


async def export_bookings(
    tx: Tx, actor: Actor, venue_id: UUID, wish: ExportBookingsIn, *, now: datetime
) -> SheetOut:
    """Take the bookings of a venue's rooms out as a file, as its staff; who did is kept.

    Raises: VenueNotFound, Forbidden, UsePeriodNotUsable, TooManyToExport.
    """
    venue = await tx.get(Venue, venue_id)
    if venue is None:
        raise VenueNotFound
    actor.require(Permission.BOOKING_MANAGE, at=venue.place)
    period = period_asked(wish.first_on, wish.last_on, now=now)
    rows = await EXPORTED.all(
        tx,
        id=venue_id,
        room_id=wish.room_id,
        since=period.since,
        until=period.until,
        fetch=MOST_LINES + 1,
    )
    if len(rows) > MOST_LINES:
        raise TooManyToExport(most=MOST_LINES)
    record_act(
        tx,
        "venues.bookings_exported",
        venue_id,
        by=actor.person_id,
        now=now,
        lines=len(rows),
        first_on=period.first_on.isoformat(),
        last_on=period.last_on.isoformat(),
        room_id=wish.room_id,
    )
    content = await asyncio.to_thread(sheet_of, rows, wish.format)
    days = f"{period.first_on:%Y%m%d}-{period.last_on:%Y%m%d}"
    return SheetOut(
        name=f"{venue.name}-{days}.{wish.format.value}",
        media_type=MEDIA_TYPES[wish.format],
        content=b64encode(content).decode(),
    )
