"""Taking an issue out of the assessment (不纳入考核), and back: a reason, and two persons."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import CaseNotFound, may_read, readable, reads_as_staff
from neighborhood_api.cases.service import lock_case
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.trail import trail_of
from neighborhood_api.statistics.events import ExclusionDecided, ExclusionRequested
from neighborhood_api.statistics.models import Exclusion, Step
from neighborhood_api.statistics.schemas import DecideExclusionIn, ExcludeIn, ExclusionState
from neighborhood_api.statistics.scope import READ

MAY_EXCLUDE = (Permission.ISSUE_DISPATCH, Permission.STATISTICS_MANAGE)
"""Dispatchers and their secretary, and the operators above them."""


class ExclusionPending(Problem):
    """Somebody has asked already, and the second person has not decided."""

    title = "A request about the assessment of this issue waits for a decision"
    message = "已有申请等待第二人审核，请先审核"


class AssessedAlready(Problem):
    """It is already as asked for."""

    title = "The issue is already assessed, or already not assessed, as you ask"
    message = "该诉求的考核状态已是如此，无需再申请"


class NoExclusionRequest(Problem):
    """There is nothing to decide."""

    title = "There is no request to decide about"
    message = "没有待审核的申请，可能已由他人审核，请刷新"


class SecondPersonNeeded(Problem):
    """Who asked does not decide."""

    status = HTTPStatus.FORBIDDEN
    title = "A second person must decide"
    message = "不能审核自己的申请，请由另一位有权限的人员审核"


async def ask_exclusion(
    tx: Tx, actor: Actor, issue_id: UUID, wish: ExcludeIn, *, excluded: bool, now: datetime
) -> Exclusion:
    """Ask not to assess an issue, or to assess it again; nothing changes until it is approved.

    Raises: CaseNotFound, Forbidden, ExclusionPending, AssessedAlready.
    Emits: ExclusionRequested.
    """
    case = await _lock(tx, actor, issue_id)
    steps = await _steps(tx, issue_id)
    if steps and steps[-1].step == Step.REQUESTED:
        raise ExclusionPending
    if _in_force(steps) == excluded:
        raise AssessedAlready
    asked = Exclusion(
        case_id=case.id,
        number=len(steps) + 1,
        step=Step.REQUESTED.value,
        excluded=excluded,
        person_id=actor.person_id,
        text=wish.text,
        recorded_at=now,
        reason=wish.reason.value,
    )
    await _write(tx, asked)
    event = ExclusionRequested(
        issue_id=case.id,
        exclusion_id=asked.id,
        excluded=excluded,
        reason=wish.reason,
        person_id=actor.person_id,
    )
    emit(tx, event)
    return asked


async def decide_exclusion(
    tx: Tx, actor: Actor, issue_id: UUID, wish: DecideExclusionIn, *, now: datetime
) -> Exclusion:
    """Approve or refuse, as a second person, what was asked for; return the request.

    Raises: CaseNotFound, Forbidden, NoExclusionRequest, SecondPersonNeeded.
    Emits: ExclusionDecided.
    """
    case = await _lock(tx, actor, issue_id)
    steps = await _steps(tx, issue_id)
    if not steps or steps[-1].step != Step.REQUESTED:
        raise NoExclusionRequest
    asked = steps[-1]
    if asked.person_id == actor.person_id:
        raise SecondPersonNeeded
    decision = Exclusion(
        case_id=case.id,
        number=asked.number + 1,
        step=(Step.APPROVED if wish.approve else Step.REFUSED).value,
        excluded=asked.excluded,
        person_id=actor.person_id,
        text=wish.text,
        recorded_at=max(now, asked.recorded_at),
    )
    await _write(tx, decision)
    event = ExclusionDecided(
        issue_id=case.id,
        exclusion_id=asked.id,
        excluded=asked.excluded,
        approved=wish.approve,
        person_id=actor.person_id,
    )
    emit(tx, event)
    return asked


async def _lock(tx: Tx, actor: Actor, issue_id: UUID) -> Case:
    """Lock an issue whose assessment the caller may change.

    Raises: CaseNotFound, Forbidden.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    if not reads_as_staff(ISSUE, case, actor):
        raise Forbidden if may_read(ISSUE, case, actor) else CaseNotFound
    manages = any(actor.may(permission, at=case.place) for permission in MAY_EXCLUDE)
    if not (manages or case.confidential):  # of those whoever sees them at all decides
        raise Forbidden(permission=MAY_EXCLUDE[0].value)
    return case


async def _steps(tx: ReadTx, issue_id: UUID) -> list[Exclusion]:
    mine = select(Exclusion).where(Exclusion.case_id == issue_id)
    return list(await tx.scalars(mine.order_by(Exclusion.number)))


def _in_force(steps: list[Exclusion]) -> bool:
    approved = [step.excluded for step in steps if step.step == Step.APPROVED]
    return bool(approved) and approved[-1]


async def _write(tx: Tx, step: Exclusion) -> None:
    tx.add(step)
    with refusing({"uq_issue_exclusion_number": ExclusionPending}):
        await tx.flush()
    tx.add(trail_of(step))


Decision = aliased(Exclusion)
Decider = aliased(Person)


class ExclusionRow(NamedTuple):
    """A request with its decision, and what is shown of its issue."""

    id: UUID
    issue_id: UUID
    issue_code: str
    category_name: str
    excluded: bool
    reason: str
    text: str
    requested_by: str | None
    requested_at: datetime
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    answer: str | None


_STATES: dict[ExclusionState, str | None] = {
    ExclusionState.PENDING: None,
    ExclusionState.APPROVED: Step.APPROVED.value,
    ExclusionState.REFUSED: Step.REFUSED.value,
}


async def list_exclusions(
    tx: ReadTx, actor: Actor, state: ExclusionState | None, page: PageRequest
) -> list[ExclusionRow]:
    """Return one page of the requests about issues that the caller counts, newest first.

    Raises: Forbidden, BadCursor.
    """
    if not any({READ, ISSUE.read_confidential} & GRANTED[post.role] for post in actor.posts):
        raise Forbidden(permission=READ.value)
    query = _rows().where(readable(ISSUE, actor), Exclusion.id < page.below)
    if state is not None:
        query = query.where(Decision.step.is_not_distinct_from(_STATES[state]))
    rows = await tx.execute(query.order_by(Exclusion.id.desc()).limit(page.fetch))
    return [ExclusionRow(*row) for row in rows]


async def exclusion_row(tx: ReadTx, exclusion_id: UUID) -> ExclusionRow:
    """Return one request as lists show it."""
    found = await tx.execute(_rows().where(Exclusion.id == exclusion_id))
    return ExclusionRow(*found.one())


def _rows() -> Select[*tuple[Any, ...]]:
    decided = and_(
        Decision.case_id == Exclusion.case_id, Decision.number == Exclusion.number + 1
    )
    return (
        select(
            Exclusion.id,
            Case.id.label("issue_id"),
            Case.code,
            Category.name,
            Exclusion.excluded,
            Exclusion.reason,
            Exclusion.text,
            Person.name,
            Exclusion.recorded_at,
            Decision.step,
            Decider.name,
            Decision.recorded_at,
            Decision.text,
        )
        .select_from(Exclusion)
        .join(Case, Case.id == Exclusion.case_id)
        .join(Issue, Issue.case_id == Case.id)
        .join(Category, Category.code == Issue.category_code)
        .join(Person, Person.id == Exclusion.person_id)
        .outerjoin(Decision, decided)
        .outerjoin(Decider, Decider.id == Decision.person_id)
        .where(Exclusion.step == Step.REQUESTED.value)
    )
