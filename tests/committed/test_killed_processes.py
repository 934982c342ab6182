"""Processes that are killed while they work: nothing is lost, nothing is done twice.

`make soak` does the same for minutes, with more of everything.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from time import monotonic
from typing import Any

import asyncpg
import pytest
from httpx import ASGITransport, AsyncClient

from neighborhood_api.app import create_app
from neighborhood_api.kit import trail
from neighborhood_api.kit.db import Database
from neighborhood_api.migrate import migrate
from neighborhood_api.settings import Settings
from soak import checks, due
from soak.clients import API, Clients
from soak.exports import copy_issues, dishonest, incomplete
from soak.ground import Ground
from soak.lives import Promised
from soak.outages import kept, kill_database, live
from soak.plots import PLOTS, Street
from soak.processes import Postgres, Program, worker
from soak.town import Somebody, found_town
from tests.support.postgres import NewDatabase, open_folder

pytestmark = pytest.mark.slow

WITHIN_SECONDS = 180.0
RELAY = "every event was delivered"


@asynccontextmanager
async def ground_at(url: str, settings: Settings) -> AsyncIterator[Ground]:
    """An application in this process over a migrated database, with a town."""
    database = Database(url, pool_size=6)
    app = create_app(settings, database)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url=f"http://api{API}") as http,
        asyncpg.create_pool(url, min_size=0, max_size=2) as pool,
    ):
        town = await found_town(database)
        clients = Clients(http, settings.data_dir, Random(1))  # noqa: S311
        yield Ground(url, pool, town, clients)


@pytest.fixture
async def ground(new_database: NewDatabase, settings: Settings) -> AsyncIterator[Ground]:
    with new_database() as url:
        async with ground_at(url, settings) as made:
            yield made


@pytest.fixture
def workers(ground: Ground, settings: Settings) -> Iterator[list[Program]]:
    """Two workers that are not started yet."""
    made = [worker(settings.data_dir, ground.url, number) for number in (1, 2)]
    yield made
    for program in made:
        program.stop()


async def until(true: Callable[[], Awaitable[object]], pause: float = 0.02) -> None:
    deadline = monotonic() + WITHIN_SECONDS
    while not await true():
        assert monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(pause)


def wrong(found: dict[str, list[str]], *besides: str) -> dict[str, list[str]]:
    """What is not as it must be, except for what the test does not bring about."""
    return {name: rows for name, rows in found.items() if rows and name not in besides}


async def test_every_deadline_is_seen_to_once_although_the_worker_is_killed_at_it(
    ground: Ground, workers: list[Program]
) -> None:
    await due.prepare(ground)
    street = Street(ground, ground.town.residents[0])
    for plot, make in PLOTS.items():
        await due.plant(ground, await make(street), plot)

    async def begun() -> bool:
        return bool(await ground.sql("SELECT FROM soak_done LIMIT 1"))

    async def all_met() -> bool:
        await due.pass_time(ground)
        return bool((await ground.sql(due.UNMET))[0][0] == 0)

    async def delivered() -> bool:
        return not await ground.sql("SELECT FROM outbox WHERE relayed_at IS NULL")

    await due.pass_time(ground)
    workers[0].start()
    await until(begun)
    workers[0].kill()
    assert (await ground.sql(due.UNMET))[0][0] > 0
    workers[1].start()
    await until(all_met, pause=0.3)
    await until(delivered)

    assert set(await due.kinds(ground)) == {
        *("pass_up", "close", "resume", "lapse", "miss_check_in", "miss_order"),
        *("yellow", "red", "follow"),
    }
    assert await due.not_once(ground) == []
    assert wrong(await checks.broken(ground.url)) == {}


async def cut_off(ground: Ground, officer: Somebody, killed: Program) -> dict[str, Any]:
    """An export whose worker was killed before its end; one that was quicker is let go."""
    while True:
        export: dict[str, Any] = await ground.clients.post(officer, "/staff/exports")
        if not killed.is_running():
            killed.start()
        written = "SELECT FROM issue_export WHERE id::text = $1 AND rows_done > 0"
        await until(partial(ground.sql, written, export["id"]))
        killed.kill()
        export = await ground.clients.get(officer, f"/staff/exports/{export['id']}")
        if export["state"] == "running":
            return export


async def test_an_export_whose_worker_is_killed_in_the_middle_is_done_once_by_the_next(
    ground: Ground, workers: list[Program]
) -> None:
    codes = await copy_issues(ground, 3_000)
    officer = ground.town.staff["street_dispatcher"]
    export = await cut_off(ground, officer, workers[0])
    assert 0 < export["rows_done"] <= len(codes)
    assert dishonest(export, len(codes)) == []
    silent = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
    await ground.sql(silent)
    workers[1].start()

    async def done() -> bool:
        seen = await ground.clients.get(officer, f"/staff/exports/{export['id']}")
        assert dishonest(seen, len(codes)) == []
        export.update(seen)
        return bool(seen["state"] == "done")

    await until(done)
    content = await ground.clients.download(export["url"])
    assert incomplete(content, codes) == []
    found = await checks.broken(ground.url)
    assert found["each export was announced once"] == []
    begun = "SELECT attempts FROM procrastinate_jobs WHERE args->>'export_id' = $1"
    assert [row["attempts"] for row in await ground.sql(begun, export["id"])] == [2]


async def test_no_acknowledged_move_is_lost_when_the_database_is_killed_under_load(
    settings: Settings,
) -> None:
    promised, down = Promised(), list[float]()
    with open_folder() as folder:
        postgres = Postgres(folder)
        try:
            url = await postgres.start()
            migrate(url)
            async with ground_at(url, settings) as ground:
                ends = monotonic() + 4
                random = Random(1)  # noqa: S311
                async with asyncio.TaskGroup() as group:
                    for number in range(4):
                        group.create_task(live(ground, promised, number, ends))
                    often = 0.3, 0.8
                    group.create_task(kill_database(postgres, random, ends, down, often))

                seen = ground.clients.seen
                assert postgres.kills >= 1
                assert seen.statuses["503"] > 0
                assert seen.violations == []
                assert promised.moves > 20
                assert wrong(await kept(ground, promised)) == {}
                assert wrong(await checks.broken(url), RELAY) == {}
                database = Database(url, pool_size=2)
                assert [fault async for fault in trail.verify_trail(database)] == []
                await database.close()
        finally:
            postgres.stop()
