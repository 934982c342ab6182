"""HTTP operations that settle issues, and judge how they were settled."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Query

from neighborhood_api.cases.calls import CallsOpen
from neighborhood_api.cases.policy import CaseNotFound, ThirdPersonNeeded, may_read
from neighborhood_api.cases.service import find_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.files.service import FilesNotUsable
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.issues.moving import MOVING, SIGNED_IN, ConfirmBody, MovingDep
from neighborhood_api.issues.schemas import IssueDetailOut
from neighborhood_api.issues.settling import call_backs, evidence, ratings, rights, service
from neighborhood_api.issues.settling.queries import (
    RatingRow,
    call_back_row,
    list_call_backs,
    ratings_of,
)
from neighborhood_api.issues.settling.schemas import (
    CallBackIn,
    CallBackOut,
    CallBackState,
    RateIn,
    RatingFormIn,
    RatingFormOut,
    RatingList,
    RefuseResultIn,
    RemedyIn,
    ReopenIn,
    ResolveIn,
    VerifyIn,
)
from neighborhood_api.issues.settling.views import call_back_view, form_view, rating_view
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["办结与评价 settling"])

CALLING = (
    *SIGNED_IN,
    CaseNotFound,
    Forbidden,
    call_backs.OwnHandling,
    call_backs.NoCallBack,
    call_backs.CalledBackAlready,
)


@router.post(
    "/issues/{issue_id}/resolve",
    summary="办结 · Say what was done",
    responses=problems(
        *MOVING,
        CallsOpen,
        evidence.EvidenceMissing,
        evidence.DoneAtImpossible,
        FilesNotUsable,
    ),
)
async def resolve_issue(body: ResolveIn, moving: MovingDep) -> IssueDetailOut:
    """填写办理结果并附证据；须核查的先由第三人核查，再请诉求人确认。

    The result with its evidence. Where the rule says so a third person checks it; then the
    reporter confirms. A position far from the issue is flagged and not refused.
    """
    await service.resolve_issue(moving.tx, moving.actor, moving.issue_id, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/verify",
    summary="核查通过 · Find the result as described",
    responses=problems(*MOVING, ThirdPersonNeeded, FilesNotUsable),
)
async def verify_issue(
    body: Annotated[VerifyIn, Body(default_factory=VerifyIn)], moving: MovingDep
) -> IssueDetailOut:
    """办理人和诉求人以外的人员核查通过，请诉求人确认。A third person; then she is asked."""
    await service.verify_issue(moving.tx, moving.actor, moving.issue_id, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/refuse-result",
    summary="核查不通过 · Find that it is not settled",
    responses=problems(*MOVING, ThirdPersonNeeded, FilesNotUsable),
)
async def refuse_result(body: RefuseResultIn, moving: MovingDep) -> IssueDetailOut:
    """核查不通过，退回原承办人继续办理，时限照计。Back to the same hands; the clock goes on."""
    await service.refuse_result(moving.tx, moving.actor, moving.issue_id, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/confirm",
    summary="确认办结 · Confirm that it is settled",
    responses=problems(*MOVING),
)
async def confirm_issue(body: ConfirmBody, moving: MovingDep) -> IssueDetailOut:
    """诉求人确认已办好。The reporter says that it is settled."""
    return await moving.make(Move.CONFIRM, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/reopen",
    summary="要求重办 · Say that it is not settled",
    responses=problems(
        *MOVING,
        rights.ReopenTooLate,
        rights.ReopenNotYours,
        rights.ObjectedAlready,
        FilesNotUsable,
    ),
)
async def reopen_issue(body: ReopenIn, moving: MovingDep) -> IssueDetailOut:
    """诉求人说明原因，由上一级重办；结案后限期内也可提出。对不予受理可提出一次异议。

    It goes one level up; also within some days after it was closed. Against a refusal the
    reporter may object once.
    """
    await service.reopen_issue(moving.tx, moving.actor, moving.issue_id, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/rate",
    summary="评价 · Rate how it was handled",
    responses=problems(
        *MOVING, ratings.AlreadyRated, ratings.RatingFormUnknown, ratings.RatingItemsUnknown
    ),
)
async def rate_issue(body: RateIn, moving: MovingDep) -> IssueDetailOut:
    """好差评 1–5,评价后结案；每次办理评价一次，差评必回访、限期整改。

    One rating from 1 to 5 for each handling; then the issue is closed. Bad ones are followed
    up by a call, and made good within 15 working days.
    """
    await service.rate_issue(moving.tx, moving.actor, moving.issue_id, body, now=moving.now)
    return await moving.answer()


@router.get(
    "/issues/{issue_id}/ratings",
    summary="评价记录 · Ratings of an issue",
    responses=problems(*SIGNED_IN, CaseNotFound),
)
async def list_ratings(issue_id: UUID, actor: ActorDep, tx: ReadTxDep) -> RatingList:
    """每次办理的评价及分项。The rating of each handling, with its sub-items."""
    if not may_read(ISSUE, await find_case(tx, ISSUE, issue_id), actor):
        raise CaseNotFound
    rows = await tx.execute(ratings_of(issue_id))
    return RatingList(items=[rating_view(RatingRow(*row)) for row in rows])


@router.get(
    "/rating-form",
    summary="评价表 · The rating form in force",
    dependencies=[Depends(current_actor)],
    responses=problems(*SIGNED_IN),
)
async def read_rating_form(tx: ReadTxDep) -> RatingFormOut:
    """现行评价表：五级和线上、线下分项。The five levels, and the sub-items of each channel."""
    return form_view(await ratings.form_in_force(tx))


@router.put(
    "/rating-form",
    summary="修改评价表 · Put other sub-items in force",
    responses=problems(*SIGNED_IN, Forbidden, StaleVersion),
)
async def save_rating_form(
    body: RatingFormIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> RatingFormOut:
    """修改分项（总管理员），生成新版本；已有评价仍按原版本显示。

    A new version; ratings keep the one that was filled in. Unchanged it makes none.
    """
    return form_view(await ratings.save_rating_form(tx, actor, body, now=now))


@router.get(
    "/staff/call-backs",
    summary="回访任务 · Call-backs",
    responses=problems(*SIGNED_IN, Forbidden, paging.BadCursor),
)
async def list_staff_call_backs(
    actor: ActorDep,
    tx: ReadTxDep,
    page: paging.PageDep,
    state: Annotated[
        CallBackState | None,
        Query(description="to_call 待回访、to_remedy 待整改、done 已完成 · What is to do."),
    ] = None,
) -> paging.Page[CallBackOut]:
    """本岗位辖区内的回访和整改，新的在前。Calls and remedies that the caller's posts reach."""
    rows = await list_call_backs(tx, actor, state, page)
    return page.page(rows, call_back_view)


@router.post(
    "/issues/{issue_id}/take-call-back",
    summary="领取回访 · Take on a call-back",
    responses=problems(*CALLING),
)
async def take_call_back(
    issue_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> CallBackOut:
    """街道调度员或承办人的上级领取回访后可见诉求人号码；已结案的可抽样回访。

    For dispatchers, and whoever is above the hands: the number is shown until the call is
    made, and that is recorded. A closed issue may be taken as a sample.
    """
    task = await call_backs.take_call_back(tx, actor, issue_id, now=now)
    await tx.flush()
    return call_back_view(await call_back_row(tx, task.id))


@router.post(
    "/issues/{issue_id}/call-back",
    summary="记录回访 · Write down a call-back",
    responses=problems(
        *CALLING, call_backs.RaterHasAccount, ratings.AlreadyRated, ratings.RatingItemsUnknown
    ),
)
async def record_call_back(
    issue_id: UUID, body: CallBackIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> CallBackOut:
    """记录是否接通、是否解决、是否满意；未接通的再拨，最多三次。

    What the reporter said. Whoever does not answer is called again, three times at most. For
    a caller without an account her rating is written down too.
    """
    task = await call_backs.record_call_back(tx, actor, issue_id, body, now=now)
    await tx.flush()
    return call_back_view(await call_back_row(tx, task.id))


@router.post(
    "/issues/{issue_id}/remedy",
    summary="整改 · Make good a bad rating",
    responses=problems(*MOVING, call_backs.NothingToRemedy, FilesNotUsable),
)
async def remedy_issue(body: RemedyIn, moving: MovingDep) -> IssueDetailOut:
    """承办单位对差评的整改情况，诉求人可见。What was done about it; the reporter reads it."""
    await call_backs.remedy_issue(
        moving.tx, moving.actor, moving.issue_id, body, now=moving.now
    )
    return await moving.answer()
