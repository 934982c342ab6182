"""What is kept how long: one table, gone through every night, safe to repeat.

What has a rule of its own is deleted by its domain: notifications, children, the history of
sign-ins, answers to repeated requests, events and jobs (see docs/personal-data.md).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, exists, or_, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import PastResidence
from neighborhood_api.identity.models import Person, RefreshToken, SignIn
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.privacy.callers import (
    Told,
    callers_of_old,
    forget_callers,
    guests_of_old,
)
from neighborhood_api.privacy.forgetting import forget_rows
from neighborhood_api.privacy.models import Consent, Correction, Erasure, ErasureState
from neighborhood_api.registers.models import CareFlag, Establishment, Resident
from neighborhood_api.settings import Settings

log = structlog.get_logger(__name__)

AT_ONCE = 500
"""Rows that one transaction changes."""

Forget = Callable[[Tx, datetime, datetime], Awaitable[int]]
"""Deletes or clears some of what is older than a moment, now; returns how many rows."""


@dataclass(frozen=True)
class Retention:
    """How long one kind of data is kept."""

    name: str
    setting: str
    """The setting that says how many days."""
    forget: Forget


async def _sign_ins(tx: Tx, before: datetime, _: datetime) -> int:
    """Delete sign-ins that ended, or whose tokens have long expired."""
    live = exists().where(RefreshToken.sign_in_id == SignIn.id)
    old = (
        select(SignIn.id)
        .where(SignIn.created_at < before, or_(SignIn.ended_at < before, ~live))
        .limit(AT_ONCE)
    )
    ids = (await tx.scalars(old)).all()
    await tx.execute(delete(RefreshToken).where(RefreshToken.sign_in_id.in_(ids)))
    await tx.execute(delete(SignIn).where(SignIn.id.in_(ids)))
    return len(ids)


async def _guests(tx: Tx, before: datetime, now: datetime) -> int:
    """Clear the names and numbers of guests without an account."""
    found = await guests_of_old(tx, before=before, most=AT_ONCE)
    told = [one for one, _ in found]
    await forget_callers(tx, [], told, phones=_numbers(found), now=now)
    return len(told)


async def _callers(tx: Tx, before: datetime, now: datetime) -> int:
    """Clear the names and numbers of callers of issues that are long closed."""
    found = await callers_of_old(tx, before=before, most=AT_ONCE)
    told = [one for one, _ in found]
    await forget_callers(tx, told, [], phones=_numbers(found), now=now)
    return len(told)


async def _consents(tx: Tx, before: datetime, _: datetime) -> int:
    """Delete consents that ended long ago."""
    old = select(Consent.id).where(Consent.ended_at < before).limit(AT_ONCE)
    gone = delete(Consent).where(Consent.id.in_(old)).returning(Consent.id)
    return len((await tx.scalars(gone)).all())


async def _requests(tx: Tx, before: datetime, _: datetime) -> int:
    """Delete requests about one's data that were answered long ago."""
    answered = select(Correction.id).where(Correction.answered_at < before).limit(AT_ONCE)
    gone = delete(Correction).where(Correction.id.in_(answered)).returning(Correction.id)
    withdrawn = select(Erasure.id).where(
        Erasure.ended_at < before, Erasure.state == ErasureState.WITHDRAWN.value
    )
    dropped = delete(Erasure).where(Erasure.id.in_(withdrawn.limit(AT_ONCE)))
    count = len((await tx.scalars(gone)).all())
    return count + len((await tx.scalars(dropped.returning(Erasure.id))).all())


async def _past_residences(tx: Tx, before: datetime, _: datetime) -> int:
    """Delete where people lived long ago, or were refused."""
    old = select(PastResidence.id).where(PastResidence.ended_at < before).limit(AT_ONCE)
    gone = delete(PastResidence).where(PastResidence.id.in_(old))
    return len((await tx.scalars(gone.returning(PastResidence.id))).all())


async def _ended_entries(tx: Tx, before: datetime, _: datetime) -> int:
    """Delete entries of the registers that ended long ago: care, people, organisations."""
    day = local_day(before)
    moved_out = select(Resident.id).where(Resident.moved_out_on < day).limit(AT_ONCE)
    gone = (await tx.scalars(moved_out)).all()
    over = select(CareFlag.id).where(
        or_(CareFlag.ended_on < day, CareFlag.resident_id.in_(gone))
    )
    closed = select(Establishment.id).where(Establishment.ended_on < day)
    count = 0
    for table, ids in (
        (CareFlag, (await tx.scalars(over)).all()),
        (Resident, gone),
        (Establishment, (await tx.scalars(closed.limit(AT_ONCE))).all()),
    ):
        await tx.execute(delete(table).where(table.id.in_(ids)))
        count += len(ids)
    return count


async def _of_the_erased(tx: Tx, since: datetime, _: datetime) -> int:
    """Delete what came to people while they were erased: a request that was under way."""
    erased = select(Person.id).where(Person.erased_at >= since)
    await forget_rows(tx, (await tx.scalars(erased)).all())
    return 0


RETENTIONS = (
    Retention("sign_ins", "sign_ins_kept_days", _sign_ins),
    Retention("guests", "guests_kept_days", _guests),
    Retention("callers", "callers_kept_days", _callers),
    Retention("consents", "consents_kept_days", _consents),
    Retention("requests", "consents_kept_days", _requests),
    Retention("past_residences", "past_residences_kept_days", _past_residences),
    Retention("ended_entries", "ended_entries_kept_days", _ended_entries),
    Retention("of_the_erased", "notifications_kept_days", _of_the_erased),
)


async def keep_no_longer(
    database: Database, settings: Settings, *, now: datetime
) -> dict[str, int]:
    """Delete and clear what has been kept for long enough; return how much of each kind."""
    counted = {}
    for rule in RETENTIONS:
        before = now - timedelta(days=getattr(settings, rule.setting))
        counted[rule.name] = 0
        while True:
            async with database.transaction() as tx:
                forgotten = await rule.forget(tx, before, now)
            counted[rule.name] += forgotten
            if forgotten < AT_ONCE:
                break
    log.info("kept_no_longer", **counted)
    return counted


def _numbers(found: list[tuple[Told, str]]) -> list[str]:
    return sorted({phone for _, phone in found})
