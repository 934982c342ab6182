"""How cases follow the people on duty."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.service import hand_over
from neighborhood_api.cases.workflow import IN_HAND
from neighborhood_api.grid.events import AppointmentEnded, AppointmentMade, DutyChanged
from neighborhood_api.kit.jobs import PATIENT, job_transaction, on

jobs = Blueprint()


@jobs.task(name="cases.follow_duty", pass_context=True, retry=PATIENT)
async def follow_duty(context: JobContext, /, node_id: str, **_: str) -> None:
    """Give the open cases of a node to whoever acts there now."""
    held = select(Case).where(
        Case.hand_node_id == UUID(node_id),
        Case.organization_id.is_(None),
        Case.state.in_([state.value for state in IN_HAND]),
    )
    async with job_transaction(context) as tx:
        for case in await tx.scalars(held.order_by(Case.id).with_for_update(key_share=True)):
            await hand_over(tx, case, now=datetime.now(UTC))


for event in (AppointmentMade, AppointmentEnded, DutyChanged):
    on(event, "cases.follow_duty")
