"""The years that come with the program.

`data/working_days.csv` holds the days that differ from Monday-to-Friday. Source: the yearly
notices of the General Office of the State Council on the arrangement of holidays
(国务院办公厅关于部分节假日安排的通知), 2023 to 2026.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.events import CalendarChanged
from neighborhood_api.schedules.models import (
    ONE_CHANGE_AT_A_TIME,
    CalendarChange,
    SpecialDay,
    WorkingYear,
)


class Special(NamedTuple):
    """A day that differs from Monday-to-Friday."""

    day: date
    is_workday: bool
    name: str


@cache
def shipped_years() -> Mapping[int, tuple[Special, ...]]:
    """Return the special days of every year that comes with the program."""
    years: dict[int, list[Special]] = defaultdict(list)
    source = files("neighborhood_api.schedules") / "data" / "working_days.csv"
    with source.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            special = Special(
                date.fromisoformat(row["day"]), row["is_workday"] == "1", row["name"]
            )
            years[int(row["year"])].append(special)
    return {year: tuple(days) for year, days in years.items()}


def publish_shipped_years(session: Session, *, now: datetime) -> list[int]:
    """Publish the shipped years that the database lacks; return which. Safe to repeat.

    Emits: CalendarChanged for each, unless deadlines were never counted here before.
    """
    session.execute(ONE_CHANGE_AT_A_TIME)
    known = session.scalars(select(WorkingYear.year).where(WorkingYear.district_id.is_(None)))
    missing = sorted(shipped_years().keys() - set(known))
    first_time = session.scalar(select(CalendarChange.id).limit(1)) is None
    for year in missing:
        row = WorkingYear(year=year, published_at=now, source=_notice(year))
        session.add(row)
        session.flush()
        days = shipped_years()[year]
        session.add_all(SpecialDay(working_year_id=row.id, **one._asdict()) for one in days)
        since = min(date(year, 1, 1), days[0].day)
        change = CalendarChange(
            changed_at=now, changed_by_id=None, district_id=None, since_on=since
        )
        session.add(change)
        if not first_time:
            changed = CalendarChanged(year=year, district_id=None, since_on=since)
            session.add(changed.row())
    session.flush()
    return missing


async def load_published_years(tx: Tx, *, now: datetime) -> list[int]:
    """Do what `publish_shipped_years` does, in a use case's transaction."""
    return await tx.run_sync(publish_shipped_years, now=now)


def _notice(year: int) -> str:
    return f"国务院办公厅关于{year}年部分节假日安排的通知"
