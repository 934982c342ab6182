"""HTTP operations of the issues domain."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from neighborhood_api.cases import service as cases
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.service import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.files.handles import LinksDep
from neighborhood_api.files.service import FilesNotUsable
from neighborhood_api.grid.service import NodeNotFound, NoLaneNearby, NotALane
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.issues import service
from neighborhood_api.issues.queries import CATEGORIES, MY_ISSUES
from neighborhood_api.issues.schemas import (
    AcceptIn,
    CategoryList,
    CommentIn,
    ConfirmIn,
    DispatchIn,
    IssueDetailOut,
    IssueIn,
    IssueOut,
    RateIn,
    ResolveIn,
    WordsIn,
)
from neighborhood_api.issues.views import issue_view, read_issue, read_issue_row, show_issue
from neighborhood_api.issues.worklist import WorklistFilter, list_worklist
from neighborhood_api.kit import paging
from neighborhood_api.kit.asking import asked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import InvalidRequest, TooManyRequests, problems

router = new_router(tags=["诉求 issues"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked, TooManyRequests)
MOVING = (*SIGNED_IN, cases.CaseNotFound, Forbidden, cases.MoveNotAllowed)


@router.get(
    "/me/issues",
    summary="我的诉求 · What I reported",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
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
        NodeNotFound,
        NotALane,
        NoLaneNearby,
        FilesNotUsable,
    ),
)
async def report_issue(
    body: IssueIn, actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
) -> IssueOut:
    """上报后立即派给当地巷长；岗位空缺时派给上一级。

    The issue goes at once to the lane chief of the place, or one up where the post is vacant.
    """
    case = await service.report_issue(tx, actor, body, now=now)
    return issue_view(await read_issue_row(tx, case.id), links, now=now)


@router.get(
    "/staff/issues",
    summary="工作台 · The worklist of staff",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, paging.BadCursor, InvalidRequest),
)
async def list_worklist_issues(
    actor: ActorDep,
    tx: ReadTxDep,
    links: LinksDep,
    page: paging.PageDep,
    wish: Annotated[WorklistFilter, Depends(asked(WorklistFilter))],
    now: NowDep,
) -> paging.Page[IssueOut]:
    """本岗位辖区内的诉求，新的在前。Every issue that the caller's posts reach, newest first."""
    rows = await list_worklist(tx, actor, wish, page, now=now)
    return page.page(rows, lambda row: issue_view(row, links, now=now))


@router.get(
    "/issue-categories",
    summary="诉求类别 · Categories",
    dependencies=[Depends(current_actor)],
    responses=problems(*SIGNED_IN),
)
async def list_categories(reader: ReaderDep) -> CategoryList:
    """全部类别及时限。All categories with their time limits."""
    return CategoryList.model_validate({"items": await CATEGORIES.all(reader)})


@router.get(
    "/issues/{issue_id}",
    summary="诉求详情 · One issue with its timeline",
    responses=problems(*SIGNED_IN, cases.CaseNotFound),
)
async def read_one_issue(
    issue_id: UUID, actor: ActorDep, tx: ReadTxDep, links: LinksDep, now: NowDep
) -> IssueDetailOut:
    """诉求、办理过程和当前可做的操作；无权查看时视为不存在。

    The issue, its timeline and what the caller may do now. Others get 404.
    """
    return await read_issue(tx, actor, issue_id, links, now=now)


class Moving:
    """What every move needs: the parts of its request, and the answer after it."""

    def __init__(
        self, issue_id: UUID, actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
    ) -> None:
        """Gather the parts."""
        self.issue_id = issue_id
        self.actor: Actor = actor
        self.tx = tx
        self.links = links
        self.now = now

    async def make(self, move: Move, said: Said) -> IssueDetailOut:
        """Make a move that needs nothing of its own, and show the issue after it."""
        await service.move_issue(self.tx, self.actor, self.issue_id, move, said, now=self.now)
        return await self.answer()

    async def answer(self) -> IssueDetailOut:
        """Show the issue to the caller, even if her move took it out of her sight."""
        await self.tx.flush()
        case = await self.tx.get_one(Case, self.issue_id)
        return await show_issue(self.tx, self.actor, case, self.links, now=self.now)


MovingDep = Annotated[Moving, Depends(asked(Moving))]


@router.post(
    "/issues/{issue_id}/accept",
    summary="受理 · Take an issue on",
    responses=problems(*MOVING),
)
async def accept_issue(body: AcceptIn, moving: MovingDep) -> IssueDetailOut:
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
    "/issues/{issue_id}/resolve",
    summary="办结 · Say what was done",
    responses=problems(*MOVING, service.PhotoNeeded, FilesNotUsable),
)
async def resolve_issue(body: ResolveIn, moving: MovingDep) -> IssueDetailOut:
    """填写办理结果并附证据；等待诉求人确认。The result with its evidence; then she confirms."""
    await service.resolve_issue(moving.tx, moving.actor, moving.issue_id, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/reject",
    summary="不予受理 · Refuse an issue, with the reason",
    responses=problems(*MOVING),
)
async def reject_issue(body: WordsIn, moving: MovingDep) -> IssueDetailOut:
    """说明理由并结束。Refuse, with a reason that the reporter reads."""
    return await moving.make(Move.REJECT, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/escalate",
    summary="上报上级 · Pass an issue up one level",
    responses=problems(*MOVING, cases.NobodyAbove),
)
async def escalate_issue(body: WordsIn, moving: MovingDep) -> IssueDetailOut:
    """本级办不了，上报上一级。Pass up what cannot be settled here."""
    return await moving.make(Move.ESCALATE, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/dispatch",
    summary="派遣部门 · Give an issue to a department",
    responses=problems(*MOVING, cases.OrganizationNotFound),
)
async def dispatch_issue(body: DispatchIn, moving: MovingDep) -> IssueDetailOut:
    """街道调度员派给部门承办。The street dispatcher gives it to a department."""
    said = Said(text=body.text, internal=True, organization_id=body.organization_id)
    return await moving.make(Move.DISPATCH, said)


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
async def withdraw_issue(body: ConfirmIn, moving: MovingDep) -> IssueDetailOut:
    """诉求人撤回。The reporter takes it back."""
    return await moving.make(Move.WITHDRAW, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/confirm",
    summary="确认办结 · Confirm that it is settled",
    responses=problems(*MOVING),
)
async def confirm_issue(body: ConfirmIn, moving: MovingDep) -> IssueDetailOut:
    """诉求人确认已办好。The reporter says that it is settled."""
    return await moving.make(Move.CONFIRM, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/reopen",
    summary="要求重办 · Say that it is not settled",
    responses=problems(*MOVING),
)
async def reopen_issue(body: WordsIn, moving: MovingDep) -> IssueDetailOut:
    """诉求人说明原因，退回重办。The reporter says why it is not settled."""
    return await moving.make(Move.REOPEN, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/rate",
    summary="评价 · Rate how it was handled",
    responses=problems(*MOVING, service.AlreadyRated),
)
async def rate_issue(body: RateIn, moving: MovingDep) -> IssueDetailOut:
    """好差评 1–5,评价后结案。One rating from 1 to 5; then the issue is closed."""
    await service.rate_issue(moving.tx, moving.actor, moving.issue_id, body, now=moving.now)
    return await moving.answer()
