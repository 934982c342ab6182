"""Housekeeping of sign-ins."""

from datetime import UTC, datetime

from procrastinate import Blueprint, JobContext
from sqlalchemy import delete

from neighborhood_api.identity import revocations, staff
from neighborhood_api.identity.models import RefreshToken
from neighborhood_api.kit.jobs import job_transaction

jobs = Blueprint()


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="identity.forget_expired", pass_context=True)
async def forget_expired(context: JobContext, timestamp: int) -> None:
    """Delete refresh tokens, revocations and counted guesses that no longer mean anything."""
    del timestamp
    now = datetime.now(UTC)
    async with job_transaction(context) as tx:
        await tx.execute(delete(RefreshToken).where(RefreshToken.expires_at < now))
        await revocations.forget_before(tx, now - revocations.KEPT)
        await staff.forget_guesses(tx, now=now)
