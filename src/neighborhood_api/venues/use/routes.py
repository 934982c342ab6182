"""HTTP operations of the use of venues."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.venues.dependencies import ONCE, SIGNED_IN
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.sessions.roster.schemas import SheetOut
from neighborhood_api.venues.use import exporting, service
from neighborhood_api.venues.use.periods import UsePeriod, UsePeriodNotUsable, period_asked
from neighborhood_api.venues.use.schemas import (
    ExportBookingsIn,
    NodeUseOut,
    VenueUseDetailOut,
)

router = new_router(tags=["场地使用 use of venues"])


async def use_period(
    now: NowDep,
    first_on: Annotated[
        date | None,
        Query(alias="from", description="首日，不填为当月1日 · First day; of the month."),
    ] = None,
    last_on: Annotated[
        date | None,
        Query(alias="to", description="末日，最多92天，不填为今天 · Last day, 92 at most."),
    ] = None,
) -> UsePeriod:
    """Return the period asked for.

    Raises: UsePeriodNotUsable.
    """
    return period_asked(first_on, last_on, now=now)


PeriodDep = Annotated[UsePeriod, Depends(use_period)]


@router.get(
    "/venues/{venue_id}/use",
    summary="场地使用情况（工作人员）· How much a venue is used",
    responses=problems(*SIGNED_IN, Forbidden, VenueNotFound, UsePeriodNotUsable),
)
async def read_venue_use(
    venue_id: UUID, actor: ActorDep, reader: ReaderDep, period: PeriodDep, now: NowDep
) -> VenueUseDetailOut:
    """各活动室的预约率、使用率、未到等，各场次的报名和到场；按开始时间归入日期，算法见各字段。

    By room and session; whatever begins in the period counts. Each field says its formula.
    """
    return await service.read_venue_use(reader, actor, venue_id, period, now=now)


@router.get(
    "/venue-use",
    summary="一个地点的场地使用情况（工作人员）· How much the venues of a place are used",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, UsePeriodNotUsable),
)
async def read_node_use(
    actor: ActorDep,
    tx: ReadTxDep,
    period: PeriodDep,
    now: NowDep,
    node_id: Annotated[UUID, Query(description="地点 · The place.")],
) -> NodeUseOut:
    """该地点及以下的场地：合计、按下级地点、按场地。Together, by place below, and by venue."""
    return await service.read_node_use(tx, actor, node_id, period, now=now)


@router.post(
    "/venues/{venue_id}/export-bookings",
    summary="导出预约（工作人员）· Take the bookings of a venue out",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        Forbidden,
        VenueNotFound,
        UsePeriodNotUsable,
        exporting.TooManyToExport,
    ),
)
async def export_bookings(
    venue_id: UUID, body: ExportBookingsIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SheetOut:
    """活动室的预约导出为 XLSX 或 CSV（Base64），手机号隐去中间四位；导出会留痕。

    As XLSX or CSV, phone numbers masked; who took them out is kept.
    """
    return await exporting.export_bookings(tx, actor, venue_id, body, now=now)
