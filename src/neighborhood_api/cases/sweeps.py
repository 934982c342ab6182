"""What happens to cases when time passes; each case in a transaction of its own.

A sweep that is killed half-way is simply continued by the next: a case that was moved no
longer fits the condition, and one that was not moved still does.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select

from neighborhood_api.cases.hands import is_highest
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Offer
from neighborhood_api.cases.service import move_case, whole_cases
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move, State, Workflow
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.problems import Problem

Step = Callable[[Tx, Case], Awaitable[None]]

AT_ONCE = 500
"""Cases that one sweep takes on; the next sweep, a minute later, goes on."""


async def pass_up_unanswered(database: Database, workflow: Workflow, *, now: datetime) -> int:
    """Pass up every case that nobody took on in time; return how many.

    At the top there is nobody to pass it up to: an alarm is raised, once. An offer to another
    body stops nothing: it stays open, and those above answer for the case meanwhile.

    Raises: ExceptionGroup, as every sweep does, of the cases that could not be moved.
    """
    due = Case.pass_up_at <= now

    async def up(tx: Tx, case: Case) -> None:
        if await is_highest(tx, case, now=now):
            words = Said(text="逾期无人受理，已无上级可上报", internal=True)
            await move_case(tx, workflow, case, Move.ALARM, None, words, now=now)
            case.pass_up_at = None
        else:
            words = Said(text="超时未受理，自动上报上级")
            await move_case(tx, workflow, case, Move.ESCALATE, None, words, now=now)

    return await sweep_cases(database, workflow, due, up)


async def close_silent(database: Database, workflow: Workflow, *, now: datetime) -> int:
    """Close every resolved case whose reporter stayed silent; return how many."""
    due = Case.close_at <= now
    step = _moving(workflow, Move.CLOSE, "超过确认期限，自动结案", now)
    return await sweep_cases(database, workflow, due, step)


async def resume_suspended(database: Database, workflow: Workflow, *, now: datetime) -> int:
    """Let every case go on whose suspension has ended; return how many."""
    due = Case.resume_at <= now
    step = _moving(workflow, Move.RESUME, "挂账到期，恢复办理", now)
    return await sweep_cases(database, workflow, due, step)


async def lapse_offers(database: Database, workflow: Workflow, *, now: datetime) -> int:
    """Send to the street's decision whatever a body neither accepted nor returned in time.

    Silence is a return, and counts as one.
    """
    unanswered = exists().where(
        Offer.case_id == Case.id, Offer.answered_at.is_(None), Offer.answer_by <= now
    )
    move = _moving(workflow, Move.LAPSE, "逾期未接收，转街道裁定", now, to=State.ADJUDICATING)

    async def lapse(tx: Tx, case: Case) -> None:
        await move(tx, case)
        case.times_returned += 1

    return await sweep_cases(database, workflow, unanswered, lapse)


async def sweep_cases(
    database: Database, workflow: Workflow, due: ColumnElement[bool], step: Step
) -> int:
    """Let `step` see to every case that is due, locked and read anew; return to how many.

    A case that refuses does not keep the others from their turn.

    Raises: ExceptionGroup.
    """
    moved = 0
    refused: list[Problem] = []
    for case_id in await _due_ids(database, workflow, due):
        try:
            async with database.transaction() as tx:
                case = await _still_due(tx, workflow, case_id, due)
                if case is not None:
                    await step(tx, case)
        except Problem as problem:
            refused.append(problem)
        else:
            moved += case is not None
    if refused:
        raise ExceptionGroup("some cases could not be moved", refused)
    return moved


def _moving(
    workflow: Workflow, move: Move, text: str, now: datetime, *, to: State | None = None
) -> Step:
    async def step(tx: Tx, case: Case) -> None:
        await move_case(tx, workflow, case, move, None, Said(text=text), now=now, to=to)

    return step


async def _due_ids(
    database: Database, workflow: Workflow, due: ColumnElement[bool]
) -> list[UUID]:
    async with database.transaction() as tx:
        ids = select(Case.id).where(Case.kind == workflow.kind, due)
        return list(await tx.scalars(ids.order_by(Case.id).limit(AT_ONCE)))


async def _still_due(
    tx: Tx, workflow: Workflow, case_id: UUID, due: ColumnElement[bool]
) -> Case | None:
    """Lock the case, unless somebody is moving it just now or has moved it meanwhile."""
    query = select(Case.id).where(Case.id == case_id)
    query = query.with_for_update(skip_locked=True, key_share=True)
    if await tx.scalar(query) is None:
        return None
    return await tx.scalar(whole_cases(workflow).where(Case.id == case_id, due))
