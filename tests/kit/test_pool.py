"""Connections are lent to whoever waited longest, and never again in an unknown state."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from neighborhood_api.kit import pool as pools
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.pool import LOST, Pool
from neighborhood_api.kit.reads import Reader
from tests.support.probe import Probe


@pytest.fixture
async def pool(probe: Probe) -> AsyncIterator[Pool]:
    pool = Pool(probe.database.url, size=1)
    yield pool
    assert pool.borrowed == 0
    await pool.close()


async def test_who_waited_longest_is_next(pool: Pool) -> None:
    served: list[str] = []

    async def use(name: str) -> None:
        connection = await pool.borrow()
        served.append(name)
        await connection.fetchval("SELECT 1")
        pool.give_back(connection)

    first = await pool.borrow()
    waiting = [asyncio.create_task(use(name)) for name in "abc"]
    await asyncio.sleep(0)
    pool.give_back(first)
    late = asyncio.create_task(use("late"))
    await asyncio.gather(*waiting, late)
    assert served == ["a", "b", "c", "late"]


@pytest.mark.parametrize("given", [False, True], ids=["before its turn", "at its turn"])
async def test_who_goes_away_leaves_the_turn_to_the_next(pool: Pool, *, given: bool) -> None:
    connection = await pool.borrow()
    gone, next_one = (asyncio.create_task(pool.borrow()) for _ in "ab")
    await asyncio.sleep(0)
    if given:
        pool.give_back(connection)
        gone.cancel()
    else:
        gone.cancel()
        pool.give_back(connection)
    assert await asyncio.wait_for(next_one, 5) is connection
    assert (await asyncio.gather(gone, return_exceptions=True))[0].__class__ is (
        asyncio.CancelledError
    )
    pool.give_back(connection)


async def test_waiting_ends_and_does_not_take_the_turn_of_another(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "WAIT_SECONDS", 0.02)
    connection = await pool.borrow()
    with pytest.raises(TimeoutError):
        await pool.borrow()
    pool.give_back(connection)
    assert await pool.borrow() is connection
    pool.give_back(connection)


async def test_a_connection_that_rested_too_long_is_replaced(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await pool.borrow()
    pool.give_back(connection)
    monkeypatch.setattr(pools, "IDLE_SECONDS", -1)
    other = await pool.borrow()
    assert other is not connection
    pool.give_back(other)
    await pool.close()
    assert connection.is_closed()


async def test_a_connection_that_cannot_be_made_takes_no_place() -> None:
    pool = Pool("postgresql://nobody@127.0.0.1:1/none", size=1)
    for _ in "ab":
        with pytest.raises(OSError, match=r"refused|Connect"):
            await pool.borrow()
    assert pool.borrowed == 0


async def test_what_comes_back_after_the_end_is_disconnected(pool: Pool) -> None:
    connection = await pool.borrow()
    await pool.close()
    pool.give_back(connection)
    await pool.close()
    assert connection.is_closed()


async def test_a_refused_read_leaves_its_connection_to_the_next(probe: Probe) -> None:
    reader = Reader(probe.database.url, size=1)
    await reader.open()
    before = (await reader.fetch("SELECT pg_backend_pid()"))[0][0]
    with pytest.raises(asyncpg.DivisionByZeroError):
        await reader.fetch("SELECT 1/0")
    assert (await reader.fetch("SELECT pg_backend_pid()"))[0][0] == before
    await reader.close()


async def test_a_read_that_is_cancelled_ends_on_the_server_too(probe: Probe) -> None:
    reader = Reader(probe.database.url, size=1)
    await reader.open()
    before = (await reader.fetch("SELECT pg_backend_pid()"))[0][0]
    mark = f"/* {new_id().hex} */"
    slow = asyncio.create_task(reader.fetch(f"SELECT pg_sleep(60) {mark}"))
    await asyncio.sleep(0.1)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert (await reader.fetch("SELECT pg_backend_pid()"))[0][0] != before
    await reader.close()
    running = await probe.database.reader.fetch(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()"
        " AND state = 'active'",
        f"%{mark}%",
    )
    assert not running


def test_only_a_refusal_of_postgresql_leaves_a_connection_good() -> None:
    assert not pools.is_spent(asyncpg.UniqueViolationError())
    for cut in (TimeoutError(), asyncio.CancelledError(), *(kind("") for kind in LOST)):
        assert pools.is_spent(cut), cut
