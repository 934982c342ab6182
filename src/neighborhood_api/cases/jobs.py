"""How cases follow the people on duty, and the calendar."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import select

from neighborhood_api.cases.hands import hand_over
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.timekeeping import Timer
from neighborhood_api.cases.timers import recompute
from neighborhood_api.cases.workflow import IN_HAND, State
from neighborhood_api.grid.events import AppointmentEnded, AppointmentMade, DutyChanged
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on
from neighborhood_api.schedules.events import CalendarChanged

jobs = Blueprint()


@jobs.task(name="cases.follow_duty", pass_context=True, retry=PATIENT)
async def follow_duty(context: JobContext, /, node_id: str, **_: str) -> None:
    """Give the open cases of a node to whoever acts there now."""
    held = select(Case).where(
        Case.hand_node_id == UUID(node_id),
        Case.organization_id.is_(None),
        Case.state.in_([state.value for state in IN_HAND | {State.VERIFYING}]),
    )
    async with job_transaction(context) as tx:
        for case in await tx.scalars(held.order_by(Case.id).with_for_update(key_share=True)):
            await hand_over(tx, case, now=datetime.now(UTC))


@jobs.task(name="cases.recompute_deadlines", pass_context=True, retry=PATIENT)
async def recompute_deadlines(context: JobContext, /, **_: object) -> None:
    """Compute the running deadlines anew, case by case, after the calendar was changed."""
    database = database_of(context)
    running = select(Timer.case_id).where(Timer.stopped_at.is_(None)).distinct()
    async with database.transaction() as tx:
        case_ids = list(await tx.scalars(running.order_by(Timer.case_id)))
    for case_id in case_ids:
        async with database.transaction() as tx:
            one = select(Case).where(Case.id == case_id).with_for_update(key_share=True)
            case = await tx.scalar(one)
            if case is not None:
                await recompute(tx, case)


for event in (AppointmentMade, AppointmentEnded, DutyChanged):
    on(event, "cases.follow_duty")
on(CalendarChanged, "cases.recompute_deadlines")
