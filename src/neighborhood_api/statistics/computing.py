"""What is known of one issue for the numbers, read from where it is written down.

Nothing here depends on the time at which somebody counts: what time will change is given as
the moment from which it holds.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Double,
    FromClause,
    Label,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.paths import Call
from neighborhood_api.cases.timekeeping import Rest
from neighborhood_api.cases.workflow import IN_HAND, Move, State
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import CallBack
from neighborhood_api.statistics.models import Exclusion, Step

SATISFIED = 3
"""基本满意 is the lowest rating that counts as satisfied. Source: 好差评, five levels."""
_MOMENT = DateTime(timezone=True)
_ALWAYS = cast(literal_column("'-infinity'"), _MOMENT)
_NEVER = cast(literal_column("'infinity'"), _MOMENT)
_FALSE: ColumnElement[bool] = literal_column("false")


def computed(cases: FromClause) -> Select[*tuple[Any, ...]]:
    """Select the facts of `cases`, which has the column `case_id`, in the columns of `Fact`.

    Whatever lies in other tables is looked up case by case: it is for few.
    """
    said, called = _last_call_back(), _calls()
    took = Case.resolved_at - Case.opened_at
    return (
        select(
            Case.id.label("case_id"),
            Case.opened_at,
            *(getattr(Case, name) for name in COLUMNS),
            Case.confidential,
            Issue.category_code,
            _excluded().label("excluded"),
            Case.main_id.is_not(None).label("merged"),
            (Case.state == State.WITHDRAWN.value).label("withdrawn"),
            (Case.state == State.REJECTED.value).label("rejected"),
            (Case.times_reopened > 0).label("reopened"),
            (Case.times_returned > 0).label("returned"),
            (Case.times_passed_up > 0).label("passed_up"),
            (Case.times_urged > 0).label("urged"),
            Case.resolved_at.is_not(None).label("resolved"),
            _overdue_from().label("overdue_from"),
            *_in_time(
                "response",
                Case.first_responded_at,
                Case.respond_due_at,
                Issue.response_missed,
            ),
            *_in_time(
                "resolution", Case.resolved_at, Case.resolve_due_at, Issue.resolution_missed
            ),
            _solved(said).label("solved"),
            func.coalesce(Issue.rating >= SATISFIED, said.c.satisfied).label("satisfied"),
            called.c.came_in_time,
            called.c.missed_from,
            minutes(Case.first_responded_at - Case.opened_at).label("first_response"),
            minutes(took).label("resolution_wall"),
            minutes(took - _rested()).label("resolution_net"),
        )
        .select_from(cases)
        .join(Case, Case.id == cases.c.case_id)
        .join(Issue, Issue.case_id == Case.id)
        .outerjoin(said, true())
        .outerjoin(called, true())
    )


def minutes(time: Any) -> ColumnElement[Any]:  # noqa: ANN401  (a column)
    """Return an interval in minutes."""
    return func.date_part("epoch", time, type_=Double) / literal_column("60.0", Double)


def _overdue_from() -> ColumnElement[datetime | None]:
    """Return since when an issue in hand is late with its answer or its result."""
    unanswered = case((Case.first_responded_at.is_(None), Case.respond_due_at))
    in_hand = Case.state.in_([state.value for state in IN_HAND])
    return case((in_hand, func.least(Case.resolve_due_at, unanswered)))


def _in_time(
    name: str,
    done_at: InstrumentedAttribute[datetime | None],
    due_at: InstrumentedAttribute[datetime | None],
    missed: InstrumentedAttribute[bool],
) -> tuple[Label[datetime], Label[bool]]:
    """Return from when a limit can be judged, and whether it was kept.

    It can once what it limits is done, or once it has passed while the issue was going on.
    What was merged is judged with the issue that it was merged into, save for a limit that it
    had `missed` by then.
    """
    passes = due_at < func.coalesce(Case.closed_at, _NEVER)
    judged_from = case(
        (and_(Case.main_id.is_not(None), missed), _ALWAYS),
        (Case.main_id.is_not(None), None),
        (done_at.is_not(None), _ALWAYS),
        (passes, due_at),
    )
    in_time = func.coalesce(done_at <= due_at, _FALSE)
    kept = case((Case.main_id.is_not(None), _FALSE), else_=in_time)
    return (
        cast(judged_from, _MOMENT).label(f"{name}_judged_from"),
        kept.label(f"{name}_in_time"),
    )


def _solved(said: FromClause) -> ColumnElement[bool | None]:
    """Return what the reporter says: her confirmation of the present result, or a reopening
    that has none yet; else what she said when she was called.
    """  # noqa: D205
    confirmed = exists(
        select(1).where(
            Entry.case_id == Case.id,
            Entry.move == literal_column(f"'{Move.CONFIRM.value}'"),
            Entry.recorded_at >= Case.resolved_at,
        )
    )
    reopened = (
        (Case.times_reopened > 0)
        & Case.resolved_at.is_(None)
        & (Case.state != State.WITHDRAWN.value)
    )
    return case((confirmed, literal_column("true")), (reopened, _FALSE), else_=said.c.solved)


def _last_call_back() -> FromClause:
    """Select what the reporter said when she was last called about the present handling."""
    return (
        select(CallBack.solved, CallBack.satisfied)
        .where(
            CallBack.case_id == Case.id,
            CallBack.handling == Case.times_reopened,
            CallBack.reached.is_(True),
        )
        .order_by(CallBack.id.desc())
        .limit(1)
        .lateral("said")
    )


def _calls() -> FromClause:
    """Select whether departments that came were in time, and when one first failed to come."""
    came = Call.checked_in_at.is_not(None)
    waited = or_(Call.released_at.is_(None), Call.check_in_by < Call.released_at)
    in_time = Call.checked_in_at <= Call.check_in_by
    return (
        select(
            func.bool_and(in_time).filter(came).label("came_in_time"),
            func.min(Call.check_in_by).filter(~came, waited).label("missed_from"),
        )
        .where(Call.case_id == Case.id)
        .lateral("called")
    )


def _rested() -> ColumnElement[Any]:
    """Return how long the clock rested before the result, as it waited or was suspended."""
    until = func.least(func.coalesce(Rest.ended_at, Case.resolved_at), Case.resolved_at)
    time = func.coalesce(func.sum(until - Rest.started_at), literal_column("interval '0'"))
    return (
        select(time)
        .where(Rest.case_id == Case.id, Rest.started_at < Case.resolved_at)
        .scalar_subquery()
    )


def _excluded() -> ColumnElement[bool]:
    """Tell whether the last approved step took the issue out of the assessment."""
    last = (
        select(Exclusion.excluded)
        .where(Exclusion.case_id == Case.id, Exclusion.step == Step.APPROVED.value)
        .order_by(Exclusion.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(last, _FALSE)
