"""The days that numbers are about."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE

LONGEST_DAYS = 400


class PeriodNotUsable(Problem):
    """The last day lies before the first, or more than 400 days after it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The period must run forward and have at most 400 days"
    message = "时间范围有误，请重新选择，最长400天"


@dataclass(frozen=True)
class Period:
    """Whole days in China, both ends included."""

    first_on: date
    last_on: date

    def __post_init__(self) -> None:
        """Refuse what cannot be counted in reasonable time.

        Raises: PeriodNotUsable.
        """
        if not 0 <= (self.last_on - self.first_on).days < LONGEST_DAYS:
            raise PeriodNotUsable
        if self.last_on.year >= date.max.year:
            raise PeriodNotUsable

    @property
    def begin(self) -> datetime:
        """Midnight before the first day."""
        return datetime.combine(self.first_on, time(), SHOWN_ZONE)

    @property
    def end(self) -> datetime:
        """Midnight after the last day."""
        return datetime.combine(self.last_on + timedelta(days=1), time(), SHOWN_ZONE)

    def holds(self, opened_at: InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
        """Hold for what was opened in it."""
        return and_(opened_at >= self.begin, opened_at < self.end)


def period_of(first_on: date | None, last_on: date | None, *, now: datetime) -> Period:
    """Return the period asked for: without a last day up to today, without a first its month.

    Raises: PeriodNotUsable.
    """
    last = last_on or local_day(now)
    return Period(first_on or last.replace(day=1), last)


def month_of(month: str | None, *, now: datetime) -> Period:
    """Return a month written as 2026-11, the present one without it.

    Raises: PeriodNotUsable.
    """
    try:
        first = date.fromisoformat(f"{month}-01") if month else local_day(now).replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError) as exc:
        raise PeriodNotUsable from exc
    return Period(first, after - timedelta(days=1))
