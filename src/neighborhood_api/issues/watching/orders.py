"""Rules of orders (督办): a superior orders, the hands answer, the superior is content."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import and_, exists, select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import holds, may_read, mover_of, stands_at_or_above
from neighborhood_api.cases.recipients import above_holders, holders_of, unique
from neighborhood_api.cases.service import move_case
from neighborhood_api.cases.sight import counts
from neighborhood_api.cases.sweeps import sweep_cases
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.terms import Limit
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.cases.timers import start_timer, stop_timer
from neighborhood_api.cases.workflow import Move
from neighborhood_api.files.service import claim_files
from neighborhood_api.identity.access import Actor, Forbidden, Post, Role
from neighborhood_api.issues.watching.events import OrderOverdue
from neighborhood_api.issues.watching.models import Order
from neighborhood_api.issues.watching.schemas import AnswerOrderIn, DecideOrderIn, OrderIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.schedules.clocks import Clock

HEADS = frozenset({Role.GRID_LEADER, Role.COMMUNITY_SECRETARY, Role.STREET_SECRETARY})
"""Above the others of their node."""


class OrderOpen(Problem):
    """An order is not settled yet; one at a time."""

    title = "An order is open already"
    message = "已有一项督办未销号，请先处理"


class NoOrder(Problem):
    """There is no open order."""

    title = "There is no open order"
    message = "没有未销号的督办，可能已处理，请刷新"


class OrderAnswered(Problem):
    """The order has its answer and waits for the superior."""

    title = "The order was answered already"
    message = "督办已回复，请等待上级审核"


class OrderUnanswered(Problem):
    """There is no answer yet that could be found wanting."""

    title = "The order was not answered yet"
    message = "承办单位尚未回复，暂不能再次督办"


class OwnAnswer(Problem):
    """Whoever answered does not judge the answer."""

    status = HTTPStatus.FORBIDDEN
    title = "Somebody else must judge the answer"
    message = "不能审核自己的督办回复"


async def supervise_issue(
    tx: Tx, case: Case, actor: Actor, wish: OrderIn, *, now: datetime
) -> Order:
    """Give an order to whoever holds a locked issue; the reporter reads that there is one.

    Raises: OrderOpen, and whatever `move_case` raises.
    """
    said = Said(text="上级已督办，要求限时回复", note=wish.text)
    post = _superior(case, actor)
    await move_case(tx, ISSUE, case, Move.SUPERVISE, actor, said, now=now)
    if post is None:
        raise Forbidden
    if await open_order(tx, case.id) is not None:
        raise OrderOpen
    limit = Limit(wish.answer_within.clock, wish.answer_within.amount)
    order = Order(
        case_id=case.id,
        given_by_id=actor.person_id,
        from_node_id=post.node_id,
        from_level=post.level.value,
        role=post.role.value,
        given_at=now,
        text=wish.text,
        clock=limit.clock.value,
        amount=limit.amount,
    )
    tx.add(order)
    await tx.flush()
    await start_timer(tx, case, Purpose.ORDER, limit, now=now, subject_id=order.id)
    return order


async def answer_order(
    tx: Tx, case: Case, actor: Actor, wish: AnswerOrderIn, *, now: datetime
) -> Order:
    """Answer the open order of a locked issue, also when the issue itself is over.

    Whoever holds it, or held it last, answers; nobody above does it in her place.

    Raises: Forbidden, NoOrder, OrderAnswered, FilesNotUsable, and whatever `move_case` raises.
    """
    said = Said(text=wish.text, internal=True, file_ids=wish.photo_ids)
    if may_read(ISSUE, case, actor) and not holds(ISSUE, case, actor):
        raise Forbidden
    await move_case(tx, ISSUE, case, Move.ANSWER_ORDER, actor, said, now=now)
    order = await _require_order(tx, case)
    if order.answered_at is not None:
        raise OrderAnswered
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)
    order.answer, order.answered_at, order.answered_by_id = wish.text, now, actor.person_id
    await stop_timer(tx, case, Purpose.ORDER, now=now, subject_id=order.id)
    return order


async def decide_order(
    tx: Tx, case: Case, actor: Actor, wish: DecideOrderIn, *, now: datetime
) -> Order:
    """Be content with the answer, or ask again within a new limit.

    An order that is no longer needed is settled without an answer.

    Raises: NoOrder, OrderUnanswered, OwnAnswer, Forbidden for who is below the superior, and
        whatever `move_case` raises.
    """
    move = Move.SETTLE_ORDER if wish.accept else Move.REPEAT_ORDER
    mover_of(ISSUE, ISSUE.rules[move], case, actor)
    order = await _require_order(tx, case)
    if not judges(case, order, actor):
        raise Forbidden
    if order.answered_at is None and not wish.accept:
        raise OrderUnanswered
    if order.answered_by_id == actor.person_id:
        raise OwnAnswer
    said = Said(text=wish.text, internal=True)
    await move_case(tx, ISSUE, case, move, actor, said, now=now)
    if wish.accept:
        order.settled_at, order.settled_by_id = now, actor.person_id
        await stop_timer(tx, case, Purpose.ORDER, now=now, subject_id=order.id)
        return order
    if wish.answer_within is not None:
        order.clock, order.amount = wish.answer_within.clock.value, wish.answer_within.amount
    order.answer = order.answered_at = order.answered_by_id = order.missed_at = None
    order.times_asked += 1
    limit = Limit(Clock(order.clock), order.amount)
    await start_timer(tx, case, Purpose.ORDER, limit, now=now, subject_id=order.id)
    return order


async def open_order(tx: ReadTx, case_id: UUID) -> Order | None:
    """Return the order of an issue that is not settled, if there is one."""
    return await tx.scalar(
        select(Order).where(Order.case_id == case_id, Order.settled_at.is_(None))
    )


async def miss_orders(database: Database, *, now: datetime) -> int:
    """Note every order that was not answered in time, once each time it is asked.

    Emits: OrderOverdue.
    """

    async def note(tx: Tx, case: Case) -> None:
        order = await open_order(tx, case.id)
        if order is None or order.answered_at or order.missed_at:
            return
        said = Said(text="督办逾期未回复，已报上级", internal=True)
        await move_case(tx, ISSUE, case, Move.MISS_ORDER, None, said, now=now)
        order.missed_at = now
        holders = await holders_of(tx, case, now=now)
        above = await above_holders(tx, case, now=now)
        told = unique([*holders, *above, order.given_by_id])
        emit(tx, OrderOverdue(issue_id=case.id, order_id=order.id, recipient_ids=told))

    running = and_(
        Timer.case_id == Order.case_id,
        Timer.purpose == Purpose.ORDER.value,
        Timer.subject_id == Order.id,
        Timer.stopped_at.is_(None),
        Timer.due_at <= now,
    )
    late = exists().where(
        Order.case_id == Case.id,
        Order.answered_at.is_(None),
        Order.settled_at.is_(None),
        Order.missed_at.is_(None),
        exists().where(running),
    )
    return await sweep_cases(database, ISSUE, late, note)


async def _require_order(tx: ReadTx, case: Case) -> Order:
    order = await open_order(tx, case.id)
    if order is None:
        raise NoOrder
    return order


def _superior(case: Case, actor: Actor) -> Post | None:
    """Return the highest post in which the caller has to do with the issue."""
    posts = [
        post
        for post in actor.posts
        if counts(ISSUE, case, post, ISSUE.handle) and post.covers(case.place, ())
    ]
    return min(posts, key=lambda post: post.level, default=None)


def judges(case: Case, order: Order, actor: Actor) -> bool:
    """Tell whether the caller has the post that gave the order, or one above it."""
    return any(
        stands_at_or_above(case, post, order.from_node_id, order.from_level)
        and (post.level < order.from_level or post.role == order.role or post.role in HEADS)
        for post in actor.posts
        if counts(ISSUE, case, post, ISSUE.handle)
    )
