"""The formulae once more, read slowly and one issue at a time."""

from datetime import datetime

from neighborhood_api.statistics.measures import Metric
from tests.statistics.population import Life

IN_HAND = {"assigned", "reopened", "accepted", "handling", "waiting", "suspended"}


def is_excluded(life: Life) -> bool:
    approved = [step.excluded for step in life.steps if step.step == "approved"]
    return bool(approved) and approved[-1]


def in_time(
    life: Life, done: datetime | None, due: datetime | None, now: datetime, *, missed: bool
) -> bool | None:
    """Whether a limit was kept; None where there is nothing to judge yet.

    What was merged is judged only for what it had missed by then.
    """
    if life.case.main_id is not None:
        return False if missed else None
    if done is not None:
        return due is not None and done <= due
    end = min(now, life.case.closed_at or now)
    return False if due is not None and due < end else None


def answered(life: Life) -> list[tuple[bool | None, bool | None]]:
    """What she said when called about the present handling, the newest last."""
    return [
        (call.solved, call.satisfied)
        for call in life.call_backs
        if call.reached and call.handling == life.case.times_reopened
    ]


def solved(life: Life) -> bool | None:
    case = life.case
    last = life.own_words[-1] if life.own_words else None
    if last == "confirm":
        return True
    if last == "reopen" and case.resolved_at is None and case.state != "withdrawn":
        return False
    said = answered(life)
    return said[-1][0] if said else None


def satisfied(life: Life) -> bool | None:
    if life.issue.rating is not None:
        return life.issue.rating >= 3
    said = answered(life)
    return said[-1][1] if said else None


def checked_in(life: Life, now: datetime) -> bool | None:
    kept: list[bool] = []
    for call in life.calls:
        if call.checked_in_at is not None:
            kept.append(call.checked_in_at <= call.check_in_by)
        elif call.check_in_by < min(now, call.released_at or now):
            kept.append(False)
    return all(kept) if kept else None


def overdue(life: Life, now: datetime) -> bool:
    case = life.case
    if case.state not in IN_HAND:
        return False
    late = case.resolve_due_at is not None and case.resolve_due_at < now
    due = case.respond_due_at
    return late or (case.first_responded_at is None and due is not None and due < now)


def verdict(metric: Metric, life: Life, now: datetime) -> bool | None:
    """Whether an issue is a hit of a number, a miss, or not counted (None)."""
    case = life.case
    if metric is Metric.OPENED:
        return True
    if metric is Metric.EXCLUDED:
        return is_excluded(life) or None
    if is_excluded(life):
        return None
    plain: dict[Metric, bool | None] = {
        Metric.ASSESSED: True,
        Metric.MERGED: case.main_id is not None,
        Metric.WITHDRAWN: case.state == "withdrawn",
        Metric.REJECTED: case.state == "rejected",
        Metric.OVERDUE: overdue(life, now),
        Metric.RETURNED: case.times_returned > 0,
        Metric.PASSED_UP: case.times_passed_up > 0,
        Metric.URGED: case.times_urged > 0,
        Metric.FIRST_RESPONSE_MINUTES: case.first_responded_at is not None,
        Metric.RESOLUTION_MINUTES: case.resolved_at is not None and case.main_id is None,
        Metric.RESOLUTION_NET_MINUTES: case.resolved_at is not None and case.main_id is None,
    }
    if metric in plain:
        return plain[metric] or None
    if metric is Metric.REOPENED:
        return case.times_reopened > 0 if case.times_reopened or case.resolved_at else None
    return {
        Metric.RESPONSE: in_time(
            life,
            case.first_responded_at,
            case.respond_due_at,
            now,
            missed=life.issue.response_missed,
        ),
        Metric.RESOLUTION_IN_TIME: in_time(
            life,
            case.resolved_at,
            case.resolve_due_at,
            now,
            missed=life.issue.resolution_missed,
        ),
        Metric.SOLUTION: solved(life),
        Metric.SATISFACTION: satisfied(life),
        Metric.CHECK_IN: checked_in(life, now),
    }[metric]


def minutes(metric: Metric, life: Life) -> float:
    """How long it took."""
    case = life.case
    done = (
        case.first_responded_at if metric is Metric.FIRST_RESPONSE_MINUTES else case.resolved_at
    )
    assert done is not None
    took = (done - case.opened_at).total_seconds()
    if metric is Metric.RESOLUTION_NET_MINUTES:
        for rest in life.rests:
            if rest.started_at < done:
                took -= (min(rest.ended_at or done, done) - rest.started_at).total_seconds()
    return took / 60


def percentile(values: list[float], share: float) -> float:
    """Linear interpolation between the two nearest."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
