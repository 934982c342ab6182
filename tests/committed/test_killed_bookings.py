"""People book while the database and the API are killed: nothing is lost, nothing leaks.

`make soak` does the same for minutes, with the worker killed, too.
"""

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest

from neighborhood_api.kit import trail
from neighborhood_api.kit.db import Database
from neighborhood_api.registrations.sweeps import pass_all_time
from soak import checks
from soak.bookings import FREED, STALE, kept, let_run_out, take_away, users
from soak.premises import furnish
from soak.users import Promises
from soak.world import Run, World, world
from tests.support.postgres import open_folder

pytestmark = pytest.mark.slow

WITHOUT_A_WORKER = "every event was delivered"


async def use(on: World) -> Promises:
    """Let people book while processes are killed; return what they were promised."""
    promises, over = Promises(), asyncio.Event()
    premises = await furnish(on.url, on.town)
    on.clients.cut_off_at_times = True
    async with asyncio.TaskGroup() as group:
        for user in users(on, premises, promises, residents=8):
            group.create_task(user.live(over))
        for victims in ({"database"}, {"api"}):
            await asyncio.sleep(1)
            await take_away(on, victims)
        await asyncio.sleep(1)
        over.set()
    return promises


def wrong(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: rows for name, rows in found.items() if rows}


async def test_no_booking_is_lost_and_no_seat_leaks_when_database_and_api_are_killed() -> None:
    with open_folder() as home:
        run = Run(home, 0, Random(1), lambda _: None)  # noqa: S311
        async with world(run, workers=0) as on:
            promises = await use(on)

            seen = on.clients.seen
            assert (on.postgres.kills, on.api.program.kills) == (1, 1)
            assert seen.statuses["503"] > 0
            assert seen.statuses["none"] > 0
            assert seen.violations == []
            assert promises.acts > 30
            assert wrong(await kept(on, promises)) == {}
            found = await checks.broken(on.url)
            assert found.pop(WITHOUT_A_WORKER) != []
            assert wrong(found) == {}

            database = Database(on.url, pool_size=2)
            await let_run_out(on, 1.0)
            await pass_all_time(database, now=datetime.now(UTC))
            assert [(await on.sql(left))[0][0] for left in (STALE, FREED)] == [0, 0]
            found = await checks.broken(on.url)
            del found[WITHOUT_A_WORKER]
            assert wrong(found) == {}
            assert [fault async for fault in trail.verify_trail(database)] == []
            await database.close()
