"""What registrations do by themselves."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.identity.events import PersonMerged, PhoneBound
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on
from neighborhood_api.registrations import sweeps
from neighborhood_api.registrations.linking import link_guest
from neighborhood_api.registrations.merging import merge_person

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="registrations.pass_time", pass_context=True, queueing_lock="registrations")
async def pass_time(context: JobContext, timestamp: int) -> None:
    """Draw, end, hand on and remind whatever is due."""
    del timestamp
    await sweeps.pass_all_time(database_of(context), now=datetime.now(UTC))


@jobs.task(name="registrations.merge_person", pass_context=True, retry=PATIENT)
async def join_person(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep what was registered for somebody who turned out to be another."""
    async with job_transaction(context) as tx:
        now = datetime.now(UTC)
        await merge_person(tx, UUID(from_person_id), UUID(into_person_id), now=now)


@jobs.task(name="registrations.link_caller", pass_context=True, retry=PATIENT)
async def link_caller(context: JobContext, person_id: str) -> None:
    """Show somebody what staff registered for her before she had an account."""
    async with job_transaction(context) as tx:
        await link_guest(tx, UUID(person_id), now=datetime.now(UTC))


on(PersonMerged, "registrations.merge_person")
on(PhoneBound, "registrations.link_caller")
