"""HTTP operations of staff on people's requests about their data."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query

from neighborhood_api.grid.service import names_of
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.service import Part, masked
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.privacy import callers, corrections
from neighborhood_api.privacy.models import Correction
from neighborhood_api.privacy.schemas import (
    CallerErasureIn,
    CallerErasureOut,
    CorrectionAnswerIn,
    CorrectionOut,
    StaffCorrectionOut,
)

router = new_router(tags=["个人信息 personal data"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
StaffCorrectionPage = paging.Page[StaffCorrectionOut]


@router.get(
    "/staff/corrections",
    summary="更正申请 · Requests for correction",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_corrections(
    actor: ActorDep,
    tx: ReadTxDep,
    page: paging.PageDep,
    answered: Annotated[
        bool | None, Query(description="只看已答复或待答复的 · Only those, or only the others.")
    ] = None,
) -> StaffCorrectionPage:
    """本人所管地方的更正和删除申请，新的在前。Those at the caller's places, newest first."""
    rows = await corrections.corrections_to_answer(tx, actor, page, answered=answered)
    places = await names_of(tx, {asked.place.node_id for asked, _ in rows})
    views = [_view(asked, person, places[asked.place.node_id]) for asked, person in rows]
    return page.page(views, lambda view: view)


@router.post(
    "/staff/corrections/{correction_id}/answer",
    summary="答复更正申请 · Answer a request for correction",
    responses=problems(
        *SIGNED_IN, corrections.CorrectionNotFound, corrections.CorrectionSettled
    ),
)
async def answer_correction(
    correction_id: UUID, body: CorrectionAnswerIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> StaffCorrectionOut:
    """说明已怎样处理，或不能处理的理由；申请人会收到通知。

    What was done, or why it was not; whoever asked is told.
    """
    asked, person = await corrections.answer_correction(tx, actor, correction_id, body, now=now)
    node_id = asked.place.node_id
    return _view(asked, person, (await names_of(tx, [node_id]))[node_id])


@router.post(
    "/staff/caller-erasures",
    summary="删除来电人的姓名和电话 · Erase a caller without an account",
    responses=problems(*SIGNED_IN, Forbidden),
)
async def erase_caller(
    body: CallerErasureIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> CallerErasureOut:
    """应没有账号的来电人要求，删除其已办结诉求和已结束预约中的姓名、电话；有记录。

    On request of a caller without an account: name and number go from what is over, at the
    caller's places. It is written down who did it.
    """
    return await callers.erase_caller(tx, actor, body, now=now)


def _view(asked: Correction, person: Person, place: Sequence[Part]) -> StaffCorrectionOut:
    shown = CorrectionOut.model_validate(asked)
    names = {part.level: part.name for part in place}
    return StaffCorrectionOut(
        **dict(shown),
        person_id=person.id,
        name=person.name,
        phone=masked(person.phone),
        lane_id=asked.lane_id,
        lane_name=names.get(Level.LANE),
        community_name=names.get(Level.COMMUNITY),
    )
