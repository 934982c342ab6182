"""What happens to issues by itself."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import update

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case
from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="issues.pass_up_unanswered", pass_context=True, queueing_lock="pass_up")
async def pass_up_unanswered(context: JobContext, timestamp: int) -> None:
    """Pass up what nobody took on in time."""
    del timestamp
    await sweeps.pass_up_unanswered(database_of(context), ISSUE, now=datetime.now(UTC))


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="issues.close_silent", pass_context=True, queueing_lock="close_silent")
async def close_silent(context: JobContext, timestamp: int) -> None:
    """Close what was resolved and not answered by the reporter."""
    del timestamp
    await sweeps.close_silent(database_of(context), ISSUE, now=datetime.now(UTC))


@jobs.task(name="issues.move_reporter", pass_context=True, retry=PATIENT)
async def move_reporter(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep the issues of somebody who turned out to be a person known by phone."""
    mine = update(Case).where(Case.reporter_id == UUID(from_person_id))
    async with job_transaction(context) as tx:
        await tx.execute(mine.values(reporter_id=UUID(into_person_id)))


on(PersonMerged, "issues.move_reporter")
