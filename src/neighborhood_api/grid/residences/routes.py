"""HTTP operations of what a district asks of its residents."""

from uuid import UUID

from fastapi import Depends

from neighborhood_api.grid.residences import standing
from neighborhood_api.grid.residences.schemas import ResidenceRulesIn, ResidenceRulesOut
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["住址与登记册 registers"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)


@router.get(
    "/grid/districts/{district_id}/residence-rules",
    summary="住址确认的要求 · What a district asks of its residents",
    dependencies=[Depends(current_actor)],
    responses=problems(*SIGNED_IN, NodeNotFound),
)
async def read_residence_rules(
    district_id: UUID, tx: ReadTxDep, now: NowDep
) -> ResidenceRulesOut:
    """哪些事须住址确认后才能办，默认都不要求。

    What only residents do whose residence is confirmed; nothing, until the district says so.
    """
    rules = await standing.read_residence_rules(tx, district_id, now=now)
    return ResidenceRulesOut.model_validate(rules)


@router.put(
    "/grid/districts/{district_id}/residence-rules",
    summary="设置住址确认的要求 · Say what a district asks of its residents",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, StaleVersion),
)
async def state_residence_rules(
    district_id: UUID, body: ResidenceRulesIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ResidenceRulesOut:
    """系统管理员设置；反映工作人员的诉求和工作人员代办不受此限。

    By the district's operator. Reports on persons stay open to everybody, and so is what staff
    do for somebody who telephoned.
    """
    rules = await standing.state_residence_rules(tx, actor, district_id, body, now=now)
    return ResidenceRulesOut.model_validate(rules)
