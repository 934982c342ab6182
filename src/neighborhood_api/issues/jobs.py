"""What happens to issues by itself."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.cases import sweeps
from neighborhood_api.identity.events import PersonMerged, PhoneBound
from neighborhood_api.issues.intake import linking
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="issues.pass_up_unanswered", pass_context=True, queueing_lock="pass_up")
async def pass_up_unanswered(context: JobContext, timestamp: int) -> None:
    """Pass up what nobody took on in time."""
    del timestamp
    await sweeps.pass_up_unanswered(database_of(context), ISSUE, now=datetime.now(UTC))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="issues.lapse_offers", pass_context=True, queueing_lock="lapse_offers")
async def lapse_offers(context: JobContext, timestamp: int) -> None:
    """Bring to the street what a body neither accepted nor returned."""
    del timestamp
    await sweeps.lapse_offers(database_of(context), ISSUE, now=datetime.now(UTC))


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="issues.resume_suspended", pass_context=True, queueing_lock="resume")
async def resume_suspended(context: JobContext, timestamp: int) -> None:
    """Go on with what was suspended until now."""
    del timestamp
    await sweeps.resume_suspended(database_of(context), ISSUE, now=datetime.now(UTC))


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="issues.close_silent", pass_context=True, queueing_lock="close_silent")
async def close_silent(context: JobContext, timestamp: int) -> None:
    """Close what was resolved and not answered by the reporter."""
    del timestamp
    await sweeps.close_silent(database_of(context), ISSUE, now=datetime.now(UTC))


@jobs.task(name="issues.move_reporter", pass_context=True, retry=PATIENT)
async def move_reporter(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep the issues of somebody who turned out to be a person known by phone."""
    async with job_transaction(context) as tx:
        await linking.move_person(tx, UUID(from_person_id), UUID(into_person_id))


@jobs.task(name="issues.link_caller", pass_context=True, retry=PATIENT)
async def link_caller(context: JobContext, person_id: str) -> None:
    """Give somebody the issues that staff took in from her number."""
    async with job_transaction(context) as tx:
        await linking.link_caller(tx, UUID(person_id), now=datetime.now(UTC))


on(PersonMerged, "issues.move_reporter")
on(PhoneBound, "issues.link_caller")
