"""Ways into an account: invitations, resets, and what their one-time codes are worth."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.accounts.codes import close_invitation, digest_of, new_code
from neighborhood_api.identity.accounts.given import given_works
from neighborhood_api.identity.accounts.models import Invitation, InvitationKind
from neighborhood_api.identity.accounts.password_rules import replace_password
from neighborhood_api.identity.accounts.superiors import (
    NotBelowYou,
    Office,
    OfficesOf,
    require_above,
    widest,
)
from neighborhood_api.identity.events import AccountInvited, AccountReset, InvitationRevoked
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.identity.revocations import revoke_person
from neighborhood_api.identity.second_step.challenges import forget_challenges
from neighborhood_api.identity.service import PersonNotFound, StandingOf
from neighborhood_api.identity.sessions.history import end_other_sign_ins
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.problems import Problem

MADE_IN_AN_HOUR = 60
"""By one office: a whole community can be invited on its first day."""
RESETS_IN_A_DAY = 3
"""Of one account."""


class AccountInUse(Problem):
    """The person can sign in already: whoever lost her way in is reset, not invited."""

    title = "This person can sign in already"
    message = "对方已能登录；如无法登录，请改用“重置账号”"


class TooManyCodes(Problem):
    """So many codes were made already; `retry_after_seconds` says when to come back."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many invitations or resets"
    message = "邀请或重置太频繁，请稍后再试"


class InvitationNotFound(Problem):
    """The id names no open invitation that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such open invitation"
    message = "没有找到这条邀请，可能已使用或已作废"


class Made(NamedTuple):
    """A one-time code that was just made; the code is known here and nowhere else."""

    invitation: Invitation
    code: str


class Pending(NamedTuple):
    """An invitation that waits, with who is invited and by whom."""

    invitation: Invitation
    person: Person
    made_by: Person

    @property
    def id(self) -> UUID:
        """The invitation's."""
        return self.invitation.id


async def invite(
    tx: Tx,
    actor: Actor,
    person_id: UUID,
    *,
    standing_of: StandingOf,
    offices_of: OfficesOf,
    valid_for: timedelta,
    now: datetime,
) -> Made:
    """Give an appointed person who cannot sign in yet a code; an earlier one is void.

    Raises: Forbidden, PersonNotFound, NotBelowYou, AccountInUse, TooManyCodes.
    Emits: AccountInvited.
    """
    person = await _locked_below(tx, actor, person_id)
    offices = await offices_of(tx, person_id, now)
    require_above(actor, person_id, offices, or_appoints=True)
    if person is None:
        raise PersonNotFound
    has_password = person.password_hash is not None and await given_works(
        tx,
        person,
        standing_of=standing_of,
        offices_of=offices_of,
        given_for=valid_for,
        now=now,
    )
    if has_password or person.openid is not None:
        raise AccountInUse
    made = await _make(tx, actor, person, InvitationKind.INVITE, offices, valid_for, now)
    ids = {"person_id": person.id, "invitation_id": made.invitation.id}
    emit(tx, AccountInvited(**ids, by_id=actor.person_id))
    _keep(tx, AccountInvited.name, actor, person.id, made.invitation.id, now)
    return made


async def reset_account(
    tx: Tx,
    actor: Actor,
    person_id: UUID,
    *,
    takes_wechat: bool,
    offices_of: OfficesOf,
    valid_for: timedelta,
    now: datetime,
) -> Made:
    """Void a person's password, sign her out everywhere, and give a code for a new way in.

    Her WeChat account is taken away too where asked, as when her phone was stolen; then her
    number alone does not bring it back. The second step stays: whoever resets an account does
    not get round it.

    Raises: Forbidden, PersonNotFound, NotBelowYou, TooManyCodes.
    Emits: AccountReset.
    """
    person = await _locked_below(tx, actor, person_id)
    offices = await offices_of(tx, person_id, now)
    require_above(actor, person_id, offices)
    if person is None:
        raise PersonNotFound
    made = await _make(tx, actor, person, InvitationKind.RESET, offices, valid_for, now)
    before = _ways_in(person)
    await replace_password(tx, person, None, now=now)
    if takes_wechat:
        person.openid = person.unionid = None
        person.wechat_by_code = True
    person.failed_sign_ins, person.locked_until = 0, None
    await forget_challenges(tx, person.id)
    await end_other_sign_ins(tx, person.id, but=None, reason="reset", now=now)
    await revoke_person(tx, person.id, now=now)
    ids = {"person_id": person.id, "invitation_id": made.invitation.id}
    emit(tx, AccountReset(**ids, by_id=actor.person_id))
    told = {"before": before, "after": _ways_in(person)}
    _keep(tx, AccountReset.name, actor, person.id, made.invitation.id, now, **told)
    return made


async def revoke_invitation(
    tx: Tx, actor: Actor, invitation_id: UUID, *, offices_of: OfficesOf, now: datetime
) -> None:
    """Make a code that was given worthless: by who made it, or by who is above its owner.

    Raises: InvitationNotFound.
    Emits: InvitationRevoked.
    """
    found = select(Invitation).where(
        Invitation.id == invitation_id, Invitation.closed_at.is_(None)
    )
    invitation = await tx.scalar(found.with_for_update())
    if invitation is None:
        raise InvitationNotFound
    if invitation.made_by_id != actor.person_id:
        offices = await offices_of(tx, invitation.person_id, now)
        try:
            require_above(actor, invitation.person_id, offices, or_appoints=True)
        except (PersonNotFound, NotBelowYou) as exc:
            raise InvitationNotFound from exc
    invitation.closed_at, invitation.closed_how = now, "revoked"
    person_id = invitation.person_id
    emit(tx, InvitationRevoked(person_id=person_id, invitation_id=invitation.id))
    _keep(tx, InvitationRevoked.name, actor, person_id, invitation.id, now)


async def pending_invitations(
    tx: ReadTx, actor: Actor, page: PageRequest, *, now: datetime
) -> list[Pending]:
    """Return the codes that wait in the caller's places, newest first."""
    made_by = aliased(Person)
    query = (
        select(Invitation, Person, made_by)
        .join(Person, Person.id == Invitation.person_id)
        .join(made_by, made_by.id == Invitation.made_by_id)
        .where(
            actor.reach(Permission.ACCOUNT_MANAGE, Invitation),
            Invitation.closed_at.is_(None),
            Invitation.expires_at > now,
            Invitation.id < page.below,
        )
    )
    rows = await tx.execute(query.order_by(Invitation.id.desc()).limit(page.fetch))
    return [Pending(*row) for row in rows]


async def _locked_below(tx: Tx, actor: Actor, person_id: UUID) -> Person | None:
    """Lock the caller's and the person's accounts, so that codes are counted one by one."""
    both = select(Person).where(Person.id.in_({actor.person_id, person_id}))
    locked = both.order_by(Person.id).with_for_update(key_share=True)
    people = await tx.scalars(locked.execution_options(populate_existing=True))
    return next((one for one in people if one.id == person_id), None)


async def _make(
    tx: Tx,
    actor: Actor,
    person: Person,
    kind: InvitationKind,
    offices: Sequence[Office],
    valid_for: timedelta,
    now: datetime,
) -> Made:
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    made = select(func.count()).select_from(Invitation)
    by_her = made.where(Invitation.made_by_id == actor.person_id, Invitation.made_at > hour)
    if (await tx.scalar(by_her) or 0) >= MADE_IN_AN_HOUR:
        raise TooManyCodes(retry_after_seconds=3600)
    of_her = made.where(
        Invitation.person_id == person.id,
        Invitation.kind == InvitationKind.RESET.value,
        Invitation.made_at > day,
    )
    if kind is InvitationKind.RESET and (await tx.scalar(of_her) or 0) >= RESETS_IN_A_DAY:
        raise TooManyCodes(retry_after_seconds=24 * 3600)
    await close_invitation(tx, person.id, "replaced", now=now)
    code = new_code()
    invitation = Invitation(
        person_id=person.id,
        kind=kind.value,
        digest=digest_of(code),
        made_by_id=actor.person_id,
        made_at=now,
        expires_at=now + valid_for,
        **columns_of(widest(offices)),  # type: ignore[arg-type]
    )
    tx.add(invitation)
    await tx.flush()
    return Made(invitation, code)


def _ways_in(person: Person) -> dict[str, bool]:
    return {
        "password": person.password_hash is not None,
        "wechat": person.openid is not None,
    }


def _keep(
    tx: Tx,
    what: str,
    actor: Actor,
    person_id: UUID,
    invitation_id: UUID,
    now: datetime,
    **detail: dict[str, bool],
) -> None:
    by = actor.person_id
    record_act(tx, what, person_id, by=by, now=now, invitation_id=invitation_id, **detail)
