"""What is kept how long: one table, gone through every night, safe to repeat.

What has a rule of its own is deleted by its domain: notifications, children, the history of
sign-ins, answers to repeated requests, events and jobs (see docs/personal-data.md).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, exists, or_, select

from neighborhood_api.identity.models import Person, RefreshToken, SignIn
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.notifications.models import Delivery, Notification
from neighborhood_api.privacy.callers import (
    Told,
    callers_of_old,
    forget_callers,
    guests_of_old,
)
from neighborhood_api.privacy.models import Consent, Correction, Erasure, ErasureState
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


async def _told_to_nobody(tx: Tx, *_: datetime) -> int:
    """Delete what was told to people of whom nothing is known any more."""
    gone = select(Person.id).where(Person.erased_at.is_not(None))
    ids = (
        await tx.scalars(
            select(Notification.id).where(Notification.person_id.in_(gone)).limit(AT_ONCE)
        )
    ).all()
    await tx.execute(delete(Delivery).where(Delivery.notification_id.in_(ids)))
    await tx.execute(delete(Notification).where(Notification.id.in_(ids)))
    return len(ids)


RETENTIONS = (
    Retention("sign_ins", "sign_ins_kept_days", _sign_ins),
    Retention("guests", "guests_kept_days", _guests),
    Retention("callers", "callers_kept_days", _callers),
    Retention("consents", "consents_kept_days", _consents),
    Retention("requests", "consents_kept_days", _requests),
    Retention("told_to_nobody", "notifications_kept_days", _told_to_nobody),
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
