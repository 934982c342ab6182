"""Which moves of settling are open at a moment, beyond what the law says of states."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.categories.models import ReopenBy
from neighborhood_api.issues.settling.queries import STANDING, Standing
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.problems import Problem

_ASKED = frozenset({Move.REOPEN, Move.RATE, Move.CALL_BACK, Move.REMEDY})
"""Moves for which the state alone says too little."""
_NOTHING = Standing(rated=False, to_call=False, called=False, to_remedy=False, objections=0)


class ReopenTooLate(Problem):
    """The days in which it could be reopened are over; `until` says when they ended."""

    title = "It is too late to reopen it"
    message = "已超过可要求重办的期限，如问题仍在，请重新上报"


class ReopenNotYours(Problem):
    """The rule gives the right to reopen to others."""

    status = HTTPStatus.FORBIDDEN
    title = "By its rule you cannot reopen it"
    message = "此类诉求不能由您要求重办，如问题仍在，请重新上报"


class ObjectedAlready(Problem):
    """One objection to a refusal; the level above has decided."""

    title = "You have objected once, and the level above has decided"
    message = "您已提出过一次异议，上级已作出答复"


class Before(NamedTuple):
    """What a right depends on, as it was before the move."""

    state: State
    closed_at: datetime | None


def before_moving(case: Case) -> Before:
    """Remember what the right to reopen depends on."""
    return Before(case.standing, case.closed_at)


def refuses_reopening(
    case: Case,
    before: Before,
    objections: int,
    whose: ReopenBy = ReopenBy.REPORTER,
    *,
    now: datetime,
) -> Problem | None:
    """Return why the reporter, or a supporter, may not reopen it, None when she may.

    Against a refusal (不予受理) its reporter may object once, whatever the rule says of
    reopening.
    """
    terms = case.agreed
    objects = before.state is State.REJECTED and whose is ReopenBy.REPORTER
    if objects and objections > 0:
        return ObjectedAlready()
    if not objects and (before.state is State.REJECTED or whose not in terms.reopen_by):
        return ReopenNotYours()
    if before.closed_at is None:
        return None
    until = before.closed_at + timedelta(days=terms.reopen_days)
    return ReopenTooLate(until=until.isoformat()) if now > until else None


async def without_settled(
    tx: ReadTx, case: Case, actor: Actor, moves: list[Move], *, now: datetime
) -> list[Move]:
    """Return the buttons without those of settling that could not be pressed at this moment."""
    if _ASKED.isdisjoint(moves):
        return moves
    found = await STANDING.first(tx, issue_id=case.id)
    standing = found or _NOTHING
    refused = refuses_reopening(case, before_moving(case), standing.objections, now=now)
    own = case.resolved_by_id == actor.person_id
    open_now = {
        Move.REOPEN: refused is None,
        Move.RATE: not standing.rated,
        Move.CALL_BACK: not own and (standing.to_call or _may_sample(case, standing)),
        Move.REMEDY: standing.to_remedy,
    }
    return [move for move in moves if open_now.get(move, True)]


def _may_sample(case: Case, standing: Standing) -> bool:
    return case.standing is State.CLOSED and not standing.called
