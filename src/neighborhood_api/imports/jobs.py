"""Imports and exports of the grid: trying, writing, and deleting what is left."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.files.store import Store
from neighborhood_api.imports import taking_out, working
from neighborhood_api.imports.service import APPLY_JOB, CHECK_JOB, CLEAR_JOB
from neighborhood_api.kit.jobs import PATIENT, database_of
from neighborhood_api.settings import Settings

jobs = Blueprint()


@jobs.task(name=CHECK_JOB, pass_context=True, retry=PATIENT)
async def check_import(context: JobContext, import_id: str) -> None:
    """Find out what an import would change; one that was cut off begins anew."""
    limits = working.limits_of(_settings(context).import_megabytes)
    await working.run_check(
        *(database_of(context), _store(context), UUID(import_id)),
        limits=limits,
        now=datetime.now(UTC),
    )


@jobs.task(name=APPLY_JOB, pass_context=True, retry=PATIENT)
async def apply_import(context: JobContext, import_id: str) -> None:
    """Write what an import changes, all of it or nothing; one cut off begins anew."""
    limits = working.limits_of(_settings(context).import_megabytes)
    await working.run_apply(
        *(database_of(context), _store(context), UUID(import_id)),
        limits=limits,
        now=datetime.now(UTC),
    )


@jobs.task(name=CLEAR_JOB, pass_context=True, retry=PATIENT)
async def clear_import(context: JobContext, import_id: str) -> None:
    """Delete the files of an import that has ended."""
    await working.clear_import(database_of(context), _store(context), UUID(import_id))


@jobs.task(name=taking_out.EXPORT_JOB, pass_context=True, retry=PATIENT)
async def export_grid(context: JobContext, export_id: str) -> None:
    """Write the file of an export; one that was cut off begins anew."""
    now = datetime.now(UTC)
    await taking_out.run_grid_export(
        database_of(context), _store(context), UUID(export_id), now=now
    )


@jobs.periodic(cron="37 * * * *")
@jobs.task(name="imports.delete_old", pass_context=True, queueing_lock="delete_old_imports")
async def delete_old(context: JobContext, timestamp: int) -> None:
    """Delete files after a day, and what killed workers left."""
    del timestamp
    now = datetime.now(UTC)
    await asyncio.to_thread(working.sweep_folders, now=now)
    await working.delete_old(database_of(context), _store(context), now=now)


def _store(context: JobContext) -> Store:
    store: Store = context.additional_context["store"]
    return store


def _settings(context: JobContext) -> Settings:
    settings: Settings = context.additional_context["settings"]
    return settings
