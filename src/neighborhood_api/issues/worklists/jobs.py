"""Writing exports, and deleting them."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.files.store import Store
from neighborhood_api.issues.worklists import exports
from neighborhood_api.kit.jobs import PATIENT, database_of

jobs = Blueprint()


@jobs.task(name="issues.export_issues", pass_context=True, retry=PATIENT)
async def export_issues(context: JobContext, export_id: str) -> None:
    """Write the file of an export; one that was cut off begins anew."""
    now = datetime.now(UTC)
    await exports.write_export(database_of(context), _store(context), UUID(export_id), now=now)


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="issues.delete_exports", pass_context=True, queueing_lock="delete_exports")
async def delete_exports(context: JobContext, timestamp: int) -> None:
    """Delete the files of exports after a day, and what killed workers left."""
    del timestamp
    now = datetime.now(UTC)
    await asyncio.to_thread(exports.sweep_folders, now=now)
    await exports.delete_exports(database_of(context), _store(context), now=now)


def _store(context: JobContext) -> Store:
    store: Store = context.additional_context["store"]
    return store
