"""HTTP operations of reorganisations."""

from uuid import UUID

from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.reorganisation import comparing, service, views
from neighborhood_api.reorganisation.models import Reorganisation
from neighborhood_api.reorganisation.problems import (
    DayIsPast,
    DecisionsMissing,
    GridIsBusy,
    NewThingsDepend,
    NotADistrict,
    NotADraft,
    NotAnOption,
    NotApplied,
    ReorganisationImpossible,
    ReorganisationNotFound,
)
from neighborhood_api.reorganisation.schemas import (
    PlaceDecisionsIn,
    PlanVersionIn,
    ReorganisationChangeIn,
    ReorganisationComparisonOut,
    ReorganisationIn,
    ReorganisationOut,
    ReorganisationPreviewOut,
)

router = new_router(tags=["网格重组 reorganisation"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
MINE = (*SIGNED_IN, ReorganisationNotFound)
DRAFT = (*MINE, NotADraft, StaleVersion)
ReorganisationPage = paging.Page[ReorganisationOut]


@router.post(
    "/reorganisations",
    summary="起草重组方案 · Draft a reorganisation",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, NotADistrict, DayIsPast),
)
async def draft_reorganisation(
    body: ReorganisationIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ReorganisationOut:
    """新设、拆分、合并、划转、更名、换码、撤销网格地点的方案（系统管理员）。

    Draft a plan that founds, splits, merges, moves, renames, recodes or closes places.
    """
    return _shown(await service.draft_reorganisation(tx, actor, body, now=now))


@router.get(
    "/reorganisations",
    summary="重组方案列表 · Reorganisations",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_reorganisations(
    actor: ActorDep, tx: ReadTxDep, page: paging.PageDep
) -> ReorganisationPage:
    """本区县的重组方案，新的在前。The plans of the caller's districts."""
    query = service.plans_of(actor, page.below).limit(page.fetch)
    return page.page((await tx.scalars(query)).all(), _shown)


@router.get(
    "/reorganisations/{reorganisation_id}",
    summary="一个重组方案 · One reorganisation",
    responses=problems(*MINE),
)
async def read_reorganisation(
    reorganisation_id: UUID, actor: ActorDep, tx: ReadTxDep
) -> ReorganisationOut:
    """方案内容、决定和状态。What the plan says, what was decided, and where it stands."""
    return _shown(await service.managed(tx, actor, reorganisation_id))


@router.put(
    "/reorganisations/{reorganisation_id}",
    summary="修改草稿 · Change a draft",
    responses=problems(*DRAFT, DayIsPast),
)
async def change_reorganisation(
    reorganisation_id: UUID,
    body: ReorganisationChangeIn,
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
) -> ReorganisationOut:
    """重写草稿；仍适用的决定保留。Write a draft anew; decisions that still apply stay."""
    plan = await service.change_reorganisation(tx, actor, reorganisation_id, body, now=now)
    return _shown(plan)


@router.get(
    "/reorganisations/{reorganisation_id}/preview",
    summary="预览影响 · What it would touch",
    responses=problems(*MINE),
)
async def preview_reorganisation(
    reorganisation_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> ReorganisationPreviewOut:
    """涉及的居民、住户、任职、诉求、预约等数量，需要决定的事项，以及不可行的原因。

    Counts of everything that it touches, what needs a decision, and what makes it impossible.
    """
    plan = await service.managed(tx, actor, reorganisation_id)
    return await views.preview(tx, plan, now=now)


@router.post(
    "/reorganisations/{reorganisation_id}/decisions",
    summary="决定去向 · Decide where things go",
    responses=problems(*DRAFT, NotAnOption),
)
async def decide_places(
    reorganisation_id: UUID, body: PlaceDecisionsIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ReorganisationOut:
    """逐项决定场馆、任职、部门等由哪个地点承接。Say which successor takes what was asked."""
    return _shown(await service.decide_places(tx, actor, reorganisation_id, body, now=now))


@router.post(
    "/reorganisations/{reorganisation_id}/apply",
    summary="实施方案 · Apply a reorganisation",
    responses=problems(*DRAFT, ReorganisationImpossible, DecisionsMissing, GridIsBusy),
)
async def apply_reorganisation(
    reorganisation_id: UUID, body: PlanVersionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ReorganisationOut:
    """到期的立即一次性生效，未到期的排期，到日自动生效；要么全部完成，要么不变。

    A due plan takes effect at once, any other on its day: as a whole, or not at all.
    """
    plan = await service.apply_reorganisation(
        tx, actor, reorganisation_id, body.version, now=now
    )
    return _shown(plan)


@router.post(
    "/reorganisations/{reorganisation_id}/cancel",
    summary="取消排期或放弃草稿 · Cancel a reorganisation",
    responses=problems(*DRAFT),
)
async def cancel_reorganisation(
    reorganisation_id: UUID, body: PlanVersionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ReorganisationOut:
    """已排期的退回草稿，草稿则放弃。A scheduled plan is a draft again; a draft is given up."""
    plan = await service.cancel_reorganisation(
        tx, actor, reorganisation_id, body.version, now=now
    )
    return _shown(plan)


@router.post(
    "/reorganisations/{reorganisation_id}/undo",
    summary="撤销重组 · Undo a reorganisation",
    responses=problems(*MINE, NotApplied, StaleVersion, NewThingsDepend, GridIsBusy),
)
async def undo_reorganisation(
    reorganisation_id: UUID, body: PlanVersionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ReorganisationOut:
    """新地点还没有新业务时，恢复原状。Put everything back while nothing new depends on it."""
    plan = await service.undo_reorganisation(
        tx, actor, reorganisation_id, body.version, now=now
    )
    return _shown(plan)


@router.get(
    "/reorganisations/{reorganisation_id}/comparison",
    summary="重组前后对比 · Figures before and after",
    responses=problems(*MINE, NotApplied),
)
async def compare_reorganisation(
    reorganisation_id: UUID, actor: ActorDep, tx: ReadTxDep
) -> ReorganisationComparisonOut:
    """按原地点的范围比较重组前后的数字。Compare over the same ground, before and after."""
    plan = await service.managed(tx, actor, reorganisation_id)
    if plan.state != "applied":
        raise NotApplied
    return await comparing.compare(tx, plan)


def _shown(plan: Reorganisation) -> ReorganisationOut:
    return ReorganisationOut.model_validate(plan)
