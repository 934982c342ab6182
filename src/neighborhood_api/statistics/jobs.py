"""What the statistics do by themselves."""

from procrastinate import Blueprint, JobContext

from neighborhood_api.kit.jobs import job_transaction
from neighborhood_api.statistics import keeping

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="statistics.write_facts", pass_context=True, queueing_lock="write_facts")
async def write_facts(context: JobContext, timestamp: int) -> None:
    """Write down the facts of what has changed; numbers are right without, but take longer."""
    del timestamp
    written = keeping.AT_ONCE
    while written == keeping.AT_ONCE:
        async with job_transaction(context) as tx:
            written = await keeping.write_facts(tx)
