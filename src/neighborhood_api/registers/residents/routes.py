"""HTTP operations of the register of people."""

from uuid import UUID

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Done
from neighborhood_api.registers import looking
from neighborhood_api.registers.keeping import DayNotYet, EntryAlreadyEnded, EntryNotFound
from neighborhood_api.registers.listing import (
    LISTING,
    ONCE,
    SIGNED_IN,
    TAGS,
    FilterDep,
    listed,
)
from neighborhood_api.registers.models import Resident
from neighborhood_api.registers.residents import service
from neighborhood_api.registers.schemas import (
    EndEntryIn,
    EraseEntryIn,
    KeptResidentOut,
    LookAtEntryIn,
    ResidentChangeIn,
    ResidentIn,
    ResidentOut,
    ResidentRecordOut,
)
from neighborhood_api.registers.views import resident_view

router = new_router(tags=TAGS)

CHANGING = (*SIGNED_IN, Forbidden, EntryNotFound, EntryAlreadyEnded)
ResidentPage = paging.Page[ResidentOut]


@router.get(
    "/registers/residents",
    summary="人口登记册 · The register of people",
    responses=problems(*LISTING),
)
async def list_residents(
    wish: FilterDep, actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> ResidentPage:
    """本地点及下级的在册人员，隐去姓名和号码，新登记的在前；可只看太久未核实的。

    Who is registered at a place and below, masked, last registered first, for its staff.
    """
    rows = await listed(tx, actor, Resident, service.housed(), wish, page, now=now)
    return page.page([resident_view(*row) for row in rows], lambda view: view)


@router.post(
    "/registers/residents",
    summary="登记人员 · Register somebody",
    responses=problems(*CHANGING, *ONCE, service.HeadAlreadyNamed),
)
async def add_resident(
    body: ResidentIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> KeptResidentOut:
    """登记到户；手机号与等待确认的账号相符时，该账号的住址随即确认。

    Register somebody in a household; an account that waits with her verified number is
    confirmed by it. `warnings` says whom she looks like.
    """
    return kept_view(await service.add_resident(tx, actor, body, now=now))


@router.get(
    "/registers/residents/{resident_id}",
    summary="一条人员登记 · One entry, masked",
    responses=problems(*SIGNED_IN, EntryNotFound),
)
async def read_resident(resident_id: UUID, actor: ActorDep, tx: ReadTxDep) -> KeptResidentOut:
    """隐去姓名和号码；完整信息用“查看完整登记”，会留痕。

    Masked; the whole entry is a look that is recorded.
    """
    return kept_view(await service.read_resident(tx, actor, resident_id))


@router.post(
    "/registers/residents/{resident_id}/change",
    summary="修改人员登记 · Change an entry",
    responses=problems(*CHANGING, *ONCE, StaleVersion, service.HeadAlreadyNamed),
)
async def change_resident(
    resident_id: UUID, body: ResidentChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> KeptResidentOut:
    """没有填的不变，填空则清除；不用先看完整登记也能改。

    What is left out stays, null empties it; so nobody has to see all to change one thing.
    """
    kept = await service.change_resident(tx, actor, resident_id, body, now=now)
    return kept_view(kept)


@router.post(
    "/registers/residents/{resident_id}/end",
    summary="办理迁出 · Note that somebody moved out",
    responses=problems(*CHANGING, *ONCE, StaleVersion, DayNotYet, service.DayBeforeMovingIn),
)
async def end_resident(
    resident_id: UUID, body: EndEntryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> KeptResidentOut:
    """迁出后其账号在该户的住址确认随即撤销，关爱标记随即结束。

    Her account's residence there is confirmed no more, and her special care there ends.
    """
    return kept_view(await service.end_resident(tx, actor, resident_id, body, now=now))


@router.post(
    "/registers/residents/{resident_id}/erase",
    summary="删除人员登记 · Delete an entry for good",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, EntryNotFound, StaleVersion),
)
async def erase_resident(
    resident_id: UUID, body: EraseEntryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> Done:
    """社区应本人要求删除登记和关爱标记，不能恢复；搬走的请办理迁出。

    By the community's office, as the person may ask for; who moved out is ended instead.
    """
    await service.erase_resident(tx, actor, resident_id, body, now=now)
    return Done()


@router.post(
    "/registers/residents/{resident_id}/verify",
    summary="核实人员 · Verify an entry",
    responses=problems(*CHANGING, *ONCE),
)
async def verify_resident(
    resident_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> KeptResidentOut:
    """走访后记为今天核实。Note after a visit that it is as registered."""
    return kept_view(await service.verify_resident(tx, actor, resident_id, now=now))


@router.post(
    "/registers/residents/{resident_id}/look",
    summary="查看完整登记 · See a whole entry",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, EntryNotFound),
)
async def look_at_resident(
    resident_id: UUID, body: LookAtEntryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ResidentRecordOut:
    """须说明理由，永久留痕：谁、以什么岗位、何时、为何查看。

    For a reason, and on the record for ever: who, in which post, when and why.
    """
    return await looking.look_at_resident(tx, actor, resident_id, body.reason, now=now)


def kept_view(kept: service.KeptResident) -> KeptResidentOut:
    """Show an entry masked, with what looks wrong."""
    shown = resident_view(kept.resident, kept.address, *kept.at)
    return KeptResidentOut(**shown.model_dump(), warnings=kept.warnings)
