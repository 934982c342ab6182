"""Facts are written while issues change: no change is ever taken for written down."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select, text

from neighborhood_api.kit.db import Database
from neighborhood_api.statistics.keeping import write_facts
from neighborhood_api.statistics.models import Changed, Fact
from tests.support.issues import Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town


@pytest.fixture
async def street(live_callers: Callers, live_town: Town, live_database: Database) -> Street:
    await ensure_categories(live_database)
    return await street_of(live_town, live_callers)


async def written(database: Database) -> int:
    async with database.transaction() as tx:
        return await write_facts(tx)


async def noted(database: Database, issue_id: UUID) -> bool:
    async with database.transaction() as tx:
        mine = select(Changed.id).where(Changed.case_id == issue_id).limit(1)
        return await tx.scalar(mine) is not None


async def test_a_change_that_is_committed_while_facts_are_written_stays_noted(
    street: Street, live_database: Database
) -> None:
    issue_id = UUID(await street.reported())
    urge = text("UPDATE case_file SET times_urged = 7 WHERE id = :id")
    async with live_database.transaction() as changing:
        await changing.execute(urge, {"id": issue_id})
        while await written(live_database):  # does not wait for it either
            pass
        assert not await noted(live_database, issue_id)
    assert await noted(live_database, issue_id)
    async with live_database.transaction() as tx:
        assert not (await tx.get_one(Fact, issue_id)).urged
    await written(live_database)
    async with live_database.transaction() as tx:
        assert (await tx.get_one(Fact, issue_id)).urged


async def test_two_workers_write_facts_one_after_the_other(
    street: Street, live_database: Database
) -> None:
    issue_id = UUID(await street.reported())
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(written(live_database))
    assert not await noted(live_database, issue_id)
    async with live_database.transaction() as tx:
        assert await tx.get(Fact, issue_id) is not None
