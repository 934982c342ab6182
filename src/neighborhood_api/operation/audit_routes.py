"""HTTP operations of the audit view."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.operation import trail_of_acts
from neighborhood_api.operation.trail_of_acts import ActFilter, ActPage

router = new_router(tags=["运行 operation"])


@router.get(
    "/grid/nodes/{node_id}/acts",
    summary="管理操作记录 · What administrators changed",
    responses=problems(
        NotSignedIn, TokenExpired, TokenRevoked, Forbidden, NodeNotFound, paging.BadCursor
    ),
)
async def list_acts(
    node_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    *,
    what: Annotated[
        str | None, Query(max_length=80, description="操作，可只写前段 · Its name begins so.")
    ] = None,
    subject: Annotated[
        str | None, Query(max_length=80, description="对象或变更记录的编号 · To what.")
    ] = None,
    by_id: Annotated[UUID | None, Query(description="操作人 · Who did it.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="不早于 · Not before.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="早于 · Before.")] = None,
) -> ActPage:
    """本辖区工作人员（含已卸任）的管理操作，含变更前后，最近的在前；系统管理员和纪检可看。

    What those who hold or held posts below a place changed, with before and after, last
    first; for operators, and for the discipline inspection of its place.
    """
    wanted = ActFilter(what=what, subject=subject, by_id=by_id, since=since, until=until)
    return await trail_of_acts.list_acts(tx, actor, node_id, wanted, page, now=now)
