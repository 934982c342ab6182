"""Events become jobs once, whoever relays them, and only after the commit."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from neighborhood_api.kit import jobs
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.jobs import enqueue, on, relay_outbox
from neighborhood_api.kit.outbox import Event, emit


class BellRung(Event):
    """Somebody rang."""

    name = "probe.bell_rung"
    mark: UUID
    number: int


@pytest.fixture
def heard() -> Iterator[None]:
    """Two tasks react to the bell."""
    on(BellRung, "probe.open_door")
    on(BellRung, "probe.bark")
    yield
    del jobs._subscriptions[BellRung.name]  # noqa: SLF001


async def jobs_of(database: Database, mark: UUID) -> Counter[tuple[str, int]]:
    query = text(
        "SELECT task_name, (args->>'number')::int AS number FROM procrastinate_jobs"
        " WHERE args->>'mark' = :mark"
    )
    async with database.transaction() as tx:
        rows = (await tx.execute(query, {"mark": str(mark)})).all()
        await tx.execute(
            text("DELETE FROM procrastinate_jobs WHERE args->>'mark' = :mark"),
            {"mark": str(mark)},
        )
    return Counter((row.task_name, row.number) for row in rows)


async def relay_all(database: Database) -> int:
    relayed = 0
    while True:
        async with database.transaction() as tx:
            now = await relay_outbox(tx)
        relayed += now
        if now == 0:
            return relayed


@pytest.mark.usefixtures("heard")
async def test_two_relays_at_once_deliver_each_event_once(live_database: Database) -> None:
    await relay_all(live_database)
    mark = new_id()
    async with live_database.transaction() as tx:
        for number in range(450):
            emit(tx, BellRung(mark=mark, number=number))
    relayed = await asyncio.gather(*[relay_all(live_database) for _ in range(2)])
    assert sum(relayed) == 450
    assert await jobs_of(live_database, mark) == {
        (task, number): 1 for task in ("probe.open_door", "probe.bark") for number in range(450)
    }


@pytest.mark.usefixtures("heard")
async def test_an_event_of_a_change_that_failed_was_never_there(
    live_database: Database,
) -> None:
    mark = new_id()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with live_database.transaction() as tx:
            emit(tx, BellRung(mark=mark, number=1))
            await enqueue(tx, "probe.bark", mark=str(mark), number=2)
            await tx.flush()
            raise ZeroDivisionError
    await relay_all(live_database)
    assert await jobs_of(live_database, mark) == {}


@pytest.mark.usefixtures("heard")
async def test_a_relay_that_dies_leaves_its_events_to_the_next(live_database: Database) -> None:
    mark = new_id()
    async with live_database.transaction() as tx:
        emit(tx, BellRung(mark=mark, number=1))
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with live_database.transaction() as tx:
            assert await relay_outbox(tx) >= 1
            raise ZeroDivisionError
    await relay_all(live_database)
    assert await jobs_of(live_database, mark) == {
        ("probe.open_door", 1): 1,
        ("probe.bark", 1): 1,
    }


async def test_an_event_that_nobody_hears_is_done_with(live_database: Database) -> None:
    mark = new_id()
    async with live_database.transaction() as tx:
        emit(tx, BellRung(mark=mark, number=1))
    assert await relay_all(live_database) >= 1
    assert await relay_all(live_database) == 0
    assert await jobs_of(live_database, mark) == {}
