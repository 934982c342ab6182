"""Transactions on plain asyncpg: when they begin, how they end, and what they insert."""

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import MetaData, String, bindparam, func, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from neighborhood_api.kit import pool
from neighborhood_api.kit.db import Database, refusing, run, save, save_last
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.outbox import Event, OutboxRow, emit
from neighborhood_api.kit.pool import LOST
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.kit.writes import Undone, Writer, Writers, insertion
from tests.support.probe import Probe


class Said(Event):
    """Somebody said something."""

    name: ClassVar[str] = "probe.said"
    words: str


class Found(list[object]):
    """The values of a row."""

    def __init__(self, **columns: object) -> None:
        super().__init__(columns.values())


PID = Query(select(func.pg_backend_pid().label("pid")), Found)
COUNT = Query(
    select(func.count()).where(OutboxRow.payload["words"].astext == bindparam("word")), Found
)
SAID = Query(select(OutboxRow.id).with_for_update(), Found)
UNSAY = Query(update(OutboxRow).values(name="probe.unsaid").returning(OutboxRow.id), Found)


@pytest.fixture
async def writers(probe: Probe) -> AsyncIterator[Writers]:
    writers = Writers(probe.database.url, size=2)
    await writers.open()
    yield writers
    assert writers.borrowed == 0
    await writers.close()


@pytest.fixture
async def writer(writers: Writers) -> AsyncIterator[Writer]:
    writer = writers.writer()
    yield writer
    await writer.close()


async def in_transaction(writer: Writer) -> bool:
    """Whether two statements share a transaction, and so its moment."""
    moments = [(await writer.look("SELECT now(), pg_sleep(0.002)"))[0][0] for _ in "ab"]
    return bool(moments[0] == moments[1])


def a_word() -> str:
    return f"said {new_id().hex}"


async def test_looking_needs_no_transaction_and_changing_begins_one(writer: Writer) -> None:
    assert len(await PID.all(writer)) == 1
    assert not await in_transaction(writer)
    await run(writer, "SELECT 1")
    assert await in_transaction(writer)


@pytest.mark.parametrize("query", [SAID, UNSAY], ids=["locks", "changes"])
async def test_a_query_that_locks_or_changes_begins_a_transaction(
    writer: Writer, query: Query[Found]
) -> None:
    await query.all(writer)
    assert await in_transaction(writer)


async def test_rows_that_wait_are_not_there_before_the_commit(
    writer: Writer, probe: Probe
) -> None:
    word = a_word()
    emit(writer, Said(words=word))
    assert await probe.told(word) == 0
    await writer.commit()
    assert await probe.told(word) == 1
    await writer.commit()
    assert await probe.told(word) == 1


async def test_rows_that_wait_end_with_the_changes_before_them(
    writer: Writer, probe: Probe
) -> None:
    word, other = a_word(), a_word()
    await save(writer, Said(words=word).row())
    emit(writer, Said(words=other))
    assert [await probe.told(word), await probe.told(other)] == [0, 0]
    await writer.commit()
    assert [await probe.told(word), await probe.told(other)] == [1, 1]
    assert not await in_transaction(writer)


async def test_rows_saved_last_wait_in_a_writer_and_not_in_a_session(
    writer: Writer, probe: Probe
) -> None:
    word, other = a_word(), a_word()
    await save_last(writer, Said(words=word).row())
    assert await COUNT.all(writer, word=word) == [[0]]
    await writer.commit()
    assert await probe.told(word) == 1
    async with probe.database.transaction() as tx:
        await save_last(tx, Said(words=other).row())
        assert await COUNT.all(tx, word=other) == [[1]]


async def test_a_rollback_undoes_everything_and_the_writer_goes_on(
    writer: Writer, probe: Probe
) -> None:
    gone, waiting, kept = a_word(), a_word(), a_word()
    await save(writer, Said(words=gone).row())
    emit(writer, Said(words=waiting))
    await writer.rollback()
    await save(writer, Said(words=kept).row())
    await writer.commit()
    assert [await probe.told(word) for word in (gone, waiting, kept)] == [0, 0, 1]


async def test_closing_without_a_commit_undoes_everything(
    writers: Writers, probe: Probe
) -> None:
    word = a_word()
    for _ in range(4):  # more than the pool has
        writer = writers.writer()
        await save(writer, Said(words=word).row())
        await writer.close()
    after = writers.writer()
    assert not await in_transaction(after)
    await after.commit()
    await after.close()
    assert await probe.told(word) == 0


async def test_a_commit_after_a_failed_statement_says_that_it_was_none(writer: Writer) -> None:
    await run(writer, "SELECT 1")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await run(writer, "SELECT 1 / 0")
    with pytest.raises(Undone):
        await writer.commit()


async def test_a_job_is_asked_for_with_the_commit(writer: Writer, probe: Probe) -> None:
    word = a_word()
    count = "SELECT count(*) AS n FROM procrastinate_jobs WHERE args->>'word' = $1"
    await enqueue(writer, "probe.do_it", word=word, times=2)
    assert (await probe.database.reader.fetch(count, word))[0]["n"] == 0
    await writer.commit()
    assert (await probe.database.reader.fetch(count, word))[0]["n"] == 1


async def test_a_refused_row_is_told_by_its_constraint(writer: Writer) -> None:
    class WordsTaken(Problem):
        title = "taken"
        message = "已有"

    word, insert = a_word(), "INSERT INTO probe.note VALUES (gen_random_uuid(), $1)"
    await run(writer, insert, word)
    with pytest.raises(WordsTaken), refusing({"uq_words": WordsTaken}):
        await run(writer, insert, word)


async def test_a_connection_that_the_server_closed_is_replaced_before_it_is_used(
    writers: Writers, probe: Probe
) -> None:
    first = writers.writer()
    [pid] = (await PID.all(first))[0]
    await first.close()
    killer = await asyncpg.connect(probe.database.url)
    assert await killer.fetchval("SELECT pg_terminate_backend($1, 2000)", pid)
    await killer.close()
    again = writers.writer()
    assert (await PID.all(again))[0] != [pid]
    await again.close()


async def test_a_connection_that_breaks_in_the_middle_is_thrown_away(
    writers: Writers, probe: Probe
) -> None:
    writer = writers.writer()
    await run(writer, "SELECT 1")
    [pid] = (await PID.all(writer))[0]
    killer = await asyncpg.connect(probe.database.url)
    assert await killer.fetchval("SELECT pg_terminate_backend($1, 2000)", pid)
    await killer.close()
    with pytest.raises(LOST):
        await run(writer, "SELECT 1")
    await writer.close()
    assert writers.borrowed == 0


async def test_a_refused_transaction_is_undone_and_leaves_its_connection_to_the_next(
    writers: Writers,
) -> None:
    writer, word = writers.writer(), a_word()
    emit(writer, Said(words=word))
    pid = await PID.all(writer)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await run(writer, "SELECT 1/0")
    await writer.close()
    again = writers.writer()
    assert await PID.all(again) == pid
    assert not await in_transaction(again)
    assert await COUNT.all(again, word=word) == [[0]]
    await again.close()


async def test_a_cancelled_transaction_takes_its_connection_with_it(writers: Writers) -> None:
    writer = writers.writer()
    pid = await PID.all(writer)
    slow = asyncio.create_task(run(writer, "SELECT pg_sleep(60)"))
    await asyncio.sleep(0.05)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    await writer.close()
    again = writers.writer()
    assert await PID.all(again) != pid
    await again.close()


async def test_waiting_for_a_connection_has_an_end(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.05)
    taken = [writers.writer() for _ in range(2)]
    await asyncio.gather(*[PID.all(writer) for writer in taken])
    with pytest.raises(TimeoutError):
        await PID.all(writers.writer())
    for writer in taken:
        await writer.close()


async def test_writers_that_were_not_opened_say_so() -> None:
    with pytest.raises(RuntimeError, match="open"):
        await PID.all(Writers("postgresql:///x", size=1).writer())


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False, repr=False):
    """A table of this file alone, so that migrations do not see it."""

    metadata = MetaData()


class Hat(Base):
    """A row with defaults of every kind."""

    __tablename__ = "probe_hat"

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    size: Mapped[int] = mapped_column(default=7)
    colour: Mapped[str | None] = mapped_column(default=None)
    made_by: Mapped[str] = mapped_column(String, server_default="us", init=False)


class Cap(Base):
    """A row whose default is made when it is inserted, which `insertion` does not do."""

    __tablename__ = "probe_cap"

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, insert_default=new_id)


def test_a_row_says_its_defaults_and_leaves_the_servers_to_the_server() -> None:
    plain, red = Hat(), Hat(size=8, colour="red")
    sql, parameters = insertion([plain, red])
    assert "made_by" not in sql
    assert parameters in (
        [plain.id, 7, red.id, 8, "red"],
        [plain.id, 7, None, red.id, 8, "red"],
    )


def test_a_default_that_is_made_at_insertion_is_refused() -> None:
    with pytest.raises(TypeError, match="default_factory"):
        insertion([Cap()])


async def test_requests_of_a_test_write_in_its_own_transaction(
    rolled_back: Database, database: Database
) -> None:
    """The fixture's writers undo a refused request and not what the test did before it."""
    word, other = a_word(), a_word()
    writer = rolled_back.writers.writer()
    emit(writer, Said(words=word))
    await writer.commit()
    await writer.close()
    broken = rolled_back.writers.writer()
    await save(broken, Said(words=other).row())
    with pytest.raises(asyncpg.DivisionByZeroError):
        await broken.look("SELECT 1 / 0")
    await broken.close()
    sql = "SELECT payload->>'words' AS word FROM outbox WHERE payload->>'words' = ANY($1)"
    rows = await database.reader.fetch(sql, [word, other])
    assert [row["word"] for row in rows] == [word]
