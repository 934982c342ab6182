"""What happens to files by itself."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import update

from neighborhood_api.files import service, upkeep
from neighborhood_api.files.models import File
from neighborhood_api.files.store import Store
from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on

jobs = Blueprint()


@jobs.task(name="files.make_thumbnail", pass_context=True, retry=PATIENT)
async def make_thumbnail(context: JobContext, file_id: str) -> None:
    """Make the small image that lists show."""
    await service.make_thumbnail(database_of(context), _store(context), UUID(file_id))


@jobs.periodic(cron="23 * * * *")
@jobs.task(name="files.delete_unclaimed", pass_context=True)
async def delete_unclaimed(context: JobContext, timestamp: int) -> None:
    """Delete what nothing came to use within a day."""
    del timestamp
    now = datetime.now(UTC)
    await upkeep.delete_unclaimed(database_of(context), _store(context), now=now)


@jobs.periodic(cron="43 19 * * *")  # 03:43 in China
@jobs.task(name="files.delete_orphans", pass_context=True)
async def delete_orphans(context: JobContext, timestamp: int) -> None:
    """Delete bytes that a failed commit or a crash left behind."""
    del timestamp
    now = datetime.now(UTC)
    await upkeep.delete_orphans(database_of(context), _store(context), now=now)


@jobs.task(name="files.move_uploads", pass_context=True, retry=PATIENT)
async def move_uploads(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Give somebody who turned out to be another the photos she uploaded before."""
    moved = update(File).where(File.uploaded_by == UUID(from_person_id))
    async with job_transaction(context) as tx:
        await tx.execute(moved.values(uploaded_by=UUID(into_person_id)))


on(PersonMerged, "files.move_uploads")


def _store(context: JobContext) -> Store:
    store: Store = context.additional_context["store"]
    return store
