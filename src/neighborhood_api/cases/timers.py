"""The clocks of a case: started once, resting with the case, stopped by what they wait for.

A deadline is always computed anew from when its clock started, its amount and the rests, never
moved from where it was; so it can be recomputed whenever the calendar changes.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select, update

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.terms import Limit
from neighborhood_api.cases.timekeeping import Purpose, Request, Rest, Timer
from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.calendar import WorkingCalendar
from neighborhood_api.schedules.clocks import Clock, Pause, deadline, part
from neighborhood_api.schedules.working import calendar_of

YELLOW_SHARE = 0.8
"""How much of a limit is used up when the yellow warning comes; the project's own choice."""
_OF_CASE = select(Timer).where(Timer.case_id == bindparam("case_id")).order_by(Timer.id)


def new_timer(
    case_id: UUID,
    purpose: Purpose,
    limit: Limit,
    calendar: WorkingCalendar,
    *,
    now: datetime,
    subject_id: UUID | None = None,
    rests: bool = False,
) -> Timer:
    """Start a clock."""
    clock = Clock(limit.clock)
    due = deadline(clock, limit.amount, now, calendar)
    return Timer(
        case_id=case_id,
        purpose=purpose.value,
        clock=clock.value,
        amount=limit.amount,
        started_at=now,
        due_at=due.at,
        yellow_at=part(clock, limit.amount, now, calendar, YELLOW_SHARE).at,
        provisional=due.provisional,
        subject_id=subject_id,
        rests=rests,
    )


async def start_timer(
    tx: Tx,
    case: Case,
    purpose: Purpose,
    limit: Limit,
    *,
    now: datetime,
    subject_id: UUID | None = None,
) -> Timer:
    """Start a further clock of a locked case."""
    calendar = await calendar_of(tx, case.district_id)
    timer = new_timer(case.id, purpose, limit, calendar, now=now, subject_id=subject_id)
    tx.add(timer)
    await tx.flush()
    return timer


async def stop_timer(
    tx: Tx, case: Case, purpose: Purpose, *, now: datetime, subject_id: UUID | None = None
) -> None:
    """Stop a clock; nothing happens to one that does not run."""
    for timer in await timers_of(tx, case, purpose):
        if timer.stopped_at is None and timer.subject_id == subject_id:
            timer.stopped_at = now


async def timers_of(tx: Tx, case: Case, purpose: Purpose | None = None) -> Sequence[Timer]:
    """Return the clocks of a case, the oldest first."""
    timers = (await tx.scalars(_OF_CASE, {"case_id": case.id})).all()
    return [one for one in timers if purpose is None or one.purpose == purpose.value]


async def begin_rest(tx: Tx, case: Case, *, now: datetime) -> None:
    """Let the clocks that rest with a locked case rest from `now` on."""
    tx.add(Rest(case_id=case.id, state=case.state, started_at=now))
    await tx.flush()
    await recompute(tx, case)


async def end_rest(tx: Tx, case: Case, *, now: datetime) -> None:
    """Let them go on."""
    rest = await tx.scalar(select(Rest).where(Rest.case_id == case.id, Rest.ended_at.is_(None)))
    if rest is not None:
        rest.ended_at = now
        await tx.flush()
    await recompute(tx, case)


async def drop_request(tx: Tx, case: Case, *, now: datetime) -> None:
    """Let a request lapse whose case has left the hands that made it, or needs no more time."""
    waiting = update(Request).where(Request.case_id == case.id, Request.decided_at.is_(None))
    await tx.execute(waiting.values(approved=False, decided_at=now))


async def recompute(tx: Tx, case: Case) -> None:
    """Compute the deadlines of a locked case anew from what they follow from."""
    calendar = await calendar_of(tx, case.district_id)
    mine = select(Rest).where(Rest.case_id == case.id).order_by(Rest.started_at, Rest.id)
    rests = [Pause(rest.started_at, rest.ended_at) for rest in await tx.scalars(mine)]
    for timer in await timers_of(tx, case):
        if timer.stopped_at is None:
            _compute(timer, calendar, rests if timer.rests else ())
    await show_deadlines(tx, case)


async def show_deadlines(tx: Tx, case: Case) -> None:
    """Copy the deadlines that lists show and sort by to the case."""
    for timer in await timers_of(tx, case):
        if timer.purpose == Purpose.RESPOND:
            case.respond_due_at = timer.due_at
        elif timer.purpose == Purpose.RESOLVE:
            case.resolve_due_at = timer.due_at


def _compute(timer: Timer, calendar: WorkingCalendar, rests: Sequence[Pause]) -> None:
    clock, amount = Clock(timer.clock), timer.amount + timer.extra
    due = deadline(clock, amount, timer.started_at, calendar, rests)
    yellow = part(clock, amount, timer.started_at, calendar, YELLOW_SHARE, rests)
    timer.due_at, timer.provisional = due.at, due.provisional
    timer.yellow_at = yellow.at
    timer.yellow_shown_at = _still_shown(timer.yellow_shown_at, timer.yellow_at)
    timer.red_shown_at = _still_shown(timer.red_shown_at, timer.due_at)


def _still_shown(shown_at: datetime | None, moment: datetime | None) -> datetime | None:
    """Forget a warning whose moment was put off: when it comes it is given again, once."""
    if shown_at is None or moment is None or moment > shown_at:
        return None
    return shown_at
