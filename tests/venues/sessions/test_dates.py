"""The days of a series, against a definition that is obviously right."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from neighborhood_api.venues.sessions.series.dates import dates_of

DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
WEEKDAYS = st.sets(st.integers(1, 7), min_size=1)


@given(
    first=DAYS,
    length=st.integers(0, 365),
    weekdays=WEEKDAYS,
    off=st.sets(st.integers(0, 400), max_size=60),
    skip=st.booleans(),
)
def test_every_day_of_the_weekdays_is_in_it_or_left_out_as_a_holiday(
    first: date,
    length: int,
    weekdays: set[int],
    off: set[int],
    skip: bool,  # noqa: FBT001
) -> None:
    last = first + timedelta(days=length)
    holidays = {first + timedelta(days=n): f"节{n}" for n in off}
    dates = dates_of(weekdays, first, last, holidays.get, skip_holidays=skip)
    wanted = {
        day
        for n in range(-10, length + 10)
        if first <= (day := first + timedelta(days=n)) <= last and day.isoweekday() in weekdays
    }
    assert dates.on == sorted(dates.on)
    assert set(dates.on) | set(dates.left_out) == wanted
    assert set(dates.on) & set(dates.left_out) == set()
    assert dates.left_out == {
        day: name for day, name in holidays.items() if skip and day in wanted
    }


@given(first=DAYS, before=st.integers(0, 200), after=st.integers(0, 200), weekdays=WEEKDAYS)
def test_a_series_split_on_any_day_has_the_days_of_both_parts(
    first: date, before: int, after: int, weekdays: set[int]
) -> None:
    split = first + timedelta(days=before + 1)
    last = split + timedelta(days=after)

    def days(since: date, until: date) -> list[date]:
        return dates_of(weekdays, since, until, lambda _: None, skip_holidays=False).on

    parts = days(first, split - timedelta(days=1)) + days(split, last)
    assert parts == days(first, last)
