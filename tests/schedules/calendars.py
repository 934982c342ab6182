"""Calendars to count on, and slow obvious ways to count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import strategies as st

from neighborhood_api.schedules.calendar import WEEK, OfficeHours, Window, WorkingCalendar
from neighborhood_api.schedules.clocks import Clock, Deadline, Pause
from neighborhood_api.schedules.holidays import holidays_of
from neighborhood_api.schedules.published import shipped_years

LOCAL = timezone(timedelta(hours=8))
SHIPPED = {one.day: one.is_workday for days in shipped_years().values() for one in days}
FESTIVALS = {one.day: one.name for days in shipped_years().values() for one in days}
YEARS = frozenset(shipped_years())
HOURS = OfficeHours.daily((8 * 60 + 30, 12 * 60), (14 * 60 + 30, 17 * 60 + 30))
REAL = WorkingCalendar(HOURS, SHIPPED, YEARS, holidays=holidays_of(SHIPPED, FESTIVALS))
"""What a fresh installation counts on."""
STEP = 5
"""Minutes; everything drawn for the slow reference is a multiple of it."""
EDGES = (
    date(2024, 2, 7),
    date(2025, 1, 24),
    date(2025, 9, 27),
    date(2025, 12, 30),
    date(2026, 2, 12),
    date(2026, 2, 14),
    date(2026, 4, 30),
    date(2026, 9, 18),
    date(2026, 12, 29),
)
"""Days just before something unusual: festivals, make-up weekends, an unpublished year."""


def at(day: date | str, wall: str = "00:00") -> datetime:
    """The instant of a local wall time."""
    return datetime.fromisoformat(f"{day}T{wall}").replace(tzinfo=LOCAL).astimezone(UTC)


@dataclass(frozen=True)
class Rules:
    """A calendar as plain facts, for those who count slowly."""

    special: Mapping[date, bool]
    published: frozenset[int]
    hours: OfficeHours
    later: tuple[tuple[date, OfficeHours], ...]

    def made(self) -> WorkingCalendar:
        return WorkingCalendar(self.hours, self.special, self.published, self.later)

    def worked(self, day: date) -> bool:
        return self.special[day] if day in self.special else day.weekday() not in {5, 6}

    def counts(self, clock: Clock, moment: datetime) -> bool:
        """Whether the clock runs in the step that begins at the local `moment`."""
        day = moment.date()
        if clock is Clock.CALENDAR:
            return True
        if clock is Clock.WORKING_DAYS or not self.worked(day):
            return self.worked(day)
        hours = self.hours
        for since, changed in self.later:
            if since <= day:
                hours = changed
        windows = hours.week[day.weekday()]
        if not windows and day.weekday() in {5, 6}:
            windows = [week for week in hours.week if week][0]  # noqa: RUF015
        minute = moment.hour * 60 + moment.minute
        return any(opens <= minute < closes for opens, closes in windows)


def slow_deadline(
    clock: Clock, minutes: float, started_at: datetime, rules: Rules, pauses: Sequence[Pause]
) -> Deadline:
    """Look at one step after the other."""
    here = started_at.astimezone(LOCAL)
    if clock is Clock.WORKING_DAYS:
        here = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), LOCAL)
    left, provisional = minutes, False
    while left > 0:
        paused = [p for p in pauses if p.start <= here and (p.end is None or here < p.end)]
        if any(pause.end is None for pause in paused):
            return Deadline(None, provisional)
        if not paused:
            if clock is not Clock.CALENDAR and here.year not in rules.published:
                provisional = True
            left -= STEP if rules.counts(clock, here) else 0
        here += timedelta(minutes=STEP)
    return Deadline(here.astimezone(UTC), provisional)


def slow_running(clock: Clock, start: datetime, end: datetime, rules: Rules) -> timedelta:
    """Count the steps in which the clock runs."""
    here, last = start.astimezone(LOCAL), end.astimezone(LOCAL)
    counted = timedelta()
    while here < last:
        own_day = clock is Clock.WORKING_DAYS and here.date() == start.astimezone(LOCAL).date()
        if rules.counts(clock, here) and not own_day:
            counted += timedelta(minutes=STEP)
        here += timedelta(minutes=STEP)
    return counted


def _windows(edges: set[int]) -> tuple[Window, ...]:
    ordered = [edge * STEP for edge in sorted(edges)]
    return tuple(Window(a, b) for a, b in zip(ordered[::2], ordered[1::2], strict=False))


day_windows = st.sets(st.integers(0, 24 * 60 // STEP), max_size=6).map(_windows)
weeks = (
    st.tuples(*[day_windows] * WEEK)
    .filter(lambda week: sum(b - a for day in week[:5] for a, b in day) >= 300)
    .map(OfficeHours)
)
hours = st.one_of(st.just(HOURS), weeks)
days = st.builds(
    lambda edge, n: edge + timedelta(days=n), st.sampled_from(EDGES), st.integers(-4, 14)
)


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """Real years, some of them unpublished, and a few days that a district has of its own."""
    published = draw(st.sets(st.sampled_from(sorted(YEARS | {2027})), min_size=1))
    special = {day: worked for day, worked in SHIPPED.items() if day.year in published}
    special |= draw(st.dictionaries(days, st.booleans(), max_size=4))
    later = draw(st.dictionaries(days, hours, max_size=2))
    return Rules(
        special, frozenset(published), draw(hours), tuple(sorted(later.items(), key=_first))
    )


def _first(pair: tuple[date, OfficeHours]) -> date:
    return pair[0]


@st.composite
def instants(draw: st.DrawFn, *, whole: bool = False) -> datetime:
    """A moment around something unusual; `whole` ones lie on the reference's steps."""
    day = at(draw(days))
    if whole:
        return day + STEP * timedelta(minutes=draw(st.integers(0, 24 * 60 // STEP)))
    return day + timedelta(microseconds=draw(st.integers(0, 24 * 3600 * 10**6)))


@st.composite
def pauses_around(draw: st.DrawFn, started_at: datetime) -> list[Pause]:
    """Some pauses: before the start, after it, nested, empty, and perhaps one still open."""
    found: list[Pause] = []
    for _ in range(draw(st.integers(0, 4))):
        start = started_at + STEP * timedelta(minutes=draw(st.integers(-400, 2000)))
        length = draw(st.one_of(st.none(), st.just(0), st.integers(0, 900)))
        end = None if length is None else start + STEP * timedelta(minutes=length)
        found.append(Pause(start, end))
    return found


@st.composite
def limits(draw: st.DrawFn) -> tuple[Clock, int]:
    """A clock and how much of it; short enough to be walked."""
    clock = draw(st.sampled_from(Clock))
    if clock is Clock.WORKING_DAYS:
        return clock, draw(st.integers(1, 9))
    longest = 2 * 24 * 60 if clock is Clock.WORKING_HOURS else 9 * 24 * 60
    return clock, STEP * draw(st.integers(1, longest // STEP))
