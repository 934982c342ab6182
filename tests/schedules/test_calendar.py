"""Which days are worked and when; calendars that cannot be."""

from datetime import date, timedelta

import pytest

from neighborhood_api.schedules.calendar import OfficeHours, Window, WorkingCalendar
from tests.schedules.calendars import HOURS, REAL

MORNING, AFTERNOON = Window(510, 720), Window(870, 1050)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 2, 13), True),
        (date(2026, 2, 14), True),
        (date(2026, 2, 15), False),
        (date(2026, 2, 16), False),
        (date(2026, 2, 23), False),
        (date(2026, 2, 28), True),
        (date(2026, 3, 1), False),
        (date(2025, 10, 11), True),
        (date(2024, 2, 9), True),
        (date(2023, 4, 5), False),
        (date(2027, 1, 1), True),
    ],
)
def test_days_are_worked_as_the_notices_say_and_else_by_weekday(
    day: date, *, worked: bool
) -> None:
    assert REAL.is_workday(day) is worked
    assert REAL.windows(day) == ((MORNING, AFTERNOON) if worked else ())
    assert REAL.is_published(day) is (day.year <= 2026)


@pytest.mark.parametrize(
    ("year", "workdays"), [(2023, 249), (2024, 251), (2025, 248), (2026, 248)]
)
def test_a_year_has_as_many_workdays_as_the_notice_leaves(year: int, workdays: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365 + (year == 2024))]
    assert sum(map(REAL.is_workday, days)) == workdays
    assert REAL.day_year(year).before[-1] == workdays * 86_400 * 10**6
    assert REAL.office_year(year).before[-1] == workdays * 390 * 60 * 10**6


def test_office_hours_change_from_a_day_on() -> None:
    summer, winter = OfficeHours.daily((480, 720)), OfficeHours.daily((540, 780))
    calendar = WorkingCalendar(
        HOURS, changes=((date(2026, 6, 1), summer), (date(2026, 10, 1), winter))
    )
    assert calendar.windows(date(2026, 5, 29)) == (MORNING, AFTERNOON)
    assert calendar.windows(date(2026, 6, 1)) == (Window(480, 720),)
    assert calendar.windows(date(2026, 9, 30)) == (Window(480, 720),)
    assert calendar.windows(date(2026, 10, 1)) == (Window(540, 780),)


def test_a_make_up_workday_has_the_hours_of_its_own_weekday_or_of_the_first_worked() -> None:
    monday, saturday = (Window(480, 960),), (Window(540, 720),)
    plain = OfficeHours(((), monday, (), monday, monday, (), ()))
    own = OfficeHours((monday, monday, monday, monday, monday, saturday, ()))
    make_up = {date(2026, 2, 14): True, date(2026, 2, 15): True}
    assert WorkingCalendar(plain, make_up).windows(date(2026, 2, 14)) == monday
    assert WorkingCalendar(own, make_up).windows(date(2026, 2, 14)) == saturday
    assert WorkingCalendar(own, make_up).windows(date(2026, 2, 15)) == monday
    assert WorkingCalendar(own).windows(date(2026, 2, 14)) == ()
    assert WorkingCalendar(plain).windows(date(2026, 2, 11)) == ()


def test_a_calendar_keeps_its_days_when_the_list_it_was_made_from_changes() -> None:
    given = {date(2026, 2, 14): True}
    calendar = WorkingCalendar(HOURS, given)
    given[date(2026, 2, 14)] = False
    assert calendar.is_workday(date(2026, 2, 14))
    with pytest.raises(TypeError):
        calendar.special[date(2026, 2, 14)] = False  # type: ignore[index]
    assert calendar == WorkingCalendar(HOURS, {date(2026, 2, 14): True})


@pytest.mark.parametrize(
    "windows",
    [
        ((720, 510),),
        ((510, 510),),
        ((510, 720), (700, 900)),
        ((510, 720), (720, 900)),
        ((870, 1050), (510, 720)),
        ((-1, 720),),
        ((510, 1441),),
        (),
    ],
)
def test_hours_that_cannot_be_are_refused(windows: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="office hours"):
        OfficeHours.daily(*windows)


def test_a_week_needs_seven_days_and_work_on_one_of_five() -> None:
    day = (Window(510, 720),)
    with pytest.raises(ValueError, match="seven"):
        OfficeHours((day,) * 6)
    with pytest.raises(ValueError, match="Monday to Friday"):
        OfficeHours(((), (), (), (), (), day, day))


def test_changes_come_in_order() -> None:
    changes = ((date(2026, 6, 1), HOURS), (date(2026, 5, 1), HOURS))
    with pytest.raises(ValueError, match="in order"):
        WorkingCalendar(HOURS, changes=changes)
