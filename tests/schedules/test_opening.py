"""What is shown and what is accepted agree, and both are what a minute-by-minute look says."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.opening import (
    Hours,
    Hurdle,
    Limits,
    Span,
    hurdles,
    open_spans,
    slots,
)

MONDAY = date(2026, 11, 23)
DAY_MINUTES = 24 * 60
LIMITS = Limits(
    slot_minutes=30,
    shortest_minutes=30,
    longest_minutes=120,
    notice_minutes=30,
    horizon_days=14,
)


def at(day: date, minutes: int) -> datetime:
    """The moment `minutes` after the civil day began."""
    midnight = datetime.combine(day, time(), SHOWN_ZONE).astimezone(UTC)
    return midnight + timedelta(minutes=minutes)


def clock(minutes: int) -> time:
    return time(*divmod(minutes, 60))


CLOCK = [clock(n) for n in range(DAY_MINUTES)]
LONG_AGO = at(MONDAY, 0) - timedelta(days=1)
DAYS = st.integers(0, 9).map(lambda n: MONDAY + timedelta(days=n))
QUARTERS = st.integers(0, DAY_MINUTES // 15 - 1).map(lambda n: n * 15)


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    minutes = st.one_of(QUARTERS, st.integers(0, DAY_MINUTES - 1))
    pair = draw(st.lists(minutes, min_size=2, max_size=2, unique=True).map(sorted))
    dates = draw(st.lists(DAYS, min_size=2, max_size=2, unique=True).map(sorted))
    return Hours(
        weekday=draw(st.integers(1, 7)),
        opens_at=clock(pair[0]),
        closes_at=clock(pair[1]),
        valid_from=draw(st.sampled_from([None, None, None, dates[0]])),
        valid_until=draw(st.sampled_from([None, None, None, dates[1]])),
    )


# Few weekdays in play, so that several rules meet on one day.
BUSY_DAY = st.lists(hours().map(lambda h: h._replace(weekday=1 + h.weekday % 2)), max_size=5)


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    slot = draw(st.sampled_from([5, 15, 30, 45, 60, 90]))
    shortest = draw(st.sampled_from([5, 5, 30, 60]))
    return Limits(
        slot_minutes=slot,
        shortest_minutes=shortest,
        longest_minutes=shortest + draw(st.sampled_from([0, 30, 120, 600])),
        notice_minutes=draw(st.sampled_from([0, 30, 24 * 60])),
        horizon_days=draw(st.integers(0, 12)),
    )


def open_minutes(rules: list[Hours], day: date) -> list[bool]:
    """Look at every minute of the day, one by one."""
    opened = []
    weekday = day.isoweekday()
    for minute in CLOCK:
        is_open = False
        for rule in rules:
            if rule.weekday != weekday:
                continue
            if rule.valid_from is not None and day < rule.valid_from:
                continue
            if rule.valid_until is not None and day >= rule.valid_until:
                continue
            if rule.opens_at <= minute < rule.closes_at:
                is_open = True
        opened.append(is_open)
    return opened


def acceptable(
    start: int, end: int, day: date, rules: list[Hours], limit: Limits, now: datetime
) -> bool:
    """Decide by counting minutes; `start` and `end` are minutes of `day`."""
    opened = open_minutes(rules, day)
    if not (0 <= start < end <= DAY_MINUTES and all(opened[start:end])):
        return False
    opening = start
    while opening > 0 and opened[opening - 1]:
        opening -= 1
    begins = at(day, start)
    day = begins.astimezone(SHOWN_ZONE).date()
    days_ahead = (day - now.astimezone(SHOWN_ZONE).date()).days
    return (
        (start - opening) % limit.slot_minutes == 0
        and (end - start) % limit.slot_minutes == 0
        and limit.shortest_minutes <= end - start <= limit.longest_minutes
        and begins >= now
        and begins - now >= timedelta(minutes=limit.notice_minutes)
        and days_ahead <= limit.horizon_days
    )


@given(rules=BUSY_DAY, day=DAYS)
@settings(max_examples=25, deadline=None)
def test_it_is_open_in_exactly_the_minutes_that_some_rule_covers(
    rules: list[Hours], day: date
) -> None:
    spans = open_spans(rules, day)
    opened = open_minutes(rules, day)
    for n in range(DAY_MINUTES):
        moment = at(day, n)
        assert opened[n] == any(span.starts_at <= moment < span.ends_at for span in spans)
    # In order, and never touching: what touches is one span.
    for earlier, later in pairwise(spans):
        assert earlier.ends_at < later.starts_at


class Scene(NamedTuple):
    """A wish in minutes of a day, against rules and limits, at a moment."""

    rules: list[Hours]
    limit: Limits
    day: date
    start: int
    end: int
    now: datetime


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Wishes that often fit, and often miss by little."""
    day, limit = draw(DAYS), draw(limits())
    rules = [
        rule._replace(weekday=day.isoweekday())
        for rule in draw(st.lists(hours(), min_size=1, max_size=3))
    ]
    opens = min(rule.opens_at for rule in rules)
    slot = limit.slot_minutes
    start = opens.hour * 60 + opens.minute + draw(st.integers(0, 3)) * slot
    length = draw(st.integers(0, 3)) * slot
    ahead = draw(st.sampled_from([limit.notice_minutes, 60, 5000])) - start
    off = st.sampled_from([0] * 16 + [-1, 1, 15, -700])
    return Scene(
        rules=rules,
        limit=limit,
        day=day,
        start=start + draw(off),
        end=start + length + draw(off),
        now=at(day, -ahead + draw(off)),
    )


@given(scene=scenes())
@settings(max_examples=100, deadline=None)
def test_a_wish_is_granted_exactly_when_counting_minutes_says_so(scene: Scene) -> None:
    rules, limit, day, start, end, now = scene
    granted = not hurdles(Span(at(day, start), at(day, end)), rules, limit, now=now)
    event(f"granted: {granted}")
    assert granted == acceptable(start, end, day, rules, limit, now)


@given(
    rules=st.lists(hours().map(lambda h: h._replace(weekday=1)), min_size=1, max_size=4),
    limit=limits(),
    day=st.sampled_from([MONDAY, MONDAY + timedelta(days=7)]),
    now=st.integers(-2 * DAY_MINUTES, 8 * DAY_MINUTES).map(lambda n: at(MONDAY, n)),
    data=st.data(),
)
@settings(max_examples=50, deadline=None)
def test_neighbouring_slots_shown_without_hurdle_are_granted_and_others_are_not(
    rules: list[Hours], limit: Limits, day: date, now: datetime, data: st.DataObject
) -> None:
    shown = slots(rules, limit, day, now=now)
    if not shown:
        assert not [
            span
            for span in open_spans(rules, day)
            if span.ends_at - span.starts_at >= timedelta(minutes=limit.slot_minutes)
        ]
        return
    first = data.draw(st.integers(0, len(shown) - 1))
    last = data.draw(st.integers(first, min(len(shown) - 1, first + 8)))
    chosen = shown[first : last + 1]
    wish = Span(chosen[0].span.starts_at, chosen[-1].span.ends_at)
    length = (wish.ends_at - wish.starts_at) // timedelta(minutes=1)
    connected = all(a.span.ends_at == b.span.starts_at for a, b in pairwise(chosen))
    can_be_had = (
        connected
        and all(slot.hurdle is None for slot in chosen)
        and limit.shortest_minutes <= length <= limit.longest_minutes
    )
    event(f"can be had: {can_be_had}")
    assert can_be_had == (not hurdles(wish, rules, limit, now=now))


def test_the_remainder_of_an_opening_that_is_shorter_than_a_slot_is_not_offered() -> None:
    rules = [Hours(1, time(9), time(10, 20))]
    shown = slots(rules, LIMITS, MONDAY, now=LONG_AGO)
    assert [slot.span for slot in shown] == [
        Span(at(MONDAY, 540), at(MONDAY, 570)),
        Span(at(MONDAY, 570), at(MONDAY, 600)),
    ]


def test_a_day_is_the_districts_day_and_not_that_of_utc() -> None:
    early = [Hours(1, time(0, 0), time(2, 0))]
    (span,) = open_spans(early, MONDAY)
    assert span.starts_at == datetime(2026, 11, 22, 16, tzinfo=UTC)  # still Sunday in London
    wish = Span(span.starts_at, span.starts_at + timedelta(minutes=30))
    assert hurdles(wish, early, LIMITS, now=LONG_AGO) == []


def test_a_slot_is_taken_when_anything_shares_a_moment_with_it() -> None:
    rules = [Hours(1, time(9), time(11))]
    busy = [Span(at(MONDAY, 570), at(MONDAY, 600)), Span(at(MONDAY, 615), at(MONDAY, 616))]
    shown = slots(rules, LIMITS, MONDAY, busy=busy, now=LONG_AGO)
    assert [slot.taken for slot in shown] == [False, True, True, False]


def test_everything_that_stands_against_a_wish_is_named_at_once() -> None:
    rules = [Hours(1, time(9), time(17))]
    limit = LIMITS._replace(horizon_days=0)
    next_monday = MONDAY + timedelta(days=7)
    found = hurdles(
        Span(at(next_monday, 545), at(next_monday, 900)), rules, limit, now=LONG_AGO
    )
    assert found == [Hurdle.TOO_FAR, Hurdle.OFF_THE_GRID, Hurdle.TOO_LONG]


def test_the_horizon_counts_days_and_not_hours() -> None:
    rules = [Hours(weekday, time(0), time(23, 59)) for weekday in range(1, 8)]
    limit = LIMITS._replace(horizon_days=1)
    just_before_midnight = at(MONDAY, DAY_MINUTES - 1)
    tomorrow_evening = at(MONDAY, 2 * DAY_MINUTES - 60)
    last = Span(tomorrow_evening, tomorrow_evening + timedelta(minutes=30))
    first_too_far = Span(at(MONDAY, 2 * DAY_MINUTES), at(MONDAY, 2 * DAY_MINUTES + 30))
    early_on_monday = at(MONDAY, 1)
    for now in (early_on_monday, just_before_midnight):
        assert hurdles(last, rules, limit, now=now) == []
        assert hurdles(first_too_far, rules, limit, now=now) == [Hurdle.TOO_FAR]
