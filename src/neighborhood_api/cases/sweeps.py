"""What happens to cases when time passes; each case in a transaction of its own.

A sweep that is killed half-way is simply continued by the next: a case that was moved no
longer fits the condition, and one that was not moved still does.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.service import Said, move_case
from neighborhood_api.cases.workflow import Move, Workflow
from neighborhood_api.kit.db import Database, Tx

AT_ONCE = 500
"""Cases that one sweep takes on; the next sweep, a minute later, goes on."""


async def pass_up_unanswered(database: Database, workflow: Workflow, *, now: datetime) -> int:
    """Pass up every case that nobody took on in time; return how many."""
    due = Case.pass_up_at <= now
    return await _sweep(database, workflow, due, Move.ESCALATE, "超时未受理，自动上报上级", now)


async def close_silent(database: Database, workflow: Workflow, *, now: datetime) -> int:
    """Close every resolved case whose reporter stayed silent; return how many."""
    due = Case.close_at <= now
    return await _sweep(database, workflow, due, Move.CLOSE, "超过确认期限，自动结案", now)


async def _sweep(
    database: Database,
    workflow: Workflow,
    due: ColumnElement[bool],
    move: Move,
    words: str,
    now: datetime,
) -> int:
    moved = 0
    for case_id in await _due_ids(database, workflow, due):
        async with database.transaction() as tx:
            case = await _still_due(tx, case_id, due)
            if case is not None:
                await move_case(tx, workflow, case, move, None, Said(text=words), now=now)
                moved += 1
    return moved


async def _due_ids(
    database: Database, workflow: Workflow, due: ColumnElement[bool]
) -> list[UUID]:
    async with database.transaction() as tx:
        ids = select(Case.id).where(Case.kind == workflow.kind, due)
        return list(await tx.scalars(ids.order_by(Case.id).limit(AT_ONCE)))


async def _still_due(tx: Tx, case_id: UUID, due: ColumnElement[bool]) -> Case | None:
    """Lock the case, unless somebody is moving it just now or has moved it meanwhile."""
    query = select(Case).where(Case.id == case_id, due)
    return await tx.scalar(query.with_for_update(skip_locked=True, key_share=True))
