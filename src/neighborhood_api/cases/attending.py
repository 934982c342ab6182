"""What a called department does, and what whoever called it makes of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.cases.calls import end_call
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call
from neighborhood_api.cases.policy import CaseNotFound, has_called, may_read
from neighborhood_api.cases.service import move_case
from neighborhood_api.cases.sight import counts
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.timers import stop_timer
from neighborhood_api.cases.whistles import names_of
from neighborhood_api.cases.workflow import Move, Workflow
from neighborhood_api.grid.areas.coordinates import Point, metres_between
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem

FAR_METRES = 500
"""Farther than this an officer is not there; the project's own choice."""


class CallNotFound(Problem):
    """No department was called under this id."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such call"
    message = "没有找到这条调度记录"


class CallReleased(Problem):
    """The department was released."""

    title = "The department was released already"
    message = "该部门的调度已解除，请刷新"


class CheckedInAlready(Problem):
    """The department has checked in."""

    title = "The department has checked in already"
    message = "已报到，无需重复"


class CheckInFirst(Problem):
    """A department reports what it did after it has come."""

    title = "Check in before you report"
    message = "请先报到，再反馈处置情况"


class ReportOrReason(Problem):
    """A department is released after its report, or for a reason."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Without a report the release needs a reason"
    message = "该部门尚未反馈，解除调度须说明原因"


class NotReleasedYet(Problem):
    """A department is rated after it was released."""

    title = "Release the department before you rate it"
    message = "请先解除调度，再评价"


class CallRatedAlready(Problem):
    """Each call is rated once."""

    title = "This call was rated already"
    message = "该次报到已评价，不能重复评价"


@dataclass(frozen=True)
class Spot:
    """Where the officer is, and where the case is, as far as either is known (WGS-84)."""

    officer: Point | None
    case: Point | None

    @property
    def metres(self) -> int | None:
        """How far the officer is away."""
        if self.officer is None or self.case is None:
            return None
        return round(metres_between(self.officer, self.case))


async def check_in(
    tx: Tx,
    workflow: Workflow,
    case: Case,
    actor: Actor,
    call_id: UUID,
    spot: Spot,
    *,
    now: datetime,
) -> Call:
    """Note that a called department has come; far away or late is noted, and not refused.

    Raises: CallNotFound, CallReleased, CheckedInAlready, and whatever `move_case` raises.
    """
    call = _own_call(workflow, case, actor, call_id)
    if call.checked_in_at is not None:
        raise CheckedInAlready
    metres = spot.metres
    far, late = metres is not None and metres > FAR_METRES, now > call.check_in_by
    names = await names_of(tx, [call.organization_id])
    detail = {"call_id": str(call.id), "metres_away": metres, "far": far, "late": late}
    said = Said(text=f"{names[call.organization_id]}已报到", detail=detail)
    await move_case(tx, workflow, case, Move.CHECK_IN, actor, said, now=now)
    call.checked_in_at, call.checked_in_by_id = now, actor.person_id
    call.metres_away, call.far, call.late = metres, far, late
    if spot.officer is not None:
        call.longitude, call.latitude = spot.officer
    await stop_timer(tx, case, Purpose.CHECK_IN, now=now, subject_id=call.id)
    return call


async def report_work(
    tx: Tx,
    workflow: Workflow,
    case: Case,
    actor: Actor,
    call_id: UUID,
    *,
    text: str,
    file_ids: Sequence[UUID],
    now: datetime,
) -> Call:
    """Tell staff what a called department did; a later report replaces an earlier one.

    Raises: CallNotFound, CallReleased, CheckInFirst, and whatever `move_case` raises.
    """
    call = _own_call(workflow, case, actor, call_id)
    if call.checked_in_at is None:
        raise CheckInFirst
    said = Said(text=text, internal=True, file_ids=file_ids, detail={"call_id": str(call.id)})
    await move_case(tx, workflow, case, Move.REPORT_WORK, actor, said, now=now)
    call.report, call.report_file_ids, call.reported_at = text, list(file_ids), now
    return call


async def release_call(
    tx: Tx,
    workflow: Workflow,
    case: Case,
    actor: Actor,
    call_id: UUID,
    *,
    reason: str | None,
    now: datetime,
) -> Call:
    """Release a department that has reported, or that is not needed for a reason.

    Raises: CallNotFound, CallReleased, ReportOrReason, and whatever `move_case` raises.
    """
    call = _called(workflow, case, actor, call_id)
    _require_caller(workflow, case, actor, call)
    if call.released_at is not None:
        raise CallReleased
    if call.reported_at is None and not reason:
        raise ReportOrReason
    said = Said(text=reason, internal=True, detail={"call_id": str(call.id)})
    await move_case(tx, workflow, case, Move.RELEASE, actor, said, now=now)
    call.released_by_id, call.release_reason = actor.person_id, reason
    await end_call(tx, case, call, now=now)
    return call


async def rate_call(
    tx: Tx,
    workflow: Workflow,
    case: Case,
    actor: Actor,
    call_id: UUID,
    *,
    rating: int,
    text: str | None,
    now: datetime,
) -> Call:
    """Rate a released department from 1 to 5, once.

    Raises: CallNotFound, NotReleasedYet, CallRatedAlready, and whatever `move_case` raises.
    """
    call = _called(workflow, case, actor, call_id)
    _require_caller(workflow, case, actor, call)
    if call.released_at is None:
        raise NotReleasedYet
    if call.rating is not None:
        raise CallRatedAlready
    detail = {"call_id": str(call.id), "rating": rating}
    said = Said(text=text, internal=True, detail=detail)
    await move_case(tx, workflow, case, Move.RATE_CALL, actor, said, now=now)
    call.rating, call.rating_text = rating, text
    call.rated_at, call.rated_by_id = now, actor.person_id
    return call


def calls_to(workflow: Workflow, call: Call, actor: Actor) -> bool:
    """Tell whether the caller is an officer of the department that was called."""
    return any(
        post.organization_id == call.organization_id and workflow.handle in GRANTED[post.role]
        for post in actor.posts
    )


def reads_rating(workflow: Workflow, case: Case, call: Call, actor: Actor) -> bool:
    """Tell whether the caller reads how a department was rated.

    Its own officers do, and the staff of the place; other departments do not.
    """
    return calls_to(workflow, call, actor) or any(
        post.organization_id is None
        and counts(workflow, case, post, workflow.read)
        and post.covers(case.place, ())
        for post in actor.posts
    )


def calls_from(workflow: Workflow, case: Case, call: Call, actor: Actor) -> bool:
    """Tell whether the caller releases and rates the department."""
    return any(
        workflow.handle in GRANTED[post.role] and has_called(case, call, post)
        for post in actor.posts
    )


def _own_call(workflow: Workflow, case: Case, actor: Actor, call_id: UUID) -> Call:
    call = _called(workflow, case, actor, call_id)
    if not calls_to(workflow, call, actor):
        raise Forbidden
    if call.released_at is not None:
        raise CallReleased
    return call


def _called(workflow: Workflow, case: Case, actor: Actor, call_id: UUID) -> Call:
    if not may_read(workflow, case, actor):
        raise CaseNotFound
    for call in case.calls:
        if call.id == call_id:
            return call
    raise CallNotFound


def _require_caller(workflow: Workflow, case: Case, actor: Actor, call: Call) -> None:
    if not calls_from(workflow, case, call, actor):
        raise Forbidden
