"""Imports that are killed, doubled and crossed: all of one is written, or nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from neighborhood_api.app import create_app
from neighborhood_api.files.store import Store
from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.imports import taking_out, working
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings
from soak.processes import worker
from tests.imports.bringing import LIMITS, bring, checked, doors, shown
from tests.support.people import Callers
from tests.support.places import Town, build_town
from tests.support.postgres import NewDatabase
from tests.support.posts import appoint, somebody

pytestmark = pytest.mark.slow

HERE = (1, 1, 1, 1)
WITHIN_SECONDS = 300.0
"""A worker alone takes a minute to start where many tests run."""
WAITING = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'resident'::regclass
"""
SILENT = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"


@pytest.fixture
def store(live_app: FastAPI) -> Store:
    kept: Store = live_app.state.store
    return kept


@pytest.fixture
async def town(live_database: Database) -> Town:
    async with live_database.transaction() as tx:
        return await build_town(tx, now=datetime.now(UTC))


async def eighty_eights(database: Database, town: Town) -> int:
    mine = Household.district_id == town.at().id, Household.address == "88号"
    async with database.transaction() as tx:
        return await tx.scalar(select(func.count()).select_from(Household).where(*mine)) or 0


async def acts_of(database: Database, import_id: str) -> int:
    applied = select(func.count()).select_from(Act).where(Act.subject == import_id)
    async with database.transaction() as tx:
        return await tx.scalar(applied) or 0


async def test_an_import_that_is_applied_twice_at_once_is_written_once(
    live_callers: Callers, live_database: Database, store: Store, town: Town
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    now = datetime.now(UTC)
    found = await checked(*(live_database, store, operator, town), content=doors(HERE), now=now)
    asked = [operator.post(f"/imports/{found['id']}/apply") for _ in range(3)]
    answers = [one.status_code for one in await asyncio.gather(*asked)]
    assert sorted(answers) == [200, 409, 409]
    runs = [
        working.run_apply(live_database, store, UUID(found["id"]), limits=LIMITS, now=now)
        for _ in range(3)
    ]
    await asyncio.gather(*runs)
    assert (await shown(operator, found["id"]))["state"] == "applied"
    assert await eighty_eights(live_database, town) == 1
    assert await acts_of(live_database, found["id"]) == 1


async def test_of_two_imports_of_the_same_rows_one_is_written_and_the_other_checks_again(
    live_callers: Callers, live_database: Database, store: Store, town: Town
) -> None:
    async with live_database.transaction() as tx:
        other = await somebody(tx)
        await appoint(tx, town.at(), Role.OPERATOR, other.id)
    operators = [
        await live_callers.staff(town, Role.OPERATOR),
        await live_callers.person(other.id),
    ]
    now = datetime.now(UTC)
    ids = []
    for one in operators:
        found = await checked(*(live_database, store, one, town), content=doors(HERE), now=now)
        ids.append(found["id"])
        await one.post(f"/imports/{found['id']}/apply")
    runs = [
        working.run_apply(live_database, store, UUID(one), limits=LIMITS, now=now)
        for one in ids
    ]
    await asyncio.gather(*runs)
    ended = [await shown(one, i) for one, i in zip(operators, ids, strict=True)]
    assert {one["state"] for one in ended} == {"applied", "failed"}
    assert {one["problem"] for one in ended} == {None, "ground_changed"}
    assert await eighty_eights(live_database, town) == 1


async def test_an_import_that_is_cancelled_while_it_is_written_leaves_nothing(
    live_callers: Callers, live_database: Database, store: Store, town: Town
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    now = datetime.now(UTC)
    found = await checked(*(live_database, store, operator, town), content=doors(HERE), now=now)
    await operator.post(f"/imports/{found['id']}/apply")
    async with held_up(live_database.url) as blocked:
        applying = asyncio.create_task(
            working.run_apply(live_database, store, UUID(found["id"]), limits=LIMITS, now=now)
        )
        await blocked()
        cancelled = await operator.post(f"/imports/{found['id']}/cancel")
        assert cancelled.json()["state"] == "cancelled"
    await applying
    assert (await shown(operator, found["id"]))["state"] == "cancelled"
    assert await eighty_eights(live_database, town) == 0
    assert await acts_of(live_database, found["id"]) == 0


async def test_who_lost_her_post_cannot_have_written_what_she_brought(
    live_callers: Callers, live_database: Database, store: Store, town: Town
) -> None:
    clerk = await live_callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
    now = datetime.now(UTC)
    found = await checked(
        *(live_database, store, clerk, town, 1, 1), content=doors(HERE), now=now
    )
    assert (await clerk.post(f"/imports/{found['id']}/apply")).status_code == 200
    place = str(town.at(1, 1).id)
    wish = await clerk.post("/grid-exports", json={"node_id": place, "reason": "核对"})
    async with live_database.transaction() as tx:
        ended = "UPDATE appointment SET ended_at = now() WHERE person_id = :person_id"
        await tx.execute(text(ended), {"person_id": clerk.person_id})
    await working.run_apply(live_database, store, UUID(found["id"]), limits=LIMITS, now=now)
    export_id = UUID(wish.json()["id"])
    await taking_out.run_grid_export(live_database, store, export_id, now=now)
    assert await eighty_eights(live_database, town) == 0
    async with live_database.transaction() as tx:
        for table in ("data_import", "grid_export"):
            ends = text(f"SELECT state, problem FROM {table} WHERE person_id = :id")  # noqa: S608
            row = (await tx.execute(ends, {"id": clerk.person_id})).one()
            assert tuple(row) == ("failed", "forbidden")


@asynccontextmanager
async def held_up(url: str) -> AsyncIterator[Any]:
    """Keep imports from going on once they have written households, before people."""
    connection = await asyncpg.connect(url)
    watching = await asyncpg.connect(url)

    async def blocked() -> None:
        deadline = monotonic() + WITHIN_SECONDS
        while await watching.fetchval(WAITING) == 0:
            assert monotonic() < deadline, "nothing came to wait"
            await asyncio.sleep(0.05)

    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE resident IN SHARE MODE")
            yield blocked
    finally:
        await connection.close()
        await watching.close()


async def test_an_import_whose_worker_is_killed_in_the_middle_is_written_once_by_the_next(
    new_database: NewDatabase, settings: Settings
) -> None:
    with new_database() as url:
        database = Database(url, pool_size=5)
        app = create_app(settings, database)
        async with app.router.lifespan_context(app):
            async with database.transaction() as tx:
                town = await build_town(tx, now=datetime.now(UTC))
            callers = Callers(app, database)
            operator = await callers.staff(town, Role.OPERATOR)
            await _kill_and_go_on(app, database, operator, town, settings)
            await callers.close()


async def _kill_and_go_on(
    app: FastAPI,
    database: Database,
    operator: Any,  # noqa: ANN401
    town: Town,
    settings: Settings,
) -> None:
    workers = [worker(settings.data_dir, database.url, number) for number in (1, 2)]
    try:
        asked = await bring(operator, town, content=doors(HERE, (1, 1, 1, 2)))
        import_id = asked.json()["id"]
        store = app.state.store
        now = datetime.now(UTC)
        await working.run_check(database, store, UUID(import_id), limits=LIMITS, now=now)
        await operator.post(f"/imports/{import_id}/apply")
        async with held_up(database.url) as blocked:
            workers[0].start()
            await blocked()
            workers[0].kill()
        assert await eighty_eights(database, town) == 0
        assert (await shown(operator, import_id))["state"] == "applying"
        async with database.transaction() as tx:
            await tx.execute(text(SILENT))
        workers[1].start()
        deadline = monotonic() + WITHIN_SECONDS
        while (await shown(operator, import_id))["state"] != "applied":
            assert monotonic() < deadline, "it was not written in time"
            await asyncio.sleep(0.2)
        assert await eighty_eights(database, town) == 2
        assert await acts_of(database, import_id) == 1
    finally:
        for program in workers:
            program.stop()
