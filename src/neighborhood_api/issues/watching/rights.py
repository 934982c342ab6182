"""Which moves of watching are open at a moment, beyond what the law says of states."""

from datetime import datetime

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import holds
from neighborhood_api.cases.workflow import Move
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.watching.orders import judges, open_order
from neighborhood_api.issues.watching.urging import refuses_urging
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx

_ORDERS = frozenset(
    {Move.SUPERVISE, Move.ANSWER_ORDER, Move.SETTLE_ORDER, Move.REPEAT_ORDER, Move.MISS_ORDER}
)


async def without_watched(
    tx: ReadTx, case: Case, actor: Actor, moves: list[Move], *, now: datetime
) -> list[Move]:
    """Return the buttons without those of watching that could not be pressed at this moment."""
    closed: set[Move] = set()
    if Move.URGE in moves and await refuses_urging(tx, case, now=now) is not None:
        closed.add(Move.URGE)
    if not _ORDERS.isdisjoint(moves):
        closed |= _ORDERS - await _about_orders(tx, case, actor)
    return [move for move in moves if move not in closed]


async def _about_orders(tx: ReadTx, case: Case, actor: Actor) -> set[Move]:
    order = await open_order(tx, case.id)
    if order is None:
        return {Move.SUPERVISE}
    open_now: set[Move] = set()
    if order.answered_at is None and holds(ISSUE, case, actor):
        open_now.add(Move.ANSWER_ORDER)
    if judges(case, order, actor) and order.answered_by_id != actor.person_id:
        open_now.add(Move.SETTLE_ORDER)
        if order.answered_at is not None:
            open_now.add(Move.REPEAT_ORDER)
    return open_now
