"""Warnings and overdue orders, every minute."""

from datetime import UTC, datetime

from procrastinate import Blueprint, JobContext

from neighborhood_api.issues.watching import orders, warnings
from neighborhood_api.kit.jobs import database_of

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="issues.raise_warnings", pass_context=True, queueing_lock="raise_warnings")
async def raise_warnings(context: JobContext, timestamp: int) -> None:
    """Warn before and after the limit of every running clock."""
    del timestamp
    await warnings.raise_warnings(database_of(context), now=datetime.now(UTC))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="issues.miss_orders", pass_context=True, queueing_lock="miss_orders")
async def miss_orders(context: JobContext, timestamp: int) -> None:
    """Note which orders were not answered in time."""
    del timestamp
    await orders.miss_orders(database_of(context), now=datetime.now(UTC))
