"""Housekeeping of sign-ins."""

from datetime import UTC, datetime, timedelta

from procrastinate import Blueprint, JobContext
from sqlalchemy import delete

from neighborhood_api.identity import revocations, staff
from neighborhood_api.identity.accounts.codes import forget_invitations
from neighborhood_api.identity.models import RefreshToken
from neighborhood_api.identity.second_step.challenges import forget_past_challenges
from neighborhood_api.identity.sessions.history import forget_attempts
from neighborhood_api.kit.jobs import job_transaction
from neighborhood_api.settings import Settings

jobs = Blueprint()


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="identity.forget_expired", pass_context=True)
async def forget_expired(context: JobContext, timestamp: int) -> None:
    """Delete refresh tokens, revocations and counted guesses that no longer mean anything."""
    del timestamp
    now = datetime.now(UTC)
    settings: Settings = context.additional_context["settings"]
    async with job_transaction(context) as tx:
        await tx.execute(delete(RefreshToken).where(RefreshToken.expires_at < now))
        await revocations.forget_before(tx, now - revocations.KEPT)
        await staff.forget_guesses(tx, now=now)
        await forget_past_challenges(tx, now=now)
        kept = timedelta(days=settings.sign_ins_kept_days)
        await forget_attempts(tx, before=now - kept)
        await forget_invitations(tx, before=now - kept)
