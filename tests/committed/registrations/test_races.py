"""Fifty clients at once at scarce things: never one too many, never one too few.

`python -m soak booking` runs the same races ten thousand times and more each.
"""

from collections.abc import AsyncIterator
from random import Random

import pytest

from neighborhood_api.kit.db import Database
from soak.scarcity.arena import POOL, Arena
from soak.scarcity.races import RACES
from tests.support.places import Town

pytestmark = pytest.mark.slow

ROUNDS = 2


@pytest.fixture(scope="module")
async def arena(live_database_url: str, live_town: Town) -> AsyncIterator[Arena]:
    database = Database(live_database_url, pool_size=POOL)
    await database.open()
    made = Arena(database, live_town.place(1, 1, 1, 1), Random(20261122))  # noqa: S311  (a plan)
    await made.fill()
    yield made
    await database.close()


@pytest.mark.parametrize("name", RACES)
async def test_never_one_too_many_and_never_one_too_few(arena: Arena, name: str) -> None:
    arena.violations.clear()
    arena.outcomes.clear()
    before, deadlocks = arena.won, await arena.deadlocks()
    for _ in range(ROUNDS):
        await RACES[name](arena)
    assert arena.violations == []
    assert await arena.deadlocks() == deadlocks
    assert arena.outcomes["unexpected"] == 0
    assert arena.won > before
