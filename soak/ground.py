"""What checks and clients stand on: a database with a town, and people who make requests."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import asyncpg

from soak.clients import Clients
from soak.town import Town

QUIET_SECONDS = 180.0
"""How long the jobs may take to end once nothing is killed any more: a worker that was killed
is taken for dead after half a minute."""

_NOT_QUIET = """
SELECT (SELECT count(*) FROM outbox WHERE relayed_at IS NULL)
     + (SELECT count(*) FROM procrastinate_jobs
        WHERE queueing_lock IS NULL
            AND (status = 'doing'
                OR (status = 'todo' AND COALESCE(scheduled_at, now()) <= now())))
"""
"""Sweeps, which have a queueing lock, are never at an end: what they are for is counted."""
_DEFER = """
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', $1::text, 0, NULL, $1::text,
    '{"timestamp": 0}'::jsonb, NULL)::procrastinate_job_to_defer_v1])
"""


@dataclass
class Ground:
    """A database, a town in it, and clients of an API that serves it."""

    url: str
    pool: asyncpg.Pool
    town: Town
    clients: Clients

    async def sql(self, statement: str, *parameters: object) -> list[asyncpg.Record]:
        """Run one statement; the database must be there."""
        rows: list[asyncpg.Record] = await self.pool.fetch(statement, *parameters)
        return rows

    async def defer(self, *tasks: str) -> None:
        """Ask for sweeps now and not at the next minute; one of each kind waits at a time."""
        for task in tasks:
            with suppress(asyncpg.UniqueViolationError):
                await self.sql(_DEFER, task)

    async def until_quiet(self, *also: str, seconds: float = QUIET_SECONDS) -> str | None:
        """Wait until all jobs are done and all events delivered; say what is left, if so.

        `also` are statements that count what else must have come to zero.
        """
        deadline = monotonic() + seconds
        while True:
            left = [(await self.sql(one))[0][0] for one in (_NOT_QUIET, *also)]
            if not any(left):
                return None
            if monotonic() > deadline:
                return f"jobs or deadlines are left undone: {left}"
            await asyncio.sleep(0.5)
