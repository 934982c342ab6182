"""HTTP operations of what the public sees, of numbers, and of canned replies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Query

from neighborhood_api.cases.policy import CaseNotFound
from neighborhood_api.files.handles import LinksDep
from neighborhood_api.files.links import Links
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import NodeNotFound, current_node, node_missing
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.issues.categories.models import Category, Publicity
from neighborhood_api.issues.categories.queries import rule_for
from neighborhood_api.issues.categories.service import CategoryUnknown
from neighborhood_api.issues.moving import SIGNED_IN
from neighborhood_api.issues.publishing import looking, replies, service
from neighborhood_api.issues.publishing.masking import mask_personal
from neighborhood_api.issues.publishing.models import CannedReply
from neighborhood_api.issues.publishing.queries import (
    LEVEL,
    LOOKS,
    ONE_FACE,
    ONE_PUBLIC,
    list_pending,
    public_page,
)
from neighborhood_api.issues.publishing.schemas import (
    HideIn,
    LookOut,
    ModerateIn,
    PendingOut,
    PhoneOut,
    PreviewIn,
    PreviewOut,
    PublicationOut,
    PublicIssueOut,
    PublicSide,
    ReplyChangeIn,
    ReplyIn,
    ReplyList,
    ReplyOut,
    WithdrawReplyIn,
)
from neighborhood_api.issues.publishing.views import (
    look_view,
    name_in_public,
    pending_view,
    public_view,
    publication_view,
    show_findings,
)
from neighborhood_api.kit import paging
from neighborhood_api.kit.asking import asked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTx, ReadTxDep, Tx, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["诉求公开与隐私 publishing"])


@dataclass(frozen=True)
class PublicFilter:
    """Which public issues somebody wants to see."""

    node_id: Annotated[
        UUID | None, Query(description="只看此地点及以下 · Only at this place and below.")
    ] = None
    category: Annotated[
        str | None, Query(description="类别代码 · Category code.", max_length=60)
    ] = None
    state: Annotated[
        PublicSide | None,
        Query(description="open 办理中、settled 已有结果 · Only these."),
    ] = None


@router.get(
    "/public/issues",
    summary="公开诉求 · What everybody may see",
    responses=problems(NodeNotFound, paging.BadCursor),
)
async def list_public_issues(
    reader: ReaderDep,
    links: LinksDep,
    page: paging.PageDep,
    wish: Annotated[PublicFilter, Depends(asked(PublicFilter))],
    now: NowDep,
) -> paging.Page[PublicIssueOut]:
    """已公开的诉求，新的在前，不含个人信息；无需登录。

    What was published, newest first, without personal data; no sign-in needed.
    """
    level = None
    if wish.node_id is not None:
        found = await LEVEL.first(reader, node_id=wish.node_id, day=local_day(now))
        if found is None:
            raise await node_missing(reader, wish.node_id, now=now)
        level = Level(found.level)
    asked_for = {
        "node_id": wish.node_id,
        "category_code": wish.category,
        "below": page.below,
        "limit": page.fetch,
        "open_limit": 0 if wish.state is PublicSide.SETTLED else page.fetch,
        "settled_limit": 0 if wish.state is PublicSide.OPEN else page.fetch,
    }
    query = public_page(level, by_category=wish.category is not None)
    rows = await query.all(reader, **asked_for)
    return page.page(rows, lambda row: public_view(row, links, now=now))


@router.get(
    "/public/issues/{issue_id}",
    summary="公开诉求详情 · One public issue",
    responses=problems(CaseNotFound),
)
async def read_public_issue(
    issue_id: UUID, reader: ReaderDep, links: LinksDep, now: NowDep
) -> PublicIssueOut:
    """一件已公开的诉求；未公开的视为不存在。What is not public does not exist here."""
    row = await ONE_PUBLIC.first(reader, issue_id=issue_id)
    if row is None:
        raise CaseNotFound
    return public_view(row, links, now=now)


@router.post(
    "/issues/preview",
    summary="预览公开效果 · How the public would see it",
    responses=problems(*SIGNED_IN, NodeNotFound),
)
async def preview_issue(body: PreviewIn, actor: ActorDep, tx: TxDep, now: NowDep) -> PreviewOut:
    """提交前预览公众看到的样子，并标出个人信息；不保存任何内容。

    As the public would see it, and what personal data is in it; nothing is kept.
    """
    name = await tx.get(Person, actor.person_id)
    return PreviewOut(
        text=mask_personal(body.text),
        reporter=name_in_public(name.name if name else None, anonymous=body.anonymous),
        findings=show_findings(body.text),
        publicity=await _publicity(tx, actor, body, now),
    )


@router.get(
    "/issues/{issue_id}/public-view",
    summary="公众看到的样子 · As the public sees it",
    responses=problems(*SIGNED_IN, CaseNotFound),
)
async def read_publication(
    issue_id: UUID, actor: ActorDep, tx: ReadTxDep, links: LinksDep, now: NowDep
) -> PublicationOut:
    """诉求人和工作人员查看是否公开、公众看到什么。For the reporter and for staff."""
    await service.require_reader(tx, actor, issue_id)
    return await _publication(tx, issue_id, links, now)


@router.get(
    "/staff/moderation",
    summary="待审核公开 · What waits for a moderator",
    responses=problems(*SIGNED_IN, Forbidden, paging.BadCursor),
)
async def list_pending_issues(
    actor: ActorDep, tx: ReadTxDep, links: LinksDep, page: paging.PageDep, now: NowDep
) -> paging.Page[PendingOut]:
    """本岗位可审核、尚未公开的诉求，新的在前。Within the caller's reach, newest first."""
    rows = await list_pending(tx, actor, page)
    return page.page(rows, lambda row: pending_view(row, links, now=now))


@router.post(
    "/issues/{issue_id}/moderate",
    summary="审核公开 · Decide what the public sees",
    responses=problems(
        *SIGNED_IN, CaseNotFound, Forbidden, service.NotForThePublic, StaleVersion
    ),
)
async def moderate_issue(
    issue_id: UUID, body: ModerateIn, actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
) -> PublicationOut:
    """社区、街道审核：公开（可改写文字）、不公开或撤下；可多次审核。

    Show it, in other words if need be, keep it back, or take it down; as often as needed.
    """
    await service.moderate_issue(tx, actor, issue_id, body, now=now)
    return await _publication(tx, issue_id, links, now)


@router.post(
    "/issues/{issue_id}/hide",
    summary="不再公开 · Take my issue from the public",
    responses=problems(*SIGNED_IN, CaseNotFound, service.ReportersWish),
)
async def hide_issue(
    issue_id: UUID,
    body: Annotated[HideIn, Body(default_factory=HideIn)],
    actor: ActorDep,
    tx: TxDep,
    links: LinksDep,
    now: NowDep,
) -> PublicationOut:
    """诉求人撤下自己诉求的公开，之后不再公开；办理不受影响。

    For good; it is handled all the same.
    """
    await service.hide_issue(tx, actor, issue_id, body, now=now)
    return await _publication(tx, issue_id, links, now)


@router.post(
    "/issues/{issue_id}/reporter-phone",
    summary="查看诉求人电话 · See the reporter's number",
    responses=problems(*SIGNED_IN, CaseNotFound, looking.NotInYourHands, looking.NoPhone),
)
async def show_reporter_phone(
    issue_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> PhoneOut:
    """仅当前承办人或已领取回访的人可看；每次查看都会记录，诉求人可查。

    For whoever holds the issue or calls her back; each look is recorded, and she can read it.
    """
    return await looking.show_reporter_phone(tx, actor, issue_id, now=now)


@router.get(
    "/issues/{issue_id}/looks",
    summary="电话查看记录 · Who looked at the number",
    responses=problems(*SIGNED_IN, CaseNotFound, Forbidden, paging.BadCursor),
)
async def list_looks(
    issue_id: UUID, actor: ActorDep, tx: ReadTxDep, page: paging.PageDep
) -> paging.Page[LookOut]:
    """诉求人看到岗位和时间，上级还看到姓名；新的在前。

    The reporter reads post and time, those above read the name too; newest first.
    """
    named = await looking.looks_are_named(tx, actor, issue_id)
    rows = await LOOKS.all(tx, issue_id=issue_id, below=page.below, limit=page.fetch)
    return page.page(rows, lambda row: look_view(row, named=named))


@router.get(
    "/canned-replies",
    summary="常用回复 · Canned replies",
    responses=problems(*SIGNED_IN, Forbidden, CaseNotFound),
)
async def list_canned_replies(
    actor: ActorDep,
    tx: ReadTxDep,
    wish: Annotated[replies.ReplyFilter, Depends(asked(replies.ReplyFilter))],
) -> ReplyList:
    """本岗位可用的常用回复，就近、本类别的在前；给出 issue_id 时占位符已填好。

    The nearest place and the category's own first; filled in for `issue_id`.
    """
    return ReplyList(items=await replies.list_replies(tx, actor, wish))


@router.post(
    "/canned-replies",
    summary="新建常用回复 · Make a canned reply",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, CategoryUnknown),
)
async def create_canned_reply(
    body: ReplyIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ReplyOut:
    """街道调度员、系统管理员为本辖区，总管理员为各地新建。

    For a place of one's own; a chief operator for everywhere.
    """
    return await _shown(tx, await replies.create_reply(tx, actor, body, now=now))


@router.put(
    "/canned-replies/{reply_id}",
    summary="修改常用回复 · Change a canned reply",
    responses=problems(
        *SIGNED_IN, Forbidden, replies.ReplyNotFound, StaleVersion, CategoryUnknown
    ),
)
async def change_canned_reply(
    reply_id: UUID, body: ReplyChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ReplyOut:
    """修改内容，适用地点不变。Other words; its place stays."""
    return await _shown(tx, await replies.change_reply(tx, actor, reply_id, body, now=now))


@router.post(
    "/canned-replies/{reply_id}/withdraw",
    summary="停用常用回复 · Withdraw a canned reply",
    responses=problems(*SIGNED_IN, Forbidden, replies.ReplyNotFound, StaleVersion),
)
async def withdraw_canned_reply(
    reply_id: UUID, body: WithdrawReplyIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ReplyOut:
    """不再提供。It is offered no more."""
    return await _shown(tx, await replies.withdraw_reply(tx, actor, reply_id, body, now=now))


async def _publication(
    tx: ReadTx, issue_id: UUID, links: Links, now: datetime
) -> PublicationOut:
    await tx.flush()
    row = await ONE_FACE.first(tx, issue_id=issue_id)
    if row is None:
        raise CaseNotFound
    return publication_view(row, links, now=now)


async def _publicity(tx: Tx, actor: Actor, body: PreviewIn, now: datetime) -> Publicity | None:
    """Return what the rule in force says of the public, None without a category in use."""
    place = actor.residence
    if body.lane_id is not None:
        place = (await current_node(tx, body.lane_id, now=now)).place
    if body.category_code is None or place is None:
        return None
    category = await tx.get(Category, body.category_code)
    rule = await rule_for(tx, body.category_code, place)
    usable = category is not None and category.active and rule is not None
    return Publicity(rule.publicity) if usable and rule is not None else None


async def _shown(tx: ReadTx, reply: CannedReply) -> ReplyOut:
    node = None if reply.node_id is None else await tx.get_one(Node, reply.node_id)
    return replies.reply_view(reply, None if node is None else node.name, None)
