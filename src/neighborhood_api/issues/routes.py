"""HTTP operations of the issues domain."""

from uuid import UUID

from neighborhood_api.cases.policy import CaseNotFound
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.files.handles import LinksDep
from neighborhood_api.files.service import FilesNotUsable
from neighborhood_api.grid.areas.locating import NoLaneNearby
from neighborhood_api.grid.residences.standing import ResidenceNotConfirmed
from neighborhood_api.grid.service import NodeNotFound, NotALane
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.issues import service
from neighborhood_api.issues.moving import (
    MOVING,
    SIGNED_IN,
    AcceptBody,
    ConfirmBody,
    MovingDep,
)
from neighborhood_api.issues.queries import MY_ISSUES
from neighborhood_api.issues.schemas import (
    AnswerIn,
    CommentIn,
    IssueDetailOut,
    IssueIn,
    IssueOut,
    WordsIn,
)
from neighborhood_api.issues.views import issue_view, read_issue
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, WriterDep
from neighborhood_api.kit.direct import direct
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["诉求 issues"])


@router.get(
    "/me/issues",
    summary="我的诉求 · What I reported",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
@direct
async def list_my_issues(
    actor: ActorDep, reader: ReaderDep, links: LinksDep, page: paging.PageDep, now: NowDep
) -> paging.Page[IssueOut]:
    """我上报的诉求，新的在前。What the caller reported, newest first."""
    rows = await MY_ISSUES.all(
        reader, person_id=actor.person_id, below=page.below, limit=page.fetch
    )
    return page.page(rows, lambda row: issue_view(row, links, now=now))


@router.post(
    "/issues",
    summary="上报诉求 · Report an issue",
    responses=problems(
        *SIGNED_IN,
        Forbidden,
        service.PlaceNeeded,
        service.CategoryNotFound,
        service.NotAboutPersons,
        ResidenceNotConfirmed,
        NodeNotFound,
        NotALane,
        NoLaneNearby,
        FilesNotUsable,
    ),
)
@direct
async def report_issue(
    body: IssueIn, actor: ActorDep, writer: WriterDep, links: LinksDep, now: NowDep
) -> IssueOut:
    """上报后立即派给当地巷长；岗位空缺时派给上一级。

    The issue goes at once to the lane chief of the place, or one up where the post is vacant.
    """
    return issue_view(await service.report_issue(writer, actor, body, now=now), links, now=now)


@router.get(
    "/issues/{issue_id}",
    summary="诉求详情 · One issue with its timeline",
    responses=problems(*SIGNED_IN, CaseNotFound),
)
async def read_one_issue(
    issue_id: UUID, actor: ActorDep, tx: ReadTxDep, links: LinksDep, now: NowDep
) -> IssueDetailOut:
    """诉求、办理过程和当前可做的操作；无权查看时视为不存在。

    The issue, its timeline and what the caller may do now. Others get 404.
    """
    return await read_issue(tx, actor, issue_id, links, now=now)


@router.post(
    "/issues/{issue_id}/accept",
    summary="受理 · Take an issue on",
    responses=problems(*MOVING),
)
async def accept_issue(body: AcceptBody, moving: MovingDep) -> IssueDetailOut:
    """承办岗位受理。Whoever holds the issue takes it on."""
    return await moving.make(Move.ACCEPT, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/respond",
    summary="回应 · Answer the reporter",
    responses=problems(*MOVING),
)
async def respond_to_issue(body: WordsIn, moving: MovingDep) -> IssueDetailOut:
    """告诉诉求人打算怎么办、何时办。Tell the reporter what will be done, and when."""
    return await moving.make(Move.RESPOND, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/ask",
    summary="请诉求人补充 · Ask the reporter",
    responses=problems(*MOVING),
)
async def ask_reporter(body: WordsIn, moving: MovingDep) -> IssueDetailOut:
    """请诉求人补充情况；等待期间办理时限暂停。Ask what only she knows; the clock rests."""
    return await moving.make(Move.ASK, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/answer",
    summary="补充情况 · Answer what was asked",
    responses=problems(*MOVING, FilesNotUsable),
)
async def answer_question(body: AnswerIn, moving: MovingDep) -> IssueDetailOut:
    """诉求人补充后继续办理。The reporter answers, and it goes on."""
    await service.answer_question(
        moving.tx, moving.actor, moving.issue_id, body, now=moving.now
    )
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/resume",
    summary="恢复办理 · Go on",
    responses=problems(*MOVING),
)
async def resume_issue(body: AcceptBody, moving: MovingDep) -> IssueDetailOut:
    """不再等待补充，或提前结束挂账。Wait no longer, or end a suspension early."""
    return await moving.make(Move.RESUME, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/reject",
    summary="不予受理 · Refuse an issue, with the reason",
    responses=problems(*MOVING),
)
async def reject_issue(body: WordsIn, moving: MovingDep) -> IssueDetailOut:
    """说明理由并结束。Refuse, with a reason that the reporter reads."""
    return await moving.make(Move.REJECT, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/comment",
    summary="留言 · Add a remark",
    responses=problems(*MOVING, service.InternalForStaff, FilesNotUsable),
)
async def comment_issue(body: CommentIn, moving: MovingDep) -> IssueDetailOut:
    """诉求人或工作人员留言；内部备注仅工作人员可见。A remark, or a note among staff."""
    await service.comment_issue(moving.tx, moving.actor, moving.issue_id, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/withdraw",
    summary="撤回 · Take a report back",
    responses=problems(*MOVING),
)
async def withdraw_issue(body: ConfirmBody, moving: MovingDep) -> IssueDetailOut:
    """诉求人撤回。The reporter takes it back."""
    return await moving.make(Move.WITHDRAW, Said(text=body.text))
