"""Work after the answer, in PostgreSQL: a job commits with the change that asks for it.

Jobs run at least once; each must be safe to repeat. Domains declare theirs on a procrastinate
`Blueprint` in `jobs.py`; `worker.py` gathers them.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from procrastinate import JobContext, RetryStrategy
from sqlalchemy import select, update

from neighborhood_api.kit.db import Database, Handle, Tx, run
from neighborhood_api.kit.outbox import Event, OutboxRow

F = TypeVar("F", bound=Callable[..., object])

PATIENT = RetryStrategy(max_attempts=12, exponential_wait=2)
"""For work that a passing fault may stop: tried for a little over an hour."""

RELAYED_AT_ONCE = 200

_subscriptions: dict[str, list[str]] = {}

_DEFER = (
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', $1::text, 0, NULL, NULL,"
    " $2::text::jsonb, NULL)::procrastinate_job_to_defer_v1])"
)


async def enqueue(handle: Handle, task: str, **args: str | int) -> None:
    """Ask for a job; it runs after the transaction commits, or never."""
    await run(handle, _DEFER, task, json.dumps(args))


def on(event: type[Event], task: str) -> None:
    """Run the job named `task` with the payload of each `event`."""
    on_named(event.name, task)


def on_named(name: str, task: str) -> None:
    """Run the job named `task` with the payload of each event that is recorded as `name`."""
    _subscriptions.setdefault(name, []).append(task)


def database_of(context: JobContext) -> Database:
    """Return the worker's database."""
    database: Database = context.additional_context["database"]
    return database


@asynccontextmanager
async def job_transaction(context: JobContext) -> AsyncIterator[Tx]:
    """Open the job's one transaction."""
    async with database_of(context).transaction() as tx:
        yield tx


async def relay_outbox(tx: Tx) -> int:
    """Turn waiting events into the jobs that react to them; return how many events.

    Several workers may relay at once: each skips the rows that another holds.
    """
    waiting = (
        select(OutboxRow.id, OutboxRow.name, OutboxRow.payload)
        .where(OutboxRow.relayed_at.is_(None))
        .order_by(OutboxRow.id)
        .limit(RELAYED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = (await tx.execute(waiting)).all()
    for row in rows:
        payload: dict[str, Any] = row.payload
        for task in _subscriptions.get(row.name, ()):
            await enqueue(tx, task, **payload)
    if rows:
        done = update(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows]))
        await tx.execute(done.values(relayed_at=datetime.now(UTC)))
    return len(rows)
