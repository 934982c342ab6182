"""Plans as plain facts, and a slow obvious way to tell whether a minute is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from hypothesis import strategies as st

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.calendar import Window
from neighborhood_api.schedules.openings.plans import (
    Closing,
    Hours,
    Limits,
    OnHolidays,
    OtherHours,
    Plan,
    Sheet,
)
from neighborhood_api.schedules.openings.spans import Span
from tests.schedules.calendars import REAL

DAY_MINUTES = 24 * 60
HOLIDAYS = REAL.holidays
"""What a fresh installation knows of public holidays."""
MONDAY = date(2026, 11, 23)
EDGES = (
    MONDAY,
    date(2026, 11, 28),
    date(2025, 12, 30),  # New Year, and the make-up Sunday after it
    date(2026, 2, 13),  # the make-up Saturday before the Spring Festival
    date(2026, 2, 20),  # the weekend inside it, and its end
    date(2026, 10, 8),  # the end of the National Day holidays, and a make-up Saturday
    date(2026, 12, 29),  # into a year of which nothing is known yet
)


@dataclass(frozen=True)
class Facts:
    """Everything that makes one thing open or not."""

    own: Sheet
    parent: Sheet | None

    def plan(self) -> Plan:
        return Plan(self.own, REAL, self.parent)


def at(day: date, minutes: int) -> datetime:
    """The moment `minutes` after the civil day began."""
    midnight = datetime.combine(day, time(), SHOWN_ZONE).astimezone(UTC)
    return midnight + timedelta(minutes=minutes)


def last_made(sheet: Sheet | None, day: date) -> OtherHours | None:
    """The exception of a day that was made last."""
    counting = None
    for one in () if sheet is None else sheet.exceptions:
        if day < one.first_on or day > one.last_on:
            continue
        if counting is None or (one.made_at, one.id) > (counting.made_at, counting.id):
            counting = one
    return counting


def is_within(minute: int, exception: OtherHours) -> bool:
    return any(opens <= minute < closes for opens, closes in exception.windows)


def is_ruled(minute: int, sheet: Sheet, day: date, weekday: int) -> bool:
    for rule in sheet.rules:
        if rule.weekday != weekday:
            continue
        if rule.valid_from is not None and day < rule.valid_from:
            continue
        if rule.valid_until is not None and day >= rule.valid_until:
            continue
        if rule.opens <= minute < rule.closes:
            return True
    return False


def has_hours(facts: Facts, day: date, minute: int) -> bool:
    """Whether a minute lies in the hours of its day, closures left aside."""
    own, parent = facts.own, facts.parent
    around = last_made(parent, day)
    if around is not None and not is_within(minute, around):
        return False
    exception = last_made(own, day)
    if exception is not None:
        return is_within(minute, exception)
    rule = own.on_holidays
    if rule is None and parent is not None and around is None:
        rule = parent.on_holidays
    weekday = day.isoweekday()
    if day in HOLIDAYS and rule is OnHolidays.CLOSED:
        return False
    if day in HOLIDAYS and rule is OnHolidays.AS_SUNDAY:
        weekday = 7
    if own.rules or parent is None:
        return is_ruled(minute, own, day, weekday)
    return True if around is not None else is_ruled(minute, parent, day, weekday)


def is_closed(facts: Facts, moment: datetime) -> bool:
    sheets = [facts.own] if facts.parent is None else [facts.own, facts.parent]
    return any(
        closing.starts_at <= moment < closing.ends_at
        for sheet in sheets
        for closing in sheet.closings
    )


def hours_of(facts: Facts, day: date) -> list[bool]:
    """For each minute of a day whether it lies in its hours."""
    return [has_hours(facts, day, minute) for minute in range(DAY_MINUTES)]


def open_of(facts: Facts, day: date) -> list[bool]:
    """For each minute of a day whether it is open."""
    return [
        has_hours(facts, day, minute) and not is_closed(facts, at(day, minute))
        for minute in range(DAY_MINUTES)
    ]


def covered(spans: Sequence[Span], day: date) -> list[bool]:
    """For each minute of a day whether some span covers it."""
    moments = [at(day, minute) for minute in range(DAY_MINUTES)]
    return [any(s.starts_at <= moment < s.ends_at for s in spans) for moment in moments]


edges = st.builds(
    lambda edge, n: edge + timedelta(days=n), st.sampled_from(EDGES), st.integers(0, 6)
)
weekdays_off = [day for day in HOLIDAYS if day.year == MONDAY.year and day.isoweekday() < 6]
days = st.one_of(edges, st.sampled_from(sorted(weekdays_off)))
minutes = st.one_of(
    st.integers(0, DAY_MINUTES // 15).map(lambda n: n * 15), st.integers(0, DAY_MINUTES)
)
ids = st.uuids()


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Hours of a day; now and then empty or running backwards."""
    first, second = draw(minutes), draw(minutes)
    if draw(st.integers(0, 9)):
        first, second = min(first, second), max(first, second)
    return Window(first, second)


@st.composite
def hours(draw: st.DrawFn, day: date) -> Hours:
    """A rule that often says something about `day`, or about Sundays."""
    between = st.sampled_from([None, None, None, day, day + timedelta(days=1)])
    weekday = draw(st.sampled_from([day.isoweekday(), day.isoweekday(), 7, 7, 3]))
    return Hours(weekday, *draw(windows()), draw(between), draw(between))


@st.composite
def exceptions(draw: st.DrawFn, day: date) -> OtherHours:
    first = day + timedelta(days=draw(st.sampled_from([0, 0, -1, 1])))
    return OtherHours(
        id=draw(ids),
        first_on=first,
        last_on=first + timedelta(days=draw(st.sampled_from([0, 1, 3, -1]))),
        windows=tuple(draw(st.lists(windows(), max_size=2))),
        reason="检修",
        made_at=at(MONDAY, draw(st.integers(0, 2))),
    )


@st.composite
def closings(draw: st.DrawFn, day: date) -> Closing:
    """A closure around `day`: for minutes, over midnight, for days, empty or backwards."""
    starts_at = at(day, draw(st.one_of(minutes, st.integers(-700, 2000))))
    length = draw(st.sampled_from([10, 45, 60, 90, 600, 3000, 0, -30]))
    return Closing(draw(ids), starts_at, starts_at + timedelta(minutes=length), "停电")


@st.composite
def sheets(draw: st.DrawFn, day: date, *, root: bool, one_id: UUID | None = None) -> Sheet:
    rules = st.sampled_from([*OnHolidays] if root else [None, *OnHolidays])
    return Sheet(
        id=one_id or draw(ids),
        rules=tuple(draw(st.lists(hours(day), max_size=4))),
        exceptions=tuple(draw(st.one_of(st.just([]), st.lists(exceptions(day), max_size=2)))),
        closings=tuple(draw(st.lists(closings(day), max_size=2))),
        on_holidays=draw(rules),
    )


@st.composite
def facts_about(draw: st.DrawFn, day: date) -> Facts:
    if draw(st.booleans()):
        return Facts(draw(sheets(day, root=True)), None)
    return Facts(draw(sheets(day, root=False)), draw(sheets(day, root=True)))


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    slot = draw(st.sampled_from([5, 15, 30, 45, 60, 90]))
    shortest = draw(st.sampled_from([5, 5, 30, 60]))
    return Limits(
        slot_minutes=slot,
        shortest_minutes=shortest,
        longest_minutes=shortest + draw(st.sampled_from([0, 30, 120, 600])),
        notice_minutes=draw(st.sampled_from([0, 30, DAY_MINUTES])),
        horizon_days=draw(st.integers(0, 12)),
    )
