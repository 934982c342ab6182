"""Whether it is open where a session takes place, from its first moment to its last.

A closure, and an exception that closes a day, are in the way of everything: what was there is
called off by them. Outside the ordinary hours staff may hold a session, if they say so.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.openings.plans import Day, OtherHours
from neighborhood_api.schedules.openings.queries import plan_of
from neighborhood_api.schedules.openings.reasons import out_of_use
from neighborhood_api.schedules.openings.spans import DAY, Span, days, joined, midnight_of
from neighborhood_api.venues.sessions.occupying import Clash

OUT_OF_USE = "out_of_use"
CLOSED_DAY = "closed_day"
OUTSIDE_HOURS = "outside_hours"
_INSTANT = timedelta(microseconds=1)


class OpenPlace(NamedTuple):
    """What must be open for a session: a room, or a venue."""

    name: str
    opening_id: UUID


async def not_open(tx: Tx, place: OpenPlace, span: Span, *, anytime: bool) -> list[Clash]:
    """Return what closes a place within a span, or else that it has no hours for it.

    With `anytime`, only what closes it.
    """
    first, last = local_day(span.starts_at), local_day(span.ends_at - _INSTANT)
    plan = await plan_of(tx, place.opening_id, first, last)
    touched = [plan.day(day) for day in days(first, last)]
    closed = _closings(place, touched, span) + _closed_days(place, touched)
    if closed or anytime:
        return closed
    opened = joined(hours for day in touched for hours in day.hours)
    if any(one.starts_at <= span.starts_at and span.ends_at <= one.ends_at for one in opened):
        return []
    text = f"不在{place.name}的开放时间内，如确需安排请确认“非开放时间举行”"
    return [Clash(OUTSIDE_HOURS, text, *span)]


def _closings(place: OpenPlace, touched: Sequence[Day], span: Span) -> list[Clash]:
    met = {one.id: one for day in touched for one in day.closings if one.span.meets(span)}
    return [
        Clash(OUT_OF_USE, f"{place.name}{out_of_use(one)}", *one.span) for one in met.values()
    ]


def _closed_days(place: OpenPlace, touched: Sequence[Day]) -> list[Clash]:
    found = []
    for one in touched:
        if isinstance(one.because, OtherHours) and not one.windows:
            text = f"{place.name}{one.day.month}月{one.day.day}日不开放（{one.because.reason}）"
            midnight = midnight_of(one.day)
            found.append(Clash(CLOSED_DAY, text, midnight, midnight + DAY))
    return found
