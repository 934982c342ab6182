"""Rules of calling reporters back (回访), and of making good a bad rating (整改)."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import mover_of
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.terms import Limit
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.timers import start_timer, stop_timer
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.files.service import claim_files
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.settling.events import (
    CallBackMade,
    CallBackOpened,
    CallBackTaken,
)
from neighborhood_api.issues.settling.models import CallBack, CallReason, Channel
from neighborhood_api.issues.settling.queries import TO_CALL, TO_REMEDY
from neighborhood_api.issues.settling.ratings import BAD, Whose, store_rating
from neighborhood_api.issues.settling.schemas import CallBackIn, RateIn, RemedyIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.schedules.clocks import Clock

REMEDY_LIMIT = Limit(Clock.WORKING_DAYS, 15)
"""By when a bad rating is made good. Source: the provincial 好差评 rules (四川, 2020-05-19)."""
MOST_ATTEMPTS = 3
"""Who did not answer so often is not called again; the project's own choice."""


class NoCallBack(Problem):
    """Nobody is to be called back: it is not closed, and no rating was bad."""

    title = "There is nobody to call back about this issue"
    message = "这件诉求没有待回访任务，可能已由他人完成，请刷新"


class CalledBackAlready(Problem):
    """One sample call for one handling."""

    title = "This handling was called back already"
    message = "本次办理已回访过，无需重复回访"


class OwnHandling(Problem):
    """Nobody asks how good her own work was, and so presses the rater."""

    status = HTTPStatus.FORBIDDEN
    title = "Whoever settled it does not call back about it"
    message = "不能回访自己办理的诉求，请由他人回访"


class RaterHasAccount(Problem):
    """Only for a caller without an account somebody else writes down a rating."""

    title = "The reporter has an account, and rates for herself"
    message = "诉求人有账号，请由本人在小程序中评价"


class NothingToRemedy(Problem):
    """No bad rating waits to be made good."""

    title = "There is nothing to make good"
    message = "没有待整改的差评，可能已整改，请刷新"


async def follow_rating(tx: Tx, case: Case, rating: int, *, now: datetime) -> None:
    """Open a call-back when the present handling of a locked case was rated badly.

    A sample call that waits is made for this reason instead; a call about a bad rating of
    an earlier handling, which nobody has made yet, is part of the new one.

    Emits: CallBackOpened.
    """
    if rating > BAD:
        return
    waiting = await _open_task(tx, case)
    if waiting is not None and waiting.reason == CallReason.SAMPLE:
        task = waiting
        task.reason, task.handling = CallReason.BAD_RATING.value, case.times_reopened
    else:
        if waiting is not None:
            waiting.ended_at = now
            await tx.flush()  # it makes room before the new one comes in
        task = await _new_task(tx, case, CallReason.BAD_RATING, now)
        if waiting is not None:
            task.taken_by_id, task.taken_at = waiting.taken_by_id, waiting.taken_at
    await _want_remedy(tx, case, task, rating, now)


async def take_call_back(tx: Tx, actor: Actor, issue_id: UUID, *, now: datetime) -> CallBack:
    """Take on a call, and see the reporter's number for it; a closed issue may be a sample.

    Raises: CaseNotFound, Forbidden, OwnHandling, NoCallBack, CalledBackAlready.
    Emits: CallBackOpened, CallBackTaken.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    mover_of(ISSUE, ISSUE.rules[Move.CALL_BACK], case, actor)
    task = await _task(tx, case, actor, now)
    task.taken_by_id, task.taken_at = actor.person_id, now
    taken = CallBackTaken(issue_id=case.id, call_back_id=task.id, person_id=actor.person_id)
    emit(tx, taken)
    return task


async def record_call_back(
    tx: Tx, actor: Actor, issue_id: UUID, wish: CallBackIn, *, now: datetime
) -> CallBack:
    """Write down what came of a call; whoever does not answer is called again, up to a limit.

    Raises: CaseNotFound, Forbidden, OwnHandling, NoCallBack, CalledBackAlready,
        RaterHasAccount, AlreadyRated, RatingItemsUnknown.
    Emits: CallBackOpened, CallBackMade, IssueRated.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    said = Said(
        text="已电话回访" if wish.reached else "电话回访未接通",
        note=wish.text,
        rating=wish.rating,
        detail=wish.model_dump(include={"reached", "solved", "satisfied"}),
    )
    await move_case(tx, ISSUE, case, Move.CALL_BACK, actor, said, now=now)
    task = await _task(tx, case, actor, now)
    task.attempts += 1
    task.text, task.called_by_id = wish.text, actor.person_id
    if wish.rating is not None:
        await _rate_for_caller(tx, case, task, actor, wish, wish.rating, now)
    if wish.reached or task.attempts >= MOST_ATTEMPTS:
        task.ended_at, task.reached = now, wish.reached
        task.solved, task.satisfied = wish.solved, wish.satisfied
        await tx.flush()
        made = CallBackMade(
            issue_id=case.id,
            call_back_id=task.id,
            reached=wish.reached,
            solved=wish.solved,
            satisfied=wish.satisfied,
        )
        emit(tx, made)
    return task


async def remedy_issue(
    tx: Tx, actor: Actor, issue_id: UUID, wish: RemedyIn, *, now: datetime
) -> None:
    """Tell the reporter how a bad rating was made good; its clock stops.

    Raises: CaseNotFound, Forbidden, NothingToRemedy, FilesNotUsable.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    said = Said(text=wish.text, file_ids=wish.photo_ids)
    await move_case(tx, ISSUE, case, Move.REMEDY, actor, said, now=now)
    if not await end_remedy(tx, case, actor.person_id, now=now):
        raise NothingToRemedy
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)


async def end_remedy(tx: Tx, case: Case, person_id: UUID | None, *, now: datetime) -> bool:
    """Note that what was rated badly is made good; return whether something was to be.

    A new result after a reopening is the remedy of what was rated before.
    """
    mine = select(CallBack).where(CallBack.case_id == case.id, TO_REMEDY)
    task = await tx.scalar(mine)
    if task is None:
        return False
    task.remedied_at, task.remedied_by_id = now, person_id
    await tx.flush()
    await stop_timer(tx, case, Purpose.REMEDY, now=now, subject_id=task.id)
    return True


async def _task(tx: Tx, case: Case, actor: Actor, now: datetime) -> CallBack:
    """Return the call that waits, or make a closed issue a sample."""
    if actor.person_id == case.resolved_by_id:
        raise OwnHandling
    task = await _open_task(tx, case)
    if task is not None:
        return task
    if case.standing is not State.CLOSED:
        raise NoCallBack
    sampled = select(CallBack.id).where(
        CallBack.case_id == case.id,
        CallBack.handling == case.times_reopened,
        CallBack.ended_at.is_not(None),
    )
    if await tx.scalar(sampled.limit(1)) is not None:
        raise CalledBackAlready
    return await _new_task(tx, case, CallReason.SAMPLE, now)


async def _open_task(tx: Tx, case: Case) -> CallBack | None:
    waiting = select(CallBack).where(CallBack.case_id == case.id, TO_CALL)
    found: CallBack | None = await tx.scalar(waiting)
    return found


async def _new_task(tx: Tx, case: Case, reason: CallReason, now: datetime) -> CallBack:
    task = CallBack(
        case_id=case.id, handling=case.times_reopened, reason=reason.value, opened_at=now
    )
    tx.add(task)
    await tx.flush()
    opened = CallBackOpened(
        issue_id=case.id, call_back_id=task.id, reason=CallReason(task.reason)
    )
    emit(tx, opened)
    return task


async def _want_remedy(tx: Tx, case: Case, task: CallBack, rating: int, now: datetime) -> None:
    await end_remedy(tx, case, None, now=now)
    task.rating, task.remedy_wanted = rating, True
    await start_timer(tx, case, Purpose.REMEDY, REMEDY_LIMIT, now=now, subject_id=task.id)


async def _rate_for_caller(
    tx: Tx,
    case: Case,
    task: CallBack,
    actor: Actor,
    wish: CallBackIn,
    rating: int,
    now: datetime,
) -> None:
    """Keep what a caller without an account said of the handling."""
    if case.reporter_id is not None:
        raise RaterHasAccount
    given = RateIn(rating=rating, items=wish.items, channel=Channel.OFFLINE)
    whose = Whose(task.handling, recorded_by_id=actor.person_id)
    await store_rating(tx, case, given, whose, now=now)
    task.rating = rating
    if rating <= BAD:
        await _want_remedy(tx, case, task, rating, now)
