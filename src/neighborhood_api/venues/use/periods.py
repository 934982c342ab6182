"""The days that numbers and exports of use are about."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.problems import Problem
from neighborhood_api.schedules.openings.spans import days, midnight_of

LONGEST_DAYS = 92
"""A quarter."""
_YEARS = range(2000, 2200)


class UsePeriodNotUsable(Problem):
    """The last day lies before the first, or the days are too many."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The period runs backwards or is too long"
    message = "日期范围不正确，一次最多92天，请重新选择"


@dataclass(frozen=True, slots=True)
class UsePeriod:
    """Whole days in China, both ends included."""

    first_on: date
    last_on: date

    @property
    def days(self) -> list[date]:
        """Each of them."""
        return days(self.first_on, self.last_on)

    @property
    def since(self) -> datetime:
        """Midnight before the first day."""
        return midnight_of(self.first_on)

    @property
    def until(self) -> datetime:
        """Midnight after the last day."""
        return midnight_of(self.last_on + timedelta(days=1))


def period_asked(first_on: date | None, last_on: date | None, *, now: datetime) -> UsePeriod:
    """Return the period asked for: without a last day up to today, without a first its month.

    Raises: UsePeriodNotUsable.
    """
    last = last_on or local_day(now)
    first = first_on or last.replace(day=1)
    in_sight = first.year in _YEARS and last.year in _YEARS
    if not in_sight or not 0 <= (last - first).days < LONGEST_DAYS:
        raise UsePeriodNotUsable(longest_days=LONGEST_DAYS)
    return UsePeriod(first, last)
