"""What the grid does by itself."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.grid.posts import turns
from neighborhood_api.grid.posts.roster import alarms
from neighborhood_api.grid.residences import stays
from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.jobs import PATIENT, job_transaction, on

jobs = Blueprint()


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="grid.take_turns", pass_context=True)
async def take_turns(context: JobContext, timestamp: int) -> None:
    """Begin and end the terms and leaves whose day has come; a late worker catches up."""
    del timestamp
    more = True
    while more:
        async with job_transaction(context) as tx:
            more = await turns.take_turns(tx, now=datetime.now(UTC))


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="grid.look_for_roster_gaps", pass_context=True, queueing_lock="roster_gaps")
async def look_for_roster_gaps(context: JobContext, timestamp: int) -> None:
    """Find the hours of the next two weeks that nobody is on a roster for."""
    del timestamp
    async with job_transaction(context) as tx:
        await alarms.look_for_gaps(tx, now=datetime.now(UTC))


@jobs.task(name="grid.move_residence", pass_context=True, retry=PATIENT)
async def move_residence(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep the residence of somebody who turned out to be another."""
    async with job_transaction(context) as tx:
        now = datetime.now(UTC)
        await stays.join_residences(tx, UUID(from_person_id), UUID(into_person_id), now=now)


on(PersonMerged, "grid.move_residence")
