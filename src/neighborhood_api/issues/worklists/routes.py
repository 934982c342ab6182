"""HTTP operations of the worklist."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Query, Response
from fastapi.responses import StreamingResponse

from neighborhood_api.files import store as blobs
from neighborhood_api.files.handles import LinksDep, StoreDep
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.issues.moving import SIGNED_IN
from neighborhood_api.issues.schemas import IssueOut
from neighborhood_api.issues.views import issue_view
from neighborhood_api.issues.worklists import downloads, exports, saved, service
from neighborhood_api.issues.worklists.asking import FilterDep
from neighborhood_api.issues.worklists.models import IssueExport
from neighborhood_api.issues.worklists.schemas import (
    BoxList,
    ExportIn,
    ExportOut,
    SavedFilterChangeIn,
    SavedFilterIn,
    SavedFilterList,
    SavedFilterOut,
)
from neighborhood_api.issues.worklists.sheets import MEDIA_TYPE
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import InvalidRequest, problems
from neighborhood_api.kit.schema import Done

router = new_router(tags=["工作台 worklist"])

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The sheet", "content": {MEDIA_TYPE: {}}}
}


@router.get(
    "/staff/issues",
    summary="工作台 · The worklist of staff",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, paging.BadCursor, InvalidRequest),
)
async def list_worklist_issues(
    actor: ActorDep,
    reader: ReaderDep,
    links: LinksDep,
    page: paging.PageDep,
    wish: FilterDep,
    now: NowDep,
) -> paging.Page[IssueOut]:
    """本岗位辖区内的诉求，新的在前；超时和今日到期的工作箱按期限排列。

    Every issue that the caller's posts reach, newest first; the boxes `overdue` and
    `due_today` have the most pressing first.
    """
    rows, after = await service.list_issues(
        reader, actor, wish, page.after, page.limit, now=now
    )
    return paging.Page(items=[issue_view(row, links, now=now) for row in rows], next=after)


@router.get(
    "/staff/issues/boxes",
    summary="各工作箱数量 · How much lies in each box",
    responses=problems(*SIGNED_IN, Forbidden),
)
async def count_worklist_boxes(actor: ActorDep, reader: ReaderDep, now: NowDep) -> BoxList:
    """本岗位的工作箱及数量，最多数到 999。Exact up to 999."""
    return BoxList(boxes=await service.count_boxes(reader, actor, now=now))


@router.get(
    "/staff/filters",
    summary="我的筛选 · My saved filters",
    responses=problems(*SIGNED_IN, Forbidden),
)
async def list_saved_filters(
    actor: ActorDep, reader: ReaderDep, now: NowDep
) -> SavedFilterList:
    """自己保存的筛选及当前数量。With how many issues each finds now."""
    return SavedFilterList(items=await saved.list_saved(reader, actor, now=now))


@router.post(
    "/staff/filters",
    summary="保存筛选 · Save a filter",
    responses=problems(*SIGNED_IN, Forbidden, saved.FilterNameTaken, saved.TooManyFilters),
)
async def save_filter(
    body: SavedFilterIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SavedFilterOut:
    """保存后在任何设备上可用，只有自己可见。Kept for the caller alone."""
    return await saved.save_filter(tx, actor, body, now=now)


@router.put(
    "/staff/filters/{filter_id}",
    summary="修改筛选 · Change a saved filter",
    responses=problems(
        *SIGNED_IN, Forbidden, saved.SavedFilterNotFound, saved.FilterNameTaken, StaleVersion
    ),
)
async def change_filter(
    filter_id: UUID, body: SavedFilterChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SavedFilterOut:
    """修改名称、条件或顺序。Its name, what it asks for, or its order."""
    return await saved.change_filter(tx, actor, filter_id, body, now=now)


@router.delete(
    "/staff/filters/{filter_id}",
    summary="删除筛选 · Delete a saved filter",
    responses=problems(*SIGNED_IN, Forbidden, saved.SavedFilterNotFound),
)
async def delete_filter(filter_id: UUID, actor: ActorDep, tx: TxDep) -> Done:
    """删除自己保存的筛选。Only one's own."""
    await saved.delete_filter(tx, actor, filter_id)
    return Done()


@router.post(
    "/staff/exports",
    summary="导出诉求 · Export issues",
    responses=problems(
        *SIGNED_IN, Forbidden, NodeNotFound, exports.ExportTooLarge, exports.ExportUnderWay
    ),
)
async def export_issues(
    body: Annotated[ExportIn, Body(default_factory=ExportIn)],
    actor: ActorDep,
    tx: TxDep,
    links: LinksDep,
    now: NowDep,
) -> ExportOut:
    """按筛选条件导出为 XLSX，不含电话；后台进行，最多 10 万条，每次导出留有记录。

    An XLSX sheet without phone numbers, written in the background: at most 100,000 rows of
    exactly what the caller may see. Every export is recorded.
    """
    export = await exports.export_issues(tx, actor, body, now=now)
    return exports.export_view(export, links, now=now)


@router.get(
    "/staff/exports/{export_id}",
    summary="导出进度 · How far an export is",
    responses=problems(*SIGNED_IN, exports.ExportNotFound),
)
async def read_export(
    export_id: UUID, actor: ActorDep, tx: ReadTxDep, links: LinksDep, now: NowDep
) -> ExportOut:
    """进度；完成后给出下载地址，文件保留 24 小时。Progress, and the link when it is done."""
    export = await exports.find_export(tx, actor, export_id)
    return exports.export_view(export, links, now=now)


@router.get(
    "/staff/exports/{export_id}/file",
    summary="下载导出文件 · Download an export",
    response_class=StreamingResponse,
    responses=_FILE
    | problems(
        downloads.DownloadLinkInvalid,
        downloads.DownloadLinkExpired,
        exports.ExportGone,
        blobs.FileStoreUnavailable,
    ),
)
async def download_export(
    export_id: UUID,
    expires: Annotated[int, Query(ge=0, description="失效时间 · Seconds since 1970.")],
    signature: Annotated[str, Query(max_length=100, description="签名 · From the link.")],
    tx: ReadTxDep,
    store: StoreDep,
    links: LinksDep,
    now: NowDep,
) -> Response:
    """打开 `url` 即可，无需登录；请勿自行拼接。What `url` leads to; needs no sign-in."""
    downloads.check_download(links, export_id, expires, signature, now=now)
    export = await tx.get(IssueExport, export_id)
    there = export is not None and export.expires_at is not None and export.expires_at > now
    if export is None or not there or export.storage_key is None:
        raise exports.ExportGone
    found = await blobs.stream(store, export.storage_key)
    if found is None:
        raise exports.ExportGone
    size, content = found
    headers = {
        "cache-control": "private, no-store",
        "content-length": str(size),
        "content-disposition": f'attachment; filename="issues-{export_id}.xlsx"',
    }
    return StreamingResponse(content, headers=headers, media_type=MEDIA_TYPE)
