"""Deadlines on three clocks: wall time, office hours, working days.

Pure functions of their arguments: the same calendar gives the same deadline for ever. A
deadline is the earliest instant at which the limit is used up, so four office hours from
two o'clock end when the office closes at six, and not when it opens next morning.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from neighborhood_api.schedules.calendar import (
    DAY_US,
    MINUTE_US,
    WorkingCalendar,
    YearTable,
)

LONGEST_YEARS = 10
"""No limit is longer; a search ends here instead of running for ever."""

_LONGEST_US = LONGEST_YEARS * 366 * DAY_US
_MICROSECOND = timedelta(microseconds=1)
_LOCAL = timezone(timedelta(hours=8))
_ZERO = datetime(1, 1, 1, tzinfo=_LOCAL)
"""Local midnight of the day with ordinal 1."""

YearOf = Callable[[int], YearTable]


class Clock(StrEnum):
    """What a limit counts."""

    CALENDAR = "calendar"
    """Minutes of wall time."""
    WORKING_HOURS = "working_hours"
    """Minutes in which offices are open."""
    WORKING_DAYS = "working_days"
    """Days: the day of the start does not count, the n-th worked day after it ends at 24:00."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Time that does not count; still going on while it has no end.

    Raises: ValueError.
    """

    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a pause that cannot be placed in time."""
        _require_aware(self.start)
        if self.end is not None:
            _require_aware(self.end)
            if self.end < self.start:
                raise ValueError("a pause cannot end before it starts")


class Deadline(NamedTuple):
    """When a limit is used up."""

    at: datetime | None
    """None while a pause without end holds the clock before that."""
    provisional: bool
    """Whether it counts days of a year whose calendar is not published."""


def deadline(
    clock: Clock,
    amount: int,
    started_at: datetime,
    calendar: WorkingCalendar,
    pauses: Iterable[Pause] = (),
) -> Deadline:
    """Return when `amount` of the clock's unit is used up; paused time does not count.

    Raises: ValueError, when the amount is not positive or an instant has no zone, and when
        the limit would take longer than ten years.
    """
    return _used_up(clock, _limit_us(clock, amount), started_at, calendar, pauses)


def part(
    clock: Clock,
    amount: int,
    started_at: datetime,
    calendar: WorkingCalendar,
    share: float,
    pauses: Iterable[Pause] = (),
) -> Deadline:
    """Return when `share` of the limit is used up, e.g. 0.8 for a warning; 1 is the deadline.

    Raises: ValueError, as `deadline`, and when the share is not positive.
    """
    if not share > 0:
        raise ValueError("the share of a limit must be positive")
    limit = min(round(_limit_us(clock, amount) * share), _LONGEST_US + 1)
    return _used_up(clock, max(limit, 1), started_at, calendar, pauses)


def running(
    clock: Clock, start: datetime, end: datetime, calendar: WorkingCalendar
) -> timedelta:
    """Return how much of its own time a clock started at `start` has counted at `end`.

    Working days count 24 hours each, from the midnight after `start`; the day of the start
    counts nothing. An `end` before `start` gives zero.

    Raises: ValueError, when an instant has no zone.
    """
    begin = _begin(clock, start)
    return max(_elapsed(_years(clock, calendar), begin, _local(end)), 0) * _MICROSECOND


def _used_up(
    clock: Clock,
    limit: int,
    started_at: datetime,
    calendar: WorkingCalendar,
    pauses: Iterable[Pause],
) -> Deadline:
    if limit > _LONGEST_US:
        raise ValueError(f"a limit cannot be longer than {LONGEST_YEARS} years")
    years = _years(clock, calendar)
    here, left, provisional = _begin(clock, started_at), limit, False
    for pause in sorted(pauses, key=lambda pause: pause.start):
        stop = _local(pause.start)
        if stop > here:
            counted = _elapsed(years, here, stop)
            if counted >= left:
                break
            left -= counted
            provisional = provisional or _guessed(years, calendar, here, stop)
        if pause.end is None:
            return Deadline(None, provisional)
        here = max(here, _local(pause.end))
    at = _reach(years, here, left)
    return Deadline(_instant(at), provisional or _guessed(years, calendar, here, at))


def _limit_us(clock: Clock, amount: int) -> int:
    if amount <= 0:
        raise ValueError("a limit must be positive")
    return amount * (DAY_US if clock is Clock.WORKING_DAYS else MINUTE_US)


def _years(clock: Clock, calendar: WorkingCalendar) -> YearOf | None:
    """Return the tables that the clock is read from; wall time needs none."""
    match clock:
        case Clock.CALENDAR:
            return None
        case Clock.WORKING_HOURS:
            return calendar.office_year
        case Clock.WORKING_DAYS:
            return calendar.day_year


def _begin(clock: Clock, start: datetime) -> int:
    here = _local(start)
    return here - here % DAY_US + DAY_US if clock is Clock.WORKING_DAYS else here


def _elapsed(years: YearOf | None, start: int, end: int) -> int:
    if end <= start or years is None:
        return end - start
    first, last = _year(start), _year(end)
    counted = _since_new_year(years(last), end) - _since_new_year(years(first), start)
    return counted + sum(years(year).before[-1] for year in range(first, last))


def _since_new_year(table: YearTable, here: int) -> int:
    day, rest = divmod(here, DAY_US)
    n = day + 1 - table.first
    minutes = table.before[n]
    for opens, closes in table.windows[n]:
        minutes += min(max(rest - opens * MINUTE_US, 0), (closes - opens) * MINUTE_US)
    return minutes


def _reach(years: YearOf | None, start: int, left: int) -> int:
    """Return the earliest instant at which `left` has been counted since `start`."""
    if years is None:
        return start + left
    year = _year(start)
    table = years(year)
    target = _since_new_year(table, start) + left
    for _ in range(2 * LONGEST_YEARS):
        if target <= table.before[-1]:
            return _day_of(table, target)
        target -= table.before[-1]
        year += 1
        table = years(year)
    raise ValueError(f"the limit takes longer than {2 * LONGEST_YEARS} years")


def _day_of(table: YearTable, target: int) -> int:
    n = bisect_left(table.before, target) - 1
    rest = target - table.before[n]
    midnight = (table.first + n - 1) * DAY_US
    for opens, closes in table.windows[n]:
        length = (closes - opens) * MINUTE_US
        if rest <= length:
            return midnight + opens * MINUTE_US + rest
        rest -= length
    raise AssertionError("the table of the year does not add up")


def _guessed(years: YearOf | None, calendar: WorkingCalendar, start: int, end: int) -> bool:
    """Tell whether the days from `start` up to `end` include some of an unpublished year."""
    if years is None:
        return False
    known = calendar.published
    return any(year not in known for year in range(_year(start), _year(end - 1) + 1))


def _year(here: int) -> int:
    return date.fromordinal(here // DAY_US + 1).year


def _local(moment: datetime) -> int:
    """Return microseconds of local time since the first midnight of year 1."""
    _require_aware(moment)
    return (moment - _ZERO) // _MICROSECOND


def _instant(here: int) -> datetime:
    try:
        return (_ZERO + here * _MICROSECOND).astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("the limit ends after the last year of the calendar") from exc


def _require_aware(moment: datetime) -> None:
    if moment.utcoffset() is None:
        raise ValueError("an instant must carry its zone")
