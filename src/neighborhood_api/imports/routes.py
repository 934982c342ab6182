"""HTTP operations of imports and of taking the grid out."""

import asyncio
from hashlib import file_digest, sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from typing_extensions import override

from neighborhood_api.files import store as blobs
from neighborhood_api.files.handles import StoreDep
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import GRANTED, Forbidden, Permission
from neighborhood_api.identity.caller import ActorDep, gate_of
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.imports import service, taking_out, vault
from neighborhood_api.imports.models import DataImport
from neighborhood_api.imports.reading.templates import template
from neighborhood_api.imports.refusals import FaultsRemain
from neighborhood_api.imports.schemas import GridExportIn, GridExportOut, ImportOut
from neighborhood_api.imports.service import Upload
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import Handler, Route
from neighborhood_api.kit.problems import (
    BadRequest,
    BodyTooLarge,
    InvalidRequest,
    TooManyRequests,
    problems,
)
from neighborhood_api.kit.sheets import MEDIA_TYPES, SheetFormat
from neighborhood_api.settings import Settings

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
LARGEST_BODY = 520 * 1024 * 1024
"""Bytes: the most that the setting allows, and room for what multipart puts around it."""
_ROOM = 1024 * 1024
_MEDIA_TYPE = MEDIA_TYPES[SheetFormat.XLSX]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The workbook", "content": {_MEDIA_TYPE: {}}}
}
_NOTHING = sha256().digest()


class ImportRoute(Route):
    """Asks for a post that may import before it takes the body: nobody else fills our disk."""

    @override
    def get_route_handler(self) -> Handler:
        """Look at the token and the length first; the place is looked at afterwards."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.headers.get("content-type", "").startswith("multipart/"):
                _require_importer(request)
            return await handler(request)

        return handle


def _require_importer(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn
    posts = gate_of(request).tokens.read(token.strip()).actor.posts
    may = {Permission.GRID_MANAGE, Permission.HOUSEHOLD_IMPORT}
    if not any(may & GRANTED[post.role] for post in posts):
        raise Forbidden(permission=Permission.HOUSEHOLD_IMPORT.value)
    settings: Settings = request.app.state.settings
    most = settings.import_megabytes
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most * 1024 * 1024 + _ROOM:
        raise service.ImportTooLarge(most_megabytes=most)


router = APIRouter(tags=["导入导出 imports"], route_class=ImportRoute)


async def expect_uploads(request: Request) -> None:
    """Tell repeated uploads by their content, as multipart boundaries differ."""
    request.state.fingerprint = _NOTHING


async def uploads_of(
    request: Request,
    node_id: Annotated[
        UUID, Form(description="导入到哪里：区县，或本社区 · The district, or the community.")
    ],
    files: Annotated[
        list[UploadFile],
        File(description="XLSX 或 CSV，可多个，顺序不限 · In any order, up to ten."),
    ],
) -> list[Upload]:
    """Return the uploads, after noting what they contain."""
    digest = sha256(node_id.bytes)
    for one in files:
        part = await asyncio.to_thread(file_digest, one.file, "sha256")  # type: ignore[arg-type]
        digest.update(part.digest())
        await one.seek(0)
    request.state.fingerprint = digest.digest()
    request.state.import_node_id = node_id
    return [Upload(one.filename or "", one.size or 0, one.file) for one in files]


UploadsDep = Annotated[list[Upload], Depends(uploads_of)]


@router.post(
    "/imports",
    summary="上传导入文件 · Bring files",
    max_body_size=LARGEST_BODY,
    form_limits={"max_files": service.MOST_FILES},
    dependencies=[Depends(expect_uploads)],
    responses=problems(
        *(BadRequest, InvalidRequest, *SIGNED_IN, Forbidden, NodeNotFound, BodyTooLarge),
        *(service.ImportTooLarge, service.ImportEmpty, service.ImportUnderWay),
        *(TooManyRequests, blobs.FileStoreUnavailable),
    ),
)
async def start_import(
    request: Request,
    uploads: UploadsDep,
    actor: ActorDep,
    reader: ReaderDep,
    store: StoreDep,
    tx: TxDep,
    now: NowDep,
) -> ImportOut:
    """上传 XLSX 或 CSV（地点、部门、任职、住户、人口、单位），后台先核对，不改动任何登记。

    Have files checked in the background: the report says for every row what would happen.
    Operators bring everything for their district; a community its own households,
    people and organisations.
    """
    node_id: UUID = request.state.import_node_id
    scope = await service.require_scope(reader, actor, node_id, now=now)
    most = request.app.state.settings.import_megabytes
    files, secret = await service.keep_uploads(store, uploads, most_megabytes=most, now=now)
    kept = await service.start_import(tx, actor, scope, files, secret, now=now)
    return service.import_view(kept, now=now)


ImportPage = paging.Page[ImportOut]
FOUND = (*SIGNED_IN, Forbidden, service.ImportNotFound, NodeNotFound)


@router.get(
    "/imports",
    summary="我的导入 · My imports",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_imports(
    actor: ActorDep, tx: ReadTxDep, page: paging.PageDep, now: NowDep
) -> ImportPage:
    """自己做过的导入，新的在前。What the caller brought, newest first."""
    mine = service.imports_of(actor).where(DataImport.id < page.below)
    rows = await tx.scalars(mine.order_by(DataImport.id.desc()).limit(page.fetch))
    views = [service.import_view(row, now=now) for row in rows]
    return page.page(views, lambda view: view)


@router.get(
    "/imports/templates",
    summary="下载导入模板 · Templates to fill in",
    response_class=Response,
    responses=_FILE | problems(*SIGNED_IN),
)
async def download_import_templates(actor: ActorDep) -> Response:
    """一个工作簿，六张表：地点、部门、任职、住户、人口、单位。One workbook with six sheets."""
    del actor
    headers = {"content-disposition": 'attachment; filename="import-templates.xlsx"'}
    content = await asyncio.to_thread(template)
    return Response(content, headers=headers, media_type=_MEDIA_TYPE)


@router.get(
    "/imports/{import_id}",
    summary="导入进度 · How far an import is",
    responses=problems(*FOUND),
)
async def read_import(
    import_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> ImportOut:
    """状态、进度和统计。Its state, progress and totals."""
    found = await service.find_import(tx, actor, import_id, now=now)
    return service.import_view(found, now=now)


@router.get(
    "/imports/{import_id}/report",
    summary="下载核对报告 · Download the report",
    response_class=StreamingResponse,
    responses=_FILE | problems(*FOUND, vault.StoredFileGone, blobs.FileStoreUnavailable),
)
async def download_import_report(
    import_id: UUID, actor: ActorDep, tx: ReadTxDep, store: StoreDep, now: NowDep
) -> Response:
    """逐行说明将新增、修改还是有误，附原内容；含个人信息，保留 24 小时。

    Every row with what would happen and its faults, beside what was read. Kept for a day.
    """
    found = await service.find_import(tx, actor, import_id, now=now)
    if found.report_key is None or found.requested_at + service.KEPT <= now:
        raise vault.StoredFileGone
    return await _sent(store, found.report_key, found.secret, f"import-{import_id}.xlsx")


@router.post(
    "/imports/{import_id}/check",
    summary="重新核对 · Check once more",
    responses=problems(
        *FOUND, service.ImportNotReady, service.ImportUnderWay, vault.StoredFileGone
    ),
)
async def check_import(import_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep) -> ImportOut:
    """登记内容有变后，用同样的文件重新核对。After the grid was changed by others."""
    found = await service.check_import(tx, actor, import_id, now=now)
    return service.import_view(found, now=now)


@router.post(
    "/imports/{import_id}/apply",
    summary="正式导入 · Apply",
    responses=problems(
        *(*FOUND, service.ImportNotReady, service.ImportUnderWay, FaultsRemain),
        *(service.NothingToChange, vault.StoredFileGone),
    ),
)
async def apply_import(import_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep) -> ImportOut:
    """后台一次写入，全部成功或全部不变；核对后登记有变则失败，请重新核对。

    Written in the background, all of it or nothing. When the grid was changed since the dry
    run so that something else would happen, it fails: check again.
    """
    found = await service.apply_import(tx, actor, import_id, now=now)
    return service.import_view(found, now=now)


@router.post(
    "/imports/{import_id}/cancel",
    summary="取消导入 · Cancel",
    responses=problems(*FOUND, service.ImportNotReady),
)
async def cancel_import(import_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep) -> ImportOut:
    """放弃导入并删除文件；正在写入的整体撤销，已写完的不能取消。

    Give it up and delete the files; what is being written is undone as a whole.
    """
    found = await service.cancel_import(tx, actor, import_id, now=now)
    return service.import_view(found, now=now)


EXPORT_FOUND = (*SIGNED_IN, Forbidden, taking_out.GridExportNotFound, NodeNotFound)


@router.post(
    "/grid-exports",
    summary="导出网格和人员 · Export the grid and its people",
    responses=problems(
        *(*SIGNED_IN, Forbidden, NodeNotFound),
        *(taking_out.GridExportUnderWay, taking_out.ExportReasonNeeded),
    ),
)
async def export_grid(
    body: GridExportIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> GridExportOut:
    """后台导出为可再导入的工作簿；管理员导出地点、部门和任职，社区导出本社区住户、人口和单位；留有记录。

    A workbook that can be imported again, written in the background. Every export is recorded.
    Operators take out places, departments and posts; households, people and organisations
    leave with who may look at their entries, and it counts as a look at each of them.
    """
    scope = await taking_out.require_taken_out(tx, actor, body.node_id, now=now)
    export = await taking_out.export_grid(tx, actor, scope, body.reason, now=now)
    return taking_out.grid_export_view(export, now=now)


@router.get(
    "/grid-exports/{export_id}",
    summary="导出进度 · How far the export is",
    responses=problems(*EXPORT_FOUND),
)
async def read_grid_export(
    export_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> GridExportOut:
    """进度；完成后给出下载地址。Progress, and the address when it is done."""
    found = await taking_out.find_grid_export(tx, actor, export_id, now=now)
    return taking_out.grid_export_view(found, now=now)


@router.get(
    "/grid-exports/{export_id}/file",
    summary="下载导出文件 · Download the export",
    response_class=StreamingResponse,
    responses=_FILE | problems(*EXPORT_FOUND, vault.StoredFileGone, blobs.FileStoreUnavailable),
)
async def download_grid_export(
    export_id: UUID, actor: ActorDep, tx: ReadTxDep, store: StoreDep, now: NowDep
) -> Response:
    """含个人信息，需登录，保留 24 小时。With the access token; kept for a day."""
    found = await taking_out.find_grid_export(tx, actor, export_id, now=now)
    if taking_out.grid_export_view(found, now=now).url is None:
        raise vault.StoredFileGone
    return await _sent(store, found.storage_key, found.secret, f"grid-{export_id}.xlsx")


async def _sent(
    store: blobs.Store, key: str, secret: str | None, name: str
) -> StreamingResponse:
    """Send a file of the store in the clear, some at a time."""
    blocks = await vault.opened(store, key, secret)
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(blocks, headers=headers, media_type=_MEDIA_TYPE)
