"""Rules of the working calendar: who may change it, and what contradicts itself."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import delete, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.schedules.calendar import WEEKDAYS, WorkingCalendar
from neighborhood_api.schedules.events import CalendarChanged
from neighborhood_api.schedules.models import (
    ONE_CHANGE_AT_A_TIME,
    CalendarChange,
    OfficeWeek,
    SpecialDay,
    WorkingYear,
)
from neighborhood_api.schedules.schemas import (
    CalendarDayOut,
    OfficeHoursIn,
    OfficeHoursList,
    OfficeHoursOut,
    OfficeWindowOut,
    SpecialDayIn,
    SpecialDayOut,
    WorkingCalendarOut,
    WorkingYearIn,
    WorkingYearOut,
)
from neighborhood_api.schedules.working import (
    CALENDAR,
    USUAL_HOURS,
    calendar_of,
    hours_from,
    made_of,
)

FIRST_YEAR, LAST_YEAR = 2000, 2199
LONGEST_DAYS = 366
"""Days that one answer covers."""
DAYS_SHOWN = 31
"""Days shown when the caller does not say how many."""
DECEMBER_DAYS = 8
"""A notice may also move the last days of the December before, for New Year's Day."""


class NotADistrict(Problem):
    """Calendars are kept by districts, not by the places below them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Choose a district"
    message = "请选择区县"


class BadCalendarPeriod(Problem):
    """The days asked for run backwards, are too many, or lie too far away."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The period runs backwards or is too long"
    message = "日期范围不正确，一次最多查看一年"


class NoticeNotOut(Problem):
    """No notice is out for a year that is more than one ahead."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The notice of that year cannot be out yet"
    message = "该年的放假通知还没有发布，请核对年份"


class DayOutsideYear(Problem):
    """A special day does not belong to the year; `day` says which."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A day does not belong to the year"
    message = "有日期不属于这一年，请核对"


class DayNamedTwice(Problem):
    """A special day stands in the list twice; `day` says which."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A day is named twice"
    message = "有日期重复，请删去一个"


class AlreadyWorkday(Problem):
    """A make-up workday falls on a day that is worked anyway; `day` says which."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Already a working day"
    message = "补班日期本来就是工作日，请核对"


class BadOfficeHours(Problem):
    """Office hours overlap, run backwards, or leave Monday to Friday empty."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Office hours overlap, run backwards or leave the week empty"
    message = "办公时间有重叠、先后颠倒或全部为空，请核对"


class HoursInThePast(Problem):
    """Office hours of days that are over cannot change: deadlines were counted on them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Office hours can only change from today on"
    message = "办公时间只能从今天起调整，请重新选择开始日期"


async def read_working_calendar(
    tx: ReadTx,
    actor: Actor,
    district_id: UUID | None,
    since: date | None,
    until: date | None,
    *,
    now: datetime,
) -> WorkingCalendarOut:
    """Show which days are worked where the caller lives or works, or in the district named.

    Raises: BadCalendarPeriod, NodeNotFound, NotADistrict.
    """
    first = since or local_day(now)
    _require_year(first)
    last = until or first + timedelta(days=DAYS_SHOWN - 1)
    _require_year(last)
    if not 0 <= (last - first).days < LONGEST_DAYS:
        raise BadCalendarPeriod
    if district_id is None:
        district_id = await _home_district(tx, actor)
    else:
        await _district(tx, district_id, now)
    parts = await CALENDAR.all(tx, district_id=district_id)
    calendar = made_of(parts)
    names = {part.day: part.text for part in parts if part.kind == "day"}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return WorkingCalendarOut(
        district_id=district_id,
        days=[
            CalendarDayOut(
                day=day,
                is_workday=calendar.is_workday(day),
                name=names.get(day),
                provisional=not calendar.is_published(day),
                hours=OfficeWindowOut.of(calendar.windows(day)),
            )
            for day in days
        ],
    )


async def read_year(
    tx: ReadTx, year: int, district_id: UUID, *, now: datetime
) -> WorkingYearOut:
    """Show a year's special days in a district, its own or the country's.

    Raises: NodeNotFound, NotADistrict.
    """
    await _district(tx, district_id, now)
    return await _year_view(tx, year, district_id)


async def publish_year(
    tx: Tx, actor: Actor, year: int, wish: WorkingYearIn, *, now: datetime
) -> WorkingYearOut:
    """Set all special days of a year in a district, in place of the country's.

    Said once more, as a client does that lost the answer, it changes nothing.

    Raises: NodeNotFound, NotADistrict, Forbidden, NoticeNotOut, DayOutsideYear,
        DayNamedTwice, AlreadyWorkday, StaleVersion.
    Emits: CalendarChanged.
    """
    district = await _district(tx, wish.district_id, now)
    actor.require(Permission.CALENDAR_MANAGE, at=district.place)
    if year > local_day(now).year + 1:
        raise NoticeNotOut
    _check_days(year, wish.days)
    await tx.execute(ONE_CHANGE_AT_A_TIME)
    found = await _year_view(tx, year, district.id)
    days = [SpecialDayOut.model_validate(day) for day in sorted(wish.days, key=_by_day)]
    if found.own and (found.source, found.days) == (wish.source, days):
        return found
    if found.version != wish.version:
        raise StaleVersion(version=found.version)
    before = await calendar_of(tx, district.id)
    await _store_year(tx, year, wish, now)
    named = [f"{day.day.isoformat()} {'+' if day.is_workday else '-'}" for day in days]
    _keep(tx, "schedules.year_published", actor, district, now, year=year, days=named)
    after = made_of(await CALENDAR.all(tx, district_id=district.id))
    since_on = _first_difference(before, after, year)
    if since_on is not None:
        _record_change(tx, year, district.id, since_on, actor, now)
    elif before.holidays != after.holidays:  # other names only: nobody need do anything
        _new_version(tx, district.id, min(day.day for day in days), actor, now)
    await tx.flush()
    return await _year_view(tx, year, district.id)


async def list_office_hours(tx: ReadTx, district_id: UUID, *, now: datetime) -> OfficeHoursList:
    """Show a district's office hours: the usual ones, and each change.

    Raises: NodeNotFound, NotADistrict.
    """
    await _district(tx, district_id, now)
    mine = select(OfficeWeek).where(OfficeWeek.district_id == district_id)
    rows = await tx.scalars(mine.order_by(OfficeWeek.valid_from))
    changes = [OfficeHoursOut.of(hours_from(r.week), r.valid_from, r.version) for r in rows]
    usual = OfficeHoursOut.of(USUAL_HOURS, None, 0)
    return OfficeHoursList(district_id=district_id, items=[usual, *changes])


async def set_office_hours(
    tx: Tx, actor: Actor, wish: OfficeHoursIn, *, now: datetime
) -> OfficeHoursList:
    """Set a district's office hours from a day on, until the next change.

    Said once more, as a client does that lost the answer, it changes nothing.

    Raises: NodeNotFound, NotADistrict, Forbidden, BadOfficeHours, HoursInThePast,
        StaleVersion.
    Emits: CalendarChanged.
    """
    district = await _district(tx, wish.district_id, now)
    actor.require(Permission.CALENDAR_MANAGE, at=district.place)
    week = wish.week()
    try:
        hours_from(week)
    except ValueError as exc:
        raise BadOfficeHours from exc
    await tx.execute(ONE_CHANGE_AT_A_TIME)
    row = await tx.scalar(
        select(OfficeWeek).where(
            OfficeWeek.district_id == district.id, OfficeWeek.valid_from == wish.valid_from
        )
    )
    if row is not None and row.week == week:
        return await list_office_hours(tx, district.id, now=now)
    if wish.valid_from < local_day(now):
        raise HoursInThePast
    if wish.version != (0 if row is None else row.version):
        raise StaleVersion(version=0 if row is None else row.version)
    if row is None:
        tx.add(OfficeWeek(district_id=district.id, valid_from=wish.valid_from, week=week))
    else:
        row.week, row.version = week, row.version + 1
    _record_change(tx, wish.valid_from.year, district.id, wish.valid_from, actor, now)
    since = wish.valid_from.isoformat()
    hours = [json.dumps(day) for day in week]
    _keep(tx, "schedules.office_hours_set", actor, district, now, since=since, hours=hours)
    await tx.flush()
    return await list_office_hours(tx, district.id, now=now)


def _record_change(
    tx: Tx, year: int, district_id: UUID, since_on: date, actor: Actor, now: datetime
) -> None:
    """Give the calendar a new version, and tell whoever keeps deadlines or opening hours."""
    _new_version(tx, district_id, since_on, actor, now)
    emit(tx, CalendarChanged(year=year, district_id=district_id, since_on=since_on))


def _new_version(
    tx: Tx, district_id: UUID, since_on: date, actor: Actor, now: datetime
) -> None:
    """Have every process read the calendar anew."""
    tx.add(
        CalendarChange(
            changed_at=now,
            changed_by_id=actor.person_id,
            district_id=district_id,
            since_on=since_on,
        )
    )


def _keep(
    tx: Tx, what: str, actor: Actor, district: Node, now: datetime, **detail: object
) -> None:
    """Keep in the audit trail who decided about a district's calendar, and what."""
    record_act(tx, what, district.id, by=actor.person_id, now=now, **detail)


def _check_days(year: int, days: Sequence[SpecialDayIn]) -> None:
    first = date(year, 1, 1) - timedelta(days=DECEMBER_DAYS)
    seen: set[date] = set()
    for special in days:
        shown = special.day.isoformat()
        if not first <= special.day <= date(year, 12, 31):
            raise DayOutsideYear(day=shown)
        if special.day in seen:
            raise DayNamedTwice(day=shown)
        if special.is_workday and special.day.weekday() < WEEKDAYS:
            raise AlreadyWorkday(day=shown)
        seen.add(special.day)


async def _store_year(tx: Tx, year: int, wish: WorkingYearIn, now: datetime) -> None:
    mine = select(WorkingYear).where(
        WorkingYear.year == year, WorkingYear.district_id == wish.district_id
    )
    row = await tx.scalar(mine)
    if row is None:
        row = WorkingYear(
            year=year, published_at=now, source=wish.source, district_id=wish.district_id
        )
        tx.add(row)
    else:
        row.published_at, row.source, row.version = now, wish.source, row.version + 1
        await tx.execute(delete(SpecialDay).where(SpecialDay.working_year_id == row.id))
    await tx.flush()
    tx.add_all(SpecialDay(working_year_id=row.id, **day.model_dump()) for day in wish.days)
    await tx.flush()


async def _year_view(tx: ReadTx, year: int, district_id: UUID) -> WorkingYearOut:
    candidates = (
        select(WorkingYear)
        .where(WorkingYear.year == year)
        .where((WorkingYear.district_id == district_id) | WorkingYear.district_id.is_(None))
        .order_by(WorkingYear.district_id.is_(None))
        .limit(1)
    )
    row = await tx.scalar(candidates)
    own = row is not None and row.district_id is not None
    days: Sequence[SpecialDay] = ()
    if row is not None:
        named = select(SpecialDay).where(SpecialDay.working_year_id == row.id)
        days = (await tx.scalars(named.order_by(SpecialDay.day))).all()
    return WorkingYearOut(
        year=year,
        published=row is not None,
        own=own,
        source=None if row is None else row.source,
        days=[SpecialDayOut.model_validate(day) for day in days],
        version=row.version if row is not None and own else 0,
    )


def _first_difference(
    before: WorkingCalendar, after: WorkingCalendar, year: int
) -> date | None:
    """Return the first day on which a deadline may have changed, or ceased to be a guess.

    A weekend that is a public holiday changes no deadline, and closes venues all the same.
    """
    changed = [
        day
        for day in before.special.keys() | after.special.keys()
        if before.is_workday(day) != after.is_workday(day)
    ]
    changed += before.holidays.keys() ^ after.holidays.keys()
    if year not in before.published:
        changed.append(date(year, 1, 1))
    return min(changed, default=None)


async def _district(tx: ReadTx, district_id: UUID, now: datetime) -> Node:
    node = await current_node(tx, district_id, now=now)
    if node.level != Level.DISTRICT:
        raise NotADistrict
    return node


async def _home_district(tx: ReadTx, actor: Actor) -> UUID | None:
    if actor.residence is not None:
        return actor.residence.at(Level.DISTRICT)
    for post in actor.posts[:1]:
        return await tx.scalar(select(Node.district_id).where(Node.id == post.node_id))
    return None


def _require_year(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadCalendarPeriod


def _by_day(special: SpecialDayIn) -> date:
    return special.day
