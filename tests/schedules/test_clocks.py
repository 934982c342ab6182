"""Deadlines of the real calendar, counted by hand; and what cannot be counted."""

from datetime import UTC, date, datetime, timedelta

import pytest

from neighborhood_api.schedules.calendar import WorkingCalendar
from neighborhood_api.schedules.clocks import Clock, Pause, deadline, part, running
from tests.schedules.calendars import HOURS, REAL, SHIPPED, YEARS, at

ALL = WorkingCalendar(HOURS, SHIPPED | {at("2027-01-01").date(): False}, YEARS | {2027})


@pytest.mark.parametrize(
    ("clock", "amount", "start", "due"),
    [
        # Spring Festival 2026: 14 and 28 February are worked, 15 to 23 are free.
        ("working_days", 1, at("2026-02-13", "10:00"), at("2026-02-15")),
        ("working_days", 5, at("2026-02-13", "10:00"), at("2026-02-28")),
        ("working_days", 6, at("2026-02-13", "10:00"), at("2026-03-01")),
        ("working_days", 1, at("2026-02-18", "09:00"), at("2026-02-25")),
        ("working_hours", 240, at("2026-02-14", "16:00"), at("2026-02-24", "11:00")),
        ("working_hours", 90, at("2026-02-14", "16:00"), at("2026-02-14", "17:30")),
        ("working_hours", 91, at("2026-02-14", "16:00"), at("2026-02-24", "08:31")),
        ("calendar", 240, at("2026-02-14", "22:00"), at("2026-02-15", "02:00")),
        # National Day 2026: Sunday 20 September and Saturday 10 October are worked.
        ("working_days", 2, at("2026-09-18", "17:00"), at("2026-09-22")),
        ("working_days", 3, at("2026-09-29", "08:00"), at("2026-10-10")),
        ("working_days", 4, at("2026-09-29", "08:00"), at("2026-10-11")),
        ("working_hours", 391, at("2026-09-30", "08:30"), at("2026-10-08", "08:31")),
        # New Year 2026: Friday 2 January is free, Sunday 4 January is worked.
        ("working_days", 1, at("2025-12-31", "23:59"), at("2026-01-05")),
        ("working_hours", 30, at("2025-12-31", "17:15"), at("2026-01-04", "08:45")),
        # Lunch, before opening, after closing, at the very minute of opening.
        ("working_hours", 60, at("2026-03-10", "11:30"), at("2026-03-10", "15:00")),
        ("working_hours", 60, at("2026-03-10", "03:00"), at("2026-03-10", "09:30")),
        ("working_hours", 60, at("2026-03-10", "17:30"), at("2026-03-11", "09:30")),
        ("working_hours", 1, at("2026-03-10", "14:30"), at("2026-03-10", "14:31")),
    ],
)
def test_a_deadline_of_the_real_calendar(
    clock: str, amount: int, start: datetime, due: datetime
) -> None:
    found = deadline(Clock(clock), amount, start, REAL)
    assert found.at == due
    assert found.at.tzinfo is UTC
    assert not found.provisional


def test_a_year_that_is_not_published_is_guessed_and_said_so() -> None:
    start = at("2026-12-30", "10:00")
    assert deadline(Clock.WORKING_DAYS, 1, start, REAL) == (at("2027-01-01"), False)
    assert deadline(Clock.WORKING_DAYS, 2, start, REAL) == (at("2027-01-02"), True)
    assert deadline(Clock.WORKING_DAYS, 2, start, ALL) == (at("2027-01-05"), False)
    assert deadline(Clock.CALENDAR, 9 * 1440, start, REAL).provisional is False
    hours = deadline(Clock.WORKING_HOURS, 2 * 390, at("2026-12-31", "08:30"), REAL)
    assert hours == (at("2027-01-01", "17:30"), True)


def test_a_pause_in_the_unpublished_year_leaves_nothing_to_guess() -> None:
    away = Pause(at("2026-12-31"), at("2026-12-31", "12:00"))
    found = deadline(Clock.WORKING_DAYS, 1, at("2026-12-30", "10:00"), REAL, [away])
    assert found == (at("2027-01-01", "12:00"), True)
    held = Pause(at("2026-12-31"))
    paused = deadline(Clock.WORKING_DAYS, 1, at("2026-12-30", "10:00"), REAL, [held])
    assert paused == (None, False)


def test_paused_time_does_not_count() -> None:
    start = at("2026-03-10", "09:00")
    asked = Pause(at("2026-03-10", "10:00"), at("2026-03-11", "15:00"))
    found = deadline(Clock.WORKING_HOURS, 120, start, REAL, [asked])
    assert found.at == at("2026-03-11", "16:00")
    one_day = deadline(Clock.WORKING_DAYS, 3, start, REAL, [asked])
    assert one_day.at == at("2026-03-14") + timedelta(days=2, hours=15)


def test_a_pause_while_nobody_works_costs_nothing() -> None:
    start = at("2026-02-14", "16:00")
    festival = Pause(at("2026-02-14", "17:30"), at("2026-02-24", "08:30"))
    for amount in (30, 90, 240):
        paused = deadline(Clock.WORKING_HOURS, amount, start, REAL, [festival])
        assert paused == deadline(Clock.WORKING_HOURS, amount, start, REAL)


def test_an_open_pause_holds_only_what_is_not_due_yet() -> None:
    start = at("2026-03-10", "09:00")
    open_pause = Pause(at("2026-03-10", "10:00"))
    due = deadline(Clock.WORKING_HOURS, 60, start, REAL, [open_pause])
    assert due.at == at("2026-03-10", "10:00")
    assert deadline(Clock.WORKING_HOURS, 61, start, REAL, [open_pause]).at is None
    half = part(Clock.WORKING_HOURS, 120, start, REAL, 0.5, [open_pause])
    assert half.at == at("2026-03-10", "10:00")


def test_a_warning_comes_when_its_share_is_used_up() -> None:
    start = at("2026-03-10", "09:00")
    assert part(Clock.CALENDAR, 100, start, REAL, 0.8).at == at("2026-03-10", "10:20")
    assert part(Clock.WORKING_HOURS, 240, start, REAL, 0.8).at == at("2026-03-10", "14:42")
    assert part(Clock.WORKING_DAYS, 5, start, REAL, 0.8).at == at("2026-03-17")
    assert part(Clock.WORKING_HOURS, 240, start, REAL, 1.5).at == at("2026-03-10", "17:30")


def test_seconds_count_too() -> None:
    start = at("2026-03-10", "11:59") + timedelta(seconds=30, microseconds=7)
    due = deadline(Clock.WORKING_HOURS, 1, start, REAL).at
    assert due == at("2026-03-10", "14:30") + timedelta(seconds=30, microseconds=7)


def test_the_day_of_the_start_counts_nothing_in_working_days() -> None:
    start = at("2026-03-10", "09:00")
    assert running(Clock.WORKING_DAYS, start, at("2026-03-11"), REAL) == timedelta(0)
    assert running(Clock.WORKING_DAYS, start, at("2026-03-16"), REAL) == timedelta(days=3)
    assert running(Clock.WORKING_HOURS, start, at("2026-03-16"), REAL) == timedelta(
        hours=6 + 3 * 6.5
    )


@pytest.mark.parametrize("clock", Clock)
def test_nothing_runs_backwards(clock: Clock) -> None:
    start = at("2026-03-10", "09:00")
    assert running(clock, start, start - timedelta(days=9), REAL) == timedelta(0)


@pytest.mark.parametrize("clock", Clock)
@pytest.mark.parametrize("amount", [0, -1, 20 * 366 * 1440])
def test_an_amount_that_cannot_be_counted_is_refused(clock: Clock, amount: int) -> None:
    with pytest.raises(ValueError, match="a limit"):
        deadline(clock, amount, at("2026-03-10"), REAL)
    with pytest.raises(ValueError, match="a limit"):
        part(clock, amount, at("2026-03-10"), REAL, 0.8)


@pytest.mark.parametrize("share", [0, -0.5, float("nan")])
def test_a_share_must_be_positive(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        part(Clock.CALENDAR, 60, at("2026-03-10"), REAL, share)


@pytest.mark.parametrize("clock", Clock)
def test_instants_without_a_zone_are_refused(clock: Clock) -> None:
    naive = datetime(2026, 3, 10, 9)  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        deadline(clock, 1, naive, REAL)
    with pytest.raises(ValueError, match="zone"):
        running(clock, at("2026-03-10"), naive, REAL)
    with pytest.raises(ValueError, match="zone"):
        Pause(naive)
    with pytest.raises(ValueError, match="zone"):
        Pause(at("2026-03-10"), naive)


def test_a_pause_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="end before"):
        Pause(at("2026-03-10"), at("2026-03-09"))


@pytest.mark.parametrize("clock", Clock)
def test_a_search_ends(clock: Clock) -> None:
    """A calendar in which nobody works for decades must not hang the caller."""
    free = {day: False for n in range(40 * 366) if (day := _day(n)).year < 2060}
    idle = WorkingCalendar(HOURS, free, frozenset())
    if clock is Clock.CALENDAR:
        assert deadline(clock, 1, at("2026-03-10"), idle).at is not None
        return
    with pytest.raises(ValueError, match="longer than"):
        deadline(clock, 1, at("2026-03-10"), idle)


def test_the_end_of_all_years_is_refused() -> None:
    last = datetime(9999, 12, 30, tzinfo=UTC)
    for clock, amount in ((Clock.CALENDAR, 9000), (Clock.WORKING_HOURS, 9000)):
        with pytest.raises(ValueError, match="year"):
            deadline(clock, amount, last, REAL)


def _day(n: int) -> date:
    return (at("2025-01-01") + timedelta(days=n, hours=8)).date()
