"""Rules of imports: brought by staff, tried by a job, applied as a whole or not at all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from neighborhood_api.files.store import Store, new_key
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.queries import DAY, exists_on
from neighborhood_api.grid.service import NodeNotFound, node_missing
from neighborhood_api.identity.access import Actor, Forbidden, Permission
from neighborhood_api.identity.places import COLUMNS, Place
from neighborhood_api.imports import vault
from neighborhood_api.imports.models import DataImport
from neighborhood_api.imports.outcomes import KIND_NAMES
from neighborhood_api.imports.planning import Scope
from neighborhood_api.imports.reading import problems as reading
from neighborhood_api.imports.refusals import FaultsRemain, GroundChanged
from neighborhood_api.imports.schemas import (
    ImportedFileOut,
    ImportOut,
    ImportState,
    ImportTotalsOut,
)
from neighborhood_api.kit.db import ReadTx, Source, Tx, refusing
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.problems import InternalError, Problem
from neighborhood_api.kit.reads import Query

KEPT = timedelta(hours=24)
"""How long files and reports lie."""
GIVEN_UP = timedelta(hours=3)
"""How long a step may take."""
MOST_FILES = 10
LONGEST_NAME = 100
SHEETS = "sheets"
"""Where the totals count the sheets that could not be read."""
CHECK_JOB = "imports.check_import"
APPLY_JOB = "imports.apply_import"
CLEAR_JOB = "imports.clear_import"
UNDER_WAY = (
    ImportState.QUEUED.value,
    ImportState.CHECKING.value,
    ImportState.APPLYING.value,
)


class ImportNotFound(Problem):
    """The id names none of the caller's imports."""

    status = HTTPStatus.NOT_FOUND
    title = "You have no such import"
    message = "没有找到这次导入"


class ImportUnderWay(Problem):
    """One import of a person at a time."""

    title = "Your last import is still under way"
    message = "上一次导入还在进行，请完成或取消后再试"


class ImportNotReady(Problem):
    """What is asked for does not fit how far the import is; `state` says how far."""

    title = "The import cannot do this in its present state"
    message = "当前状态不能进行此操作，请刷新后再看"


class ImportTooLarge(Problem):
    """The files are larger together than they may be; `most_megabytes` says how large."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The files are too large for one import"
    message = "文件太大，请拆分后分次导入"


class ImportEmpty(Problem):
    """There is no file, or one without content."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A file is empty or missing"
    message = "没有文件或文件是空的，请重新选择"


class NothingToChange(Problem):
    """Everything in the files is there already."""

    title = "Everything in the files is there already"
    message = "文件内容与登记一致，无需导入"


STATE_NAMES = {
    ImportState.QUEUED: "排队中",
    ImportState.CHECKING: "核对中",
    ImportState.CHECKED: "已核对，待导入",
    ImportState.APPLYING: "导入中",
    ImportState.APPLIED: "已导入",
    ImportState.FAILED: "失败",
    ImportState.CANCELLED: "已取消",
}


_READING: list[type[Problem]] = [
    kind
    for kind in vars(reading).values()
    if isinstance(kind, type) and issubclass(kind, reading.UnreadableTable)
]
_OTHERS: tuple[type[Problem], ...] = (
    *(Forbidden, NodeNotFound, GroundChanged, FaultsRemain, InternalError),
    vault.StoredFileGone,
)
REASONS: dict[str, type[Problem]] = {kind.code(): kind for kind in (*_READING, *_OTHERS)}
"""Why a job gives up."""


class Upload(NamedTuple):
    """A file as it comes."""

    name: str
    size: int
    content: BinaryIO


class _PlaceRow(NamedTuple):
    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None


_PLACE = Query(
    select(*(getattr(Node, name) for name in COLUMNS)).where(
        Node.id == bindparam("node_id"), exists_on(DAY)
    ),
    _PlaceRow,
)


async def place_of(source: Source, node_id: UUID, *, now: datetime) -> Place:
    """Return the place of a node of today's grid.

    Raises: NodeNotFound.
    """
    row = await _PLACE.first(source, node_id=node_id, day=local_day(now))
    if row is None:
        raise await node_missing(source, node_id, now=now)
    return Place.of(*row)


async def require_scope(source: Source, actor: Actor, node_id: UUID, *, now: datetime) -> Scope:
    """Return what the caller may bring for a place; `taken_out` of it she may take out.

    Raises: NodeNotFound, Forbidden.
    """
    scope = Scope.of(actor, await place_of(source, node_id, now=now))
    if not scope.kinds:
        raise Forbidden(permission=Permission.HOUSEHOLD_IMPORT.value)
    return scope


async def keep_uploads(
    store: Store, uploads: Sequence[Upload], *, most_megabytes: int, now: datetime
) -> tuple[list[dict[str, Any]], str]:
    """Encrypt the files into the store, before any transaction; return them and their key.

    A request that fails afterwards leaves bytes that nobody can read.

    Raises: ImportEmpty, ImportTooLarge, FileStoreUnavailable.
    """
    if not uploads or any(one.size == 0 for one in uploads):
        raise ImportEmpty
    if sum(one.size for one in uploads) > most_megabytes * 1024 * 1024:
        raise ImportTooLarge(most_megabytes=most_megabytes)
    secret = vault.new_secret()
    kept = []
    for one in uploads:
        key = new_key(now)
        await vault.keep(store, key, secret, one.content)
        kept.append(
            {"key": key, "name": _plain(one.name)[-LONGEST_NAME:], "size_bytes": one.size}
        )
    return kept, secret


def _plain(name: str) -> str:
    """Return the name of a file without what no text of the database may hold."""
    return "".join(one for one in name if one.isprintable())


async def start_import(
    tx: Tx,
    actor: Actor,
    scope: Scope,
    files: list[dict[str, Any]],
    secret: str,
    *,
    now: datetime,
) -> DataImport:
    """Have files checked; nothing of the register is changed by that.

    Raises: ImportUnderWay.
    """
    wanted = DataImport(
        person_id=actor.person_id,
        node_id=scope.place.node_id,
        requested_at=now,
        begun_at=now,
        files=files,
        secret=secret,
    )
    tx.add(wanted)
    with refusing({"uq_data_import_under_way": ImportUnderWay}):
        await tx.flush()
    await enqueue(tx, CHECK_JOB, import_id=str(wanted.id))
    return wanted


async def find_import(
    tx: ReadTx, actor: Actor, import_id: UUID, *, now: datetime, lock: bool = False
) -> DataImport:
    """Return one of the caller's imports, for a place where she still may import.

    Raises: ImportNotFound, NodeNotFound, Forbidden.
    """
    found = await tx.get(DataImport, import_id, with_for_update=lock)
    if found is None or found.person_id != actor.person_id:
        raise ImportNotFound
    await require_scope(tx, actor, found.node_id, now=now)
    return found


def imports_of(actor: Actor) -> Select[DataImport]:
    """Select the caller's imports."""
    return select(DataImport).where(DataImport.person_id == actor.person_id)


async def check_import(tx: Tx, actor: Actor, import_id: UUID, *, now: datetime) -> DataImport:
    """Check the same files once more, as after the grid was changed.

    Raises: ImportNotFound, NodeNotFound, Forbidden, ImportNotReady, ImportUnderWay,
        StoredFileGone.
    """
    found = await find_import(tx, actor, import_id, now=now, lock=True)
    if found.state not in {ImportState.CHECKED, ImportState.FAILED}:
        raise ImportNotReady(state=found.state)
    _require_files(found, now)
    found.state, found.problem, found.told = ImportState.QUEUED.value, None, None
    found.rows_done, found.begun_at = 0, now
    with refusing({"uq_data_import_under_way": ImportUnderWay}):
        await tx.flush()
    await enqueue(tx, CHECK_JOB, import_id=str(found.id))
    return found


async def apply_import(tx: Tx, actor: Actor, import_id: UUID, *, now: datetime) -> DataImport:
    """Have everything that the dry run showed written, or nothing.

    Raises: ImportNotFound, NodeNotFound, Forbidden, ImportNotReady, ImportUnderWay,
        FaultsRemain, NothingToChange, StoredFileGone.
    """
    found = await find_import(tx, actor, import_id, now=now, lock=True)
    if found.state != ImportState.CHECKED:
        raise ImportNotReady(state=found.state)
    _require_files(found, now)
    if faults := faults_of(found):
        raise FaultsRemain(faults=faults)
    if not changes_of(found):
        raise NothingToChange
    found.state, found.rows_done, found.begun_at = ImportState.APPLYING.value, 0, now
    with refusing({"uq_data_import_under_way": ImportUnderWay}):
        await tx.flush()
    await enqueue(tx, APPLY_JOB, import_id=str(found.id))
    return found


async def cancel_import(tx: Tx, actor: Actor, import_id: UUID, *, now: datetime) -> DataImport:
    """Give an import up; one that is being applied is undone as a whole, or too late.

    Raises: ImportNotFound, NodeNotFound, Forbidden, ImportNotReady.
    """
    found = await find_import(tx, actor, import_id, now=now, lock=True)
    if found.state == ImportState.CANCELLED:
        return found
    if found.state == ImportState.APPLIED:
        raise ImportNotReady(state=found.state)
    found.state, found.problem, found.told = ImportState.CANCELLED.value, None, None
    await enqueue(tx, CLEAR_JOB, import_id=str(found.id))
    return found


def _require_files(found: DataImport, now: datetime) -> None:
    if found.secret is None or found.requested_at + KEPT <= now:
        raise vault.StoredFileGone


def faults_of(found: DataImport) -> int:
    """Return how many rows and sheets could not be taken."""
    totals = found.totals or {}
    return sum(int(one.get("fault", 0)) for one in totals.values())


def changes_of(found: DataImport) -> int:
    """Return how many rows are new or different."""
    totals = found.totals or {}
    return sum(int(one.get(name, 0)) for one in totals.values() for name in ("new", "changed"))


def import_view(found: DataImport, *, now: datetime) -> ImportOut:
    """Show an import."""
    state = ImportState(found.state)
    reason = None if found.problem is None else REASONS.get(found.problem, InternalError)
    expires_at = found.requested_at + KEPT
    there = found.secret is not None and found.report_key is not None and expires_at > now
    totals = found.totals or {}
    ready = state is ImportState.CHECKED and found.secret is not None and expires_at > now
    return ImportOut(
        id=found.id,
        node_id=found.node_id,
        state=state,
        state_name=STATE_NAMES[state],
        rows_done=found.rows_done,
        rows_total=found.rows_total,
        totals=[
            ImportTotalsOut(kind=kind, kind_name=name, **totals[kind.value])
            for kind, name in KIND_NAMES.items()
            if kind.value in totals
        ],
        sheets_refused=int(totals.get(SHEETS, {}).get("fault", 0)),
        applicable=ready and not faults_of(found) and changes_of(found) > 0,
        files=[ImportedFileOut.model_validate(one) for one in found.files],
        requested_at=found.requested_at,
        applied_at=found.applied_at,
        report_url=f"/api/v1/imports/{found.id}/report" if there else None,
        expires_at=expires_at,
        problem=found.problem,
        message=None if reason is None else found.told or reason.message,
    )
