"""What happens by itself when a called department does not come."""

from datetime import UTC, datetime

from procrastinate import Blueprint, JobContext

from neighborhood_api.issues.whistling import service
from neighborhood_api.kit.jobs import database_of

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="issues.miss_check_ins", pass_context=True, queueing_lock="miss_check_ins")
async def miss_check_ins(context: JobContext, timestamp: int) -> None:
    """Note which departments did not check in by their deadline."""
    del timestamp
    await service.miss_check_ins(database_of(context), now=datetime.now(UTC))
