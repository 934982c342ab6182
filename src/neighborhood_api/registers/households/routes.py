"""HTTP operations of the register of households, and of searching all registers."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Query

from neighborhood_api.grid.models import Household
from neighborhood_api.grid.service import NodeNotFound, NotALane
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTx, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.registers import doubts, finding
from neighborhood_api.registers.claims import representatives
from neighborhood_api.registers.claims.schemas import RepresentativeIn
from neighborhood_api.registers.households import service
from neighborhood_api.registers.keeping import DayNotYet, EntryAlreadyEnded, EntryNotFound
from neighborhood_api.registers.listing import (
    LISTING,
    ONCE,
    SIGNED_IN,
    TAGS,
    FilterDep,
    listed,
)
from neighborhood_api.registers.schemas import (
    EndEntryIn,
    HouseholdChangeIn,
    HouseholdIn,
    HouseholdRecordOut,
    RegisterFoundOut,
    RegisterHouseholdOut,
    RegisterSearchIn,
    VerifyHouseholdIn,
)
from neighborhood_api.registers.views import household_view, member_view, resident_view

router = new_router(tags=TAGS)

CHANGING = (*SIGNED_IN, Forbidden, EntryNotFound, EntryAlreadyEnded)
HouseholdPage = paging.Page[RegisterHouseholdOut]


@router.post(
    "/registers/search",
    summary="按号码或门牌查找 · Find by a whole number or door",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, NodeNotFound, finding.OneThingToFind),
)
async def search_registers(
    body: RegisterSearchIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> RegisterFoundOut:
    """用完整手机号或完整门牌查找，结果隐去姓名和号码；号码在请求体中，不进日志。

    What is registered under a number or a door, masked. A POST, so that the number is in no
    address and no log.
    """
    return await finding.search_registers(tx, actor, body, now=now)


@router.get(
    "/registers/households",
    summary="住户登记册 · The register of households",
    responses=problems(*LISTING),
)
async def list_register_households(
    wish: FilterDep,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    *,
    deserted: Annotated[
        bool, Query(description="只看无人在册又未标空置的 · Only those without residents.")
    ] = False,
) -> HouseholdPage:
    """本地点及下级的住户，新登记的在前；可只看太久未核实或无人在册的。

    The dwellings of a place and below, last registered first, for its staff.
    """
    query = service.counted()
    if deserted:
        query = query.where(doubts.is_deserted())
    rows = await listed(tx, actor, Household, query, wish, page, now=now)
    return page.page([household_view(*row) for row in rows], lambda view: view)


@router.post(
    "/registers/households",
    summary="登记住户 · Register a dwelling",
    responses=problems(
        *SIGNED_IN, *ONCE, Forbidden, NodeNotFound, NotALane, service.HouseholdExists
    ),
)
async def add_household(
    body: HouseholdIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> HouseholdRecordOut:
    """登记一户；先前填报这个门牌的居民随即归入该户。

    Register a dwelling; whoever said that she lives at this door belongs to it from now on.
    """
    household = await service.add_household(tx, actor, body, now=now)
    return await _shown(tx, household)


@router.get(
    "/registers/households/{household_id}",
    summary="一户 · One household",
    responses=problems(*SIGNED_IN, EntryNotFound),
)
async def read_household(
    household_id: UUID, actor: ActorDep, tx: ReadTxDep
) -> HouseholdRecordOut:
    """户内在册人员（隐去姓名和号码）、已确认的账号和需要核对的问题。

    Who is registered there, masked, whose accounts are confirmed, and what looks wrong.
    """
    return record_view(await service.read_household(tx, actor, household_id))


@router.put(
    "/registers/households/{household_id}",
    summary="修改住户 · Change a dwelling",
    responses=problems(*CHANGING, StaleVersion, service.HouseholdExists),
)
async def change_household(
    household_id: UUID, body: HouseholdChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> HouseholdRecordOut:
    """修改门牌、用途或备注。Change door, use or note."""
    household = await service.change_household(tx, actor, household_id, body, now=now)
    return await _shown(tx, household)


@router.post(
    "/registers/households/{household_id}/end",
    summary="注销住户 · Take a dwelling off the register",
    responses=problems(*CHANGING, *ONCE, StaleVersion, DayNotYet, service.HouseholdNotEmpty),
)
async def end_household(
    household_id: UUID, body: EndEntryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> HouseholdRecordOut:
    """拆除或合并的户；户内还有人时不能注销。

    For what was torn down or joined; not while anybody is registered or confirmed there.
    """
    household = await service.end_household(tx, actor, household_id, body, now=now)
    return await _shown(tx, household)


@router.post(
    "/registers/households/{household_id}/verify",
    summary="核实住户 · Verify a dwelling",
    responses=problems(*CHANGING, *ONCE),
)
async def verify_household(
    household_id: UUID,
    body: Annotated[VerifyHouseholdIn, Body(default_factory=VerifyHouseholdIn)],
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
) -> HouseholdRecordOut:
    """走访后记为今天核实；可同时核实户内人员。

    Note after a visit that it is as registered, with its residents if they were seen too.
    """
    record = await service.verify_household(
        tx, actor, household_id, with_residents=body.with_residents, now=now
    )
    return record_view(record)


@router.put(
    "/registers/households/{household_id}/representative",
    summary="指定户代表 · Say who speaks for a household",
    responses=problems(*CHANGING, representatives.NotAMember),
)
async def appoint_representative(
    household_id: UUID, body: RepresentativeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> HouseholdRecordOut:
    """由工作人员指定或取消；之后本户成员过半数可另选。

    By staff; more than half of its members may choose somebody else afterwards.
    """
    household = await representatives.appoint_representative(
        tx, actor, household_id, body.person_id, now=now
    )
    return await _shown(tx, household)


def record_view(record: service.HouseholdRecord) -> HouseholdRecordOut:
    """Show a household with everybody, masked."""
    household, at, people, members = record
    shown = household_view(household, len(people), *at)
    speaker = household.representative_id
    return HouseholdRecordOut(
        **shown.model_dump(),
        people=[resident_view(one, household.address, *at) for one in people],
        members=[member_view(one, speaker) for one in members],
        warnings=doubts.of_household(household, people),
    )


async def _shown(tx: ReadTx, household: Household) -> HouseholdRecordOut:
    return record_view(await service.record_of(tx, household))
