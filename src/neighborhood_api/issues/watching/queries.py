"""The reads of orders and warnings."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import readable
from neighborhood_api.cases.sight import Sight, sight_of, visible
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor, Post, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.watching.models import IssueWarning, Order, WarningRecipient
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest

Answerer = aliased(Person)


class OrderRow(NamedTuple):
    """An order with the names that it shows."""

    id: UUID
    issue_id: UUID
    issue_code: str
    category_name: str
    lane_name: str
    text: str
    role: str
    role_name: str | None
    giver: str | None
    given_at: datetime
    clock: str
    amount: int
    answer_by: datetime | None
    times_asked: int
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None
    settled_at: datetime | None


_LAST_LIMIT = (
    select(Timer.due_at)
    .where(
        Timer.case_id == Order.case_id,
        Timer.purpose == Purpose.ORDER.value,
        Timer.subject_id == Order.id,
    )
    .order_by(Timer.id.desc())
    .limit(1)
    .scalar_subquery()
)
_ORDER_COLUMNS: list[Any] = [
    Order.id,
    Case.id.label("issue_id"),
    Case.code.label("issue_code"),
    Category.name.label("category_name"),
    Node.name.label("lane_name"),
    Order.text,
    Order.role,
    called(Order.role, Case.district_id).label("role_name"),
    Person.name.label("giver"),
    Order.given_at,
    Order.clock,
    Order.amount,
    _LAST_LIMIT.label("answer_by"),
    Order.times_asked,
    Order.answer,
    Answerer.name.label("answered_by"),
    Order.answered_at,
    Order.settled_at,
]


def _order_rows() -> Select[*tuple[Any, ...]]:
    return (
        select(*_ORDER_COLUMNS)
        .select_from(Order)
        .join(Case, Case.id == Order.case_id)
        .join(Issue, Issue.case_id == Case.id)
        .join(Category, Category.code == Issue.category_code)
        .join(Node, Node.id == func.coalesce(Case.lane_id, Case.hand_node_id))
        .join(Person, Person.id == Order.given_by_id)
        .outerjoin(Answerer, Answerer.id == Order.answered_by_id)
    )


async def list_orders_given(tx: ReadTx, actor: Actor, page: PageRequest) -> list[OrderRow]:
    """Return one page of the orders that the caller gave where she still has a post."""
    mine = and_(Order.given_by_id == actor.person_id, readable(ISSUE, actor))
    return await _page(tx, mine, page)


async def list_orders_to_answer(tx: ReadTx, actor: Actor, page: PageRequest) -> list[OrderRow]:
    """Return one page of the orders that wait for an answer by the caller's posts."""
    unanswered = and_(Order.answered_at.is_(None), Order.settled_at.is_(None))
    return await _page(tx, and_(unanswered, _held_by(actor)), page)


async def _page(tx: ReadTx, which: ColumnElement[bool], page: PageRequest) -> list[OrderRow]:
    query = _order_rows().where(which, Order.id < page.below)
    rows = await tx.execute(query.order_by(Order.id.desc()).limit(page.fetch))
    return [OrderRow(*row) for row in rows]


def _held_by(actor: Actor) -> ColumnElement[bool]:
    """Hold for cases in the very hands of a post of the caller."""
    return or_(false(), *map(_in_hands_of, actor.posts))


def _in_hands_of(post: Post) -> ColumnElement[bool]:
    sight = sight_of(ISSUE, post, ISSUE.handle)
    if sight is Sight.NOTHING:
        return false()
    officers = Case.hand_role == Role.DEPARTMENT_OFFICER.value
    if post.organization_id is not None:
        return and_(officers, Case.organization_id == post.organization_id)
    return and_(~officers, Case.hand_node_id == post.node_id, visible(sight, post))


class WarningRow(NamedTuple):
    """A warning to somebody, with what it is about in short."""

    id: UUID
    issue_id: UUID
    issue_code: str
    category_name: str
    lane_name: str
    purpose: str
    colour: str
    due_at: datetime
    raised_at: datetime
    read_at: datetime | None


_WARNINGS: Select[*tuple[Any, ...]] = (
    select(
        IssueWarning.id,
        Case.id.label("issue_id"),
        Case.code.label("issue_code"),
        Category.name.label("category_name"),
        Node.name.label("lane_name"),
        IssueWarning.purpose,
        IssueWarning.colour,
        IssueWarning.due_at,
        IssueWarning.raised_at,
        WarningRecipient.read_at,
    )
    .select_from(WarningRecipient)
    .join(IssueWarning, IssueWarning.id == WarningRecipient.warning_id)
    .join(Case, Case.id == IssueWarning.case_id)
    .join(Issue, Issue.case_id == Case.id)
    .join(Category, Category.code == Issue.category_code)
    .join(Node, Node.id == func.coalesce(Case.lane_id, Case.hand_node_id))
)


async def list_warnings_to(
    tx: ReadTx, actor: Actor, page: PageRequest, *, unread: bool
) -> list[WarningRow]:
    """Return one page of the warnings to the caller about what her posts of now let her see."""
    mine = WarningRecipient.person_id == actor.person_id
    query = _WARNINGS.where(mine, readable(ISSUE, actor))
    query = query.where(WarningRecipient.warning_id < page.below)
    if unread:
        query = query.where(WarningRecipient.read_at.is_(None))
    newest = query.order_by(WarningRecipient.warning_id.desc()).limit(page.fetch)
    return [WarningRow(*row) for row in await tx.execute(newest)]
