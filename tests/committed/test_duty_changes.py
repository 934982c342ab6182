"""Open cases follow who is on duty, each in a transaction of its own."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from neighborhood_api.cases.jobs import follow_duty
from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database
from tests.support.issues import LANE, Street, ensure_categories, street_of
from tests.support.jobs import job_context
from tests.support.people import Callers
from tests.support.places import build_town
from tests.support.posts import appoint, somebody, vacate

PATIENCE_SECONDS = 20


@pytest.fixture
async def street(live_database: Database, live_callers: Callers) -> Street:
    await ensure_categories(live_database)
    async with live_database.transaction() as tx:
        town = await build_town(tx, now=datetime.now(UTC))
    return await street_of(town, live_callers)


async def held_by(database: Database, *issues: str) -> list[UUID | None]:
    async with database.transaction() as tx:
        query = select(Case.hand_person_id).where(Case.id.in_(issues)).order_by(Case.id)
        return list(await tx.scalars(query))


async def test_a_case_that_somebody_is_moving_does_not_keep_the_others_locked(
    street: Street, live_database: Database
) -> None:
    first, second = [await street.accepted() for _ in range(2)]
    lane = street.town.at(*LANE)
    async with live_database.transaction() as tx:
        await vacate(tx, lane)
        successor = await somebody(tx, "新巷长")
        await appoint(tx, lane, Role.LANE_CHIEF, successor.id)
    before = street.chief.person_id
    context = job_context(live_database, "cases.follow_duty")
    async with live_database.transaction() as moving:
        await moving.execute(select(Case.id).where(Case.id == second).with_for_update())
        job = asyncio.create_task(follow_duty(context, node_id=str(lane.id)))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await held_by(live_database, first) != [successor.id]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await held_by(live_database, second) == [before]
        # The first is free again while the second is still waited for.
        async with live_database.transaction() as tx:
            free = select(Case.id).where(Case.id == first).with_for_update(nowait=True)
            assert await tx.scalar(free) == UUID(first)
        assert not job.done()
    await job
    assert await held_by(live_database, first, second) == [successor.id, successor.id]
