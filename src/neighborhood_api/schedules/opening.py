"""Weekly opening hours, evaluated in the district's civil time.

What is shown (`slots`) and what is accepted (`hurdles`) come from the same spans and the same
grid, so that they cannot disagree. Nothing here reads a clock or a database.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.schema import SHOWN_ZONE

MINUTE = timedelta(minutes=1)


class Hours(NamedTuple):
    """One weekly rule: open on a weekday between two wall-clock times, while it is valid."""

    weekday: int
    """ISO: 1 is Monday, 7 is Sunday."""
    opens_at: time
    closes_at: time
    valid_from: date | None = None
    valid_until: date | None = None
    """First day on which the rule no longer holds."""

    def holds_on(self, day: date) -> bool:
        """Tell whether the rule says anything about `day`."""
        return (
            self.weekday == day.isoweekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day < self.valid_until)
        )


class Span(NamedTuple):
    """A stretch of time, half-open: another may start the moment this one ends."""

    starts_at: datetime
    ends_at: datetime

    def meets(self, other: "Span") -> bool:
        """Tell whether both share a moment."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


class Limits(NamedTuple):
    """How a thing may be asked for."""

    slot_minutes: int
    """Its hours are cut into slots of this length, from the moment it opens."""
    shortest_minutes: int
    longest_minutes: int
    notice_minutes: int
    """How long before the start it must be asked for."""
    horizon_days: int
    """How many days ahead, today not counted."""


class Hurdle(StrEnum):
    """Why a wish cannot be granted, whoever else wants the same."""

    RUNS_BACKWARDS = "runs_backwards"
    IN_THE_PAST = "in_the_past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    OUTSIDE_OPENING_HOURS = "outside_opening_hours"
    OFF_THE_GRID = "off_the_grid"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"


class Slot(NamedTuple):
    """One cell of the grid: taken by somebody, or with the hurdle that its start meets."""

    span: Span
    hurdle: Hurdle | None
    taken: bool


def open_spans(rules: Iterable[Hours], day: date) -> list[Span]:
    """Return when it is open on the civil `day`, in order; touching hours become one span."""
    spans: list[Span] = []
    for opens, closes in sorted((r.opens_at, r.closes_at) for r in rules if r.holds_on(day)):
        span = Span(_instant(day, opens), _instant(day, closes))
        if spans and span.starts_at <= spans[-1].ends_at:
            longer = max(spans[-1].ends_at, span.ends_at)
            spans[-1] = Span(spans[-1].starts_at, longer)
        else:
            spans.append(span)
    return spans


def slots(
    rules: Iterable[Hours],
    limits: Limits,
    day: date,
    *,
    busy: Sequence[Span] = (),
    now: datetime,
) -> list[Slot]:
    """Return the grid of the civil `day`; `busy` is what others already have."""
    cells = [c for span in open_spans(rules, day) for c in _cells(span, limits)]
    return [
        Slot(cell, _timing(cell.starts_at, limits, now), any(cell.meets(b) for b in busy))
        for cell in cells
    ]


def hurdles(
    wish: Span, rules: Iterable[Hours], limits: Limits, *, now: datetime
) -> list[Hurdle]:
    """Return everything that stands against `wish`; nothing means it can be granted."""
    timing = _timing(wish.starts_at, limits, now)
    found = [] if timing is None else [timing]
    if wish.ends_at <= wish.starts_at:
        return [Hurdle.RUNS_BACKWARDS, *found]
    place = _place(wish, rules, limits)
    if place is not None:
        found.append(place)
    length = wish.ends_at - wish.starts_at
    if length < limits.shortest_minutes * MINUTE:
        found.append(Hurdle.TOO_SHORT)
    if length > limits.longest_minutes * MINUTE:
        found.append(Hurdle.TOO_LONG)
    return found


def _place(wish: Span, rules: Iterable[Hours], limits: Limits) -> Hurdle | None:
    for span in open_spans(rules, local_day(wish.starts_at)):
        if span.starts_at <= wish.starts_at and wish.ends_at <= span.ends_at:
            cells = _cells(span, limits)
            begins = any(cell.starts_at == wish.starts_at for cell in cells)
            ends = any(cell.ends_at == wish.ends_at for cell in cells)
            return None if begins and ends else Hurdle.OFF_THE_GRID
    return Hurdle.OUTSIDE_OPENING_HOURS


def _cells(span: Span, limits: Limits) -> list[Span]:
    """Cut `span` into slots; what is left at its end is too short to be one."""
    length = limits.slot_minutes * MINUTE
    count = (span.ends_at - span.starts_at) // length
    starts = [span.starts_at + n * length for n in range(count)]
    return [Span(start, start + length) for start in starts]


def _timing(start: datetime, limits: Limits, now: datetime) -> Hurdle | None:
    if start < now:
        return Hurdle.IN_THE_PAST
    if start < now + limits.notice_minutes * MINUTE:
        return Hurdle.TOO_SOON
    if local_day(start) > local_day(now) + timedelta(days=limits.horizon_days):
        return Hurdle.TOO_FAR
    return None


def _instant(day: date, wall: time) -> datetime:
    return datetime.combine(day, wall, SHOWN_ZONE).astimezone(UTC)
