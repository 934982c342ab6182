"""Rules of canned replies."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from sqlalchemy import or_, select

from neighborhood_api.cases.workflow import Move
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.issues.categories.service import CategoryUnknown
from neighborhood_api.issues.names import MOVE_NAMES
from neighborhood_api.issues.publishing.events import CannedReplyChanged
from neighborhood_api.issues.publishing.models import CannedReply
from neighborhood_api.issues.publishing.queries import place_of_nodes
from neighborhood_api.issues.publishing.schemas import (
    ReplyBody,
    ReplyChangeIn,
    ReplyIn,
    ReplyOut,
    WithdrawReplyIn,
)
from neighborhood_api.issues.publishing.service import require_staff
from neighborhood_api.issues.queries import IssueRow
from neighborhood_api.issues.views import read_issue_row
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

MANAGE = Permission.REPLY_MANAGE
AT_MOST = 200
"""Replies that one answer shows."""
_FK: dict[str, type[Problem]] = {
    "fk_canned_reply_category_code_issue_category": CategoryUnknown
}


class ReplyNotFound(Problem):
    """There is no such canned reply, or it was withdrawn."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such canned reply"
    message = "没有这条常用回复，可能已停用，请刷新"


@dataclass(frozen=True)
class ReplyFilter:
    """Which canned replies the caller wants."""

    category: Annotated[
        str | None, Query(description="类别代码 · Category code.", max_length=60)
    ] = None
    move: Annotated[Move | None, Query(description="用于哪个操作 · For which move.")] = None
    issue_id: Annotated[
        UUID | None,
        Query(description="用于哪件诉求，占位符随即填好 · For which issue; fills them in."),
    ] = None


async def list_replies(tx: ReadTx, actor: Actor, wish: ReplyFilter) -> list[ReplyOut]:
    """Return what fits, the nearest place and the category's own first.

    Raises: Forbidden for callers without a post, CaseNotFound.
    """
    if not any({ISSUE.handle, MANAGE} & GRANTED[post.role] for post in actor.posts):
        raise Forbidden
    issue: IssueRow | None = None
    category = wish.category
    nodes = [post.node_id for post in actor.posts]
    if wish.issue_id is not None:
        case = await require_staff(tx, actor, wish.issue_id)
        nodes = [case.place.node_id]
        issue = await read_issue_row(tx, case.id)
        category = category or issue.category_code
    reply = CannedReply
    around = await place_of_nodes(tx, nodes)
    query = (
        select(reply, Node.name)
        .outerjoin(Node, Node.id == reply.node_id)
        .where(reply.active, or_(reply.node_id.is_(None), reply.node_id.in_(around)))
        .order_by(Node.level.desc().nulls_last(), reply.category_code.is_(None))
        .order_by(reply.position, reply.id)
    )
    if category is not None:
        query = query.where(or_(reply.category_code.is_(None), reply.category_code == category))
    if wish.move is not None:
        query = query.where(reply.move == wish.move.value)
    rows = await tx.execute(query.limit(AT_MOST))
    return [reply_view(found, node_name, issue) for found, node_name in rows]


async def create_reply(tx: Tx, actor: Actor, wish: ReplyIn, *, now: datetime) -> CannedReply:
    """Keep words for a move, at a place or (a chief operator) everywhere.

    Raises: NodeNotFound, Forbidden, CategoryUnknown.
    Emits: CannedReplyChanged.
    """
    if wish.node_id is not None:
        node = await current_node(tx, wish.node_id, now=now)
        actor.require(MANAGE, at=node.place)
    else:
        actor.require_for_all(MANAGE)
    reply = CannedReply(node_id=wish.node_id, **_columns(wish))
    tx.add(reply)
    return await _keep(tx, actor, reply, now)


async def change_reply(
    tx: Tx, actor: Actor, reply_id: UUID, wish: ReplyChangeIn, *, now: datetime
) -> CannedReply:
    """Change the words of a reply; its place stays.

    Raises: ReplyNotFound, Forbidden, StaleVersion, CategoryUnknown.
    Emits: CannedReplyChanged.
    """
    reply = await _locked(tx, actor, reply_id, wish.version)
    for name, value in _columns(wish).items():
        setattr(reply, name, value)
    reply.version += 1
    return await _keep(tx, actor, reply, now)


async def withdraw_reply(
    tx: Tx, actor: Actor, reply_id: UUID, wish: WithdrawReplyIn, *, now: datetime
) -> CannedReply:
    """Offer a reply no more.

    Raises: ReplyNotFound, Forbidden, StaleVersion.
    Emits: CannedReplyChanged.
    """
    reply = await _locked(tx, actor, reply_id, wish.version)
    reply.active = False
    reply.version += 1
    return await _keep(tx, actor, reply, now)


def reply_view(reply: CannedReply, node_name: str | None, issue: IssueRow | None) -> ReplyOut:
    """Show a reply, with what it says of an issue filled in."""
    move = Move(reply.move)
    return ReplyOut(
        id=reply.id,
        node_id=reply.node_id,
        node_name=node_name,
        category_code=reply.category_code,
        move=move,
        move_name=MOVE_NAMES[move],
        title=reply.title,
        text=reply.text if issue is None else _filled(reply.text, issue),
        position=reply.position,
        version=reply.version,
    )


def _filled(text: str, issue: IssueRow) -> str:
    values = {"code": issue.code, "category": issue.category_name, "lane": issue.lane_name}
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


async def _locked(tx: Tx, actor: Actor, reply_id: UUID, version: int) -> CannedReply:
    reply = await tx.get(CannedReply, reply_id, with_for_update={"key_share": True})
    if reply is None or not reply.active:
        raise ReplyNotFound
    if reply.node_id is None:
        actor.require_for_all(MANAGE)
    else:
        actor.require(MANAGE, at=(await tx.get_one(Node, reply.node_id)).place)
    if reply.version != version:
        raise StaleVersion(version=reply.version)
    return reply


async def _keep(tx: Tx, actor: Actor, reply: CannedReply, now: datetime) -> CannedReply:
    """Write a reply, and keep who changed it; of its words their digest."""
    with refusing(_FK):
        await tx.flush()
    changed = CannedReplyChanged(reply_id=reply.id)
    emit(tx, changed)
    record_act(
        tx,
        changed.name,
        reply.id,
        by=actor.person_id,
        now=now,
        version=reply.version,
        active=reply.active,
        node_id=reply.node_id,
        category_code=reply.category_code,
        move=reply.move,
        words=sha256(f"{reply.title}\n{reply.text}".encode()).hexdigest(),
    )
    return reply


def _columns(wish: ReplyBody) -> dict[str, Any]:
    columns = wish.model_dump(exclude={"node_id", "version"})
    return columns | {"move": wish.move.value}
