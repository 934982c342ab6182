"""HTTP operations of where one lives, and of what staff decide about it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from neighborhood_api.grid.models import Confirmation, PastResidence, Residence
from neighborhood_api.grid.place_names import place_names
from neighborhood_api.grid.residences.standing import ResidenceNotConfirmed
from neighborhood_api.grid.schemas import ResidenceIn
from neighborhood_api.grid.service import NodeNotFound, NotALane
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion, masked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTx, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Done
from neighborhood_api.registers.claims import representatives, service
from neighborhood_api.registers.claims.schemas import (
    ClaimOut,
    ClaimState,
    ConfirmResidenceIn,
    DecidedResidenceOut,
    LeaveResidenceIn,
    MoveOut,
    MyHouseholdOut,
    RefuseResidenceIn,
    RepresentativeIn,
    ResidenceOut,
)
from neighborhood_api.registers.keeping import EntryAlreadyEnded, EntryNotFound, listed_at
from neighborhood_api.registers.listing import LISTING, ONCE, SIGNED_IN, TAGS
from neighborhood_api.registers.masking import masked_name
from neighborhood_api.registers.views import member_view

router = new_router(tags=TAGS)

NodeQuery = Annotated[UUID, Query(description="地点及其下级 · A place and all below it.")]
DECIDING = (
    *SIGNED_IN,
    *ONCE,
    service.ClaimNotFound,
    service.OwnResidence,
    service.ClaimAlreadyDecided,
    StaleVersion,
)
MEMBER = (*SIGNED_IN, ResidenceNotConfirmed, representatives.NoHousehold)
ClaimPage = paging.Page[ClaimOut]
MovePage = paging.Page[MoveOut]


@router.put(
    "/me/residence",
    summary="填写住址 · Say where I live",
    responses=problems(*SIGNED_IN, NodeNotFound, NotALane, StaleVersion),
)
async def state_residence(
    body: ResidenceIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ResidenceOut:
    """填写或修改居住的街巷和门牌；本人已验证的号码与登记册相符即确认，否则等工作人员确认。

    State or change the residence; a refreshed access token then carries the new place. It is
    confirmed at once where the register has the caller's verified number at that door, and
    waits for staff otherwise. Whoever lives there, the answer is the same.
    """
    return await _residence(tx, await service.state_residence(tx, actor, body, now=now))


@router.get(
    "/me/residence",
    summary="我的住址 · Where I live, and whether it is confirmed",
    responses=problems(*SIGNED_IN, service.NoResidence),
)
async def read_residence(actor: ActorDep, tx: ReadTxDep) -> ResidenceOut:
    """我填写的住址和确认情况。What the caller said, and what became of it."""
    return await _residence(tx, await service.read_residence(tx, actor))


@router.post(
    "/me/residence/leave",
    summary="搬离 · I have moved out",
    responses=problems(*SIGNED_IN, *ONCE, service.NoResidence, StaleVersion),
)
async def leave_residence(
    body: LeaveResidenceIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> Done:
    """搬离现住址，确认随即失效；搬到新址直接重新填写即可。

    The caller lives nowhere known from now on; who moves elsewhere simply states it.
    """
    await service.leave_residence(tx, actor, body.version, now=now)
    return Done()


@router.get(
    "/me/household",
    summary="我的户 · My household",
    responses=problems(*MEMBER),
)
async def read_my_household(actor: ActorDep, tx: ReadTxDep) -> MyHouseholdOut:
    """住址确认后可见：户代表和已确认的成员，只显示姓。

    For who is confirmed to live there: its representative and members, masked.
    """
    return await _my_household(tx, actor)


@router.put(
    "/me/household/representative",
    summary="选户代表 · Choose who speaks for my household",
    responses=problems(*MEMBER, representatives.NotAMember),
)
async def choose_representative(
    body: RepresentativeIn, actor: ActorDep, tx: TxDep
) -> MyHouseholdOut:
    """每位已确认的成员选一人，超过半数即为户代表。

    Each confirmed member chooses one; whom more than half want speaks for the household.
    """
    await representatives.choose_representative(tx, actor, body.person_id)
    return await _my_household(tx, actor)


@router.get(
    "/residence-claims",
    summary="待确认的住址 · Residences that wait to be confirmed",
    responses=problems(*LISTING),
)
async def list_residence_claims(
    node_id: NodeQuery, actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> ClaimPage:
    """巷长、网格员、网格长和社区确认本地居民的住址；新注册的人在前。

    For the lane's chief, grid workers, grid leaders and community offices of the place; the
    newest accounts first.
    """
    here = await listed_at(tx, actor, Residence, node_id, permission=service.DECIDE, now=now)
    query = service.claims_waiting(here).where(Residence.person_id < page.below)
    rows = await tx.execute(query.order_by(Residence.person_id.desc()).limit(page.fetch))
    return page.page([_claim(service.Claim(*row)) for row in rows], lambda view: view)


@router.post(
    "/residence-claims/{person_id}/confirm",
    summary="确认住址 · Confirm a residence",
    responses=problems(*DECIDING, EntryNotFound, EntryAlreadyEnded, service.EntryIsAnothers),
)
async def confirm_residence(
    person_id: UUID, body: ConfirmResidenceIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> DecidedResidenceOut:
    """确认后告知本人；两人同时办理时只有一人成功。

    She is told. Of two who decide at once one does; what was changed meanwhile is refused.
    """
    home = await service.confirm_residence(tx, actor, person_id, body, now=now)
    return _decided(home)


@router.post(
    "/residence-claims/{person_id}/refuse",
    summary="不予确认或撤销确认 · Refuse a residence, or take a confirmation back",
    responses=problems(*DECIDING),
)
async def refuse_residence(
    person_id: UUID, body: RefuseResidenceIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> DecidedResidenceOut:
    """写明原因并告知本人；已确认的也可撤销。

    With a reason that she is told; also for who does not live there any more.
    """
    home = await service.refuse_residence(tx, actor, person_id, body, now=now)
    return _decided(home)


@router.get(
    "/residence-moves",
    summary="搬离记录 · Who moved out",
    responses=problems(*LISTING),
)
async def list_moves(
    node_id: NodeQuery, actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> MovePage:
    """本地点及下级搬离的已确认居民，最近的在前；不显示搬去哪里。

    Confirmed residents who left a place and below, last first; where to is not shown.
    """
    permission = Permission.RESIDENCE_DECIDE
    here = await listed_at(tx, actor, PastResidence, node_id, permission=permission, now=now)
    query = service.moves(here).where(PastResidence.id < page.below)
    rows = await tx.execute(query.order_by(PastResidence.id.desc()).limit(page.fetch))
    return page.page([_move(service.Move(*row)) for row in rows], lambda view: view)


def _state(home: Residence) -> ClaimState:
    if home.confirmed_at is not None:
        return ClaimState.CONFIRMED
    return ClaimState.WAITING if home.refused_at is None else ClaimState.REFUSED


async def _residence(tx: ReadTx, home: Residence) -> ResidenceOut:
    at = await place_names(tx, home)
    return ResidenceOut(
        lane_id=home.place.node_id,
        lane_name=at.own,
        community_name=at.community,
        address=home.address,
        household_id=home.household_id,
        state=_state(home),
        refusal=home.refusal,
        confirmed_at=home.confirmed_at,
        version=home.version,
    )


def _decided(home: Residence) -> DecidedResidenceOut:
    how = home.confirmed_how
    return DecidedResidenceOut(
        id=home.person_id,
        state=_state(home),
        how=None if how is None else Confirmation(how),
        household_id=home.household_id,
        version=home.version,
    )


def _claim(claim: service.Claim) -> ClaimOut:
    home, person = claim.home, claim.person
    return ClaimOut(
        id=person.id,
        name=person.name,
        phone=masked(person.phone),
        lane_id=home.place.node_id,
        lane_name=claim.lane,
        community_name=claim.community,
        address=home.address,
        household_id=home.household_id,
        name_is_registered=claim.name_is_registered,
        refused_before=home.refused_by_id is not None,
        stated_at=home.stated_at,
        version=home.version,
    )


def _move(move: service.Move) -> MoveOut:
    stay = move.stay
    return MoveOut(
        id=stay.id,
        name=masked_name(move.name),
        lane_id=stay.place.node_id,
        lane_name=move.lane,
        community_name=move.community,
        address=stay.address,
        household_id=stay.household_id,
        resident_id=move.resident_id,
        began_at=stay.began_at,
        ended_at=stay.ended_at,
    )


async def _my_household(tx: ReadTx, actor: Actor) -> MyHouseholdOut:
    mine = await representatives.read_my_household(tx, actor)
    speaker = mine.household.representative_id
    names = [masked_name(one.name) for one in mine.members if one.id == speaker]
    return MyHouseholdOut(
        id=mine.household.id,
        address=mine.household.address,
        representative=next(iter(names), None),
        members=[member_view(one, speaker) for one in mine.members],
        chosen_id=mine.chosen_id,
    )
