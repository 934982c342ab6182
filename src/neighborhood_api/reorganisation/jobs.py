"""Applying plans on their day."""

from datetime import UTC, datetime
from uuid import UUID

import structlog
from procrastinate import Blueprint, JobContext
from sqlalchemy import select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.jobs import database_of
from neighborhood_api.kit.logs import describe
from neighborhood_api.kit.problems import Problem
from neighborhood_api.reorganisation.applying import apply_plan
from neighborhood_api.reorganisation.models import PlanState, Reorganisation
from neighborhood_api.reorganisation.notices import tell_failed, tell_refused
from neighborhood_api.reorganisation.problems import GridIsBusy

jobs = Blueprint()
log = structlog.get_logger()


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(
    name="reorganisation.apply_due", pass_context=True, queueing_lock="apply_reorganisations"
)
async def apply_due(context: JobContext, timestamp: int) -> None:
    """Apply the plans whose day has come; a late worker catches up."""
    del timestamp
    await apply_all_due(database_of(context), now=datetime.now(UTC))


async def apply_all_due(database: Database, *, now: datetime) -> int:
    """Apply each due plan in a transaction of its own; return how many took effect.

    One that the ground no longer bears is a draft again, says why, and its author is told. One
    that fails by a defect of ours stays scheduled and keeps none of the others from its turn.

    Raises: ExceptionGroup.
    """
    due = select(Reorganisation.id).where(
        Reorganisation.state == PlanState.SCHEDULED.value,
        Reorganisation.effective_on <= local_day(now),
    )
    async with database.transaction() as tx:
        ids = list(await tx.scalars(due.order_by(Reorganisation.effective_on)))
    applied = 0
    failed: list[Exception] = []
    for plan_id in ids:
        try:
            applied += await _apply_or_refuse(database, plan_id, now=now)
        except Exception as exc:  # noqa: BLE001  (told together, below)
            log.error("reorganisation_failed", plan_id=str(plan_id), **describe(exc))  # noqa: TRY400
            failed.append(exc)
            await _tell_failed(database, plan_id, now=now)
    if failed:
        raise ExceptionGroup("reorganisations that could not be applied", failed)
    return applied


async def _apply_or_refuse(database: Database, plan_id: UUID, *, now: datetime) -> bool:
    try:
        return await _apply_one(database, plan_id, now=now)
    except GridIsBusy:
        pass  # the next run tries again
    except Problem as problem:
        await _refuse(database, plan_id, problem, now=now)
    return False


async def _tell_failed(database: Database, plan_id: UUID, *, now: datetime) -> None:
    """Tell who scheduled a plan, once; that she cannot be told is in the log."""
    try:
        async with database.transaction() as tx:
            plan = await tx.get_one(Reorganisation, plan_id)
            await tell_failed(tx, plan, now=now)
    except Exception as exc:  # noqa: BLE001  (why the plan failed is raised by the caller)
        log.error("reorganisation_failure_untold", plan_id=str(plan_id), **describe(exc))  # noqa: TRY400


async def _apply_one(database: Database, plan_id: UUID, *, now: datetime) -> bool:
    async with database.transaction() as tx:
        one = select(Reorganisation).where(
            Reorganisation.id == plan_id, Reorganisation.state == PlanState.SCHEDULED.value
        )
        plan = await tx.scalar(one.with_for_update())
        if plan is None:
            return False
        await apply_plan(tx, plan, plan.applied_by_id or plan.created_by_id, now=now)
        return True


async def _refuse(
    database: Database, plan_id: UUID, problem: Problem, *, now: datetime
) -> None:
    async with database.transaction() as tx:
        plan = await tx.get_one(Reorganisation, plan_id, with_for_update=True)
        if plan.state != PlanState.SCHEDULED.value:
            return
        found = problem.members.get("troubles")
        asked = problem.members.get("questions")
        lines = found if isinstance(found, list) else []
        if isinstance(asked, list):
            lines = [
                {"code": "undecided", "node_id": None, "message": f"{one['what']}：请选择去向"}  # type: ignore[index, call-overload]
                for one in asked
            ]
        plan.refusal = lines  # type: ignore[assignment]
        plan.state = PlanState.DRAFT.value
        plan.version += 1
        await tell_refused(tx, plan, now=now)
