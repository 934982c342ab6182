"""Rules of sending issues on, and of sending them back."""

from datetime import datetime

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import at_the_top
from neighborhood_api.cases.service import move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.dispatching.schemas import RETURN_REASONS, ReturnIn
from neighborhood_api.issues.publishing.service import move_publication
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem


class AdjudicatedFinally(Problem):
    """The street has decided whose it is; that decision is final."""

    title = "The street has decided, finally"
    message = "街道已裁定承办单位，不能再退单或转办"


async def transfer_issue(
    tx: Tx, case: Case, actor: Actor, said: Said, *, now: datetime
) -> None:
    """Offer a locked issue to another body; whoever holds it stays responsible meanwhile.

    Raises: AdjudicatedFinally, and whatever `move_case` raises.
    """
    await move_case(tx, ISSUE, case, Move.TRANSFER, actor, said, now=now)
    if case.adjudicated:
        raise AdjudicatedFinally


async def return_issue(
    tx: Tx, case: Case, actor: Actor, wish: ReturnIn, *, now: datetime
) -> None:
    """Send a locked issue back one level up.

    The clocks run on. One return more than the rule allows brings it to the street, whose
    decision is final.

    Raises: AdjudicatedFinally, and whatever `move_case` raises.
    """
    too_often = _is_returned_too_often(case) and not at_the_top(case)
    to = State.ADJUDICATING if too_often else None
    await move_case(tx, ISSUE, case, Move.RETURN, actor, _why(wish), now=now, to=to)
    if case.adjudicated:
        raise AdjudicatedFinally
    case.times_returned += 1


async def decline_issue(
    tx: Tx, case: Case, actor: Actor, wish: ReturnIn, *, now: datetime
) -> None:
    """Refuse a locked issue that was offered; whoever holds it keeps it.

    It counts as a return: one more than the rule allows brings it to the street.

    Raises: whatever `move_case` raises.
    """
    to = State.ADJUDICATING if _is_returned_too_often(case) else None
    await move_case(tx, ISSUE, case, Move.DECLINE, actor, _why(wish), now=now, to=to)
    case.times_returned += 1


async def adjudicate_issue(
    tx: Tx, case: Case, actor: Actor, said: Said, *, now: datetime
) -> None:
    """Decide whose a locked issue is; nobody may return it after that.

    Raises: whatever `move_case` raises.
    """
    await move_case(tx, ISSUE, case, Move.ADJUDICATE, actor, said, now=now)
    case.adjudicated = True
    await move_publication(tx, case)


def _is_returned_too_often(case: Case) -> bool:
    """Tell whether one return more is too many; what the street has decided it decides once."""
    return case.times_returned >= case.agreed.returns_allowed and not case.adjudicated


def _why(wish: ReturnIn) -> Said:
    text = f"{RETURN_REASONS[wish.reason]}：{wish.text}"
    return Said(text=text, detail={"reason": wish.reason.value})
