"""What is booked on days that a change of the working calendar made public holidays."""

from collections import defaultdict
from datetime import date, datetime
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.schedules.openings.plans import Holiday
from neighborhood_api.schedules.openings.queries import plans_of
from neighborhood_api.schedules.openings.spans import midnight_of
from neighborhood_api.venues.openings.events import BookedOnHolidays
from neighborhood_api.venues.openings.queries import BOOKED_SINCE, SESSIONS_SINCE, Planned

MOST_NAMED = 500
"""Ids that one event carries of each kind; the venue's own list has them all."""


async def look_at_holidays(
    tx: Tx, district_id: UUID | None, since_on: date, *, now: datetime
) -> int:
    """Tell the venues of a district, or of all, which bookings lie on holidays now.

    Nothing is cancelled. Three statements however many venues there are; said once more, it
    is as true as before. Returns how many venues were told.

    Emits: BookedOnHolidays.
    """
    wanted = {
        "district_id": district_id,
        "since": midnight_of(max(since_on, local_day(now))),
        "now": now,
    }
    bookings = await BOOKED_SINCE.all(tx, **wanted)
    sessions = await SESSIONS_SINCE.all(tx, **wanted)
    booked = await _on_holidays(tx, bookings)
    planned = await _on_holidays(tx, sessions)
    venues = sorted(booked.keys() | planned.keys())
    for venue_id in venues:
        emit(
            tx,
            BookedOnHolidays(
                venue_id=venue_id,
                bookings=len(booked[venue_id]),
                sessions=len(planned[venue_id]),
                registration_ids=booked[venue_id][:MOST_NAMED],
                session_ids=planned[venue_id][:MOST_NAMED],
            ),
        )
    await tx.flush()
    return len(venues)


async def _on_holidays(tx: Tx, rows: list[Planned]) -> dict[UUID, list[UUID]]:
    """Return what a public holiday leaves without open hours, by venue."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    if not rows:
        return found
    first = min(local_day(row.starts_at) for row in rows)
    last = max(local_day(row.starts_at) for row in rows)
    plans = await plans_of(tx, {row.opening_id for row in rows}, first, last)
    for row in rows:
        day = plans[row.opening_id].day(local_day(row.starts_at))
        covered = any(
            one.starts_at <= row.starts_at and row.ends_at <= one.ends_at for one in day.open
        )
        if isinstance(day.because, Holiday) and not covered:
            found[row.venue_id].append(row.id)
    return found
