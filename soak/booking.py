"""Fifty clients race for scarce things, ten thousand times and more in each way.

Nothing is killed: what is tried is that nobody gets one too many or one too few, and that
nobody waits for somebody who waits for her. `SOAK_ATTEMPTS` says how often, for a short run.
"""

import asyncio
import os

from neighborhood_api.kit.db import Database
from neighborhood_api.migrate import migrate
from soak.processes import Postgres
from soak.report import Report
from soak.scarcity.arena import POOL, Arena
from soak.scarcity.races import RACES
from soak.town import found_town
from soak.world import Run

ATTEMPTS = 10_000


async def booking(run: Run) -> Report:
    """Play every race until it has been tried often enough."""
    postgres = Postgres(run.home)
    run.tell("starting PostgreSQL")
    try:
        url = await postgres.start()
        run.tell("migrating, and founding a town")
        await asyncio.to_thread(migrate, url)
        database = Database(url, pool_size=POOL)
        await database.open()
        try:
            town = await found_town(database)
            return await _race(run, Arena(database, town.lanes[0].place, run.random))
        finally:
            await database.close()
    finally:
        postgres.stop()


async def _race(run: Run, arena: Arena) -> Report:
    report = Report("booking")
    wanted = int(os.environ.get("SOAK_ATTEMPTS", ATTEMPTS))
    await arena.fill()
    for name, race in RACES.items():
        first, had = arena.attempts, arena.won
        arena.violations.clear()
        while arena.attempts - first < wanted and not arena.violations:
            await race(arena)
            run.tell(f"{name}: {arena.attempts - first} attempts")
        report.require(name, arena.violations)
        report.figures[f"{name}, attempts"] = arena.attempts - first
        report.figures[f"{name}, had"] = arena.won - had
    deadlocks = await arena.deadlocks()
    report.figures["deadlocks"] = deadlocks
    if deadlocks:
        report.violations.append(f"{deadlocks} deadlocks")
    return report
