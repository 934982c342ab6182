"""How cases follow the people on duty, and the calendar."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import and_, select

from neighborhood_api.cases.hands import hand_over
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.timekeeping import Timer
from neighborhood_api.cases.timers import recompute
from neighborhood_api.cases.workflow import IN_HAND, State
from neighborhood_api.grid.events import AppointmentEnded, AppointmentMade, DutyChanged
from neighborhood_api.kit.jobs import PATIENT, database_of, on
from neighborhood_api.schedules.events import CalendarChanged

jobs = Blueprint()


@jobs.task(name="cases.follow_duty", pass_context=True, retry=PATIENT)
async def follow_duty(context: JobContext, /, node_id: str, **_: str) -> None:
    """Give the open cases of a node to whoever acts there now, case by case.

    A case that somebody holds up keeps only those after it waiting; what was given stays given.
    """
    database = database_of(context)
    held = and_(
        Case.hand_node_id == UUID(node_id),
        Case.organization_id.is_(None),
        Case.state.in_([state.value for state in IN_HAND | {State.VERIFYING}]),
    )
    async with database.transaction() as tx:
        case_ids = list(await tx.scalars(select(Case.id).where(held).order_by(Case.id)))
    for case_id in case_ids:
        async with database.transaction() as tx:
            one = select(Case).where(Case.id == case_id, held)
            case = await tx.scalar(one.with_for_update(key_share=True))
            if case is not None:
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
