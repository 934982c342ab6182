"""When something is open, why not, and what can be asked for: pure, without clock or database.

What is shown (`slots`) and what is accepted (`hurdles`) come from the same day and the same
grid, so that they cannot disagree. Hours are minutes of a civil day, as all through schedules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Self
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.schedules.calendar import Window, Windows, WorkingCalendar
from neighborhood_api.schedules.openings.spans import (
    DAY,
    Span,
    common,
    days,
    joined,
    merged,
    midnight_of,
    without,
)

MINUTE = timedelta(minutes=1)
SUNDAY = 7


class OnHolidays(StrEnum):
    """What becomes of the weekly hours on a public holiday."""

    OPEN = "open"
    """Nothing: they hold as on any other day."""
    CLOSED = "closed"
    AS_SUNDAY = "as_sunday"
    """Those of Sunday hold."""


class Hours(NamedTuple):
    """One weekly rule: open on a weekday between two wall-clock times, while it is valid."""

    weekday: int
    """ISO: 1 is Monday, 7 is Sunday."""
    opens: int
    closes: int
    """Both in minutes after midnight."""
    valid_from: date | None = None
    valid_until: date | None = None
    """First day on which the rule no longer holds."""

    def holds_on(self, day: date) -> bool:
        """Tell whether the rule is valid on `day`, whatever weekday that is."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day < self.valid_until
        )


class OtherHours(NamedTuple):
    """An exception: on some days these hours instead of the weekly ones, or none."""

    id: UUID
    first_on: date
    last_on: date
    windows: Windows
    """None when it is closed."""
    reason: str
    made_at: datetime


class Closing(NamedTuple):
    """A closure: from one moment to another it is out of use, whatever its hours are."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str

    @property
    def span(self) -> Span:
        """When."""
        return Span(self.starts_at, self.ends_at)


class Holiday(NamedTuple):
    """A public holiday that changed the hours of a day."""

    name: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one opening says by itself, like the sheet at its door."""

    id: UUID
    rules: tuple[Hours, ...] = ()
    exceptions: tuple[OtherHours, ...] = ()
    closings: tuple[Closing, ...] = ()
    on_holidays: OnHolidays | None = None
    """None as the parent has it."""
    version: int = 1

    def exception_on(self, day: date) -> OtherHours | None:
        """Return the exception that counts on `day`: of several the one made last."""
        on_day = (e for e in self.exceptions if e.first_on <= day <= e.last_on)
        return max(on_day, key=lambda e: (e.made_at, e.id), default=None)

    def without(self, one_id: UUID) -> "Sheet":
        """Return what would be said without an exception or a closure."""
        return replace(
            self,
            exceptions=tuple(one for one in self.exceptions if one.id != one_id),
            closings=tuple(one for one in self.closings if one.id != one_id),
        )

    def weekly(self, day: date, weekday: int) -> Windows:
        """Return the hours that the rules valid on `day` give to `weekday`."""
        return merged(
            Window(rule.opens, rule.closes)
            for rule in self.rules
            if rule.weekday == weekday and rule.holds_on(day)
        )


class Day(NamedTuple):
    """When it is open on a civil day, and what made it so."""

    day: date
    windows: Windows
    """Its hours in minutes; the grid of slots begins at the start of each."""
    closings: tuple[Closing, ...]
    """What takes it out of use on this day, whatever the hours; in order."""
    because: OtherHours | Holiday | None
    """What changed the weekly hours, or took them away."""
    provisional: bool
    """Nobody knows the public holidays of its year yet, and they would change the hours."""

    @property
    def hours(self) -> list[Span]:
        """Its hours as moments, closures not yet taken out."""
        midnight = midnight_of(self.day)
        return [
            Span(midnight + w.opens * MINUTE, midnight + w.closes * MINUTE)
            for w in self.windows
        ]

    @property
    def open(self) -> list[Span]:
        """When it is really open: in order, never touching."""
        return without(self.hours, [closing.span for closing in self.closings])

    def closing(self, span: Span) -> Closing | None:
        """Return the closure that shares a moment with `span`; of several the longest."""
        if not self.closings:
            return None
        met = (closing for closing in self.closings if closing.span.meets(span))
        return max(met, key=lambda closing: closing.ends_at, default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """When something is open: what it says itself, and what binds it from its parent.

    1. An exception of its own gives the hours of its days.
    2. Else a public holiday may close it or give it the hours of Sunday: by its own rule or,
       where it has none, by its parent's, which an exception of the parent lifts.
    3. Else the weekly rules hold: its own, or its parent's where it has none at all.
    4. It is never open outside the hours of a parent's exception, nor in anybody's closure.
    """

    own: Sheet
    calendar: WorkingCalendar
    parent: Sheet | None = None
    first_day: date = date.min
    last_day: date = date.max
    """The days for which exceptions and closures are known."""

    def sheet(self, opening_id: UUID) -> Sheet:
        """Return what an opening, its own or its parent's, says by itself.

        Raises: KeyError.
        """
        for sheet in (self.own, self.parent):
            if sheet is not None and sheet.id == opening_id:
                return sheet
        raise KeyError(opening_id)

    def saying(self, sheet: Sheet) -> "Plan":
        """Return what would hold if the opening of `sheet`, own or parent, said that."""
        if sheet.id == self.own.id:
            return replace(self, own=sheet)
        if self.parent is not None and sheet.id == self.parent.id:
            return replace(self, parent=sheet)
        return self

    def day(self, day: date) -> Day:
        """Return when it is open on the civil `day`.

        Raises: ValueError, when the plan was not read for that day.
        """
        if not self.first_day <= day <= self.last_day:
            raise ValueError(f"the plan is known from {self.first_day} to {self.last_day}")
        bound = None if self.parent is None else self.parent.exception_on(day)
        exception = self.own.exception_on(day)
        because: OtherHours | Holiday | None = exception
        provisional = False
        if exception is not None:
            windows = merged(exception.windows)
        else:
            rule = self._on_holidays(bound)
            name = None if rule is OnHolidays.OPEN else self.calendar.holiday(day)
            because = None if name is None else Holiday(name)
            provisional = rule is not OnHolidays.OPEN and not self.calendar.is_published(day)
            if name is not None and rule is OnHolidays.CLOSED:
                windows = ()
            else:
                weekday = day.isoweekday() if name is None else SUNDAY
                windows = self._weekly(day, weekday, bound)
        if bound is not None:
            narrowed = common(windows, merged(bound.windows))
            if because is None or narrowed != windows:
                because = bound
            windows = narrowed
        return Day(day, windows, self._closings(day), because, provisional)

    def open_spans(self, first_day: date, last_day: date) -> list[Span]:
        """Return when it is open from one day to another; what touches is one span."""
        return list(
            joined(span for day in days(first_day, last_day) for span in self.day(day).open)
        )

    def next_open(self, moment: datetime, until: date) -> Span | None:
        """Return the span that is open at `moment`, or else the first one up to `until`."""
        first = local_day(moment)
        spans = joined(span for day in days(first, until) for span in self.day(day).open)
        return next((span for span in spans if moment < span.ends_at), None)

    def _on_holidays(self, bound: OtherHours | None) -> OnHolidays:
        if self.own.on_holidays is not None or self.parent is None:
            return self.own.on_holidays or OnHolidays.OPEN
        if bound is not None:
            return OnHolidays.OPEN
        return self.parent.on_holidays or OnHolidays.OPEN

    def _weekly(self, day: date, weekday: int, bound: OtherHours | None) -> Windows:
        if self.own.rules or self.parent is None:
            return self.own.weekly(day, weekday)
        return merged(bound.windows) if bound is not None else self.parent.weekly(day, weekday)

    def _closings(self, day: date) -> tuple[Closing, ...]:
        midnight = midnight_of(day)
        whole = Span(midnight, midnight + DAY)
        above = () if self.parent is None else self.parent.closings
        mine = [
            closing
            for closing in self.own.closings + above
            if closing.starts_at < closing.ends_at and closing.span.meets(whole)
        ]
        return tuple(sorted(mine, key=lambda closing: closing.span))


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
    CLOSED_DAY = "closed_day"
    """An exception closes the day."""
    PUBLIC_HOLIDAY = "public_holiday"
    CLOSURE = "closure"
    OFF_THE_GRID = "off_the_grid"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"


class Slot(NamedTuple):
    """One cell of the grid: taken by somebody, or with the hurdle that it meets."""

    span: Span
    hurdle: Hurdle | None
    taken: bool


class _Time(NamedTuple):
    """When a thing may begin that is asked for now."""

    now: datetime
    soonest: datetime
    last_day: date

    @classmethod
    def allowed(cls, limits: Limits, now: datetime) -> Self:
        soonest = now + limits.notice_minutes * MINUTE
        return cls(now, soonest, local_day(now) + timedelta(days=limits.horizon_days))

    def hurdle(self, starts_at: datetime, day: date) -> Hurdle | None:
        if starts_at < self.soonest:
            return Hurdle.IN_THE_PAST if starts_at < self.now else Hurdle.TOO_SOON
        return Hurdle.TOO_FAR if day > self.last_day else None


def slots(
    plan: Plan, limits: Limits, day: date, *, busy: Sequence[Span] = (), now: datetime
) -> list[Slot]:
    """Return the grid of the civil `day`; `busy` is what others already have.

    A closure leaves the grid as it is, so that what lies after it keeps its slots.
    """
    found, time = plan.day(day), _Time.allowed(limits, now)
    shown = []
    for cell in (cell for span in found.hours for cell in _cells(span, limits)):
        hurdle = time.hurdle(cell.starts_at, day)
        if hurdle is not Hurdle.IN_THE_PAST and found.closing(cell) is not None:
            hurdle = Hurdle.CLOSURE
        shown.append(Slot(cell, hurdle, any(cell.meets(other) for other in busy)))
    return shown


def hurdles(wish: Span, plan: Plan, limits: Limits, *, now: datetime) -> list[Hurdle]:
    """Return everything that stands against `wish`; nothing means it can be granted."""
    begins_on = local_day(wish.starts_at)
    timing = _Time.allowed(limits, now).hurdle(wish.starts_at, begins_on)
    found = [] if timing is None else [timing]
    if wish.ends_at <= wish.starts_at:
        return [Hurdle.RUNS_BACKWARDS, *found]
    day = plan.day(begins_on)
    place = _place(wish, day, limits)
    if place is not None:
        found.append(place)
    if day.closing(wish) is not None:
        found.append(Hurdle.CLOSURE)
    length = wish.ends_at - wish.starts_at
    if length < limits.shortest_minutes * MINUTE:
        found.append(Hurdle.TOO_SHORT)
    if length > limits.longest_minutes * MINUTE:
        found.append(Hurdle.TOO_LONG)
    return found


def removed_spans(before: Plan, after: Plan, first_day: date, last_day: date) -> list[Span]:
    """Return when it was open and no longer is, from one day to another; in order."""
    return without(
        before.open_spans(first_day, last_day), after.open_spans(first_day, last_day)
    )


def _place(wish: Span, day: Day, limits: Limits) -> Hurdle | None:
    for span in day.hours:
        if span.starts_at <= wish.starts_at and wish.ends_at <= span.ends_at:
            cells = _cells(span, limits)
            begins = any(cell.starts_at == wish.starts_at for cell in cells)
            ends = any(cell.ends_at == wish.ends_at for cell in cells)
            return None if begins and ends else Hurdle.OFF_THE_GRID
    if day.windows or day.because is None:
        return Hurdle.OUTSIDE_OPENING_HOURS
    return Hurdle.PUBLIC_HOLIDAY if isinstance(day.because, Holiday) else Hurdle.CLOSED_DAY


def _cells(span: Span, limits: Limits) -> list[Span]:
    """Cut `span` into slots; what is left at its end is too short to be one."""
    length = limits.slot_minutes * MINUTE
    count = (span.ends_at - span.starts_at) // length
    starts = [span.starts_at + n * length for n in range(count)]
    return [Span(start, start + length) for start in starts]
