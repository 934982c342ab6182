"""What jobs do about the events of a test, each run twice: a job may run again."""

from datetime import datetime, tzinfo
from types import ModuleType
from typing import Any

import pytest
from procrastinate import Blueprint
from sqlalchemy import text

from neighborhood_api.kit.db import Database
from neighborhood_api.kit.jobs import relay_outbox
from tests.support.clock import Clock
from tests.support.jobs import job_context

ASKED = text("DELETE FROM procrastinate_jobs WHERE task_name = ANY(:names) RETURNING *")


class Reactions:
    """Relays events, and runs the jobs of one module that they ask for."""

    def __init__(
        self,
        database: Database,
        module: ModuleType,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        class Moment:
            @staticmethod
            def now(tz: tzinfo) -> datetime:
                return clock.now.astimezone(tz)

        monkeypatch.setattr(module, "datetime", Moment)
        self._jobs: Blueprint = module.jobs
        self._database = database

    async def __call__(self, *, times: int = 2) -> list[str]:
        """Return the names of the jobs that ran, in the order of their events."""
        async with self._database.transaction() as tx:
            while await relay_outbox(tx):
                pass
            names = {"names": list(self._jobs.tasks)}
            rows: list[Any] = sorted(
                (await tx.execute(ASKED, names)).all(), key=lambda row: row.id
            )
        for row in rows:
            task: Any = self._jobs.tasks[row.task_name]
            context = job_context(self._database, row.task_name)
            context = context.evolve(job=context.job.evolve(id=row.id))
            for _ in range(times):
                await task.func(context, **row.args)
        return [row.task_name for row in rows]
