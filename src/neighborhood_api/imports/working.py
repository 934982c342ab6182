"""What jobs and commands do with imports: the dry run, and the change as a whole.

A dry run and a change are one transaction each. A worker that is killed in the middle leaves
nothing of it; the job begins anew, and finds out by the state whether it was done already.
How far it is, is told in transactions of their own, so that callers see it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from neighborhood_api.files import store as blobs
from neighborhood_api.files.store import Store, new_key
from neighborhood_api.grid.service import NodeNotFound, standing_of
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.imports import vault
from neighborhood_api.imports.applying import write_plan
from neighborhood_api.imports.models import DataImport, GridExport
from neighborhood_api.imports.planning import Plan, Scope, make_plan, raw_connection
from neighborhood_api.imports.reading.problems import UnreadableTable
from neighborhood_api.imports.reading.tables import DEFAULT_LIMITS, Limits
from neighborhood_api.imports.refusals import FaultsRemain, GroundChanged
from neighborhood_api.imports.reports import write_report
from neighborhood_api.imports.schemas import GridExportState, ImportState
from neighborhood_api.imports.service import (
    CLEAR_JOB,
    GIVEN_UP,
    KEPT,
    SHEETS,
    UNDER_WAY,
    require_scope,
)
from neighborhood_api.imports.staging import Source, Tell
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.problems import InternalError, Problem

FOLDER = "neighborhood-import-"
"""How the temporary folders begin in which files are read and written."""
AT_ONCE = 200
_REFUSALS = (
    Forbidden,
    NodeNotFound,
    UnreadableTable,
    GroundChanged,
    FaultsRemain,
    vault.StoredFileGone,
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


def limits_of(megabytes: int) -> Limits:
    """Return how much of a file is read, where files may be so large."""
    return replace(DEFAULT_LIMITS, file_bytes=megabytes * 1024 * 1024)


@dataclass(frozen=True)
class Task:
    """What a job needs to know of an import."""

    import_id: UUID
    files: Sequence[dict[str, Any]]
    secret: str
    actor: Actor
    scope: Scope
    plan: str | None


async def run_check(
    database: Database, store: Store, import_id: UUID, *, limits: Limits, now: datetime
) -> None:
    """Find out what an import would change, and write the report; safe to begin anew."""
    try:
        task = await _begin(database, import_id, ImportState.CHECKING, now=now)
        if task is None:
            return
        await _check(database, store, task, limits=limits, now=now)
    except _REFUSALS as refusal:
        await _fail(database, import_id, refusal)


async def run_apply(
    database: Database, store: Store, import_id: UUID, *, limits: Limits, now: datetime
) -> None:
    """Write everything that the dry run showed, or nothing; safe to begin anew.

    Emits: AppointmentMade, AppointmentAmended, AppointmentEnded, PostVacant, PostFilled,
        RosterChanged.
    """
    try:
        task = await _begin(database, import_id, ImportState.APPLYING, now=now)
        if task is None:
            return
        async with fetched(store, task) as sources, database.transaction() as tx:
            await _write(database, tx, task, sources, limits=limits, now=now)
    except _REFUSALS as refusal:
        await _fail(database, import_id, refusal)


async def clear_import(database: Database, store: Store, import_id: UUID) -> None:
    """Delete the uploaded files of an import that has ended, and of a cancelled one all."""
    async with database.transaction() as tx:
        found = await tx.get(DataImport, import_id)
        if found is None or found.state in {*UNDER_WAY, ImportState.CHECKED.value}:
            return
        keys = [str(one["key"]) for one in found.files if "key" in one]
        cancelled = found.state == ImportState.CANCELLED
        if cancelled and found.report_key is not None:
            keys.append(found.report_key)
    await blobs.delete(store, *keys)
    async with database.transaction() as tx:
        found = await tx.get_one(DataImport, import_id, with_for_update=True)
        found.files = [{k: v for k, v in one.items() if k != "key"} for one in found.files]
        if cancelled:
            found.secret = found.report_key = None


async def delete_old(database: Database, store: Store, *, now: datetime) -> int:
    """Delete what is a day old, and give up what never ended; return how many were deleted.

    The rows stay, and with them who brought what in and took what out.

    Raises: FileStoreUnavailable.
    """
    stuck = update(DataImport).where(
        DataImport.state.in_(UNDER_WAY), DataImport.begun_at < now - GIVEN_UP
    )
    hanging = update(GridExport).where(
        GridExport.state.in_(("queued", "running")), GridExport.requested_at < now - GIVEN_UP
    )
    failed = {"state": "failed", "problem": InternalError.code()}
    old = select(DataImport).where(
        DataImport.secret.is_not(None), DataImport.requested_at <= now - KEPT
    )
    past = select(GridExport).where(
        GridExport.secret.is_not(None),
        or_(GridExport.requested_at <= now - KEPT, GridExport.state == GridExportState.FAILED),
    )
    async with database.transaction() as tx:
        await tx.execute(stuck.values(failed))
        await tx.execute(hanging.values(failed))
        imports = (await tx.scalars(old.limit(AT_ONCE))).all()
        exports = (await tx.scalars(past.limit(AT_ONCE))).all()
    keys = [str(f["key"]) for one in imports for f in one.files if "key" in f]
    keys += [one.report_key for one in imports if one.report_key is not None]
    await blobs.delete(store, *keys, *(one.storage_key for one in exports))
    async with database.transaction() as tx:
        for one in imports:
            gone = update(DataImport).where(DataImport.id == one.id)
            sizes = [{"name": "", "size_bytes": f["size_bytes"]} for f in one.files]
            await tx.execute(gone.values(secret=None, report_key=None, files=sizes))
        ids = [one.id for one in exports]
        taken = update(GridExport).where(GridExport.id.in_(ids))
        await tx.execute(taken.values(secret=None))
    return len(imports) + len(exports)


def sweep_folders(*, now: datetime) -> int:
    """Delete what workers that were killed left in this machine's temporary folder."""
    since = (now - GIVEN_UP).timestamp()
    swept = 0
    for folder in Path(gettempdir()).glob(f"{FOLDER}*"):
        with suppress(FileNotFoundError):  # another worker, or its own end, was quicker
            if folder.stat().st_mtime < since:
                rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


@asynccontextmanager
async def fetched(store: Store, task: Task) -> AsyncIterator[list[Source]]:
    """Give the files of an import in the clear, in a folder that is gone afterwards."""
    with TemporaryDirectory(prefix=FOLDER) as folder:
        sources = []
        for number, one in enumerate(task.files):
            path = Path(folder) / f"upload-{number}"
            await vault.fetch_to(store, str(one["key"]), task.secret, path)
            sources.append(Source(str(one["name"]), path))
        yield sources


def teller(database: Database, import_id: UUID) -> Tell:
    """Return what tells callers how many rows are done."""

    async def tell(rows: int) -> None:
        done = update(DataImport).where(DataImport.id == import_id)
        async with database.transaction() as tx:
            await tx.execute(done.values(rows_done=rows))

    return tell


async def _begin(
    database: Database, import_id: UUID, state: ImportState, *, now: datetime
) -> Task | None:
    """Take an import on, with the posts that its person has by now.

    Raises: Forbidden, NodeNotFound.
    """
    expected = {ImportState.CHECKING: {"queued", "checking"}}.get(state, {"applying"})
    async with database.transaction() as tx:
        found = await tx.get(DataImport, import_id, with_for_update=True)
        if found is None or found.state not in expected or found.secret is None:
            return None
        found.state, found.rows_done = state.value, 0
        standing = await standing_of(tx, found.person_id, now)
        actor = Actor(found.person_id, found.person_id, standing.posts, standing.residence)
        files, secret, node_id, plan = found.files, found.secret, found.node_id, found.plan
    scope = await require_scope(database.reader, actor, node_id, now=now)
    return Task(import_id, files, secret, actor, scope, plan)


async def _check(
    database: Database, store: Store, task: Task, *, limits: Limits, now: datetime
) -> None:
    key = new_key(now)
    async with fetched(store, task) as sources:
        path = sources[0].path.parent / "report.xlsx"
        async with database.transaction() as tx:
            connection = await raw_connection(tx)
            plan = await make_plan(
                connection,
                task.scope,
                sources,
                now=now,
                tell=teller(database, task.import_id),
                limits=limits,
            )
            await write_report(connection, plan, path)
        await vault.keep_path(store, key, task.secret, path)
    async with database.transaction() as tx:
        found = await tx.get_one(DataImport, task.import_id, with_for_update=True)
        before = found.report_key
        if found.state == ImportState.CHECKING:
            found.state, found.plan = ImportState.CHECKED.value, plan.digest
            found.totals, found.report_key = totals_of(plan), key
            found.rows_done = found.rows_total = plan.staged.rows
        else:  # cancelled meanwhile
            before = key
    if before is not None:
        await blobs.delete(store, before)


def totals_of(plan: Plan) -> dict[str, dict[str, int]]:
    """Return the totals as they are kept: sheets that could not be read besides."""
    sheets = sum(1 for one in plan.staged.skipped if one.wrong)
    return plan.totals | ({SHEETS: {"fault": sheets}} if sheets else {})


async def _write(
    database: Database,
    tx: Tx,
    task: Task,
    sources: Sequence[Source],
    *,
    limits: Limits,
    now: datetime,
) -> None:
    """Plan again under the district's lock, and write if it is the plan that was shown.

    Raises: GroundChanged, FaultsRemain.
    """
    connection = await raw_connection(tx)
    await connection.execute(_LOCK, f"import {task.scope.place[0]}")
    tell = teller(database, task.import_id)
    plan = await make_plan(connection, task.scope, sources, now=now, tell=tell, limits=limits)
    state = await tx.scalar(select(DataImport.state).where(DataImport.id == task.import_id))
    if state != ImportState.APPLYING:
        return  # done by another worker, or cancelled
    if plan.digest != task.plan:
        raise GroundChanged
    await write_plan(tx, plan, task.actor, subject=task.import_id, now=now)
    applied = (
        update(DataImport)
        .where(DataImport.id == task.import_id, DataImport.state == ImportState.APPLYING)
        .values(state=ImportState.APPLIED.value, applied_at=now, rows_done=plan.staged.rows)
    )
    await enqueue(tx, CLEAR_JOB, import_id=str(task.import_id))
    if (await tx.execute(applied.returning(DataImport.id))).first() is None:
        raise GroundChanged


async def _fail(database: Database, import_id: UUID, refusal: Problem) -> None:
    """Write down why a step ended without success; the files stay for a day to try again."""
    async with database.transaction() as tx:
        found = await tx.get(DataImport, import_id, with_for_update=True)
        if found is not None and found.state in UNDER_WAY:
            found.state, found.problem = ImportState.FAILED.value, refusal.code()
            found.told = refusal.detail if isinstance(refusal, UnreadableTable) else None
