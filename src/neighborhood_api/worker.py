"""Composition root of the job runner: the only module that imports every `jobs.py`.

A worker outlives its database: what needs the database is tried again until it is back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import httpx
import structlog
from procrastinate import App, Blueprint, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from sqlalchemy import delete

from neighborhood_api.cases import jobs as cases
from neighborhood_api.cases.leaving import OPEN_CASES
from neighborhood_api.files import jobs as files
from neighborhood_api.files.store import store_from
from neighborhood_api.grid import jobs as grid
from neighborhood_api.grid.posts.handovers import hand_over_with
from neighborhood_api.identity import jobs as identity
from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.imports import jobs as imports
from neighborhood_api.issues import jobs as issues
from neighborhood_api.issues.notices import jobs as issue_notices
from neighborhood_api.issues.together import jobs as together
from neighborhood_api.issues.watching import jobs as watching
from neighborhood_api.issues.whistling import jobs as whistling
from neighborhood_api.issues.worklists import jobs as worklists
from neighborhood_api.kit import idempotency, trail
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.jobs import RELAYED_AT_ONCE, job_transaction, relay_outbox
from neighborhood_api.kit.logs import describe
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.notifications import jobs as notifications
from neighborhood_api.notifications.accounts import jobs as account_notices
from neighborhood_api.notifications.rosters import jobs as roster_notices
from neighborhood_api.privacy import jobs as privacy
from neighborhood_api.registers.claims import jobs as residence_claims
from neighborhood_api.registrations import jobs as registrations
from neighborhood_api.reorganisation import jobs as reorganisation
from neighborhood_api.settings import Settings
from neighborhood_api.statistics import jobs as statistics
from neighborhood_api.venues.children import jobs as children
from neighborhood_api.venues.notices import jobs as venue_notices
from neighborhood_api.venues.openings import jobs as openings
from neighborhood_api.venues.sessions import jobs as sessions
from neighborhood_api.wechat.config import wechat_from

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Jobs that one worker runs side by side."""
GRACE_SECONDS = 20.0
"""How long a stopping worker waits for the jobs it is running."""
RELAY_SECONDS = 1.0
HEARTBEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 30.0
"""A worker without a sign of life for so long is taken for dead, and its jobs go to others."""
RESCUE_SECONDS = 10.0
MOST_RESCUES = 12
"""A job that was begun so often without an end is what kills the workers."""
BACK_OFF_SECONDS = 1.0

ANSWERS_KEPT = timedelta(hours=48)
EVENTS_KEPT = timedelta(days=30)
JOBS_KEPT_HOURS = 7 * 24

housekeeping = Blueprint()


@housekeeping.periodic(cron="31 * * * *")
@housekeeping.task(name="worker.forget_answers", pass_context=True)
async def forget_answers(context: JobContext, timestamp: int) -> None:
    """Delete the answers kept for repeated requests, after two days."""
    del timestamp
    async with job_transaction(context) as tx:
        await idempotency.forget_before(tx, datetime.now(UTC) - ANSWERS_KEPT)


@housekeeping.periodic(cron="* * * * *")
@housekeeping.task(name="worker.seal_trail", pass_context=True, queueing_lock="seal_trail")
async def seal_trail(context: JobContext, timestamp: int) -> None:
    """Make the chain of the audit trail longer by what was written since."""
    del timestamp
    sealed = trail.SEALED_AT_ONCE
    while sealed == trail.SEALED_AT_ONCE:
        async with job_transaction(context) as tx:
            sealed = await trail.seal_trail(tx)


@housekeeping.periodic(cron="53 18 * * *")  # 02:53 in China
@housekeeping.task(name="worker.forget_done_work", pass_context=True)
async def forget_done_work(context: JobContext, timestamp: int) -> None:
    """Delete finished jobs after a week, and delivered events after a month."""
    del timestamp
    delivered = delete(OutboxRow).where(OutboxRow.relayed_at < datetime.now(UTC) - EVENTS_KEPT)
    async with job_transaction(context) as tx:
        await tx.execute(delivered)
    await context.app.job_manager.delete_old_jobs(
        JOBS_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


BLUEPRINTS = (
    housekeeping,
    identity.jobs,
    grid.jobs,
    cases.jobs,
    issues.jobs,
    together.jobs,
    whistling.jobs,
    watching.jobs,
    worklists.jobs,
    issue_notices.jobs,
    notifications.jobs,
    account_notices.jobs,
    roster_notices.jobs,
    registrations.jobs,
    residence_claims.jobs,
    children.jobs,
    sessions.jobs,
    openings.jobs,
    venue_notices.jobs,
    statistics.jobs,
    reorganisation.jobs,
    privacy.jobs,
    imports.jobs,
    files.jobs,
)


async def run_worker(
    settings: Settings, database_url: str, *, stop: asyncio.Event | None = None
) -> None:
    """Relay events and run jobs until `stop` is set; running jobs get some time to finish.

    Raises: OSError or asyncpg.PostgresError when the database cannot be reached at the start.
    """
    until = stop or asyncio.Event()
    use_personal_keys(settings)
    hand_over_with(OPEN_CASES)
    database = Database(database_url, pool_size=settings.pool_size)
    await database.open()
    context = {"database": database, "settings": settings, "store": store_from(settings)}
    try:
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.TaskGroup() as group:
            context["wechat"] = wechat_from(settings, http)
            group.create_task(_relay_events(database, until))
            group.create_task(_run_jobs(job_app(database.url), context, until))
    finally:
        await database.close()


def job_app(database_url: str) -> App:
    """Gather the jobs of all domains over a small pool of their own."""
    app = App(
        connector=PsycopgConnector(
            conninfo=database_url,
            min_size=1,
            max_size=AT_ONCE,
            timeout=5,
            kwargs={"connect_timeout": 5, "application_name": "neighborhood-worker"},
        )
    )
    for blueprint in BLUEPRINTS:
        app.add_tasks_from(blueprint, namespace="")  # `kit.jobs.enqueue` uses the plain names
    return app


async def _relay_events(database: Database, stop: asyncio.Event) -> None:
    while not stop.is_set():
        full = False
        try:
            async with database.transaction() as tx:
                full = await relay_outbox(tx) == RELAYED_AT_ONCE
        except Exception as exc:  # noqa: BLE001  (whatever it was, events must go on)
            log.warning("relay_interrupted", **describe(exc))
        if not full:
            await _pause(stop, RELAY_SECONDS)


async def _run_jobs(app: App, context: dict[str, Any], stop: asyncio.Event) -> None:
    """Run procrastinate's worker, which ends when it loses the database, again and again."""
    while not stop.is_set():
        working = asyncio.create_task(_work(app, context))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            working.cancel()  # it still finishes the jobs it is running
            await asyncio.wait([working, stopping])
        exc = None if working.cancelled() else working.exception()
        if exc is not None:
            log.warning("worker_interrupted", **describe(exc))
        await _pause(stop, BACK_OFF_SECONDS)


async def _work(app: App, context: dict[str, Any]) -> None:
    desk = Desk()
    rescuing: asyncio.Task[None] | None = None
    try:
        await app.open_async()
        rescuing = asyncio.create_task(_rescue_jobs(app.job_manager, desk))
        await app.run_worker_async(
            name="neighborhood",
            concurrency=AT_ONCE,
            additional_context=context,
            install_signal_handlers=False,
            shutdown_graceful_timeout=GRACE_SECONDS,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=DEAD_AFTER_SECONDS,
            worker_middleware=[desk.observe],
        )
    finally:
        if rescuing is not None:
            rescuing.cancel()
            await asyncio.wait([rescuing])
        await app.close_async()


@dataclass
class Desk:
    """What the worker of this process has in hand."""

    worker_id: int | None = None
    running: set[int | None] = field(default_factory=set)

    async def observe(
        self, run: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker
    ) -> Any:  # noqa: ANN401  (a job's result, handed on)
        """Run one job, and log what became of it without its arguments."""
        job = context.job
        self.worker_id = worker.worker_id
        self.running.add(job.id)
        started = perf_counter()
        facts = {"task": job.task_name, "job_id": job.id, "attempt": job.attempts + 1}
        try:
            result = await run()
        except BaseException as exc:
            log.warning("job_failed", **facts, **describe(exc))
            raise
        else:
            seconds = perf_counter() - started
            log.info("job_done", **facts, milliseconds=round(seconds * 1000, 1))
            return result
        finally:
            self.running.discard(job.id)


async def _rescue_jobs(manager: JobManager, desk: Desk) -> None:
    """Have the jobs run again whose worker died, or whose end could not be written down.

    The second happens to a worker that lives on: the database went away as its job ended.
    """
    lost_before: set[int | None] = set()
    while True:
        try:
            lost_before = await _rescue_once(manager, desk, lost_before)
        except ConnectorException as exc:
            log.warning("rescue_interrupted", **describe(exc))
        await asyncio.sleep(RESCUE_SECONDS)


async def _rescue_once(
    manager: JobManager, desk: Desk, lost_before: set[int | None]
) -> set[int | None]:
    """Return which jobs seem to be without an end; those that did before too run again."""
    stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS)
    begun = await manager.list_jobs_async(
        status=Status.DOING.value, worker_id=desk.worker_id or 0
    )
    lost = [job for job in begun if job.id not in desk.running]
    abandoned = [job for job in stalled if job.id not in desk.running]
    for job in [*abandoned, *(job for job in lost if job.id in lost_before)]:
        log.warning("job_rescued", task=job.task_name, job_id=job.id)
        await _run_again(manager, job)
    return {job.id for job in lost}


async def _run_again(manager: JobManager, job: Job) -> None:
    if job.attempts < MOST_RESCUES:
        try:
            await manager.retry_job(job)
        except ConnectorException:
            # Its like is waiting already: of jobs with a queueing lock one at a time waits.
            log.info("job_superseded", task=job.task_name, job_id=job.id)
        else:
            return
    await manager.finish_job(job, Status.FAILED, delete_job=False)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), timeout=seconds)
