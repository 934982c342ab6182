"""HTTP operations of special care."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from neighborhood_api.identity.access import Forbidden, Permission
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.registers.care import service
from neighborhood_api.registers.care.schemas import (
    CareFlagChangeIn,
    CareFlagIn,
    CareFlagOut,
    CareRecordOut,
    EndCareFlagIn,
)
from neighborhood_api.registers.keeping import (
    DayNotYet,
    EntryAlreadyEnded,
    EntryNotFound,
    listed_at,
)
from neighborhood_api.registers.listing import LISTING, ONCE, SIGNED_IN, TAGS
from neighborhood_api.registers.masking import masked_name
from neighborhood_api.registers.models import CareFlag, CareKind
from neighborhood_api.registers.schemas import LookAtEntryIn

router = new_router(tags=TAGS)

CHANGING = (*SIGNED_IN, Forbidden, EntryNotFound, EntryAlreadyEnded)
CarePage = paging.Page[CareFlagOut]


@router.get(
    "/registers/care-flags",
    summary="关爱对象 · Who needs special care",
    responses=problems(*LISTING),
)
async def list_care_flags(
    node_id: Annotated[UUID, Query(description="地点及其下级 · A place and all below it.")],
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    kind: Annotated[CareKind | None, Query(description="类别 · Only this kind.")] = None,
) -> CarePage:
    """仅网格员、网格长和社区可见；不显示全名和门牌，查看本人须说明理由。

    For grid workers, grid leaders and community offices. Who it is, and at which door, takes
    a look that is recorded.
    """
    permission = Permission.CARE_READ
    here = await listed_at(tx, actor, CareFlag, node_id, permission=permission, now=now)
    query = service.named_flags().where(here, CareFlag.id < page.below)
    if kind is not None:
        query = query.where(CareFlag.kind == kind.value)
    rows = await tx.execute(query.order_by(CareFlag.id.desc()).limit(page.fetch))
    return page.page([_flag(service.NamedFlag(*row)) for row in rows], lambda view: view)


@router.post(
    "/registers/residents/{resident_id}/care-flags",
    summary="标记关爱对象 · Note that somebody needs special care",
    responses=problems(*CHANGING, *ONCE, DayNotYet, service.CareFlagExists),
)
async def flag_care(
    resident_id: UUID, body: CareFlagIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> CareFlagOut:
    """为在册人员加关爱标记，说明加密保存。Note it of somebody registered; sealed."""
    return _flag(await service.flag_care(tx, actor, resident_id, body, now=now))


@router.post(
    "/registers/care-flags/{flag_id}/change",
    summary="修改关爱标记 · Change what is known",
    responses=problems(*CHANGING, *ONCE, StaleVersion, DayNotYet),
)
async def change_care_flag(
    flag_id: UUID, body: CareFlagChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> CareFlagOut:
    """没有填的不变，说明填空则清除。What is left out stays, null empties the note."""
    return _flag(await service.change_care_flag(tx, actor, flag_id, body, now=now))


@router.post(
    "/registers/care-flags/{flag_id}/end",
    summary="结束关爱标记 · It is not needed any more",
    responses=problems(*CHANGING, *ONCE, StaleVersion),
)
async def end_care_flag(
    flag_id: UUID, body: EndCareFlagIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> CareFlagOut:
    """情况变化后结束标记。When things have changed."""
    return _flag(await service.end_care_flag(tx, actor, flag_id, body.version, now=now))


@router.post(
    "/registers/care-flags/{flag_id}/look",
    summary="查看关爱对象 · See who it is",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, EntryNotFound),
)
async def look_at_care(
    flag_id: UUID, body: LookAtEntryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> CareRecordOut:
    """须说明理由，永久留痕；显示本人完整登记和全部关爱标记。

    For a reason, and on the record for ever: the whole entry, and all that is known.
    """
    return await service.look_at_care(tx, actor, flag_id, body.reason, now=now)


@router.post(
    "/registers/residents/{resident_id}/care-look",
    summary="查看某人的关爱标记 · See what care somebody needs",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, EntryNotFound),
)
async def look_at_care_of(
    resident_id: UUID, body: LookAtEntryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> CareRecordOut:
    """须说明理由，永久留痕；没有标记时 `flags` 为空，同样留痕。

    For a reason, and on the record for ever, also when there is nothing to see.
    """
    return await service.look_at_care_of(tx, actor, resident_id, body.reason, now=now)


def _flag(named: service.NamedFlag) -> CareFlagOut:
    flag = named.flag
    return CareFlagOut(
        id=flag.id,
        kind=CareKind(flag.kind),
        lane_id=flag.place.node_id,
        lane_name=named.lane,
        community_name=named.community,
        name=masked_name(named.name) or "",
        since_on=flag.since_on,
        ended_on=flag.ended_on,
        version=flag.version,
    )
