"""On which days the sessions of a series are; pure."""

from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import NamedTuple

Holiday = Callable[[date], str | None]
"""Names the public holiday of a day, if it is one."""


class Dates(NamedTuple):
    """The days of a series, and those left out."""

    on: list[date]
    """In order."""
    left_out: dict[date, str]
    """Public holidays among them, with their names."""


def dates_of(
    weekdays: Collection[int],
    first_on: date,
    last_on: date,
    holiday: Holiday,
    *,
    skip_holidays: bool,
) -> Dates:
    """Return every day of some ISO weekdays between two days, both included."""
    found, left_out = [], {}
    for number in range((last_on - first_on).days + 1):
        day = first_on + timedelta(days=number)
        if day.isoweekday() not in weekdays:
            continue
        name = holiday(day) if skip_holidays else None
        if name is None:
            found.append(day)
        else:
            left_out[day] = name
    return Dates(found, left_out)
