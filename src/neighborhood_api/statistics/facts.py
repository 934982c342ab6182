"""What is known of each issue for the numbers: one row, from which all of them are counted."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Interval,
    Label,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.paths import Call
from neighborhood_api.cases.timekeeping import Rest
from neighborhood_api.cases.workflow import IN_HAND, State
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import CallBack, CallReason
from neighborhood_api.statistics.models import Exclusion, Step

SATISFIED = 3
"""基本满意 is the lowest rating that counts as satisfied. Source: 好差评, five levels."""
Confirm = aliased(Entry)
Followed = aliased(CallBack)
Sampled = aliased(CallBack)
_NO_TIME = cast(literal_column("'0'"), Interval)


def facts(wanted: ColumnElement[bool], *, now: datetime) -> Subquery:
    """Select one row for each issue that is `wanted`, with what the numbers need of it.

    Everything is a join of sets, so that PostgreSQL looks up single rows for a lane, and reads
    along for a district. Each of them has at most one row for an issue.
    """
    excluded, whistled, rested = excluded_cases(), _check_ins(wanted, now), _rested(wanted)
    solved = case(
        (Confirm.id.is_not(None), literal_column("true")),
        (_reopening_stands(), literal_column("false")),
        else_=_said_when_called("solved"),
    )
    satisfied = func.coalesce(Issue.rating >= SATISFIED, _said_when_called("satisfied"))
    took = Case.resolved_at - Case.opened_at
    return (
        select(
            Case.id,
            Case.opened_at,
            *(getattr(Case, name) for name in COLUMNS),
            Issue.category_code,
            func.split_part(Issue.category_code, ".", 1).label("group_code"),
            excluded.c.case_id.is_not(None).label("excluded"),
            Case.main_id.is_not(None).label("merged"),
            (Case.state == State.WITHDRAWN.value).label("withdrawn"),
            (Case.state == State.REJECTED.value).label("rejected"),
            (Case.times_reopened > 0).label("reopened"),
            (Case.times_returned > 0).label("returned"),
            (Case.times_passed_up > 0).label("passed_up"),
            (Case.times_urged > 0).label("urged"),
            _overdue(now).label("overdue"),
            Case.resolved_at.is_not(None).label("resolved"),
            *_in_time("response", Case.first_responded_at, Case.respond_due_at, now),
            *_in_time("resolution", Case.resolved_at, Case.resolve_due_at, now),
            solved.label("solved"),
            satisfied.label("satisfied"),
            whistled.c.in_time.label("checked_in_in_time"),
            minutes(Case.first_responded_at - Case.opened_at).label("first_response"),
            minutes(took).label("resolution_wall"),
            minutes(took - func.coalesce(rested.c.time, _NO_TIME)).label("resolution_net"),
        )
        .join(Issue, Issue.case_id == Case.id)
        .outerjoin(Confirm, _confirms())
        .outerjoin(Followed, _called(Followed, CallReason.BAD_RATING))
        .outerjoin(Sampled, _called(Sampled, CallReason.SAMPLE))
        .outerjoin(excluded, excluded.c.case_id == Case.id)
        .outerjoin(whistled, whistled.c.case_id == Case.id)
        .outerjoin(rested, rested.c.case_id == Case.id)
        .where(wanted)
        .subquery("facts")
    )


def _in_time(
    name: str,
    done_at: InstrumentedAttribute[datetime | None],
    due_at: InstrumentedAttribute[datetime | None],
    now: datetime,
) -> tuple[Label[bool], Label[bool]]:
    """Return whether a limit can be judged, and whether it was kept.

    It can once what it limits is done, or once it has passed while the issue was going on.
    What was merged is judged with the issue that it was merged into.
    """
    passed = due_at < func.least(now, Case.closed_at)
    judged = and_(Case.main_id.is_(None), or_(done_at.is_not(None), passed))
    kept = func.coalesce(done_at <= due_at, literal_column("false"))
    return (
        func.coalesce(judged, literal_column("false")).label(f"{name}_judged"),
        kept.label(f"{name}_in_time"),
    )


def _confirms() -> ColumnElement[bool]:
    """Join the entry by which the reporter confirmed the present result: there is one at most.

    Every result has its own time, and can be confirmed once.
    """
    return and_(
        Confirm.case_id == Case.id,
        Confirm.move == literal_column("'confirm'"),
        Confirm.recorded_at >= Case.resolved_at,
    )


def _reopening_stands() -> ColumnElement[bool]:
    """Hold while a reopened issue has no new result: the reporter's last word was no."""
    return and_(
        Case.times_reopened > 0,
        Case.resolved_at.is_(None),
        Case.state != State.WITHDRAWN.value,
    )


def _called(call: type[CallBack], reason: CallReason) -> ColumnElement[bool]:
    """Join what the reporter said when she was called about the present handling."""
    return and_(
        call.case_id == Case.id,
        call.handling == Case.times_reopened,
        call.reason == reason.value,
        call.reached.is_(True),
    )


def _said_when_called(what: str) -> ColumnElement[bool | None]:
    """Return what she said, when she was called twice the later time."""
    followed, sampled = getattr(Followed, what), getattr(Sampled, what)
    later = or_(Sampled.id.is_(None), Followed.id > Sampled.id)
    return case((later, followed), else_=sampled)


def _check_ins(wanted: ColumnElement[bool], now: datetime) -> Subquery:
    """Select whether every department that was called came in time; None where none was due."""
    came = Call.checked_in_at.is_not(None)
    due = or_(came, Call.check_in_by < func.least(now, Call.released_at))
    in_time = func.coalesce(Call.checked_in_at <= Call.check_in_by, literal_column("false"))
    return (
        select(Call.case_id, func.bool_and(in_time).filter(due).label("in_time"))
        .join(Case, Case.id == Call.case_id)
        .where(wanted)
        .group_by(Call.case_id)
        .subquery("whistled")
    )


def _rested(wanted: ColumnElement[bool]) -> Subquery:
    """Select how long the clock rested before the result, as it waited or was suspended."""
    until = func.least(func.coalesce(Rest.ended_at, Case.resolved_at), Case.resolved_at)
    return (
        select(Rest.case_id, func.sum(until - Rest.started_at).label("time"))
        .join(Case, Case.id == Rest.case_id)
        .where(wanted, Rest.started_at < Case.resolved_at)
        .group_by(Rest.case_id)
        .subquery("rested")
    )


def excluded_cases() -> Subquery:
    """Select the issues whose last approved step took them out of the assessment."""
    later = Exclusion.__table__.alias("later")
    superseded = (
        select(later.c.id)
        .where(
            later.c.case_id == Exclusion.case_id,
            later.c.step == Step.APPROVED.value,
            later.c.number > Exclusion.number,
        )
        .exists()
    )
    return (
        select(Exclusion.case_id)
        .where(Exclusion.step == Step.APPROVED.value, Exclusion.excluded, ~superseded)
        .subquery("excluded")
    )


def _overdue(now: datetime) -> ColumnElement[bool]:
    unanswered = and_(Case.first_responded_at.is_(None), Case.respond_due_at < now)
    in_hand = Case.state.in_([state.value for state in IN_HAND])
    late = or_(Case.resolve_due_at < now, unanswered)
    return func.coalesce(and_(in_hand, late), literal_column("false"))


def minutes(time: Any) -> ColumnElement[Any]:  # noqa: ANN401  (a column)
    """Return an interval in minutes."""
    return func.extract("epoch", time) / literal_column("60.0")
