"""Calendars out of the database: whose they are, how fresh, and what ships with the program."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import bindparam, delete, func, select
from typing_extensions import override

from neighborhood_api.grid.models import Node
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.reads import Query, Reader
from neighborhood_api.schedules import working
from neighborhood_api.schedules.events import CalendarChanged
from neighborhood_api.schedules.models import (
    CalendarChange,
    OfficeWeek,
    SpecialDay,
    WorkingYear,
)
from neighborhood_api.schedules.published import load_published_years, shipped_years
from neighborhood_api.schedules.working import (
    CALENDAR_VERSION,
    USUAL_HOURS,
    calendar_at,
    calendar_of,
)
from tests.schedules.calendars import REAL, SHIPPED, YEARS, at
from tests.support.places import Town, new_node

NOW = at("2026-11-22", "10:00")


class Nobody(Reader):
    """Whoever asks it has not remembered."""

    def __init__(self) -> None:
        super().__init__("", size=1)

    @override
    async def fetch(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        raise AssertionError("asked the database")


@pytest.fixture
async def bare(tx: Tx) -> Tx:
    """A database that knows no calendar yet."""
    for table in (SpecialDay, WorkingYear, OfficeWeek, CalendarChange):
        await tx.execute(delete(table))
    return tx


async def publish(
    tx: Tx, year: int, days: Mapping[date, bool], district_id: UUID | None = None
) -> WorkingYear:
    """Write a year past all rules, with a new version."""
    row = WorkingYear(year=year, published_at=NOW, source="通知", district_id=district_id)
    tx.add(row)
    await tx.flush()
    for day, worked in days.items():
        tx.add(SpecialDay(working_year_id=row.id, day=day, is_workday=worked, name="节"))
    await touch(tx)
    return row


async def touch(tx: Tx) -> None:
    tx.add(
        CalendarChange(
            changed_at=NOW, changed_by_id=None, district_id=None, since_on=date(2026, 1, 1)
        )
    )
    await tx.flush()


async def announced(tx: Tx) -> list[dict[str, object]]:
    mine = select(OutboxRow.payload).where(OutboxRow.name == CalendarChanged.name)
    return list(await tx.scalars(mine.order_by(OutboxRow.id)))


async def test_the_shipped_years_are_loaded_once_and_give_the_real_calendar(bare: Tx) -> None:
    assert await load_published_years(bare, now=NOW) == [2023, 2024, 2025, 2026]
    assert await load_published_years(bare, now=NOW) == []
    assert await bare.scalar(select(func.count()).select_from(SpecialDay)) == 100
    calendar = await calendar_of(bare, None)
    assert calendar == REAL
    assert calendar.hours == USUAL_HOURS
    sources = select(WorkingYear.source).where(WorkingYear.year == 2026)
    assert await bare.scalar(sources) == "国务院办公厅关于2026年部分节假日安排的通知"


async def test_only_years_that_come_later_are_announced(bare: Tx) -> None:
    before = await announced(bare)
    await load_published_years(bare, now=NOW)
    assert await announced(bare) == before
    await bare.execute(delete(WorkingYear).where(WorkingYear.year == 2026))
    assert await load_published_years(bare, now=NOW) == [2026]
    new = {"year": 2026, "district_id": None, "since_on": "2026-01-01"}
    assert await announced(bare) == [*before, new]


def test_every_shipped_day_differs_from_its_weekday_and_has_a_name() -> None:
    for year, days in shipped_years().items():
        assert {one.day.year for one in days} == {year}
        assert len({one.day for one in days}) == len(days)
        assert all(one.is_workday == (one.day.isoweekday() > 5) for one in days)
        names = {one.name for one in days}
        assert names == {"元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"}


async def test_without_any_year_everything_is_a_guess(bare: Tx) -> None:
    calendar = await calendar_of(bare, None)
    assert (calendar.special, calendar.published) == ({}, frozenset())
    assert calendar.is_workday(date(2026, 2, 13))
    assert not calendar.is_published(date(2026, 2, 13))


async def test_a_district_has_its_own_year_in_place_of_the_countrys(
    bare: Tx, town: Town
) -> None:
    await load_published_years(bare, now=NOW)
    mine, other = town.at(), new_node(None, 2)
    bare.add(other)
    await bare.flush()
    own = {date(2026, 4, 20): False, date(2026, 4, 26): True}
    await publish(bare, 2026, own, mine.id)
    calendar = await calendar_of(bare, mine.id)
    assert not calendar.is_workday(date(2026, 4, 20))
    assert calendar.is_workday(date(2026, 4, 26))
    assert calendar.is_workday(date(2026, 2, 16))
    assert not calendar.is_workday(date(2025, 1, 28))
    assert calendar.published == YEARS
    assert (await calendar_of(bare, other.id)).special == SHIPPED
    assert (await calendar_of(bare, None)).special == SHIPPED


async def test_the_next_notice_has_the_last_word_on_december(bare: Tx) -> None:
    sunday = date(2026, 12, 27)
    await publish(bare, 2027, {sunday: True, date(2027, 1, 1): False})
    await publish(bare, 2026, {sunday: False, date(2026, 1, 1): False})
    calendar = await calendar_of(bare, None)
    assert calendar.is_workday(sunday)
    assert not calendar.is_workday(date(2026, 1, 1))


async def test_office_hours_are_those_of_the_district_from_their_day_on(
    bare: Tx, town: Town
) -> None:
    summer = [[[480, 720]]] * 5 + [[], []]
    long = [[[480, 1080]]] * 7
    for valid_from, week in ((date(2026, 9, 1), long), (date(2026, 6, 1), summer)):
        bare.add(OfficeWeek(district_id=town.at().id, valid_from=valid_from, week=week))
    await touch(bare)
    calendar = await calendar_of(bare, town.at().id)
    days = (date(2026, 5, 29), date(2026, 6, 1), date(2026, 8, 31), date(2026, 9, 1))
    assert [calendar.windows(day) for day in days] == [
        USUAL_HOURS.week[0],
        ((480, 720),),
        ((480, 720),),
        ((480, 1080),),
    ]
    assert (await calendar_of(bare, None)).windows(days[3]) == USUAL_HOURS.week[0]


async def version_of(tx: Tx) -> int:
    version: int | None = await tx.scalar(select(CALENDAR_VERSION))
    assert version is not None
    return version


async def test_a_calendar_is_read_once_for_each_version(bare: Tx, town: Town) -> None:
    district_id = town.at().id
    await touch(bare)
    version = await version_of(bare)
    first = await calendar_of(bare, district_id)
    assert await calendar_at(Nobody(), district_id, version) is first
    assert await calendar_of(bare, district_id) is first
    await publish(bare, 2026, {date(2026, 4, 26): True})
    assert await version_of(bare) != version
    second = await calendar_of(bare, district_id)
    assert second.is_workday(date(2026, 4, 26))
    assert not first.is_workday(date(2026, 4, 26))
    with pytest.raises(AssertionError, match="asked the database"):
        await calendar_at(Nobody(), district_id, version)


async def test_what_was_rolled_back_is_not_remembered(bare: Tx) -> None:
    sunday, saturday = date(2026, 4, 26), date(2026, 4, 25)
    savepoint = await bare.begin_nested()
    await publish(bare, 2026, {sunday: True})
    assert (await calendar_of(bare, None)).is_workday(sunday)
    await savepoint.rollback()
    assert not (await calendar_of(bare, None)).is_workday(sunday)
    await publish(bare, 2026, {saturday: True})
    calendar = await calendar_of(bare, None)
    assert (calendar.is_workday(sunday), calendar.is_workday(saturday)) == (False, True)


async def test_a_process_keeps_only_so_many(bare: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "KEPT", 3)
    monkeypatch.setattr(working, "_kept", {})
    await touch(bare)
    version = await version_of(bare)
    districts = [uuid4() for _ in range(5)]
    for district_id in districts:
        await calendar_at(bare, district_id, version)
    for district_id in districts[2:]:
        await calendar_at(Nobody(), district_id, version)
    for district_id in districts[:2]:
        with pytest.raises(AssertionError, match="asked the database"):
            await calendar_at(Nobody(), district_id, version)


class NodeAndVersion(NamedTuple):
    name: str
    version: int


async def test_another_statement_can_read_the_version_along(bare: Tx, town: Town) -> None:
    query = Query(
        select(Node.name, CALENDAR_VERSION.label("version")).where(
            Node.id == bindparam("node_id")
        ),
        NodeAndVersion,
    )
    empty = await query.first(bare, node_id=town.at().id)
    assert empty == (town.at().name, 0)
    await touch(bare)
    found = await query.first(bare, node_id=town.at().id)
    assert found is not None
    assert found.version == await version_of(bare) != 0
