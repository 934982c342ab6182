"""What superiors are told of the accounts below them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.accounts.models import Invitation
from neighborhood_api.identity.accounts.superiors import OfficesOf, require_above
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.second_step.challenges import has_authenticator
from neighborhood_api.identity.service import PersonNotFound
from neighborhood_api.identity.sessions.history import attempts_of
from neighborhood_api.identity.sessions.models import Outcome, SignInAttempt
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx

SHOWN = 100
_COUNTED_FOR = timedelta(days=30)


class StaffAccount(NamedTuple):
    """How somebody can sign in."""

    person_id: UUID
    name: str | None
    has_password: bool
    has_wechat: bool
    has_second_step: bool
    locked_until: datetime | None
    failures_of_30_days: int
    invited_until: datetime | None


async def read_staff_account(
    tx: ReadTx, actor: Actor, person_id: UUID, *, offices_of: OfficesOf, now: datetime
) -> StaffAccount:
    """Tell a superior how somebody can sign in, and whether somebody guesses at her password.

    Raises: Forbidden, NotBelowYou, PersonNotFound.
    """
    require_above(actor, person_id, await offices_of(tx, person_id, now), or_appoints=True)
    person = await tx.get(Person, person_id)
    if person is None:
        raise PersonNotFound
    failures = select(func.count()).where(
        SignInAttempt.person_id == person_id,
        SignInAttempt.outcome != Outcome.SUCCEEDED.value,
        SignInAttempt.at > now - _COUNTED_FOR,
    )
    invited = select(Invitation.expires_at).where(
        Invitation.person_id == person_id,
        Invitation.closed_at.is_(None),
        Invitation.expires_at > now,
    )
    locked = person.locked_until
    return StaffAccount(
        person_id=person.id,
        name=person.name,
        has_password=person.password_hash is not None,
        has_wechat=person.openid is not None,
        has_second_step=await has_authenticator(tx, person.id),
        locked_until=locked if locked is not None and locked > now else None,
        failures_of_30_days=await tx.scalar(failures) or 0,
        invited_until=await tx.scalar(invited),
    )


async def look_at_sign_ins(
    tx: Tx, actor: Actor, person_id: UUID, reason: str, *, offices_of: OfficesOf, now: datetime
) -> Sequence[SignInAttempt]:
    """Show an operator the last sign-ins of somebody below her; that she looked is kept.

    Raises: Forbidden, NotBelowYou, PersonNotFound.
    """
    offices = await offices_of(tx, person_id, now)
    require_above(actor, person_id, offices, Permission.SIGN_IN_LOOK)
    by = actor.person_id
    record_act(tx, "identity.sign_ins_seen", person_id, by=by, now=now, reason=reason)
    return (await tx.scalars(attempts_of(person_id).limit(SHOWN))).all()
