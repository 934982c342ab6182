"""What sessions do by themselves."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on
from neighborhood_api.venues.sessions.settling import settle_due
from neighborhood_api.venues.sessions.teachers.service import move_teachers

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="venues.settle_sessions", pass_context=True, queueing_lock="settle_sessions")
async def settle_sessions(context: JobContext, timestamp: int) -> None:
    """Decide which sessions take place."""
    del timestamp
    await settle_due(database_of(context), now=datetime.now(UTC))


@jobs.task(name="venues.move_teachers", pass_context=True, retry=PATIENT)
async def move_taught(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep who teaches, when an account turned out to be another's."""
    async with job_transaction(context) as tx:
        await move_teachers(tx, UUID(from_person_id), UUID(into_person_id))


on(PersonMerged, "venues.move_teachers")
