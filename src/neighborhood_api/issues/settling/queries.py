"""The reads of ratings and call-backs."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.policy import handled
from neighborhood_api.cases.sight import Sight, sight_of
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.identity.models import Person
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import CallBack, Rating, RatingForm
from neighborhood_api.issues.settling.schemas import CallBackState
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.reads import Query

Reporter = aliased(Person)
Taker = aliased(Person)

TO_CALL = CallBack.ended_at.is_(None)
TO_REMEDY = and_(CallBack.remedy_wanted, CallBack.remedied_at.is_(None))
_STATES: dict[CallBackState, ColumnElement[bool]] = {
    CallBackState.TO_CALL: TO_CALL,
    CallBackState.TO_REMEDY: TO_REMEDY,
    CallBackState.DONE: and_(
        CallBack.ended_at.is_not(None),
        or_(CallBack.remedy_wanted.is_(False), CallBack.remedied_at.is_not(None)),
    ),
}


class Standing(NamedTuple):
    """How far the settling of an issue has come."""

    rated: bool
    """Whether the present handling was rated."""
    to_call: bool
    called: bool
    """Whether the reporter was called back about the present handling."""
    to_remedy: bool
    objections: int
    """How often the reporter has objected to a refusal."""


_THIS_HANDLING = and_(CallBack.case_id == Case.id, CallBack.handling == Case.times_reopened)

STANDING = Query(
    select(
        exists()
        .where(Rating.case_id == Case.id, Rating.handling == Case.times_reopened)
        .label("rated"),
        exists().where(CallBack.case_id == Case.id, TO_CALL).label("to_call"),
        exists().where(_THIS_HANDLING, CallBack.ended_at.is_not(None)).label("called"),
        exists().where(CallBack.case_id == Case.id, TO_REMEDY).label("to_remedy"),
        select(func.count())
        .where(
            Entry.case_id == Case.id,
            Entry.move == Move.REOPEN.value,
            Entry.from_state == State.REJECTED.value,
        )
        .scalar_subquery()
        .label("objections"),
    ).where(Case.id == bindparam("issue_id")),
    Standing,
)


class RatingRow(NamedTuple):
    """A rating with the form that was filled in."""

    id: UUID
    handling: int
    rating: int
    text: str | None
    channel: str
    form_version: int
    items: dict[str, int]
    rated_at: datetime
    recorded_by_id: UUID | None
    online: list[dict[str, str]]
    offline: list[dict[str, str]]


def ratings_of(issue_id: UUID) -> Select[*tuple[Any, ...]]:
    """Select every rating of an issue, the oldest first."""
    return (
        select(
            Rating.id,
            Rating.handling,
            Rating.rating,
            Rating.text,
            Rating.channel,
            Rating.form_version,
            Rating.items,
            Rating.rated_at,
            Rating.recorded_by_id,
            RatingForm.online,
            RatingForm.offline,
        )
        .join(RatingForm, RatingForm.version == Rating.form_version)
        .where(Rating.case_id == issue_id)
        .order_by(Rating.handling)
    )


class CallBackRow(NamedTuple):
    """A call-back with what is shown of its issue."""

    id: UUID
    issue_id: UUID
    issue_code: str
    issue_text: str
    category_name: str
    lane_name: str
    handling: int
    reason: str
    rating: int | None
    rating_text: str | None
    opened_at: datetime
    attempts: int
    reporter_name: str | None
    reporter_phone: str | None
    caller_name: str | None
    caller_phone: str | None
    taken_by_id: UUID | None
    taken_by: str | None
    ended_at: datetime | None
    reached: bool | None
    solved: bool | None
    satisfied: bool | None
    text: str | None
    remedy_wanted: bool
    remedy_due_at: datetime | None
    remedied_at: datetime | None


def call_back_rows() -> Select[*tuple[Any, ...]]:
    """Select call-backs with what they show, in no order yet."""
    return (
        select(
            CallBack.id,
            Case.id.label("issue_id"),
            Case.code,
            Issue.text,
            Category.name,
            Node.name,
            CallBack.handling,
            CallBack.reason,
            CallBack.rating,
            Rating.text,
            CallBack.opened_at,
            CallBack.attempts,
            Reporter.name,
            Reporter.phone,
            Issue.caller_name,
            Issue.caller_phone,
            CallBack.taken_by_id,
            Taker.name,
            CallBack.ended_at,
            CallBack.reached,
            CallBack.solved,
            CallBack.satisfied,
            CallBack.text,
            CallBack.remedy_wanted,
            Timer.due_at,
            CallBack.remedied_at,
        )
        .select_from(CallBack)
        .join(Case, Case.id == CallBack.case_id)
        .join(Issue, Issue.case_id == CallBack.case_id)
        .join(Category, Category.code == Issue.category_code)
        .join(Node, Node.id == func.coalesce(Case.lane_id, Case.hand_node_id))
        .outerjoin(
            Rating,
            and_(Rating.case_id == CallBack.case_id, Rating.handling == CallBack.handling),
        )
        .outerjoin(Reporter, Reporter.id == Case.reporter_id)
        .outerjoin(Taker, Taker.id == CallBack.taken_by_id)
        .outerjoin(
            Timer,
            and_(
                Timer.case_id == CallBack.case_id,
                Timer.subject_id == CallBack.id,
                Timer.purpose == Purpose.REMEDY.value,
            ),
        )
    )


async def list_call_backs(
    tx: ReadTx, actor: Actor, state: CallBackState | None, page: PageRequest
) -> list[CallBackRow]:
    """Return one page of the call-backs about issues that the caller may handle, newest first.

    Raises: Forbidden for callers without such a post, BadCursor.
    """
    if all(sight_of(ISSUE, post, ISSUE.handle) is Sight.NOTHING for post in actor.posts):
        raise Forbidden
    query = call_back_rows().where(handled(ISSUE, actor), CallBack.id < page.below)
    if state is not None:
        query = query.where(_STATES[state])
    rows = await tx.execute(query.order_by(CallBack.id.desc()).limit(page.fetch))
    return [CallBackRow(*row) for row in rows]


async def call_back_row(tx: ReadTx, call_back_id: UUID) -> CallBackRow:
    """Return one call-back as lists show it."""
    found = await tx.execute(call_back_rows().where(CallBack.id == call_back_id))
    return CallBackRow(*found.one())
