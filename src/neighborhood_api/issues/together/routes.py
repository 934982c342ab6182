"""HTTP operations of issues that many share."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from neighborhood_api.cases.policy import CaseNotFound, may_read
from neighborhood_api.cases.service import find_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.files.handles import LinksDep
from neighborhood_api.files.service import FilesNotUsable
from neighborhood_api.grid.areas.locating import NoLaneNearby
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.issues.moving import MOVING, SIGNED_IN, MovingDep
from neighborhood_api.issues.schemas import IssueDetailOut, IssueIn, WordsIn
from neighborhood_api.issues.service import CategoryNotFound, PlaceNeeded
from neighborhood_api.issues.settling import rights
from neighborhood_api.issues.settling.schemas import ReopenIn
from neighborhood_api.issues.together import service
from neighborhood_api.issues.together.hot_spots import HotSpotFilter, list_hot_spots
from neighborhood_api.issues.together.queries import MY_SUPPORTED, ONE_SHARED
from neighborhood_api.issues.together.schemas import (
    HotSpotList,
    MergeIn,
    SharedOut,
    SimilarList,
    TogetherOut,
)
from neighborhood_api.issues.together.views import shared_view, similar_view, together_view
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit import paging
from neighborhood_api.kit.asking import asked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["同类诉求 together"])


@router.post(
    "/issues/similar",
    summary="可能重复的诉求 · Likely duplicates of a report",
    responses=problems(*SIGNED_IN, CategoryNotFound, PlaceNeeded, NodeNotFound, NoLaneNearby),
)
async def find_similar_issues(
    body: IssueIn, actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
) -> SimilarList:
    """上报前用同样的内容先查附近同类诉求，是同一件事就附议，不必重复上报。

    Takes what `POST /issues` takes, as a draft: what is near, of the same group, recent and
    alike. Stores nothing, and uses no photo up.
    """
    found = await service.find_similar(tx, actor, body, now=now)
    return SimilarList(items=[similar_view(one, actor, links, now=now) for one in found])


@router.post(
    "/issues/{issue_id}/support",
    summary="附议 · Say “me too”",
    responses=problems(*SIGNED_IN, CaseNotFound, service.OwnIssue, service.NotGoingOn),
)
async def support_issue(
    issue_id: UUID, actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
) -> SharedOut:
    """这也是我的诉求；重复附议不会多算。It is mine, too; saying it twice counts once."""
    await service.support_issue(tx, actor, issue_id, now=now)
    row = await ONE_SHARED.first(tx, issue_id=issue_id, person_id=actor.person_id)
    if row is None:
        raise CaseNotFound
    return shared_view(row, actor, links, now=now)


@router.post(
    "/issues/{issue_id}/support/withdraw",
    summary="取消附议 · Take support back",
    responses=problems(*SIGNED_IN, CaseNotFound),
)
async def withdraw_support(
    issue_id: UUID, actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
) -> SharedOut:
    """取消附议。No longer mine."""
    await service.withdraw_support(tx, actor, issue_id)
    row = await ONE_SHARED.first(tx, issue_id=issue_id, person_id=actor.person_id)
    if row is None:
        raise CaseNotFound
    return shared_view(row, actor, links, now=now)


@router.post(
    "/issues/{issue_id}/support/reopen",
    summary="附议人要求重办 · Say, as a supporter, that it is not settled",
    responses=problems(*MOVING, rights.ReopenTooLate, rights.ReopenNotYours, FilesNotUsable),
)
async def reopen_supported_issue(
    issue_id: UUID, body: ReopenIn, actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
) -> SharedOut:
    """办理规则允许的，附议人也可在限期内要求重办；一人提出即可，由上一级重办。

    Where the rule gives supporters the right, within the same days as the reporter; one
    reopening counts for all.
    """
    await service.reopen_supported(tx, actor, issue_id, body, now=now)
    await tx.flush()
    row = await ONE_SHARED.first(tx, issue_id=issue_id, person_id=actor.person_id)
    if row is None:
        raise CaseNotFound
    return shared_view(row, actor, links, now=now)


@router.get(
    "/me/supported-issues",
    summary="我附议的诉求 · What I support",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_supported_issues(
    actor: ActorDep, reader: ReaderDep, links: LinksDep, page: paging.PageDep, now: NowDep
) -> paging.Page[SharedOut]:
    """我附议的诉求及进展，新的在前。What the caller supports, newest first."""
    rows = await MY_SUPPORTED.all(
        reader, person_id=actor.person_id, below=page.below, limit=page.fetch
    )
    return page.page(rows, lambda row: shared_view(row, actor, links, now=now))


@router.get(
    "/issues/{issue_id}/together",
    summary="并案和附议 · What else is about the same thing",
    responses=problems(*SIGNED_IN, CaseNotFound),
)
async def read_together(
    issue_id: UUID, actor: ActorDep, tx: ReadTxDep, links: LinksDep, now: NowDep
) -> TogetherOut:
    """附议人数；已并案的，看主件进展；工作人员还可看并入本件的诉求。

    Supporters; the main issue's progress where it was merged; for staff, what was merged.
    """
    case = await find_case(tx, ISSUE, issue_id)
    if not may_read(ISSUE, case, actor):
        raise CaseNotFound
    return await together_view(tx, actor, case, links, now=now)


@router.post(
    "/issues/{issue_id}/merge",
    summary="并案 · Handle an issue with another",
    responses=problems(*MOVING, service.CannotMerge),
)
async def merge_issue(body: MergeIn, moving: MovingDep) -> IssueDetailOut:
    """同一件事并入主件办理；每位诉求人都能看到进展，并各自确认、评价。

    Every reporter stays a reporter: she reads the progress, and confirms and rates herself.
    """
    await service.merge_issue(
        moving.tx, moving.actor, moving.issue_id, body.into_id, body.text, now=moving.now
    )
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/unmerge",
    summary="撤销并案 · Let an issue go its own way again",
    responses=problems(*MOVING),
)
async def unmerge_issue(body: WordsIn, moving: MovingDep) -> IssueDetailOut:
    """并错了，恢复单独办理。It was not the same thing."""
    said = Said(text=body.text)
    await service.unmerge_issue(moving.tx, moving.actor, moving.issue_id, said, now=moving.now)
    return await moving.answer()


@router.get(
    "/staff/hot-spots",
    summary="热点 · Many reports of one kind in one place",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound),
)
async def list_issue_hot_spots(
    actor: ActorDep,
    tx: ReadTxDep,
    wish: Annotated[HotSpotFilter, Depends(asked(HotSpotFilter))],
    now: NowDep,
) -> HotSpotList:
    """一段时间内同一地点、同一类别的集中诉求。Within the caller's reach, the hottest first."""
    spots = await list_hot_spots(tx, actor, wish, now=now)
    return HotSpotList.model_validate({"items": spots})
