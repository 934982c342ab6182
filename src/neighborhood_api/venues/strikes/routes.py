"""HTTP operations of strikes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, Source, WriterDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.registrations.strikes import (
    AppealedAlready,
    NoAppeal,
    StrikeNotFound,
    StrikeOver,
    counting,
)
from neighborhood_api.venues.dependencies import ONCE, SIGNED_IN
from neighborhood_api.venues.strikes import service
from neighborhood_api.venues.strikes.queries import MY_STRIKES, StrikeRow
from neighborhood_api.venues.strikes.schemas import (
    AnswerAppealIn,
    AppealIn,
    LiftIn,
    StrikeOut,
)

router = new_router(tags=["爽约 strikes"])
StrikePage = paging.Page[StrikeOut]


@router.get(
    "/me/strikes",
    summary="我的爽约记录 · My strikes",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_my_strikes(
    actor: ActorDep, reader: ReaderDep, now: NowDep, page: paging.PageDep
) -> StrikePage:
    """临近取消和未到的记录，新的在前；可申诉一次。Newest first; each may be appealed once."""
    rows = await MY_STRIKES.all(
        reader, person_id=actor.person_id, below=page.below, fetch=page.fetch
    )
    return page.page(await _views(reader, rows, now, for_staff=False), _itself)


@router.post(
    "/me/strikes/{strike_id}/appeal",
    summary="申诉 · Appeal against a strike",
    responses=problems(*SIGNED_IN, *ONCE, StrikeNotFound, StrikeOver, AppealedAlready),
)
async def appeal_strike(
    strike_id: UUID, body: AppealIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> StrikeOut:
    """说明原因，请工作人员撤销。Say why; the venue's staff answer."""
    row = await service.appeal_strike(writer, actor, strike_id, body, now=now)
    return await _view(writer, row, now, for_staff=False)


@router.get(
    "/strikes",
    summary="爽约记录（工作人员）· Strikes at the venues that I run",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_strikes(
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    *,
    waiting: Annotated[
        bool, Query(description="只看待答复的申诉 · Only appeals that wait for an answer.")
    ] = False,
) -> StrikePage:
    """所管场地的爽约记录，新的在前。Newest first; nothing for who runs no venue."""
    rows = await service.list_strikes(tx, actor, page, waiting=waiting)
    return page.page(await _views(tx, rows, now, for_staff=True), _itself)


@router.post(
    "/strikes/{strike_id}/answer",
    summary="答复申诉（工作人员）· Answer an appeal",
    responses=problems(*SIGNED_IN, *ONCE, StrikeNotFound, NoAppeal),
)
async def answer_appeal(
    strike_id: UUID, body: AnswerAppealIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> StrikeOut:
    """撤销或维持，并说明；不能答复自己的申诉。Lift it or not, and say why; never one's own."""
    row = await service.answer_appeal(writer, actor, strike_id, body, now=now)
    return await _view(writer, row, now, for_staff=True)


@router.post(
    "/strikes/{strike_id}/lift",
    summary="撤销爽约记录（工作人员）· Lift a strike",
    responses=problems(*SIGNED_IN, *ONCE, StrikeNotFound, StrikeOver),
)
async def lift_strike(
    strike_id: UUID, body: LiftIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> StrikeOut:
    """无需申诉直接撤销，如场馆原因。Take it back without an appeal."""
    row = await service.lift_strike(writer, actor, strike_id, body, now=now)
    return await _view(writer, row, now, for_staff=True)


def _itself(view: StrikeOut) -> StrikeOut:
    return view


async def _view(source: Source, row: StrikeRow, now: datetime, *, for_staff: bool) -> StrikeOut:
    (view,) = await _views(source, [row], now, for_staff=for_staff)
    return view


async def _views(
    source: Source, rows: Sequence[StrikeRow], now: datetime, *, for_staff: bool
) -> list[StrikeOut]:
    counts = await counting(source, {row.person_id for row in rows}, now=now)
    return [
        StrikeOut(
            id=row.id,
            booking_id=row.booking_id,
            booking_code=f"B{row.number}",
            title=row.title,
            venue_name=row.venue_name,
            starts_at=row.starts_at,
            reason=row.reason,
            struck_at=row.struck_at,
            expires_at=row.expires_at,
            counts=row.id in counts,
            appeal=row.appeal,
            appealed_at=row.appealed_at,
            answer=row.answer,
            answered_at=row.answered_at,
            lifted_at=row.lifted_at,
            person_name=row.person_name if for_staff else None,
        )
        for row in rows
    ]
