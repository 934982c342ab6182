"""How much is used: counts of the database and minutes of the plans, put together."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.db import Source
from neighborhood_api.schedules.openings.plans import Plan
from neighborhood_api.schedules.openings.queries import plans_of
from neighborhood_api.venues.use.periods import UsePeriod
from neighborhood_api.venues.use.queries import Counts, SessionCounts, SessionUse, Site
from neighborhood_api.venues.use.schemas import SessionTotalsOut

_MINUTE = timedelta(minutes=1)
SESSION_NUMBERS = ("sessions", "cancelled", "seats", "enrolled", "came", "no_shows", "waited")


@dataclass
class Tally:
    """What adds up from rooms to venues, and from venues to places."""

    open_minutes: int = 0
    session_minutes: int = 0
    sessions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SESSION_NUMBERS, 0))

    def add(self, other: "Tally") -> None:
        """Count what another has too."""
        self.open_minutes += other.open_minutes
        self.session_minutes += other.session_minutes
        for name in SESSION_NUMBERS:
            self.sessions[name] += other.sessions[name]

    def add_session(self, one: SessionUse) -> None:
        """Count one session; of one that was called off only that it was."""
        if one.cancelled_at is not None:
            self.sessions["cancelled"] += 1
            return
        self.sessions["sessions"] += 1
        for name in ("seats", "enrolled", "came", "no_shows", "waited"):
            self.sessions[name] += getattr(one, name)

    def add_sessions(self, some: SessionCounts) -> None:
        """Count sessions that the database has added up."""
        for name in SESSION_NUMBERS:
            self.sessions[name] += getattr(some, name)

    def totals(self) -> SessionTotalsOut:
        """Show the sessions."""
        seats, enrolled = self.sessions["seats"], self.sessions["enrolled"]
        return SessionTotalsOut(**self.sessions, filled=rate(enrolled, seats))


def rate(part: int, whole: int) -> float | None:
    """Return a share to four places; None of nothing."""
    return round(part / whole, 4) if whole else None


async def open_minutes(
    source: Source, sites: Iterable[Site], period: UsePeriod
) -> dict[UUID, int]:
    """Return how long each room is open, in one statement; a closed venue until it closed."""
    rooms = [one for one in sites if one.room_id is not None and one.opening_id is not None]
    ids = [one.opening_id for one in rooms if one.opening_id is not None]
    plans = await plans_of(source, ids, period.first_on, period.last_on)
    found = {}
    for one in rooms:
        if one.room_id is not None and one.opening_id is not None:
            shown = _days(period, one.closed_at)
            found[one.room_id] = _minutes(plans[one.opening_id], shown)
            await asyncio.sleep(0)  # a quarter of hundreds of rooms must hold nobody up
    return found


def _days(period: UsePeriod, closed_at: datetime | None) -> list[date]:
    if closed_at is None:
        return period.days
    return [day for day in period.days if day < local_day(closed_at)]


def _minutes(plan: Plan, shown: Iterable[date]) -> int:
    spans = (span for day in shown for span in plan.day(day).open)
    return sum((span.ends_at - span.starts_at) // _MINUTE for span in spans)


def numbers(counts: Counts | None, tally: Tally) -> dict[str, Any]:
    """Return the fields of `UseOut`, of what was counted and what adds up."""
    if counts is None:
        counts = Counts(None, None, None, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    booked, used = counts.booked_seconds // 60, counts.used_seconds // 60
    open_, session = tally.open_minutes, tally.session_minutes
    return {
        "open_minutes": open_,
        "booked_minutes": booked,
        "used_minutes": used,
        "session_minutes": session,
        "booked_rate": rate(booked + session, open_),
        "used_rate": rate(used + session, open_),
        "bookings": counts.bookings,
        "persons": counts.persons,
        "visitors": counts.visitors,
        "no_shows": counts.no_shows,
        "late_cancellations": counts.late_cancellations,
        "walk_ins": counts.walk_ins,
    }


def room_tallies(
    sites: Iterable[Site],
    opened: dict[UUID, int],
    seconds: dict[UUID | None, int],
) -> dict[UUID, Tally]:
    """Return what each room is open, and taken by sessions, over all of its units."""
    return {
        one.room_id: Tally(
            opened[one.room_id] * one.units, seconds.get(one.room_id, 0) // 60 * one.units
        )
        for one in sites
        if one.room_id is not None
    }


def seconds_by_room(sessions: Iterable[SessionUse]) -> dict[UUID | None, int]:
    """Return how long sessions that take place have each room."""
    taken: dict[UUID | None, int] = defaultdict(int)
    for one in sessions:
        if one.cancelled_at is None:
            taken[one.room_id] += int((one.ends_at - one.starts_at).total_seconds())
    return taken
