"""Days that need a second look: holidays, make-up workdays, the turn of the year, midnight."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from neighborhood_api.schedules.calendar import Window
from neighborhood_api.schedules.openings.plans import (
    Closing,
    Hours,
    Hurdle,
    Limits,
    OnHolidays,
    OtherHours,
    Plan,
    Sheet,
    hurdles,
    removed_spans,
    slots,
)
from neighborhood_api.schedules.openings.reasons import day_reason, reason
from neighborhood_api.schedules.openings.spans import Span
from tests.schedules.calendars import REAL
from tests.schedules.openings.counting import DAY_MINUTES, HOLIDAYS, MONDAY, at

LIMITS = Limits(
    slot_minutes=30,
    shortest_minutes=30,
    longest_minutes=120,
    notice_minutes=30,
    horizon_days=14,
)
LONG_AGO = at(MONDAY, 0) - timedelta(days=1)
NINE_TO_FIVE = tuple(Hours(weekday, 9 * 60, 17 * 60) for weekday in range(1, 7))
SUNDAYS = Hours(7, 10 * 60, 12 * 60)
VENUE, ROOM = UUID(int=1), UUID(int=2)


def week(**said: object) -> Sheet:
    """Nine to five, on Sundays ten to twelve."""
    return replace(Sheet(VENUE, (*NINE_TO_FIVE, SUNDAYS), on_holidays=OnHolidays.OPEN), **said)  # type: ignore[arg-type]


def plan(*rules: Hours, **said: object) -> Plan:
    return Plan(week(rules=rules, **said) if rules else week(**said), REAL)


def exception(day: date, *windows: tuple[int, int], made: int = 0, n: int = 9) -> OtherHours:
    return OtherHours(
        UUID(int=n), day, day, tuple(Window(*w) for w in windows), "设备检修", at(MONDAY, made)
    )


def closing(start: datetime, end: datetime) -> Closing:
    return Closing(UUID(int=8), start, end, "空调检修")


def clocks(found: Plan, day: date) -> list[tuple[int, int]]:
    return [(window.opens, window.closes) for window in found.day(day).windows]


@pytest.mark.parametrize(
    ("rule", "on_festival", "on_sunday_within", "on_make_up_saturday"),
    [
        (OnHolidays.OPEN, [(540, 1020)], [(600, 720)], [(540, 1020)]),
        (OnHolidays.CLOSED, [], [], [(540, 1020)]),
        (OnHolidays.AS_SUNDAY, [(600, 720)], [(600, 720)], [(540, 1020)]),
    ],
)
def test_a_public_holiday_follows_its_rule_and_a_make_up_saturday_stays_a_saturday(
    rule: OnHolidays,
    on_festival: list[tuple[int, int]],
    on_sunday_within: list[tuple[int, int]],
    on_make_up_saturday: list[tuple[int, int]],
) -> None:
    found = plan(on_holidays=rule)
    assert clocks(found, date(2026, 2, 17)) == on_festival
    assert clocks(found, date(2026, 2, 22)) == on_sunday_within
    assert clocks(found, date(2026, 2, 14)) == on_make_up_saturday
    assert clocks(found, date(2026, 2, 24)) == [(540, 1020)]


def test_the_saturday_in_the_middle_of_the_spring_festival_is_a_holiday_too() -> None:
    """Notices are kept as days that differ from Monday-to-Friday; this one does not."""
    found = plan(on_holidays=OnHolidays.CLOSED)
    day = found.day(date(2026, 2, 21))
    assert (day.windows, day_reason(day)) == (
        (),
        {
            "code": "public_holiday",
            "message": "春节放假，当天不开放",
            "opening_hours": [],
            "holiday": "春节",
        },
    )


@pytest.mark.parametrize(
    ("first", "last", "festival"),
    [
        ("2022-12-31", "2023-01-02", "元旦"),
        ("2023-01-21", "2023-01-27", "春节"),
        ("2023-04-05", "2023-04-05", "清明节"),
        ("2023-04-29", "2023-05-03", "劳动节"),
        ("2023-06-22", "2023-06-24", "端午节"),
        ("2024-02-10", "2024-02-17", "春节"),
        ("2024-04-04", "2024-04-06", "清明节"),
        ("2024-09-15", "2024-09-17", "中秋节"),
        ("2025-01-01", "2025-01-01", "元旦"),
        ("2025-01-28", "2025-02-04", "春节"),
        ("2025-05-31", "2025-06-02", "端午节"),
        ("2026-01-01", "2026-01-03", "元旦"),
        ("2026-02-15", "2026-02-23", "春节"),
        ("2026-04-04", "2026-04-06", "清明节"),
        ("2026-05-01", "2026-05-05", "劳动节"),
        ("2026-06-19", "2026-06-21", "端午节"),
        ("2026-09-25", "2026-09-27", "中秋节"),
        ("2026-10-01", "2026-10-07", "国庆节"),
    ],
)
def test_holidays_are_those_of_the_notices(first: str, last: str, festival: str) -> None:
    """Source: the notices of the General Office of the State Council for 2023 to 2026."""
    since, until = date.fromisoformat(first), date.fromisoformat(last)
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    assert {HOLIDAYS.get(day) for day in days} == {festival}
    assert since - timedelta(days=1) not in HOLIDAYS
    assert until + timedelta(days=1) not in HOLIDAYS


def test_two_festivals_in_a_row_keep_their_names() -> None:
    names = [HOLIDAYS[date(2023, 9, 28) + timedelta(days=n)] for n in range(1, 5)]
    assert names == ["中秋节", "中秋节", "国庆节", "国庆节"]


def test_a_year_whose_notice_is_not_out_is_said_to_be_a_guess() -> None:
    closed = plan(on_holidays=OnHolidays.CLOSED)
    last, first = closed.day(date(2026, 12, 31)), closed.day(date(2027, 1, 1))
    assert (last.provisional, first.provisional) == (False, True)
    assert clocks(closed, date(2027, 1, 1)) == [(540, 1020)]
    assert not plan().day(date(2027, 1, 1)).provisional
    said = plan(exceptions=(exception(date(2027, 1, 1)),), on_holidays=OnHolidays.CLOSED)
    assert not said.day(date(2027, 1, 1)).provisional


def test_an_exception_opens_on_a_holiday_and_the_last_word_counts() -> None:
    day = date(2026, 10, 1)
    opened, closed = exception(day, (600, 660), made=1), exception(day, made=2, n=10)
    said = plan(on_holidays=OnHolidays.CLOSED, exceptions=(opened,))
    assert clocks(said, day) == [(600, 660)]
    for both in ((opened, closed), (closed, opened)):
        assert clocks(plan(exceptions=both), day) == []


def test_an_exception_of_the_venue_bounds_a_rooms_hours_and_lifts_its_holiday_rule() -> None:
    day = date(2026, 10, 1)
    venue = week(on_holidays=OnHolidays.CLOSED, exceptions=(exception(day, (9 * 60, 12 * 60)),))
    evenings = tuple(Hours(n, 11 * 60, 20 * 60) for n in range(1, 8))
    room = Plan(Sheet(ROOM, evenings), REAL, venue)
    assert clocks(room, day) == [(11 * 60, 12 * 60)]
    assert clocks(room, date(2026, 10, 2)) == []
    assert clocks(room, date(2026, 9, 30)) == [(11 * 60, 20 * 60)]
    always = Plan(Sheet(ROOM, evenings, on_holidays=OnHolidays.OPEN), REAL, venue)
    assert clocks(always, date(2026, 10, 2)) == [(11 * 60, 20 * 60)]
    never = Plan(Sheet(ROOM, evenings, on_holidays=OnHolidays.CLOSED), REAL, venue)
    assert clocks(never, day) == []


def test_hours_that_touch_are_one_span_with_one_grid() -> None:
    split = plan(Hours(1, 570, 620), Hours(1, 540, 570), Hours(1, 600, 600), Hours(1, 800, 700))
    assert clocks(split, MONDAY) == [(540, 620)]
    starts = [slot.span.starts_at for slot in slots(split, LIMITS, MONDAY, now=LONG_AGO)]
    assert starts == [at(MONDAY, 540), at(MONDAY, 570)]


def test_a_room_without_hours_of_its_own_is_open_longer_when_its_venue_is() -> None:
    late = exception(MONDAY, (9 * 60, 22 * 60))
    room = Plan(Sheet(ROOM), REAL, week(exceptions=(late,)))
    assert clocks(room, MONDAY) == [(9 * 60, 22 * 60)]


def test_around_the_clock_is_open_over_midnight_but_asked_for_day_by_day() -> None:
    always = plan(*(Hours(n, 0, DAY_MINUTES) for n in range(1, 8)))
    tuesday = MONDAY + timedelta(days=1)
    assert always.open_spans(MONDAY, tuesday) == [Span(at(MONDAY, 0), at(tuesday, DAY_MINUTES))]
    late = Span(at(MONDAY, DAY_MINUTES - 30), at(tuesday, 0))
    assert hurdles(late, always, LIMITS, now=LONG_AGO) == []
    over = Span(at(MONDAY, DAY_MINUTES - 30), at(tuesday, 30))
    assert hurdles(over, always, LIMITS, now=LONG_AGO) == [Hurdle.OUTSIDE_OPENING_HOURS]
    told = reason(Hurdle.OUTSIDE_OPENING_HOURS, over, always, LIMITS)
    assert told["opening_hours"] == ["00:00–24:00"]


def test_a_closure_leaves_the_grid_as_it_was() -> None:
    shut = closing(at(MONDAY, 9 * 60 + 40), at(MONDAY, 10 * 60 + 10))
    morning = plan(Hours(1, 9 * 60, 11 * 60), closings=(shut,))
    shown = slots(morning, LIMITS, MONDAY, now=LONG_AGO)
    assert [slot.hurdle for slot in shown] == [None, Hurdle.CLOSURE, Hurdle.CLOSURE, None]
    assert shown[3].span == Span(at(MONDAY, 10 * 60 + 30), at(MONDAY, 11 * 60))
    assert [span.ends_at for span in morning.day(MONDAY).open] == [
        at(MONDAY, 9 * 60 + 40),
        at(MONDAY, 11 * 60),
    ]


def test_closures_that_are_empty_or_run_backwards_take_nothing() -> None:
    nothing = closing(at(MONDAY, 600), at(MONDAY, 600))
    backwards = closing(at(MONDAY, 615), at(MONDAY, 585))
    found = plan(closings=(nothing, backwards))
    wish = Span(at(MONDAY, 570), at(MONDAY, 630))
    assert hurdles(wish, found, LIMITS, now=LONG_AGO) == []
    assert found.day(MONDAY).open == [Span(at(MONDAY, 540), at(MONDAY, 1020))]


def test_a_refusal_says_until_when_it_is_out_of_use_and_why() -> None:
    shut = closing(at(MONDAY, 600), at(MONDAY + timedelta(days=1), 720))
    found = plan(closings=(shut,))
    wish = Span(at(MONDAY, 600), at(MONDAY, 630))
    assert hurdles(wish, found, LIMITS, now=LONG_AGO) == [Hurdle.CLOSURE]
    assert reason(Hurdle.CLOSURE, wish, found, LIMITS) == {
        "code": "closure",
        "message": "停用至11月24日12:00（空调检修），请另选时间",
        "reason": "空调检修",
        "starts_at": "2026-11-23T10:00:00+08:00",
        "until": "2026-11-24T12:00:00+08:00",
    }


def test_a_refusal_says_why_the_hours_of_a_day_are_others_or_none() -> None:
    wish = Span(at(MONDAY, 15 * 60), at(MONDAY, 15 * 60 + 30))
    shorter = plan(exceptions=(exception(MONDAY, (540, 660)),))
    (hurdle,) = hurdles(wish, shorter, LIMITS, now=LONG_AGO)
    assert reason(hurdle, wish, shorter, LIMITS) == {
        "code": "outside_opening_hours",
        "message": "请在开放时间内预约，当天为09:00–11:00（设备检修）",
        "opening_hours": ["09:00–11:00"],
        "reason": "设备检修",
        "first_on": "2026-11-23",
        "last_on": "2026-11-23",
    }
    closed = plan(exceptions=(exception(MONDAY),))
    (hurdle,) = hurdles(wish, closed, LIMITS, now=LONG_AGO)
    told = reason(hurdle, wish, closed, LIMITS)
    assert (hurdle, told["code"]) == (Hurdle.CLOSED_DAY, "closed_day")
    assert told["message"] == "当天不开放（设备检修），请换一天"
    festival = date(2026, 10, 1)
    off = Span(at(festival, 600), at(festival, 630))
    holidays = plan(on_holidays=OnHolidays.CLOSED)
    (hurdle,) = hurdles(off, holidays, LIMITS, now=at(festival, 0))
    assert reason(hurdle, off, holidays, LIMITS) == {
        "code": "public_holiday",
        "message": "国庆节放假，当天不开放，请换一天",
        "opening_hours": [],
        "holiday": "国庆节",
    }


def test_everything_that_stands_against_a_wish_is_named_at_once() -> None:
    next_monday = MONDAY + timedelta(days=7)
    shut = closing(at(next_monday, 600), at(next_monday, 601))
    found = hurdles(
        Span(at(next_monday, 545), at(next_monday, 900)),
        plan(closings=(shut,)),
        LIMITS._replace(horizon_days=0),
        now=LONG_AGO,
    )
    assert found == [Hurdle.TOO_FAR, Hurdle.OFF_THE_GRID, Hurdle.CLOSURE, Hurdle.TOO_LONG]


def test_a_wish_that_runs_backwards_needs_no_look_at_the_hours() -> None:
    wish = Span(at(MONDAY, 600), at(MONDAY, 600))
    assert hurdles(wish, plan(), LIMITS, now=LONG_AGO) == [Hurdle.RUNS_BACKWARDS]


def test_the_remainder_of_an_opening_that_is_shorter_than_a_slot_is_not_offered() -> None:
    shown = slots(plan(Hours(1, 540, 620)), LIMITS, MONDAY, now=LONG_AGO)
    assert [slot.span for slot in shown] == [
        Span(at(MONDAY, 540), at(MONDAY, 570)),
        Span(at(MONDAY, 570), at(MONDAY, 600)),
    ]


def test_a_day_is_the_districts_day_and_not_that_of_utc() -> None:
    early = plan(Hours(1, 0, 120))
    (span,) = early.day(MONDAY).open
    assert span.starts_at == datetime(2026, 11, 22, 16, tzinfo=UTC)  # still Sunday in London
    wish = Span(span.starts_at, span.starts_at + timedelta(minutes=30))
    assert hurdles(wish, early, LIMITS, now=LONG_AGO) == []


def test_a_slot_is_taken_when_anything_shares_a_moment_with_it() -> None:
    busy = [Span(at(MONDAY, 570), at(MONDAY, 600)), Span(at(MONDAY, 615), at(MONDAY, 616))]
    shown = slots(plan(Hours(1, 540, 660)), LIMITS, MONDAY, busy=busy, now=LONG_AGO)
    assert [slot.taken for slot in shown] == [False, True, True, False]


def test_the_horizon_counts_days_and_not_hours() -> None:
    always = plan(*(Hours(n, 0, DAY_MINUTES) for n in range(1, 8)))
    limit = LIMITS._replace(horizon_days=1)
    tomorrow_evening = at(MONDAY, 2 * DAY_MINUTES - 60)
    last = Span(tomorrow_evening, tomorrow_evening + timedelta(minutes=30))
    first_too_far = Span(at(MONDAY, 2 * DAY_MINUTES), at(MONDAY, 2 * DAY_MINUTES + 30))
    for now in (at(MONDAY, 1), at(MONDAY, DAY_MINUTES - 1)):
        assert hurdles(last, always, limit, now=now) == []
        assert hurdles(first_too_far, always, limit, now=now) == [Hurdle.TOO_FAR]


def test_a_plan_does_not_pretend_to_know_days_it_was_not_read_for() -> None:
    known = replace(plan(), first_day=MONDAY, last_day=MONDAY)
    assert known.day(MONDAY).open
    for day in (MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)):
        with pytest.raises(ValueError, match="the plan is known from"):
            known.day(day)


def test_what_a_venues_closure_takes_from_a_room_is_known_before_it_is_made() -> None:
    room = Plan(Sheet(ROOM), REAL, week())
    shut = closing(at(MONDAY, 16 * 60), at(MONDAY + timedelta(days=1), 10 * 60))
    above = room.sheet(VENUE)
    closed = room.saying(replace(above, closings=(shut,)))
    assert removed_spans(room, closed, MONDAY, MONDAY + timedelta(days=1)) == [
        Span(at(MONDAY, 16 * 60), at(MONDAY, 17 * 60)),
        Span(at(MONDAY + timedelta(days=1), 9 * 60), at(MONDAY + timedelta(days=1), 10 * 60)),
    ]
    assert room.saying(Sheet(UUID(int=77))) == room
    with pytest.raises(KeyError):
        room.sheet(UUID(int=77))
