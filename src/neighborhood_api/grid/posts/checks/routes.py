"""HTTP operations of the checks of posts."""

from uuid import UUID

from neighborhood_api.grid.posts.checks import service
from neighborhood_api.grid.posts.checks.schemas import PostCheck, PostChecksOut, PostFindingOut
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["网格 grid"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
FindingPage = paging.Page[PostFindingOut]


@router.get(
    "/grid/nodes/{node_id}/checks",
    summary="岗位检查 · What an office has to see to",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound),
)
async def count_post_checks(
    node_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> PostChecksOut:
    """本地及下级各项检查的数量：空缺、主责、任期、一人多岗、电话、推选记录、值班空档、无巷长的住户。

    How much each check finds at a place and below it; for grid leaders and offices above.
    """
    return await service.count_post_checks(tx, actor, node_id, now=now)


@router.get(
    "/grid/nodes/{node_id}/checks/{check}",
    summary="检查明细 · What a check found",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, paging.BadCursor),
)
async def list_post_findings(
    node_id: UUID,
    check: PostCheck,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
) -> FindingPage:
    """一项检查的明细。What one of the checks found, page by page."""
    return await service.list_post_findings(tx, actor, node_id, check, page, now=now)
