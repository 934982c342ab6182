"""HTTP operations of the roster: shifts, weekly patterns, and who is on call now."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from neighborhood_api.grid import service as grid
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.grid.posts.roster import reading, seats, service
from neighborhood_api.grid.posts.roster.schemas import (
    DutyRosterOut,
    ShiftChangeIn,
    ShiftIn,
    ShiftOut,
    ShiftPair,
    ShiftSeriesIn,
    ShiftSeriesOut,
    ShiftSwapIn,
    ShiftVersionIn,
)
from neighborhood_api.grid.schemas import OnCallOut
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["网格 grid"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
MAKING = problems(
    *SIGNED_IN,
    Forbidden,
    grid.NodeNotFound,
    service.RosterNotHere,
    service.ShiftTimesWrong,
    seats.NotOnCallHere,
    seats.AwayThen,
    service.ShiftsOverlap,
)
CHANGING = (*SIGNED_IN, service.ShiftNotFound, service.ShiftOver, service.ShiftChanged)
FirstDay = Annotated[
    date | None,
    Query(alias="from", description="首日，不填为今天 · First day; today when left out."),
]
LastDay = Annotated[
    date | None,
    Query(alias="until", description="末日，不填为两周 · Last day; two weeks if left out."),
]
ShiftPage = paging.Page[ShiftOut]


@router.get(
    "/grid/nodes/{node_id}/on-call",
    summary="此刻谁值班 · Who is on call for a place",
    dependencies=[Depends(current_actor)],
    responses=problems(*SIGNED_IN, grid.NodeNotFound, grid.NobodyOnCall),
)
async def read_on_call(node_id: UUID, reader: ReaderDep, now: NowDep) -> OnCallOut:
    """按值班表；无人排班时为本地在岗人员，再无则为上一级。

    By the roster; where nobody is on it whoever is in office there, else the next one up.
    """
    return await grid.read_on_call(reader, node_id, now=now)


@router.get(
    "/grid/nodes/{node_id}/roster",
    summary="值班表 · The roster of a place",
    responses=problems(*SIGNED_IN, Forbidden, grid.NodeNotFound, reading.RosterDaysWrong),
)
async def read_duty_roster(
    node_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    first: FirstDay = None,
    last: LastDay = None,
) -> DutyRosterOut:
    """各班次和无人值班的时段（在本地任职者和上级）。

    Shifts, and the hours that are nobody's; for who has a post there or leads it.
    """
    return await reading.read_duty_roster(tx, actor, node_id, first, last, now=now)


@router.post(
    "/grid/nodes/{node_id}/roster",
    summary="排一个班 · Put somebody on the roster",
    responses=MAKING,
)
async def make_shift(
    node_id: UUID, body: ShiftIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ShiftOut:
    """排一个班；同一地点的班次不能重叠（网格长、社区和街道书记、管理员）。

    One shift; at one place they never overlap. For who leads the place, and the operator.
    """
    shift = await service.make_shift(tx, actor, node_id, body, now=now)
    return await reading.shift_view(tx, shift)


@router.post(
    "/grid/nodes/{node_id}/roster/series",
    summary="按周排班 · Fill the roster week by week",
    responses=MAKING,
)
async def make_shift_series(
    node_id: UUID, body: ShiftSeriesIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ShiftSeriesOut:
    """按每周固定班次排一段时间，全部排上或都不排。

    A weekly pattern over a period: all of its shifts are made, or none.
    """
    series_id, shifts = await service.make_shift_series(tx, actor, node_id, body, now=now)
    return ShiftSeriesOut(series_id=series_id, shifts=shifts)


@router.post(
    "/roster/series/{series_id}/end",
    summary="停止按周排班 · Cancel what is to come of a weekly pattern",
    responses=problems(*SIGNED_IN, service.ShiftNotFound),
)
async def end_shift_series(
    series_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> ShiftSeriesOut:
    """取消该批次今后的班次。Cancels the shifts of the pattern that have not begun."""
    shifts = await service.end_shift_series(tx, actor, series_id, now=now)
    return ShiftSeriesOut(series_id=series_id, shifts=shifts)


@router.put(
    "/roster/shifts/{shift_id}",
    summary="改班 · Change a shift",
    responses=problems(
        *CHANGING,
        service.ShiftTimesWrong,
        seats.NotOnCallHere,
        seats.AwayThen,
        service.ShiftsOverlap,
    ),
)
async def change_shift(
    shift_id: UUID, body: ShiftChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ShiftOut:
    """改时间或换人；已开始的班只能改结束时间和值班人。

    Other hours, or somebody else; of one that has begun the beginning stays.
    """
    shift = await service.change_shift(tx, actor, shift_id, body, now=now)
    return await reading.shift_view(tx, shift)


@router.post(
    "/roster/shifts/{shift_id}/swap",
    summary="换班 · Swap two shifts",
    responses=problems(*CHANGING, seats.NotOnCallHere, seats.AwayThen),
)
async def swap_shifts(
    shift_id: UUID, body: ShiftSwapIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ShiftPair:
    """两个班次的值班人对换。The people of two shifts take each other's."""
    first, second = await service.swap_shifts(tx, actor, shift_id, body, now=now)
    return ShiftPair(
        items=[await reading.shift_view(tx, first), await reading.shift_view(tx, second)]
    )


@router.post(
    "/roster/shifts/{shift_id}/cancel",
    summary="取消班次 · Cancel a shift",
    responses=problems(*CHANGING),
)
async def cancel_shift(
    shift_id: UUID, body: ShiftVersionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ShiftOut:
    """取消一个班；已开始的到此为止。Take it off the roster; one that has begun ends now."""
    shift = await service.cancel_shift(tx, actor, shift_id, body.version, now=now)
    return await reading.shift_view(tx, shift)


@router.get(
    "/me/shifts",
    summary="我的值班 · My shifts",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_my_shifts(
    actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> ShiftPage:
    """本人未结束的班次，新排的在前。The caller's shifts that are not over, last made first."""
    query = reading.my_shifts(actor, now=now).where(Shift.id < page.below)
    rows = (await tx.execute(query.order_by(Shift.id.desc()).limit(page.fetch))).all()
    views = await reading.shift_views(tx, [(shift, name) for shift, name in rows])
    return page.page(views, lambda view: view)
