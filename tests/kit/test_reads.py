"""Named queries, on the reader and inside a transaction, also after the server hung up."""

import asyncio
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import bindparam, column, func, literal, select, table, text

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.reads import Query, Reader
from tests.support.probe import Probe


class Found(NamedTuple):
    """A note."""

    id: UUID
    words: str


_NOTE = table("note", column("id"), column("words"), column("number"), schema="probe")
BY_WORDS = Query(
    select(_NOTE.c.id, _NOTE.c.words)
    .where(_NOTE.c.words.in_([bindparam("one"), bindparam("other")]))
    .where(literal(1) == 1)
    .order_by(_NOTE.c.words),
    Found,
)
WHO = Query(
    select(func.pg_backend_pid().label("pid"), bindparam("n", 7).label("n")),
    lambda pid, n: (pid, n),
)


@pytest.fixture
async def words(probe: Probe) -> list[str]:
    made = sorted(new_id().hex for _ in range(2))
    for one in made:
        await probe.post("/note", json={"words": one})
    return made


async def test_a_query_gives_rows_from_the_reader(probe: Probe, words: list[str]) -> None:
    found = await BY_WORDS.all(probe.database.reader, one=words[0], other=words[1])
    assert [row.words for row in found] == words
    assert all(isinstance(row.id, UUID) for row in found)
    first = await BY_WORDS.first(probe.database.reader, one=words[1], other="x")
    assert first == found[1]
    assert await BY_WORDS.first(probe.database.reader, one="x", other="y") is None


async def test_a_query_sees_the_changes_of_its_own_transaction(
    probe: Probe, words: list[str]
) -> None:
    async with probe.database.transaction() as tx:
        await tx.execute(text("DELETE FROM probe.note WHERE words = :w"), {"w": words[0]})
        inside = await BY_WORDS.all(tx, one=words[0], other=words[1])
        outside = await BY_WORDS.all(probe.database.reader, one=words[0], other=words[1])
        assert ([r.words for r in inside], [r.words for r in outside]) == (words[1:], words)
        await tx.rollback()


async def test_a_value_bound_in_advance_may_be_left_out(database: Database, tx: Tx) -> None:
    for source in (database.reader, tx):
        first = await WHO.first(source)
        again = await WHO.first(source, n=8)
        assert first is not None
        assert again is not None
        assert (first[1], again[1]) == (7, 8)


async def test_the_reader_cannot_write(probe: Probe, words: list[str]) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await probe.database.reader.fetch("DELETE FROM probe.note")
    assert await probe.stored(words[0]) == 1


async def test_a_reader_that_was_not_opened_says_so() -> None:
    with pytest.raises(RuntimeError, match="open"):
        await Reader("postgresql:///x", size=1).fetch("SELECT 1")


async def hang_up(database: Database, pids: list[int]) -> None:
    killer = await asyncpg.connect(database.url)
    try:
        for pid in pids:
            assert await killer.fetchval("SELECT pg_terminate_backend($1, 2000)", pid)
    finally:
        await killer.close()


async def test_reads_and_writes_go_on_when_the_server_has_closed_their_connections(
    probe: Probe,
) -> None:
    own = Database(probe.database.url, pool_size=3)
    await own.open()
    try:
        reads = await asyncio.gather(
            *[own.reader.fetch("SELECT pg_sleep(0.05)") for _ in "abc"]
        )
        assert len(reads) == 3
        pids = await own.reader.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND query = 'SELECT pg_sleep(0.05)'"
        )
        async with own.transaction() as tx:
            writer = await tx.scalar(select(func.pg_backend_pid()))
        await hang_up(own, [*{int(row["pid"]) for row in pids} | {int(writer or 0)}])
        async with own.transaction() as tx:
            assert await tx.scalar(select(func.pg_backend_pid())) != writer
        assert len(await asyncio.gather(*[WHO.all(own.reader) for _ in "abc"])) == 3
    finally:
        await own.close()


async def test_a_read_that_is_cut_off_in_the_middle_is_done_again(probe: Probe) -> None:
    own = Database(probe.database.url, pool_size=2)
    await own.open()
    try:
        mark = f"/* {new_id().hex} */"
        slow = asyncio.create_task(
            own.reader.fetch(f"SELECT pg_sleep(0.4), pg_backend_pid() AS pid {mark}")
        )
        await asyncio.sleep(0.15)
        rows = await probe.database.reader.fetch(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active'",
            f"%{mark}%",
        )
        cut = [row["pid"] for row in rows]
        assert len(cut) == 1
        await hang_up(own, cut)
        assert (await slow)[0]["pid"] != cut[0]
    finally:
        await own.close()
