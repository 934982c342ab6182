"""Taking the grid and its people out: asked for, written by a job, gone after a day."""

from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from sqlalchemy import update

from neighborhood_api.files.store import Store, new_key
from neighborhood_api.grid.service import NodeNotFound, standing_of
from neighborhood_api.identity.access import Actor, Forbidden, Permission
from neighborhood_api.imports import vault
from neighborhood_api.imports.exporting import Tell, write_workbook
from neighborhood_api.imports.models import GridExport
from neighborhood_api.imports.planning import PEOPLE_KINDS, Scope, raw_connection
from neighborhood_api.imports.schemas import GridExportOut, GridExportState
from neighborhood_api.imports.service import KEPT, REASONS, require_scope
from neighborhood_api.imports.working import FOLDER
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Database, ReadTx, Source, Tx, refusing
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.problems import InternalError, Problem
from neighborhood_api.registers.looking import write_down
from neighborhood_api.registers.models import LookedAt

EXPORT_JOB = "imports.export_grid"
EXPORTED = "imports.grid_exported"
_UNDER_WAY = (GridExportState.QUEUED.value, GridExportState.RUNNING.value)
STATE_NAMES = {
    GridExportState.QUEUED: "排队中",
    GridExportState.RUNNING: "导出中",
    GridExportState.DONE: "已完成",
    GridExportState.FAILED: "失败",
}


class GridExportNotFound(Problem):
    """The id names none of the caller's exports."""

    status = HTTPStatus.NOT_FOUND
    title = "You have no such export of the grid"
    message = "没有找到这次导出"


class ExportReasonNeeded(Problem):
    """The file shows the whole register of a place: a look at everybody in it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "An export with households and people needs a reason"
    message = "导出内容含住户和人口信息，请填写导出事由"


class GridExportUnderWay(Problem):
    """One export of a person at a time."""

    title = "Your last export of the grid is still under way"
    message = "上一次导出还在进行，请完成后再导出"


async def require_taken_out(
    source: Source, actor: Actor, node_id: UUID, *, now: datetime
) -> Scope:
    """Return what the caller may take out of a place.

    Raises: NodeNotFound, Forbidden.
    """
    scope = (await require_scope(source, actor, node_id, now=now)).taken_out
    if not scope.kinds:
        raise Forbidden(permission=Permission.REGISTER_MANAGE.value)
    return scope


async def export_grid(
    tx: Tx, actor: Actor, scope: Scope, reason: str | None, *, now: datetime
) -> GridExport:
    """Have the grid and its people written to a file; that somebody asked is kept.

    With people it is a look at each of them, in a post that may look at one, for a reason.

    Raises: GridExportUnderWay, ExportReasonNeeded.
    Emits: RegisterEntryShown.
    """
    shows_people = bool(scope.kinds & PEOPLE_KINDS)
    if shows_people and reason is None:
        raise ExportReasonNeeded
    export = GridExport(
        person_id=actor.person_id,
        node_id=scope.place.node_id,
        requested_at=now,
        storage_key=new_key(now),
        secret=vault.new_secret(),
    )
    tx.add(export)
    with refusing({"uq_grid_export_under_way": GridExportUnderWay}):
        await tx.flush()
    kinds = sorted(kind.value for kind in scope.kinds)
    node_id = scope.place.node_id
    record_act(
        tx, EXPORTED, export.id, by=actor.person_id, now=now, node_id=node_id, kinds=kinds
    )
    if reason is not None and shows_people:
        manage, what = Permission.REGISTER_MANAGE, LookedAt.REGISTER
        write_down(tx, actor, what, export.id, scope.place, manage, reason, now)
    await enqueue(tx, EXPORT_JOB, export_id=str(export.id))
    return export


async def find_grid_export(
    tx: ReadTx, actor: Actor, export_id: UUID, *, now: datetime
) -> GridExport:
    """Return one of the caller's exports, of a place that she still may take out.

    Raises: GridExportNotFound, NodeNotFound, Forbidden.
    """
    found = await tx.get(GridExport, export_id)
    if found is None or found.person_id != actor.person_id:
        raise GridExportNotFound
    await require_taken_out(tx, actor, found.node_id, now=now)
    return found


def grid_export_view(found: GridExport, *, now: datetime) -> GridExportOut:
    """Show an export."""
    state = GridExportState(found.state)
    reason = None if found.problem is None else REASONS.get(found.problem, InternalError)
    there = state is GridExportState.DONE and found.secret is not None
    there = there and found.requested_at + KEPT > now
    return GridExportOut(
        id=found.id,
        node_id=found.node_id,
        state=state,
        state_name=STATE_NAMES[state],
        rows_done=found.rows_done,
        requested_at=found.requested_at,
        url=f"/api/v1/grid-exports/{found.id}/file" if there else None,
        problem=found.problem,
        message=None if reason is None else reason.message,
    )


async def run_grid_export(
    database: Database, store: Store, export_id: UUID, *, now: datetime
) -> None:
    """Write the file of an export; safe to begin anew."""
    outcome: dict[str, Any]
    try:
        async with database.transaction() as tx:
            export = await tx.get(GridExport, export_id, with_for_update=True)
            if export is None or export.state not in _UNDER_WAY or export.secret is None:
                return
            export.state, export.rows_done = GridExportState.RUNNING.value, 0
            key, secret, node_id = export.storage_key, export.secret, export.node_id
            standing = await standing_of(tx, export.person_id, now)
            actor = Actor(export.person_id, export_id, standing.posts, standing.residence)
        scope = await require_taken_out(database.reader, actor, node_id, now=now)
        with TemporaryDirectory(prefix=FOLDER) as folder:
            path = Path(folder) / "grid.xlsx"
            rows = await write_grid(database, scope, path, _teller(database, export_id))
            await vault.keep_path(store, key, secret, path)
    except (Forbidden, NodeNotFound) as refusal:
        outcome = {"state": "failed", "problem": refusal.code()}
    else:
        outcome = {"state": "done", "rows_done": rows, "finished_at": now}
    ended = update(GridExport).where(
        GridExport.id == export_id, GridExport.state.in_(_UNDER_WAY)
    )
    async with database.transaction() as tx:
        await tx.execute(ended.values(outcome))


def _teller(database: Database, export_id: UUID) -> Tell:
    async def tell(rows: int) -> None:
        done = update(GridExport).where(GridExport.id == export_id)
        async with database.transaction() as tx:
            await tx.execute(done.values(rows_done=rows))

    return tell


async def write_grid(database: Database, scope: Scope, path: Path, tell: Tell) -> int:
    """Write a workbook of what the scope shows at one moment; return how many rows."""
    async with database.transaction() as tx:
        options = {"isolation_level": "REPEATABLE READ"}
        _ = await tx.connection(execution_options=options)
        return await write_workbook(await raw_connection(tx), scope, path, tell)
