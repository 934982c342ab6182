"""HTTP operations of the register of organisations."""

from uuid import UUID

from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.registers import looking
from neighborhood_api.registers.establishments import service
from neighborhood_api.registers.keeping import DayNotYet, EntryAlreadyEnded, EntryNotFound
from neighborhood_api.registers.listing import (
    LISTING,
    ONCE,
    SIGNED_IN,
    TAGS,
    FilterDep,
    listed,
)
from neighborhood_api.registers.models import Establishment
from neighborhood_api.registers.schemas import (
    EndEntryIn,
    EstablishmentChangeIn,
    EstablishmentIn,
    EstablishmentOut,
    EstablishmentRecordOut,
    KeptEstablishmentOut,
    LookAtEntryIn,
)
from neighborhood_api.registers.views import establishment_view

router = new_router(tags=TAGS)

CHANGING = (*SIGNED_IN, Forbidden, EntryNotFound, EntryAlreadyEnded)
EstablishmentPage = paging.Page[EstablishmentOut]


@router.get(
    "/registers/establishments",
    summary="单位登记册 · The register of organisations",
    responses=problems(*LISTING),
)
async def list_establishments(
    wish: FilterDep, actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> EstablishmentPage:
    """本地点及下级的单位和商户，联系人隐去，新登记的在前；可只看太久未核实的。

    Shops and organisations of a place and below, contacts masked, for its staff.
    """
    rows = await listed(tx, actor, Establishment, service.placed(), wish, page, now=now)
    return page.page([establishment_view(*row) for row in rows], lambda view: view)


@router.post(
    "/registers/establishments",
    summary="登记单位 · Register an organisation",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, NodeNotFound, service.NotALaneOrGrid),
)
async def add_establishment(
    body: EstablishmentIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> KeptEstablishmentOut:
    """登记单位或商户；重名重址时提示。Register one; `warnings` says which it repeats."""
    return kept_view(await service.add_establishment(tx, actor, body, now=now))


@router.get(
    "/registers/establishments/{establishment_id}",
    summary="一条单位登记 · One organisation, masked",
    responses=problems(*SIGNED_IN, EntryNotFound),
)
async def read_establishment(
    establishment_id: UUID, actor: ActorDep, tx: ReadTxDep
) -> KeptEstablishmentOut:
    """联系人隐去；完整信息用“查看完整登记”，会留痕。

    Its contact masked; the whole entry is a look that is recorded.
    """
    return kept_view(await service.read_establishment(tx, actor, establishment_id))


@router.post(
    "/registers/establishments/{establishment_id}/change",
    summary="修改单位登记 · Change an organisation's entry",
    responses=problems(*CHANGING, *ONCE, StaleVersion),
)
async def change_establishment(
    establishment_id: UUID,
    body: EstablishmentChangeIn,
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
) -> KeptEstablishmentOut:
    """没有填的不变，填空则清除。What is left out stays, null empties it."""
    kept = await service.change_establishment(tx, actor, establishment_id, body, now=now)
    return kept_view(kept)


@router.post(
    "/registers/establishments/{establishment_id}/end",
    summary="注销单位 · Note that an organisation is gone",
    responses=problems(*CHANGING, *ONCE, StaleVersion, DayNotYet),
)
async def end_establishment(
    establishment_id: UUID, body: EndEntryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> KeptEstablishmentOut:
    """单位已迁走或停业。It moved away or closed."""
    kept = await service.end_establishment(tx, actor, establishment_id, body, now=now)
    return kept_view(kept)


@router.post(
    "/registers/establishments/{establishment_id}/verify",
    summary="核实单位 · Verify an organisation",
    responses=problems(*CHANGING, *ONCE),
)
async def verify_establishment(
    establishment_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> KeptEstablishmentOut:
    """走访后记为今天核实。Note after a visit that it is as registered."""
    kept = await service.verify_establishment(tx, actor, establishment_id, now=now)
    return kept_view(kept)


@router.post(
    "/registers/establishments/{establishment_id}/look",
    summary="查看完整单位登记 · See an organisation's whole entry",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, EntryNotFound),
)
async def look_at_establishment(
    establishment_id: UUID, body: LookAtEntryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> EstablishmentRecordOut:
    """须说明理由，永久留痕。For a reason, and on the record for ever."""
    return await looking.look_at_establishment(
        tx, actor, establishment_id, body.reason, now=now
    )


def kept_view(kept: service.KeptEstablishment) -> KeptEstablishmentOut:
    """Show an entry masked, with what looks wrong."""
    shown = establishment_view(kept.establishment, *kept.at)
    return KeptEstablishmentOut(**shown.model_dump(), warnings=kept.warnings)
