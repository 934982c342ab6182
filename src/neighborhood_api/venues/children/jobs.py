"""What happens to children's data by itself."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on
from neighborhood_api.settings import Settings
from neighborhood_api.venues.children import upkeep

jobs = Blueprint()


@jobs.periodic(cron="7 19 * * *")  # 03:07 in China
@jobs.task(name="venues.forget_children", pass_context=True, queueing_lock="forget_children")
async def forget_children(context: JobContext, timestamp: int) -> None:
    """Delete the children who came to nothing for long, and old entries about looks."""
    del timestamp
    settings: Settings = context.additional_context["settings"]
    database, now = database_of(context), datetime.now(UTC)
    await upkeep.forget_children(database, kept_days=settings.child_kept_days, now=now)
    await upkeep.forget_looks(database, kept_days=settings.looks_kept_days, now=now)


@jobs.task(name="venues.move_children", pass_context=True, retry=PATIENT)
async def move_children(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep the children of somebody who turned out to be another."""
    async with job_transaction(context) as tx:
        await upkeep.move_children(tx, UUID(from_person_id), UUID(into_person_id))


on(PersonMerged, "venues.move_children")
