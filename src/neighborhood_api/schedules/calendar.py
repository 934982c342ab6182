"""Which days are worked, and when offices are open: what deadlines are counted on.

Pure and immutable. Days are those of China's one civil time, which has had no summer time
since 1991. Tables of a whole year are made on first use and kept, because every report counts
several deadlines.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import NamedTuple

WEEKDAYS = 5
"""Monday to Friday are worked unless a notice says otherwise."""
WEEK = 7
DAY_MINUTES = 24 * 60
MINUTE_US = 60 * 1_000_000
DAY_US = DAY_MINUTES * MINUTE_US


class Window(NamedTuple):
    """A stretch of a local day, in minutes after midnight; half-open."""

    opens: int
    closes: int


Windows = tuple[Window, ...]
ALL_DAY: Windows = (Window(0, DAY_MINUTES),)


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When offices are open on each day of the week, if the day is worked at all.

    Hours of Saturday and Sunday are those of a make-up workday there; where none are given,
    a make-up workday has the hours of the first weekday that has any.

    Raises: ValueError, when windows overlap or run backwards, or no weekday has any.
    """

    week: tuple[Windows, ...]
    """Seven, Monday first."""

    def __post_init__(self) -> None:
        """Refuse hours that cannot be counted."""
        if len(self.week) != WEEK:
            raise ValueError("office hours need seven days, Monday first")
        for windows in self.week:
            edges = [minute for window in windows for minute in window]
            if any(later <= earlier for earlier, later in pairwise(edges)):
                raise ValueError("office hours of a day must be in order and apart")
            if edges and not (edges[0] >= 0 and edges[-1] <= DAY_MINUTES):
                raise ValueError("office hours must lie within the day")
        if not any(self.week[:WEEKDAYS]):
            raise ValueError("office hours without any working time on Monday to Friday")

    @classmethod
    def daily(cls, *windows: tuple[int, int]) -> "OfficeHours":
        """Return the same hours for every worked day."""
        return cls((tuple(Window(*window) for window in windows),) * WEEK)

    def on(self, weekday: int) -> Windows:
        """Return the hours of a worked day; `weekday` 0 is Monday."""
        own = self.week[weekday]
        if own or weekday < WEEKDAYS:
            return own
        return next(windows for windows in self.week if windows)


class YearTable(NamedTuple):
    """What counts on each day of a year, summed up so that a day is found by bisection."""

    first: int
    """Ordinal of 1 January."""
    windows: tuple[Windows, ...]
    before: tuple[int, ...]
    """Microseconds that count before each day of the year; the last is the whole year."""


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """What days are worked, at which hours, and which years are known for certain."""

    hours: OfficeHours
    special: Mapping[date, bool] = field(default_factory=dict, hash=False)
    """Days that differ from Monday-to-Friday: whether each is worked."""
    published: frozenset[int] = frozenset()
    """Years whose notice is loaded; any other year is guessed by weekday."""
    changes: tuple[tuple[date, OfficeHours], ...] = ()
    """Later office hours, each from its day on, in order."""
    holidays: Mapping[date, str] = field(default_factory=dict, hash=False)
    """The festival of each day off, weekends that belong to it included."""
    _office: dict[int, YearTable] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _days: dict[int, YearTable] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Keep copies of the special days and holidays that nobody can change.

        Raises: ValueError.
        """
        if any(later <= earlier for (earlier, _), (later, _) in pairwise(self.changes)):
            raise ValueError("changes of office hours must be in order, one a day")
        object.__setattr__(self, "special", MappingProxyType(dict(self.special)))
        object.__setattr__(self, "holidays", MappingProxyType(dict(self.holidays)))

    def is_workday(self, day: date) -> bool:
        """Tell whether `day` is worked."""
        return self.special.get(day, day.weekday() < WEEKDAYS)

    def holiday(self, day: date) -> str | None:
        """Return the festival for which `day` is a public holiday; a make-up day is none."""
        return self.holidays.get(day)

    def is_published(self, day: date) -> bool:
        """Tell whether the notice of the day's year is loaded."""
        return day.year in self.published

    def windows(self, day: date) -> Windows:
        """Return when offices are open on `day`; never on a day that is not worked."""
        if not self.is_workday(day):
            return ()
        n = bisect_right(self.changes, day, key=lambda change: change[0])
        hours = self.changes[n - 1][1] if n else self.hours
        return hours.on(day.weekday())

    def office_year(self, year: int) -> YearTable:
        """Return the office hours of every day of `year`."""
        table = self._office.get(year)
        if table is None:
            table = self._office[year] = _table(year, [self.windows(d) for d in _days(year)])
        return table

    def day_year(self, year: int) -> YearTable:
        """Return the worked days of `year`, each counted from midnight to midnight."""
        table = self._days.get(year)
        if table is None:
            worked = [ALL_DAY if self.is_workday(d) else () for d in _days(year)]
            table = self._days[year] = _table(year, worked)
        return table


def _days(year: int) -> list[date]:
    first = date(year, 1, 1)
    length = date(year, 12, 31).timetuple().tm_yday
    return [first + timedelta(days=n) for n in range(length)]


def _table(year: int, days: list[Windows]) -> YearTable:
    counted = (sum(w.closes - w.opens for w in windows) * MINUTE_US for windows in days)
    before = tuple(accumulate(counted, initial=0))
    return YearTable(date(year, 1, 1).toordinal(), tuple(days), before)
