"""What the grid does by itself."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import select, update

from neighborhood_api.grid.models import Residence
from neighborhood_api.grid.posts import turns
from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.jobs import PATIENT, job_transaction, on

jobs = Blueprint()


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="grid.take_turns", pass_context=True)
async def take_turns(context: JobContext, timestamp: int) -> None:
    """Begin and end the terms and leaves whose day has come; a late worker catches up."""
    del timestamp
    async with job_transaction(context) as tx:
        await turns.take_turns(tx, now=datetime.now(UTC))


@jobs.task(name="grid.move_residence", pass_context=True, retry=PATIENT)
async def move_residence(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep the residence of somebody who turned out to be another, unless that one has one."""
    old, new = UUID(from_person_id), UUID(into_person_id)
    async with job_transaction(context) as tx:
        kept = await tx.scalar(select(Residence.person_id).where(Residence.person_id == new))
        if kept is None:
            moved = update(Residence).where(Residence.person_id == old)
            await tx.execute(moved.values(person_id=new))


on(PersonMerged, "grid.move_residence")
