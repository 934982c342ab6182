"""The worker: what is asked for is done, whatever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from procrastinate import Blueprint, JobContext
from sqlalchemy import select, text, update

from neighborhood_api import worker
from neighborhood_api.grid.models import Residence
from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit import jobs as kit_jobs
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.idempotency import IdempotencyRow
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.outbox import OutboxRow, emit
from neighborhood_api.migrate import migrate
from neighborhood_api.settings import Settings
from neighborhood_api.worker import Desk, job_app, run_worker
from tests.support.places import build_town
from tests.support.postgres import local_postgres, open_folder

pytestmark = pytest.mark.slow

SOON = 15.0
DOING = text(
    "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)"
    " VALUES (now() - make_interval(secs => :ago)) RETURNING id)"
    " UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id, attempts = 1"
    " FROM dead WHERE task_name = :task AND status = 'todo' RETURNING worker_id"
)
JOB = text(
    "SELECT status::text, attempts FROM procrastinate_jobs"
    " WHERE task_name = :task AND args @> CAST(:args AS jsonb)"
)


@pytest.fixture
async def own(own_url: str) -> AsyncIterator[Database]:
    database = Database(own_url)
    await database.open()
    yield database
    await database.close()


@asynccontextmanager
async def working(settings: Settings, url: str) -> AsyncIterator[asyncio.Event]:
    """Run a worker meanwhile, and stop it as a signal would."""
    stop = asyncio.Event()
    running = asyncio.create_task(run_worker(settings, url, stop=stop))
    try:
        yield stop
    finally:
        stop.set()
        await running


async def until(true: Callable[[], Awaitable[bool]], within: float = SOON) -> None:
    deadline = monotonic() + within
    while not await true():
        assert monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.1)


async def job_state(database: Database, task: str, args: str = "{}") -> tuple[str, int] | None:
    async with database.transaction() as tx:
        row = (await tx.execute(JOB, {"task": task, "args": args})).first()
    return None if row is None else (row[0], row[1])


def done(database: Database, task: str, args: str = "{}") -> Callable[[], Awaitable[bool]]:
    async def is_done() -> bool:
        state = await job_state(database, task, args)
        return state is not None and state[0] == "succeeded"

    return is_done


async def old_answer(tx: Tx, number: int, age: timedelta) -> None:
    tx.add(IdempotencyRow(digest=bytes([number]), fingerprint=b"f", answer=b"a", caller="c"))
    await tx.flush()
    await tx.execute(
        update(IdempotencyRow)
        .where(IdempotencyRow.digest == bytes([number]))
        .values(recorded_at=datetime.now(UTC) - age)
    )


async def test_every_job_that_is_asked_for_by_name_has_a_task() -> None:
    known = job_app("postgresql://nobody@localhost/nowhere").tasks
    wanted = {task for tasks in kit_jobs._subscriptions.values() for task in tasks}  # noqa: SLF001

    assert len(wanted) > 3
    assert wanted <= set(known)
    assert "files.make_thumbnail" in known


async def test_an_event_reaches_the_job_that_reacts_to_it(
    settings: Settings, own: Database
) -> None:
    now = datetime.now(UTC)
    async with own.transaction() as tx:
        town = await build_town(tx, now=now)
        old, new = Person(name="旧"), Person(name="新")
        tx.add_all([old, new])
        await tx.flush()
        home = columns_of(town.place(1, 1, 1, 1))
        tx.add(Residence(person_id=old.id, address="1号", stated_at=now, **home))  # type: ignore[arg-type]
        emit(tx, PersonMerged(from_person_id=old.id, into_person_id=new.id))

    async def moved() -> bool:
        async with own.transaction() as tx:
            return await tx.get(Residence, new.id) is not None

    async with working(settings, own.url):
        await until(moved)

    async with own.transaction() as tx:
        waiting = select(OutboxRow.id).where(OutboxRow.relayed_at.is_(None))
        assert (await tx.scalars(waiting)).all() == []


async def test_answers_are_forgotten_after_two_days(settings: Settings, own: Database) -> None:
    async with own.transaction() as tx:
        await old_answer(tx, 1, timedelta(hours=49))
        await old_answer(tx, 2, timedelta(hours=47))
        await enqueue(tx, "worker.forget_answers", timestamp=1)

    async with working(settings, own.url):
        await until(done(own, "worker.forget_answers", '{"timestamp": 1}'))

    async with own.transaction() as tx:
        kept = (await tx.scalars(select(IdempotencyRow.digest))).all()
    assert kept == [bytes([2])]


async def test_delivered_events_and_finished_jobs_are_forgotten_in_the_end(
    settings: Settings, own: Database
) -> None:
    async with own.transaction() as tx:
        for days in (31, 29):
            row = OutboxRow(name=f"test.days_{days}", payload={})
            row.relayed_at = datetime.now(UTC) - timedelta(days=days)
            tx.add(row)
        tx.add(OutboxRow(name="test.waiting", payload={}))
        for task in ("test.week_old", "test.fresh"):
            await enqueue(tx, task)
        await tx.execute(
            text(
                "UPDATE procrastinate_jobs SET status = 'failed'"
                " WHERE task_name IN ('test.week_old', 'test.fresh')"
            )
        )
        await tx.execute(
            text(
                "UPDATE procrastinate_events SET at = now() - interval '8 days'"
                " WHERE job_id IN (SELECT id FROM procrastinate_jobs"
                " WHERE task_name = 'test.week_old')"
            )
        )
        await enqueue(tx, "worker.forget_done_work", timestamp=1)

    async with working(settings, own.url):
        await until(done(own, "worker.forget_done_work", '{"timestamp": 1}'))

    async with own.transaction() as tx:
        names = set(
            await tx.scalars(select(OutboxRow.name).where(OutboxRow.name.like("test.%")))
        )
    assert names == {"test.days_29", "test.waiting"}
    assert await job_state(own, "test.week_old") is None
    assert await job_state(own, "test.fresh") is not None


async def test_the_job_of_a_dead_worker_runs_again(settings: Settings, own: Database) -> None:
    async with own.transaction() as tx:
        await old_answer(tx, 3, timedelta(hours=49))
        await enqueue(tx, "worker.forget_answers", timestamp=2)
        await tx.execute(DOING, {"task": "worker.forget_answers", "ago": 45})

    async with working(settings, own.url):
        await until(done(own, "worker.forget_answers", '{"timestamp": 2}'))

    async with own.transaction() as tx:
        assert await tx.get(IdempotencyRow, bytes([3])) is None


async def test_a_job_whose_end_was_not_written_down_runs_again_and_others_do_not(
    own: Database,
) -> None:
    async with own.transaction() as tx:
        await enqueue(tx, "test.lost")
        mine = await tx.scalar(DOING, {"task": "test.lost", "ago": 1})
        await enqueue(tx, "test.in_hand")
        in_hand = await tx.scalar(text("SELECT max(id) FROM procrastinate_jobs"))
        await tx.execute(
            text(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :w WHERE id = :i"
            ),
            {"w": mine, "i": in_hand},
        )
    app = job_app(own.url)
    desk = Desk(worker_id=mine, running={in_hand})

    async with app.open_async():
        seen = await worker._rescue_once(app.job_manager, desk, set())  # noqa: SLF001
        after_one = await job_state(own, "test.lost")
        _ = await worker._rescue_once(app.job_manager, desk, seen)  # noqa: SLF001

    assert after_one == ("doing", 1)  # it may have ended this very moment
    assert await job_state(own, "test.lost") == ("todo", 2)
    assert (await job_state(own, "test.in_hand") or ("", 0))[0] == "doing"


async def test_a_job_that_kills_every_worker_is_given_up(own: Database) -> None:
    async with own.transaction() as tx:
        await enqueue(tx, "test.deadly")
        await tx.execute(DOING, {"task": "test.deadly", "ago": 300})
        often = text(
            "UPDATE procrastinate_jobs SET attempts = 12 WHERE task_name = 'test.deadly'"
        )
        await tx.execute(often)
    app = job_app(own.url)

    async with app.open_async():
        _ = await worker._rescue_once(app.job_manager, Desk(), set())  # noqa: SLF001

    assert (await job_state(own, "test.deadly") or ("", 0))[0] == "failed"


async def test_a_stopping_worker_finishes_what_it_is_running(
    settings: Settings, own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()
    slow = Blueprint()

    @slow.task(name="test.slow", pass_context=True)
    async def run_slowly(_: JobContext) -> None:
        begun.set()
        await asyncio.sleep(0.5)

    monkeypatch.setattr(worker, "BLUEPRINTS", (slow,))
    async with own.transaction() as tx:
        await enqueue(tx, "test.slow")

    async with working(settings, own.url):
        await asyncio.wait_for(begun.wait(), SOON)

    assert await done(own, "test.slow")()


async def test_a_worker_outlives_its_database(settings: Settings) -> None:
    with open_folder() as folder, local_postgres(folder) as server:
        url = server.start()
        migrate(url)
        async with working(settings, url):
            database = Database(url)

            async def asked(number: int) -> None:
                async with database.transaction() as tx:
                    emit(tx, PersonMerged(from_person_id=a.id, into_person_id=b.id))
                    await enqueue(tx, "worker.forget_answers", timestamp=number)

            async with database.transaction() as tx:
                a, b = Person(), Person()
                tx.add_all([a, b])
            await asked(1)
            await until(done(database, "worker.forget_answers", '{"timestamp": 1}'))
            await database.close()

            await asyncio.to_thread(server.stop)
            await asyncio.sleep(2)
            await asyncio.to_thread(server.start)

            database = Database(url)
            await asked(2)
            await until(done(database, "worker.forget_answers", '{"timestamp": 2}'), 40)
            await until(done(database, "grid.move_residence"))
        await database.close()
