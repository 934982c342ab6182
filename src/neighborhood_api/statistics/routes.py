"""HTTP operations of the statistics."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from neighborhood_api.cases.policy import CaseNotFound
from neighborhood_api.files.handles import LinksDep
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.issues.schemas import IssueOut
from neighborhood_api.issues.views import issue_view
from neighborhood_api.kit import paging
from neighborhood_api.kit.asking import asked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.idempotency import BadIdempotencyKey, IdempotencyKeyReused
from neighborhood_api.kit.problems import InvalidRequest, TooManyRequests, problems
from neighborhood_api.statistics import exclusions, service
from neighborhood_api.statistics import weights as weighing
from neighborhood_api.statistics.board import NoBoardHere, read_board
from neighborhood_api.statistics.counting import TooManyParts
from neighborhood_api.statistics.dimensions import Dimension
from neighborhood_api.statistics.periods import PeriodNotUsable, month_of
from neighborhood_api.statistics.schemas import (
    DecideExclusionIn,
    ExcludeIn,
    ExclusionOut,
    ExclusionState,
    FormulaeOut,
    HandTimesOut,
    PublicStatisticsOut,
    StatisticsOut,
    WeightsIn,
    WeightsList,
    WeightsOut,
)
from neighborhood_api.statistics.views import exclusion_view, formulae_view
from neighborhood_api.statistics.wishes import BehindWish, StatisticsWish

router = new_router(tags=["统计 statistics"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked, TooManyRequests)
COUNTING = (*SIGNED_IN, Forbidden, NodeNotFound, PeriodNotUsable, InvalidRequest, TooManyParts)
EXCLUDING = (
    *SIGNED_IN,
    BadIdempotencyKey,
    IdempotencyKeyReused,
    CaseNotFound,
    Forbidden,
)

WishDep = Annotated[StatisticsWish, Depends(asked(StatisticsWish))]
BehindDep = Annotated[BehindWish, Depends(asked(BehindWish))]
DistrictId = Annotated[UUID, Query(description="区县 · The district.")]


@router.get(
    "/statistics",
    summary="统计 · The numbers of a period",
    responses=problems(*COUNTING),
)
async def read_statistics(
    actor: ActorDep,
    tx: ReadTxDep,
    wish: WishDep,
    now: NowDep,
    dimension: Annotated[
        Dimension | None,
        Query(
            description="细分：category 类别、group 大类、node 下级地点、day/week/month 时段、"
            "handler 经办人、hand 经办岗位 · By what to break it down."
        ),
    ] = None,
) -> StatisticsOut:
    """三率、按时率、重办率、用时等，算法公开；每个数字都能列出背后的诉求。

    The three rates and all else, for what the caller may see. Each part says where the issues
    behind its numbers are listed. Under handler and hand an issue counts for each that had it.
    """
    return await service.read_statistics(tx, actor, wish, dimension, now=now)


@router.get(
    "/statistics/issues",
    summary="数字背后的诉求 · The issues behind a number",
    responses=problems(*COUNTING, paging.BadCursor),
)
async def list_statistics_issues(
    actor: ActorDep,
    tx: ReadTxDep,
    links: LinksDep,
    page: paging.PageDep,
    wish: BehindDep,
    now: NowDep,
) -> paging.Page[IssueOut]:
    """与统计口径相同，条数与数字一致，新的在前。Exactly the issues that were counted."""
    scope = await service.scope_of(tx, actor, wish.node_id, now=now)
    rows = await service.list_behind(tx, scope, wish, page, now=now)
    return page.page(rows, lambda row: issue_view(row, links, now=now))


@router.get(
    "/statistics/hands",
    summary="在手时长 · Whose time it was",
    responses=problems(*COUNTING),
)
async def read_hand_times(
    actor: ActorDep, tx: ReadTxDep, wish: WishDep, now: NowDep
) -> HandTimesOut:
    """每个岗位、部门的在手时长，暂停的时间另列；总和等于诉求的存续时间。最长的一千个。

    Minutes in the hands of each post and department, the longest thousand; together they are
    the age of the issues.
    """
    return await service.read_hand_times(tx, actor, wish, now=now)


@router.get(
    "/statistics/formulae",
    summary="统计口径 · How the numbers are made",
    responses=problems(InvalidRequest),
)
async def read_formulae(
    tx: ReadTxDep,
    now: NowDep,
    district_id: Annotated[
        UUID | None, Query(description="区县，用于显示现行权重 · Whose weights to show.")
    ] = None,
) -> FormulaeOut:
    """每个数字的确切定义和现行权重，任何人可查。Exact definitions, for everybody."""
    weights = weighing.InForce()
    if district_id is not None:
        weights = await weighing.weights_at(tx, district_id, now)
    return FormulaeOut(
        items=formulae_view(),
        score="综合得分 =（响应率×权重 + 解决率×权重 + 满意率×权重）÷ 权重之和；"
        "任一有权重的比率没有可计件数时不计分；用统计期末有效的权重。",
        score_en="The mean of the three rates, weighted; no score while a rate that weighs "
        "something has nothing to judge; with the weights in force at the end of the period.",
        weights=WeightsOut.model_validate(weights),
    )


@router.get(
    "/statistics/weights",
    summary="三率权重 · The weights of the three rates",
    responses=problems(*SIGNED_IN, NodeNotFound),
)
async def list_weights(actor: ActorDep, tx: ReadTxDep, district_id: DistrictId) -> WeightsList:
    """现行权重在前，历次调整在后。The weights in force first, then those before."""
    del actor  # anybody who is signed in
    rows = await weighing.list_weights(tx, district_id)
    return WeightsList(
        district_id=district_id, items=[WeightsOut.model_validate(row) for row in rows]
    )


@router.put(
    "/statistics/weights",
    summary="调整三率权重 · Put other weights in force",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, StaleVersion),
)
async def save_weights(body: WeightsIn, actor: ActorDep, tx: TxDep, now: NowDep) -> WeightsOut:
    """区县运营人员调整，即时生效；以前各期仍按当时的权重。

    By operators, from now on; scores of earlier periods keep the weights of their time.
    """
    return WeightsOut.model_validate(await weighing.save_weights(tx, actor, body, now=now))


@router.post(
    "/issues/{issue_id}/exclude",
    summary="申请不纳入考核 · Ask not to assess an issue",
    responses=problems(*EXCLUDING, exclusions.ExclusionPending, exclusions.AssessedAlready),
)
async def exclude_issue(
    issue_id: UUID, body: ExcludeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ExclusionOut:
    """街道调度员及以上申请，须有原因，由第二人批准后才生效。

    By a dispatcher or above; it counts until a second person has approved.
    """
    return await _ask(tx, actor, issue_id, body, now, excluded=True)


@router.post(
    "/issues/{issue_id}/include",
    summary="申请恢复考核 · Ask to assess an issue again",
    responses=problems(*EXCLUDING, exclusions.ExclusionPending, exclusions.AssessedAlready),
)
async def include_issue(
    issue_id: UUID, body: ExcludeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ExclusionOut:
    """恢复考核，同样须第二人批准。It too takes a second person."""
    return await _ask(tx, actor, issue_id, body, now, excluded=False)


@router.post(
    "/issues/{issue_id}/exclude/decide",
    summary="审核是否纳入考核 · Decide as the second person",
    responses=problems(
        *EXCLUDING, exclusions.NoExclusionRequest, exclusions.SecondPersonNeeded
    ),
)
async def decide_exclusion(
    issue_id: UUID, body: DecideExclusionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ExclusionOut:
    """同意或不同意待审核的申请（不纳入或恢复）；申请人不能审核。Not by whoever asked."""
    asked_for = await exclusions.decide_exclusion(tx, actor, issue_id, body, now=now)
    await tx.flush()
    return exclusion_view(await exclusions.exclusion_row(tx, asked_for.id))


@router.get(
    "/staff/exclusions",
    summary="不纳入考核的申请 · Requests about what is assessed",
    responses=problems(*SIGNED_IN, Forbidden, paging.BadCursor),
)
async def list_exclusions(
    actor: ActorDep,
    tx: ReadTxDep,
    page: paging.PageDep,
    state: Annotated[
        ExclusionState | None,
        Query(description="pending 待审核、approved 已同意、refused 未同意 · Which ones."),
    ] = None,
) -> paging.Page[ExclusionOut]:
    """本人可统计范围内的申请和审核结果，新的在前。With reasons and decisions, newest first."""
    rows = await exclusions.list_exclusions(tx, actor, state, page)
    return page.page(rows, exclusion_view)


@router.get(
    "/public/statistics",
    summary="公示统计 · The public board",
    responses=problems(NodeNotFound, NoBoardHere, PeriodNotUsable),
)
async def read_public_statistics(
    tx: ReadTxDep,
    now: NowDep,
    node_id: Annotated[UUID, Query(description="街道或社区 · A street or community.")],
    month: Annotated[
        str | None,
        Query(pattern=r"^\d{4}-\d{2}$", description="月份，不填为当月 · As 2026-11."),
    ] = None,
) -> PublicStatisticsOut:
    """街道或社区一个月的三率，不含个人信息，不足 5 件的不公布。

    The rates of one month; nothing about persons, and nothing made of fewer than five issues.
    """
    return await read_board(tx, node_id, month_of(month, now=now), now=now)


async def _ask(
    tx: TxDep,
    actor: ActorDep,
    issue_id: UUID,
    body: ExcludeIn,
    now: NowDep,
    *,
    excluded: bool,
) -> ExclusionOut:
    asked_for = await exclusions.ask_exclusion(
        tx, actor, issue_id, body, excluded=excluded, now=now
    )
    return exclusion_view(await exclusions.exclusion_row(tx, asked_for.id))
