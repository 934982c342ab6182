"""What venues do by themselves."""

from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.jobs import PATIENT, job_transaction, on
from neighborhood_api.venues import bookings

jobs = Blueprint()


@jobs.task(name="venues.move_bookings", pass_context=True, retry=PATIENT)
async def move_bookings(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep the bookings of somebody who turned out to be another."""
    async with job_transaction(context) as tx:
        await bookings.move_bookings(tx, UUID(from_person_id), UUID(into_person_id))


on(PersonMerged, "venues.move_bookings")
