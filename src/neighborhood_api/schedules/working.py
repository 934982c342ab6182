"""The working calendar of a district, loaded once per change and kept in the process."""

import json
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from neighborhood_api.kit.db import Source
from neighborhood_api.kit.reads import Query
from neighborhood_api.schedules.calendar import OfficeHours, Window, WorkingCalendar
from neighborhood_api.schedules.holidays import holidays_of
from neighborhood_api.schedules.models import (
    CalendarChange,
    OfficeWeek,
    SpecialDay,
    WorkingYear,
)

USUAL_HOURS = OfficeHours.daily((8 * 60 + 30, 12 * 60), (14 * 60 + 30, 17 * 60 + 30))
"""Where a district has not said otherwise."""

CALENDAR_VERSION = func.coalesce(
    select(CalendarChange.version)
    .order_by(CalendarChange.id.desc())
    .limit(literal_column("1"))
    .scalar_subquery(),
    literal_column("0", BigInteger),
)
"""The version of every district's calendar, as a column for other statements to select.

One number for all districts: changes are rare, and a change may concern them all.
"""

KEPT = 256
"""Calendars that a process keeps."""


class _Version(NamedTuple):
    version: int


class Part(NamedTuple):
    """A published year, a special day, or office hours from a day on."""

    kind: str
    day: date
    is_workday: bool | None
    text: str | None
    """Name of a special day, or office hours as JSON."""


def _statement() -> Query[Part]:
    district_id = bindparam("district_id", type_=Uuid())
    years = (
        select(WorkingYear.id, WorkingYear.year)
        .ext(distinct_on(WorkingYear.year))
        .where(or_(WorkingYear.district_id == district_id, WorkingYear.district_id.is_(None)))
        .order_by(WorkingYear.year, WorkingYear.district_id.is_(None))
        .cte("years")
    )
    first_day = func.make_date(years.c.year, literal_column("1"), literal_column("1"))
    no_text, neither = cast(null(), Text), cast(null(), Boolean)
    parts = union_all(
        select(
            literal_column("'year'", Text).label("kind"),
            cast(first_day, Date).label("day"),
            neither.label("is_workday"),
            no_text.label("text"),
            years.c.year.label("notice"),
        ),
        select(
            literal_column("'day'", Text),
            SpecialDay.day,
            SpecialDay.is_workday,
            SpecialDay.name,
            years.c.year,
        ).join(years, years.c.id == SpecialDay.working_year_id),
        select(
            literal_column("'hours'", Text),
            OfficeWeek.valid_from,
            neither,
            cast(OfficeWeek.week, Text),
            literal_column("0"),
        ).where(OfficeWeek.district_id == district_id),
    ).subquery()
    columns = (parts.c.kind, parts.c.day, parts.c.is_workday, parts.c.text)
    return Query(select(*columns).order_by(parts.c.day, parts.c.notice), Part)


CALENDAR = _statement()
"""All that a district's calendar is made of; its own year stands in the country's place."""
VERSION = Query(select(CALENDAR_VERSION.label("version")), _Version)

_kept: dict[tuple[UUID | None, int], WorkingCalendar] = {}


async def calendar_of(handle: Source, district_id: UUID | None) -> WorkingCalendar:
    """Return the district's working calendar as it is now; without a district the country's."""
    found = await VERSION.first(handle)
    return await calendar_at(handle, district_id, found.version if found else 0)


async def calendar_at(
    handle: Source, district_id: UUID | None, version: int
) -> WorkingCalendar:
    """Return the district's working calendar, read anew only when `version` is not known yet.

    `version` is a `CALENDAR_VERSION` that was read before, on the same handle or earlier.
    """
    key = (district_id, version)
    calendar = _kept.get(key)
    if calendar is None:
        calendar = made_of(await CALENDAR.all(handle, district_id=district_id))
        for outdated in [one for one in _kept if one[0] == district_id]:
            del _kept[outdated]
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = calendar
    return calendar


def hours_from(week: list[list[list[int]]]) -> OfficeHours:
    """Read office hours as they are stored.

    Raises: ValueError.
    """
    return OfficeHours(
        tuple(tuple(Window(opens, closes) for opens, closes in day) for day in week)
    )


def made_of(parts: list[Part]) -> WorkingCalendar:
    """Put the answer of `CALENDAR` together.

    A notice may also move days of the December before, and then has the last word on them.
    """
    special = {part.day: part.is_workday for part in parts if part.is_workday is not None}
    festivals = {part.day: part.text or "" for part in parts if part.kind == "day"}
    return WorkingCalendar(
        hours=USUAL_HOURS,
        special=special,
        published=frozenset(part.day.year for part in parts if part.kind == "year"),
        changes=tuple(
            (part.day, hours_from(json.loads(part.text)))
            for part in parts
            if part.kind == "hours" and part.text is not None
        ),
        holidays=holidays_of(special, festivals),
    )
