"""How a venue comes to its end."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.registrations.models import Resource
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.openings.events import VenueClosed
from neighborhood_api.venues.openings.hits import (
    cancel_hits,
    everything_at,
    hits_view,
    require_confirmed,
)
from neighborhood_api.venues.openings.schemas import CloseVenueIn, VenueClosingOut
from neighborhood_api.venues.openings.sites import Subject, lock_site


async def close_venue(
    tx: Tx, actor: Actor, venue_id: UUID, wish: CloseVenueIn, *, now: datetime
) -> VenueClosingOut:
    """Close a venue for good: nothing new is booked there, and what is booked is cancelled.

    Raises: VenueNotFound, Forbidden, VenueGone, StaleVersion, BookingsInTheWay.
    Emits: VenueClosed, Cancelled, SessionCalledOff.
    """
    locked = await lock_site(tx, actor, Subject(venue_id=venue_id), now=now)
    venue = await tx.get_one(Venue, venue_id)
    if venue.version != wish.version:
        raise StaleVersion(version=venue.version)
    hits = await everything_at(tx, locked.site, now=now)
    if not wish.preview:
        await require_confirmed(tx, actor, locked.site, hits, wish.hits_seen)
        await cancel_hits(tx, actor, locked, hits, wish.reason, now=now)
        rooms = update(Resource).where(Resource.id.in_(locked.site.room_ids))
        await tx.execute(
            rooms.values(open=False), execution_options={"synchronize_session": False}
        )
        venue.closed_at, venue.close_reason = now, wish.reason
        venue.version += 1
        emit(tx, VenueClosed(venue_id=venue_id))
        record_act(
            tx,
            "venues.venue_closed",
            venue_id,
            by=actor.person_id,
            now=now,
            bookings=len(hits.bookings),
            sessions=len(hits.sessions),
        )
        await tx.flush()
    shown = await hits_view(tx, hits)
    return VenueClosingOut(
        applied=not wish.preview,
        hits_seen=hits.seen,
        bookings=shown.bookings,
        sessions=shown.sessions,
    )
