"""The departments that are called to a case, and how a call ends."""

from datetime import datetime

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.timers import stop_timer
from neighborhood_api.cases.workflow import IN_HAND, Move
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem

WENT_ON = "诉求已不在办理中，自动解除"


class CallsOpen(Problem):
    """The leading department was called and not released yet: its work is not done."""

    title = "The leading department has not been released"
    message = "牵头部门尚未解除调度，请先由吹哨单位解除再办结"


async def end_calls(tx: Tx, case: Case, move: Move, *, now: datetime) -> None:
    """Release whoever is still called to a locked case that has left the hands of staff.

    What a department was called to lead is not settled before whoever called it says so;
    those that assist go with the case, and so do all when it ends otherwise.

    Raises: CallsOpen.
    """
    if case.standing in IN_HAND:
        return
    still_called = [call for call in case.calls if call.released_at is None]
    if move is Move.RESOLVE and any(call.lead for call in still_called):
        raise CallsOpen
    for call in still_called:
        call.release_reason = WENT_ON
        await end_call(tx, case, call, now=now)


async def end_call(tx: Tx, case: Case, call: Call, *, now: datetime) -> None:
    """End one call; its clock stops."""
    call.released_at = now
    await stop_timer(tx, case, Purpose.CHECK_IN, now=now, subject_id=call.id)
