"""What staff have before them: every issue that their posts reach, and what is theirs to do."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, union_all

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.workflow import IN_HAND, State
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Post
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.queries import IssueRow, issue_rows
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.problems import InvalidRequest

_IN_HAND = Case.state.in_([state.value for state in IN_HAND])


@dataclass(frozen=True)
class WorklistFilter:
    """Which issues the caller wants to see."""

    state: Annotated[
        str | None,
        Query(description="状态，可用逗号分隔多个 · States, comma-separated."),
    ] = None
    category: Annotated[
        str | None, Query(description="类别代码 · Category code.", max_length=60)
    ] = None
    node_id: Annotated[
        UUID | None, Query(description="只看此地点及以下 · Only at this place and below.")
    ] = None
    overdue: Annotated[
        bool | None, Query(description="只看超时 / 未超时 · Only late ones, or only others.")
    ] = None
    assigned_to_me: Annotated[
        bool, Query(description="只看在我手上的 · Only what my posts hold now.")
    ] = False

    @property
    def states(self) -> list[str]:
        """The states asked for.

        Raises: InvalidRequest.
        """
        names = [name.strip() for name in (self.state or "").split(",") if name.strip()]
        try:
            return [State(name).value for name in names]
        except ValueError as exc:
            raise InvalidRequest(f"state: {exc}") from exc


async def list_worklist(
    tx: ReadTx, actor: Actor, wish: WorklistFilter, page: PageRequest, *, now: datetime
) -> list[IssueRow]:
    """Return one page of the caller's worklist, newest first.

    Raises: Forbidden for callers without a post, NodeNotFound, InvalidRequest, BadCursor.
    """
    if not any(ISSUE.read in GRANTED[post.role] for post in actor.posts):
        raise Forbidden
    wanted = [Case.kind == ISSUE.kind, Case.id < page.below]
    wanted += await _clauses(tx, actor, wish, now)
    pages = [_page_of(post, actor, page).where(*wanted) for post in actor.posts]
    query = issue_rows().where(Case.id.in_(union_all(*pages)))
    rows = await tx.execute(query.order_by(Case.id.desc()).limit(page.fetch))
    return [IssueRow(*row) for row in rows]


def _page_of(post: Post, actor: Actor, page: PageRequest) -> Select[UUID]:
    """Select the page that one post alone would give, which its own index yields.

    Over several posts together PostgreSQL would walk through everybody's newest cases until
    enough of them are the caller's: through all there are, where hers are old.
    """
    alone = replace(actor, posts=(post,))
    reached = select(Case.id).where(alone.reach(ISSUE.read, Case))
    return reached.order_by(Case.id.desc()).limit(page.fetch)


async def _clauses(
    tx: ReadTx, actor: Actor, wish: WorklistFilter, now: datetime
) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if wish.states:
        clauses.append(Case.state.in_(wish.states))
    if wish.category:
        about = and_(Issue.case_id == Case.id, Issue.category_code == wish.category)
        clauses.append(exists().where(about))
    if wish.node_id is not None:
        node: Node = await current_node(tx, wish.node_id, now=now)
        clauses.append(getattr(Case, COLUMNS[node.level]) == node.id)
    if wish.overdue is not None:
        clauses.append(_late(now) if wish.overdue else ~_late(now))
    if wish.assigned_to_me:
        clauses.append(and_(_IN_HAND, _held_by(actor)))
    return clauses


def _late(now: datetime) -> ColumnElement[bool]:
    unanswered = and_(Case.first_responded_at.is_(None), Case.respond_due_at < now)
    return and_(_IN_HAND, or_(Case.resolve_due_at < now, unanswered))


def _held_by(actor: Actor) -> ColumnElement[bool]:
    """Hold for cases in the hands of a node or department where the caller has a post."""
    mine = [
        Case.organization_id == post.organization_id
        if post.organization_id is not None
        else and_(Case.hand_node_id == post.node_id, Case.organization_id.is_(None))
        for post in actor.posts
        if ISSUE.handle in GRANTED[post.role]
    ]
    return or_(false(), *mine)
