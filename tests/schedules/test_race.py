"""Changes that come at once, with real commits: none is lost, and no cache keeps an old one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor, Post, Role
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.schedules.models import CalendarChange
from neighborhood_api.schedules.schemas import OfficeHoursIn, WorkingYearIn
from neighborhood_api.schedules.service import publish_year, set_office_hours
from neighborhood_api.schedules.working import calendar_of
from tests.schedules.calendars import at
from tests.support.places import new_node
from tests.support.postgres import NewDatabase

NOW = at("2026-11-22", "10:00")
AT_ONCE = 8


@pytest.fixture
async def database(new_database: NewDatabase) -> AsyncIterator[Database]:
    """A database whose calendar nobody else changes."""
    with new_database() as url:
        database = Database(url, pool_size=AT_ONCE + 2)
        await database.open()
        yield database
        await database.close()


@pytest.fixture
async def district(database: Database) -> Node:
    node = new_node(None, 1)
    async with database.transaction() as tx:
        tx.add(node)
    return node


def operator_of(district: Node) -> Actor:
    post = Post(Role.OPERATOR, Level.DISTRICT, district.id)
    return Actor(person_id=new_id(), sign_in_id=new_id(), posts=(post,))


async def changes(database: Database) -> int:
    async with database.transaction() as tx:
        return await tx.scalar(select(func.count()).select_from(CalendarChange)) or 0


async def test_of_many_who_publish_the_same_year_at_once_one_wins(
    database: Database, district: Node
) -> None:
    before = await changes(database)
    holidays = [date(2027, 3, 1) + timedelta(days=n) for n in range(AT_ONCE)]

    async def publish(day: date) -> date:
        special: dict[str, Any] = {"day": day, "is_workday": False, "name": "节"}
        wish = WorkingYearIn.model_validate(
            {"district_id": district.id, "source": "通知", "days": [special], "version": 0}
        )
        async with database.transaction() as tx:
            await publish_year(tx, operator_of(district), 2027, wish, now=NOW)
        return day

    outcomes = await asyncio.gather(*map(publish, holidays), return_exceptions=True)
    won = [one for one in outcomes if isinstance(one, date)]
    assert [type(one) for one in outcomes if one not in won] == [StaleVersion] * (AT_ONCE - 1)
    calendar = await calendar_of(database.reader, district.id)
    kept = {day for day, worked in calendar.special.items() if day.year == 2027 and not worked}
    assert kept == set(won)
    assert await changes(database) == before + 1


async def test_what_a_process_remembers_is_never_older_than_the_last_change(
    database: Database, district: Node
) -> None:
    first_days = [date(2027, 1, 1) + timedelta(weeks=n) for n in range(AT_ONCE)]
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            await calendar_of(database.reader, district.id)

    async def change(day: date) -> None:
        window = {"weekday": 1, "opens_at": "08:00", "closes_at": "12:00"}
        wish = OfficeHoursIn.model_validate(
            {"district_id": district.id, "valid_from": day, "windows": [window], "version": 0}
        )
        async with database.transaction() as tx:
            await set_office_hours(tx, operator_of(district), wish, now=NOW)

    reading = asyncio.create_task(read())
    await asyncio.gather(*map(change, first_days))
    done.set()
    await reading
    calendar = await calendar_of(database.reader, district.id)
    assert [day for day, _ in calendar.changes] == first_days
