"""Coming to an account with a one-time code: by choosing a password, or by WeChat."""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, select

from neighborhood_api.identity import passwords
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.accounts.codes import digest_of
from neighborhood_api.identity.accounts.models import Invitation, InvitationKind
from neighborhood_api.identity.accounts.password_rules import (
    replace_password,
    require_new,
    require_strong,
)
from neighborhood_api.identity.accounts.superiors import OfficesOf, is_still_above
from neighborhood_api.identity.events import InvitationAccepted
from neighborhood_api.identity.joining import PhoneTaken, PostsWouldBeLost, become
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.schemas import SignedInOut
from neighborhood_api.identity.service import HoldsPosts, Issuer
from neighborhood_api.identity.sessions.history import end_other_sign_ins
from neighborhood_api.identity.sessions.models import SignInKind
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query, Reader

FAILURES_ALLOWED = 5
"""After so many wrong numbers a code is void: it fell into wrong hands."""


class InvitationInvalid(Problem):
    """Unknown, used, expired, revoked, or for another number; which of them is not told.

    A code is worth nothing either once who made it could not make it any more.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The code is not valid for this phone number"
    message = "邀请码无效或已过期，或与手机号不符；请核对，或联系发码人重新发送"
    keeps_changes = True


class WeChatNeeded(Problem):
    """Only a caller who signed in from the mini-program has a WeChat account to bind."""

    title = "Sign in from the mini-program first"
    message = "请在微信小程序里登录后再绑定工作账号"


class OtherNumberBound(Problem):
    """The caller showed that another number is hers than the one she was registered with."""

    title = "Your verified phone number is not the one you were registered with"
    message = "您已验证的手机号与登记的不一致，请先联系上级更正登记的号码"


class _Known(NamedTuple):
    """What was known of a code before the password was hashed."""

    id: UUID
    person_id: UUID
    phone: str | None
    name: str | None
    password_hash: str | None


_BY_DIGEST = Query(
    select(
        Invitation.id,
        Invitation.person_id,
        Person.phone,
        Person.name,
        Person.password_hash,
    )
    .join(Person, Person.id == Invitation.person_id)
    .where(
        Invitation.digest == bindparam("digest", type_=LargeBinary),
        Invitation.closed_at.is_(None),
    ),
    _Known,
)


async def accept_invitation(
    reader: Reader,
    tx: Tx,
    issuer: Issuer,
    code: str,
    phone: str,
    password: str,
    *,
    offices_of: OfficesOf,
    now: datetime,
) -> SignedInOut:
    """Choose a password with a one-time code and the number it was made for, and sign in.

    Raises: InvitationInvalid, PasswordTooWeak, PasswordTooCommon, PasswordTellsOfHer,
        PasswordUsedBefore, SecondStepNeeded.
    Emits: InvitationAccepted.
    """
    known = await _BY_DIGEST.first(reader, digest=digest_of(code))
    if known is None:
        raise InvitationInvalid
    if known.phone != phone:
        await _count_wrong_number(tx, known, now)
        raise InvitationInvalid
    require_strong(password, phone=phone, name=known.name)
    remembered = issuer.passwords.remembered
    await require_new(
        reader, known.person_id, password, known.password_hash, remembered=remembered
    )
    hashed = await passwords.hash_password(password)
    person = (await _locked(tx, known.person_id))[known.person_id]
    invitation = await _usable(tx, issuer, known.id, offices_of, now)
    if person.phone != phone:
        raise InvitationInvalid
    await replace_password(tx, person, hashed, now=now)
    # Whoever knew a password that an office chose may have signed in with it.
    await end_other_sign_ins(tx, person.id, but=None, reason="password_changed", now=now)
    _close(tx, invitation, "password", now)
    return await issuer.sign_in(tx, person, SignInKind.PASSWORD, now=now)


async def bind_wechat(
    tx: Tx,
    actor: Actor,
    issuer: Issuer,
    code: str,
    phone: str,
    *,
    holds_posts: HoldsPosts,
    offices_of: OfficesOf,
    now: datetime,
) -> SignedInOut:
    """Give the caller's WeChat account to the person that a one-time code was made for.

    Whoever finds a code does not know the number that belongs to it.

    Raises: InvitationInvalid, WeChatNeeded, PhoneTaken, OtherNumberBound, PostsWouldBeLost,
        SecondStepNeeded.
    Emits: InvitationAccepted, PersonMerged, PhoneBound.
    """
    found = select(Invitation.id, Invitation.person_id).where(
        Invitation.digest == digest_of(code)
    )
    row = (await tx.execute(found)).one_or_none()
    if row is None or row.person_id == actor.person_id:
        raise InvitationInvalid
    people = await _locked(tx, actor.person_id, row.person_id)
    me, known = people[actor.person_id], people[row.person_id]
    invitation = await _usable(tx, issuer, row.id, offices_of, now)
    if me.openid is None:
        raise WeChatNeeded
    if known.phone != phone:
        _note_wrong_number(invitation, now)
        raise InvitationInvalid
    if known.openid is not None:
        raise PhoneTaken
    if me.phone is not None and me.phone != known.phone:
        raise OtherNumberBound
    if await holds_posts(tx, me.id, now):
        raise PostsWouldBeLost
    _close(tx, invitation, "wechat", now)
    await tx.flush()
    await become(tx, me, known, now=now)
    return await issuer.sign_in(tx, known, SignInKind.WECHAT, now=now)


async def _count_wrong_number(tx: Tx, known: _Known, now: datetime) -> None:
    await _locked(tx, known.person_id)
    invitation = await _open_invitation(tx, known.id, now)
    if invitation is not None:
        _note_wrong_number(invitation, now)


def _note_wrong_number(invitation: Invitation, now: datetime) -> None:
    invitation.failures += 1
    if invitation.failures >= FAILURES_ALLOWED:
        invitation.closed_at, invitation.closed_how = now, "guessed"


async def _usable(
    tx: Tx, issuer: Issuer, invitation_id: UUID, offices_of: OfficesOf, now: datetime
) -> Invitation:
    """Lock a code that can be used, and that who made it could make now.

    Raises: InvitationInvalid.
    """
    invitation = await _open_invitation(tx, invitation_id, now)
    if invitation is None:
        raise InvitationInvalid
    if not await is_still_above(
        tx,
        invitation.made_by_id,
        invitation.person_id,
        standing_of=issuer.standing_of,
        offices_of=offices_of,
        or_appoints=invitation.kind == InvitationKind.INVITE,
        now=now,
    ):
        raise InvitationInvalid
    return invitation


async def _open_invitation(tx: Tx, invitation_id: UUID, now: datetime) -> Invitation | None:
    """Lock a code that can still be used; its owner is locked before."""
    mine = select(Invitation).where(
        Invitation.id == invitation_id,
        Invitation.closed_at.is_(None),
        Invitation.expires_at > now,
    )
    locked = mine.with_for_update().execution_options(populate_existing=True)
    found: Invitation | None = await tx.scalar(locked)
    return found


def _close(tx: Tx, invitation: Invitation, how: str, now: datetime) -> None:
    invitation.closed_at, invitation.closed_how = now, how
    person_id = invitation.person_id
    emit(tx, InvitationAccepted(person_id=person_id, invitation_id=invitation.id))


async def _locked(tx: Tx, *person_ids: UUID) -> dict[UUID, Person]:
    both = select(Person).where(Person.id.in_(person_ids)).order_by(Person.id)
    locked = both.with_for_update().execution_options(populate_existing=True)
    return {person.id: person for person in await tx.scalars(locked)}
