"""A whole system in real processes, for scenarios that kill some of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from neighborhood_api.cli.reference import load_reference
from neighborhood_api.kit.db import Database
from neighborhood_api.migrate import migrate
from soak.clients import Clients, remote
from soak.ground import Ground
from soak.processes import Api, Postgres, Program, worker
from soak.town import Town, found_town


@dataclass(frozen=True)
class Run:
    """What was asked for."""

    home: Path
    seconds: float
    """How long things are killed; what is left is done afterwards."""
    random: Random
    """Where all chance comes from, so that a seed gives the same plan."""
    tell: Callable[[str], None]


@dataclass
class World(Ground):
    """A system under test, and what runs it."""

    run: Run
    postgres: Postgres
    api: Api
    workers: list[Program]

    def logged(self, words: str) -> int:
        """Count lines of the workers' logs with these words."""
        logs = {one.log for one in self.workers}
        return sum(log.read_text(errors="replace").count(words) for log in logs)


@asynccontextmanager
async def world(run: Run, *, workers: int = 1) -> AsyncIterator[World]:
    """Start PostgreSQL, the API and workers, with a town; stop all of them in the end.

    Raises: NotStarted, PostgresNotStarted.
    """
    run.tell("starting PostgreSQL")
    postgres = Postgres(run.home)
    made: World | None = None
    try:
        url = await postgres.start()
        run.tell("migrating, and founding a town")
        await asyncio.to_thread(migrate, url)
        await load_reference(url)
        town = await _found(url)
        api = Api.at(run.home, url)
        programs = [worker(run.home, url, number) for number in range(1, workers + 1)]
        run.tell("starting the API and the workers")
        clients = Clients(remote(api.address), run.home, run.random)
        pool = await asyncpg.create_pool(url, min_size=0, max_size=4)
        made = World(url, pool, town, clients, run, postgres, api, programs)
        for program in programs:
            program.start()
        await api.start()
        yield made
    finally:
        if made is not None:
            await made.clients.close()
            made.pool.terminate()
            for program in (made.api.program, *made.workers):
                program.stop()
        postgres.stop()


async def _found(url: str) -> Town:
    database = Database(url, pool_size=2)
    try:
        return await found_town(database)
    finally:
        await database.close()


async def pause(random: Random, least: float, most: float) -> None:
    """Wait for a while that only the seed knows."""
    await asyncio.sleep(random.uniform(least, most))


def ids(rows: list[asyncpg.Record]) -> list[Any]:
    """Return the first column."""
    return [row[0] for row in rows]
