"""Exports: asked for by staff, written by a job, and gone after a day."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select, update

from neighborhood_api.files import store as blobs
from neighborhood_api.files.links import Links
from neighborhood_api.files.store import Store
from neighborhood_api.grid.service import NodeNotFound, standing_of
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.issues.worklists.downloads import sign_download
from neighborhood_api.issues.worklists.events import ExportFinished, ExportRequested
from neighborhood_api.issues.worklists.models import IssueExport
from neighborhood_api.issues.worklists.saved import plain, read_filter
from neighborhood_api.issues.worklists.schemas import ExportIn, ExportOut, ExportState
from neighborhood_api.issues.worklists.service import (
    Wanted,
    count_issues,
    prepare,
    read_page,
)
from neighborhood_api.issues.worklists.sheets import Sheet
from neighborhood_api.kit.db import Database, ReadTx, Tx, refusing, save
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import InternalError, Problem
from neighborhood_api.kit.trail import trail_of

MOST_ROWS = 100_000
ROWS_AT_ONCE = 1_000
KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(hours=3)
"""How long a job may try; a little longer than it does."""
DELETED_AT_ONCE = 200
FOLDER = "neighborhood-export-"
"""How the temporary folders begin in which sheets are written."""


class ExportTooLarge(Problem):
    """More issues than a sheet shall have; `most` says how many it may have."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The export would have more than 100,000 rows"
    message = "导出超过 10 万条，请缩小筛选范围后再导出"


class ExportUnderWay(Problem):
    """One export of a person at a time."""

    title = "Your last export is still under way"
    message = "上一次导出还在进行，请完成后再导出"


class ExportNotFound(Problem):
    """The id names none of the caller's exports."""

    status = HTTPStatus.NOT_FOUND
    title = "You have no such export"
    message = "没有找到这次导出"


class ExportGone(Problem):
    """The file was deleted after a day, or is not there yet."""

    status = HTTPStatus.GONE
    title = "The file of this export is not there"
    message = "导出文件已过期删除，请重新导出"


STATE_NAMES: dict[ExportState, str] = {
    ExportState.QUEUED: "排队中",
    ExportState.RUNNING: "导出中",
    ExportState.DONE: "已完成",
    ExportState.FAILED: "失败",
}
_REASONS: dict[str, type[Problem]] = {
    kind.code(): kind for kind in (ExportTooLarge, Forbidden, NodeNotFound, InternalError)
}
"""Why a job gives up."""
_UNDER_WAY = (ExportState.QUEUED.value, ExportState.RUNNING.value)


async def export_issues(tx: Tx, actor: Actor, wish: ExportIn, *, now: datetime) -> IssueExport:
    """Have the issues that the caller may see written to a file.

    Raises: Forbidden, NodeNotFound, ExportTooLarge, ExportUnderWay.
    Emits: ExportRequested.
    """
    wanted = await prepare(tx, actor, wish.filter, now=now)
    most = MOST_ROWS + 1
    counted = await count_issues(tx, wanted, most=most, walked=most)
    if counted.found > MOST_ROWS:
        raise ExportTooLarge(most=MOST_ROWS)
    export = IssueExport(
        person_id=actor.person_id,
        filter=plain(wish.filter),
        requested_at=now,
        storage_key=f"exports/{now:%Y/%m/%d}/{uuid4().hex}",
        rows_total=counted.found,
    )
    asked = ExportRequested(export_id=export.id, person_id=actor.person_id)
    with refusing({"uq_issue_export_under_way": ExportUnderWay}):
        await save(tx, export, trail_of(export), asked.row())
    await enqueue(tx, "issues.export_issues", export_id=str(export.id))
    return export


async def find_export(tx: ReadTx, actor: Actor, export_id: UUID) -> IssueExport:
    """Return one of the caller's exports.

    Raises: ExportNotFound.
    """
    export = await tx.get(IssueExport, export_id)
    if export is None or export.person_id != actor.person_id:
        raise ExportNotFound
    return export


def export_view(export: IssueExport, links: Links, *, now: datetime) -> ExportOut:
    """Show how far an export is, with a link to its file while that is there."""
    state = ExportState(export.state)
    there = export.expires_at is not None and export.expires_at > now
    share = export.rows_done * 100 // max(export.rows_total, export.rows_done, 1)
    reason = None if export.problem is None else _REASONS.get(export.problem, InternalError)
    return ExportOut(
        id=export.id,
        state=state,
        state_name=STATE_NAMES[state],
        rows_done=export.rows_done,
        rows_total=max(export.rows_total, export.rows_done),
        percent=100 if state is ExportState.DONE else min(share, 99),
        requested_at=export.requested_at,
        expires_at=export.expires_at,
        url=sign_download(links, export.id, now) if there else None,
        problem=export.problem,
        message=None if reason is None else reason.message,
    )


@dataclass(frozen=True)
class Task:
    """What the job needs to know of an export."""

    export_id: UUID
    key: str
    wanted: Wanted


async def write_export(
    database: Database, store: Store, export_id: UUID, *, now: datetime
) -> None:
    """Write the file of an export with what its person may see now; safe to begin anew.

    Emits: ExportFinished.
    """
    try:
        task = await _begin(database, export_id, now=now)
        if task is None:
            return
        rows = await _write(database, store, task, now=now)
    except (Forbidden, NodeNotFound, ExportTooLarge) as refusal:
        await _finish(database, export_id, state="failed", problem=refusal.code())
        return
    await _finish(
        database,
        export_id,
        state="done",
        rows_done=rows,
        rows_total=rows,
        expires_at=now + KEPT,
    )


async def delete_exports(database: Database, store: Store, *, now: datetime) -> int:
    """Delete the files of exports that are a day old, and give up what never ended.

    Returns how many files. The rows stay, and with them who took out what.

    Raises: FileStoreUnavailable.
    """
    stuck = update(IssueExport).where(
        IssueExport.state.in_(_UNDER_WAY), IssueExport.requested_at < now - GIVEN_UP
    )
    old = (
        select(IssueExport.id, IssueExport.storage_key)
        .where(
            IssueExport.storage_key.is_not(None),
            or_(IssueExport.expires_at <= now, IssueExport.state == "failed"),
        )
        .order_by(IssueExport.requested_at)
        .limit(DELETED_AT_ONCE)
    )
    async with database.transaction() as tx:
        await tx.execute(stuck.values(state="failed", problem=InternalError.code()))
        gone = (await tx.execute(old)).all()
    for one in gone:  # the file first: a row that still names it is met again
        await blobs.delete(store, one.storage_key)
    forgotten = update(IssueExport).where(IssueExport.id.in_([one.id for one in gone]))
    async with database.transaction() as tx:
        await tx.execute(forgotten.values(storage_key=None))
    return len(gone)


def sweep_folders(*, now: datetime) -> int:
    """Delete what workers that were killed left in this machine's temporary folder.

    Returns how many folders. Those in which a job may still write are left alone.
    """
    since = (now - GIVEN_UP).timestamp()
    swept = 0
    for folder in Path(gettempdir()).glob(f"{FOLDER}*"):
        with suppress(FileNotFoundError):  # another worker, or its own end, was quicker
            if folder.stat().st_mtime < since:
                rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


async def _begin(database: Database, export_id: UUID, *, now: datetime) -> Task | None:
    """Take an export on, with the posts that its person has by now."""
    async with database.transaction() as tx:
        export = await tx.get(IssueExport, export_id, with_for_update=True)
        if export is None or export.state not in _UNDER_WAY or export.storage_key is None:
            return None
        export.state, export.rows_done = "running", 0
        key, person_id, wish = export.storage_key, export.person_id, read_filter(export.filter)
        standing = await standing_of(tx, person_id, now)
    actor = Actor(person_id, person_id, standing.posts, standing.residence)
    wanted = await prepare(database.reader, actor, wish, now=now)
    return Task(export_id, key, wanted)


async def _write(database: Database, store: Store, task: Task, *, now: datetime) -> int:
    """Write the sheet page by page, and put it where it is kept."""
    written = 0
    after: str | None = None
    with TemporaryDirectory(prefix=FOLDER) as folder:
        path = Path(folder) / "issues.xlsx"
        sheet = Sheet(path)
        try:
            while True:
                rows, after = await read_page(database.reader, task.wanted, after, ROWS_AT_ONCE)
                written += len(rows)
                if written > MOST_ROWS:
                    raise ExportTooLarge
                await asyncio.to_thread(sheet.add, rows, now)
                await _note(database, task.export_id, written)
                if after is None:
                    break
        finally:
            await asyncio.to_thread(sheet.close)  # it has files of its own open
        await blobs.put(store, task.key, await asyncio.to_thread(path.read_bytes))
    return written


async def _note(database: Database, export_id: UUID, rows: int) -> None:
    done = update(IssueExport).where(IssueExport.id == export_id)
    total = func.greatest(IssueExport.rows_total, rows)
    async with database.transaction() as tx:
        await tx.execute(done.values(rows_done=rows, rows_total=total))


async def _finish(database: Database, export_id: UUID, **outcome: object) -> None:
    """Write down how an export ended, once: it may have been begun twice."""
    async with database.transaction() as tx:
        export = await tx.get(IssueExport, export_id, with_for_update=True)
        if export is None or export.state not in _UNDER_WAY:
            return
        for name, value in outcome.items():
            setattr(export, name, value)
        person_id, state = export.person_id, ExportState(export.state)
        emit(tx, ExportFinished(export_id=export_id, person_id=person_id, state=state))
