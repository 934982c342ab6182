"""Telling reporters of what happened to their issues."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.issues.notices import service
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.jobs import PATIENT, job_transaction, on_named

jobs = Blueprint()


@jobs.task(name="issues.tell_reporter", pass_context=True, retry=PATIENT)
async def tell_reporter(context: JobContext, /, entry_id: str, **_: object) -> None:
    """Tell the reporter of one step."""
    async with job_transaction(context) as tx:
        await service.tell_reporter(tx, UUID(entry_id), now=datetime.now(UTC))


for _move in service.TITLES:
    on_named(ISSUE.announced[_move], "issues.tell_reporter")
