"""HTTP operations of urging (催办), orders (督办) and warnings (预警)."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query

from neighborhood_api.files.service import FilesNotUsable
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.issues.moving import MOVING, SIGNED_IN, MovingDep
from neighborhood_api.issues.schemas import IssueDetailOut
from neighborhood_api.issues.watching import orders, urging, warnings
from neighborhood_api.issues.watching.queries import (
    list_orders_given,
    list_orders_to_answer,
    list_warnings_to,
)
from neighborhood_api.issues.watching.schemas import (
    AnswerOrderIn,
    DecideOrderIn,
    OrderIn,
    OrderOut,
    UrgeIn,
    WarningOut,
)
from neighborhood_api.issues.watching.views import order_view, warning_view
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Done

router = new_router(tags=["催办督办 watching"])


class Side(StrEnum):
    """Which orders the caller wants to see."""

    TO_ANSWER = "to_answer"
    GIVEN = "given"


@router.post(
    "/issues/{issue_id}/urge",
    summary="催办 · Ask where it is",
    responses=problems(*MOVING, urging.UrgedLately, urging.UrgedEnough),
)
async def urge_issue(
    body: Annotated[UrgeIn, Body(default_factory=UrgeIn)], moving: MovingDep
) -> IssueDetailOut:
    """诉求人催办：24 小时一次；同一承办单位最多三次，换手后重新计算。

    Once in 24 hours, and three times while it stays in the same hands.
    """
    case = await moving.lock()
    await urging.urge_issue(moving.tx, case, moving.actor, body.text, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/supervise",
    summary="督办 · Order an answer",
    responses=problems(*MOVING, orders.OrderOpen),
)
async def supervise_issue(body: OrderIn, moving: MovingDep) -> IssueDetailOut:
    """上级督办，承办单位须限时回复；同一时间只有一项。One order at a time."""
    case = await moving.lock()
    await orders.supervise_issue(moving.tx, case, moving.actor, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/answer-order",
    summary="回复督办 · Answer an order",
    responses=problems(*MOVING, orders.NoOrder, orders.OrderAnswered, FilesNotUsable),
)
async def answer_order(body: AnswerOrderIn, moving: MovingDep) -> IssueDetailOut:
    """承办单位回复；诉求已办结也须回复。Also when the issue itself is over."""
    case = await moving.lock()
    await orders.answer_order(moving.tx, case, moving.actor, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/decide-order",
    summary="审核督办回复 · Be content with the answer, or ask again",
    responses=problems(*MOVING, orders.NoOrder, orders.OrderUnanswered, orders.OwnAnswer),
)
async def decide_order(body: DecideOrderIn, moving: MovingDep) -> IssueDetailOut:
    """督办单位或其上级同意销号，或再次督办。By whoever gave it, or above."""
    case = await moving.lock()
    await orders.decide_order(moving.tx, case, moving.actor, body, now=moving.now)
    return await moving.answer()


@router.get(
    "/staff/orders",
    summary="我的督办 · Orders to answer, or given by me",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_orders(
    actor: ActorDep,
    tx: ReadTxDep,
    page: paging.PageDep,
    now: NowDep,
    side: Annotated[
        Side, Query(description="to_answer 待我回复、given 我发出的 · Which ones.")
    ] = Side.TO_ANSWER,
) -> paging.Page[OrderOut]:
    """待我回复的或我发出的督办，新的在前。Newest first."""
    listed = list_orders_given if side is Side.GIVEN else list_orders_to_answer
    rows = await listed(tx, actor, page)
    return page.page(rows, lambda row: order_view(row, now=now))


@router.get(
    "/staff/warnings",
    summary="我的预警 · Warnings to me",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_warnings(
    actor: ActorDep,
    tx: ReadTxDep,
    page: paging.PageDep,
    unread: Annotated[bool, Query(description="只看未读 · Unread ones only.")] = False,  # noqa: FBT002
) -> paging.Page[WarningOut]:
    """发给我的黄色、红色预警，新的在前；离任后不再显示原岗位的。

    Yellow and red warnings, newest first; those of a post that was lost are shown no more.
    """
    rows = await list_warnings_to(tx, actor, page, unread=unread)
    return page.page(rows, warning_view)


@router.post(
    "/staff/warnings/{warning_id}/read",
    summary="预警已读 · I have read a warning",
    responses=problems(*SIGNED_IN, warnings.WarningNotFound),
)
async def read_warning(warning_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep) -> Done:
    """标记一条预警为已读。One warning."""
    await warnings.read_warning(tx, actor, warning_id, now=now)
    return Done()


@router.post(
    "/staff/warnings/read-all",
    summary="全部已读 · I have read all warnings",
    responses=problems(*SIGNED_IN),
)
async def read_all_warnings(actor: ActorDep, tx: TxDep, now: NowDep) -> Done:
    """全部标记为已读。All of them."""
    await warnings.read_all_warnings(tx, actor, now=now)
    return Done()
