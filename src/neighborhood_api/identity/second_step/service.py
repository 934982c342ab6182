"""Rules of the second step: setting it up, signing in with it, and taking it off.

Whatever is guessed, is guessed with the account locked: codes that arrive at once are looked
at one by one, each wrong one counts towards the lock, and no code is taken twice.
"""

import secrets
from base64 import b32encode
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select

from neighborhood_api.identity.access import OPERATORS, Actor, Permission
from neighborhood_api.identity.accounts.codes import plain_of
from neighborhood_api.identity.accounts.superiors import NotBelowYou
from neighborhood_api.identity.events import SecondStepReset
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.revocations import revoke_person
from neighborhood_api.identity.schemas import SignedInOut
from neighborhood_api.identity.second_step import totp
from neighborhood_api.identity.second_step.challenges import digest_of, forget_challenges
from neighborhood_api.identity.second_step.models import Authenticator, Challenge, RecoveryCode
from neighborhood_api.identity.service import Issuer, lock_person
from neighborhood_api.identity.sessions.devices import Device
from neighborhood_api.identity.sessions.history import end_other_sign_ins
from neighborhood_api.identity.sessions.models import SignInKind
from neighborhood_api.identity.staff import counted, refuse_locked
from neighborhood_api.identity.tokens import Standing
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
_GROUP = 4


class ChallengeInvalid(Problem):
    """The challenge is unknown, used or too old."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Sign in again: the first step is too long ago"
    message = "验证已超时，请重新登录"


class WrongSecondStepCode(Problem):
    """Not the code of this moment, or one that was used; it counts like a wrong password."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The code is wrong or was used before"
    message = "动态码不正确或已用过，请等下一个动态码再试"
    keeps_changes = True


class SecondStepAlreadyOn(Problem):
    """An authenticator app is set up; turn it off first."""

    title = "The second step is on already"
    message = "已启用动态码登录；要换设备请先关闭"


class SecondStepOff(Problem):
    """There is nothing to confirm or to turn off."""

    title = "The second step is not being set up, or not on"
    message = "尚未开始设置动态码登录，请先获取二维码"


class SecondStepIsForStaff(Problem):
    """Residents sign in with WeChat alone."""

    status = HTTPStatus.FORBIDDEN
    title = "The second step is for people with a post"
    message = "动态码登录仅供工作人员使用"


class SecondStepRequired(Problem):
    """This deployment asks it of operators."""

    title = "Operators must sign in with a second step here"
    message = "本系统要求管理员使用动态码登录，不能关闭"


class State(NamedTuple):
    """How somebody's second step stands."""

    since: datetime | None
    codes_left: int


async def state_of(tx: ReadTx, person_id: UUID) -> State:
    """Return since when a person has a second step, and how many recovery codes are left."""
    since = select(Authenticator.confirmed_at).where(Authenticator.person_id == person_id)
    left = (
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.person_id == person_id)
    )
    return State(await tx.scalar(since), await tx.scalar(left) or 0)


async def begin_second_step(
    tx: Tx, person: Person, standing: Standing, *, now: datetime
) -> str:
    """Make the secret that an app shall share; it does nothing until a code confirms it.

    Raises: SecondStepIsForStaff, SecondStepAlreadyOn.
    """
    if not standing.posts:
        raise SecondStepIsForStaff
    known = await tx.get(Authenticator, person.id, populate_existing=True)
    if known is not None and known.confirmed_at is not None:
        raise SecondStepAlreadyOn
    secret = totp.new_secret()
    if known is None:
        tx.add(Authenticator(person_id=person.id, secret=secret, begun_at=now))
    else:
        known.secret, known.begun_at = secret, now
    return secret


async def confirm_second_step(
    tx: Tx, actor: Actor, code: str, *, device: Device, now: datetime
) -> list[str]:
    """Turn the second step on; return the recovery codes, which nobody is shown again.

    Other devices signed in without it, and are signed out.

    Raises: SecondStepOff, SecondStepAlreadyOn, WrongSecondStepCode, AccountLocked.
    """
    person = await lock_person(tx, actor.person_id)
    refuse_locked(person, now)
    known = await tx.get(Authenticator, person.id, populate_existing=True)
    if known is None:
        raise SecondStepOff
    if known.confirmed_at is not None:
        raise SecondStepAlreadyOn
    step = totp.step_matching(known.secret, plain_of(code), now, after=known.last_step)
    if step is None:
        raise _counted(tx, person, device, now)
    known.confirmed_at, known.last_step = now, step
    mine = actor.sign_in_id
    await end_other_sign_ins(tx, person.id, but=mine, reason="second_step_on", now=now)
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    await tx.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    for one in codes:
        digest = _recovery_digest(person.id, one)
        tx.add(RecoveryCode(digest=digest, person_id=person.id, made_at=now))
    record_act(tx, "identity.second_step_on", person.id, by=person.id, now=now)
    return codes


async def turn_off_second_step(
    tx: Tx,
    actor: Actor,
    code: str,
    standing: Standing,
    *,
    device: Device,
    required: bool,
    now: datetime,
) -> None:
    """Turn the second step off, with a code.

    Raises: SecondStepOff, SecondStepRequired, WrongSecondStepCode, AccountLocked.
    """
    person = await lock_person(tx, actor.person_id)
    refuse_locked(person, now)
    known = await _confirmed(tx, person.id)
    if known is None:
        raise SecondStepOff
    if required and any(post.role in OPERATORS for post in standing.posts):
        raise SecondStepRequired
    if not await _is_right(tx, known, code, now):
        raise _counted(tx, person, device, now)
    await _take_off(tx, person.id)
    record_act(tx, "identity.second_step_off", person.id, by=person.id, now=now)


async def finish_sign_in(
    tx: Tx, issuer: Issuer, challenge: str, code: str, *, now: datetime
) -> SignedInOut:
    """Do the second step of a sign-in.

    Raises: ChallengeInvalid, WrongSecondStepCode, AccountLocked.
    """
    digest = digest_of(challenge)
    waiting = await tx.get(Challenge, digest)
    if waiting is None:
        raise ChallengeInvalid
    person = await lock_person(tx, waiting.person_id)
    still = select(Challenge).where(Challenge.digest == digest, Challenge.expires_at > now)
    waiting = await tx.scalar(still.execution_options(populate_existing=True))
    known = await _confirmed(tx, person.id)
    if waiting is None or known is None:
        raise ChallengeInvalid
    refuse_locked(person, now)
    if not await _is_right(tx, known, code, now):
        raise _counted(tx, person, issuer.device, now)
    kind = SignInKind(waiting.kind)
    await tx.execute(delete(Challenge).where(Challenge.digest == digest))
    person.failed_sign_ins, person.locked_until = 0, None
    return await issuer.admit(tx, person, kind, now=now)


async def reset_second_step(tx: Tx, actor: Actor, person_id: UUID, *, now: datetime) -> None:
    """Take the second step off somebody's account who lost her app and her recovery codes.

    Raises: Forbidden, NotBelowYou, PersonNotFound, SecondStepOff.
    Emits: SecondStepReset.
    """
    actor.require_for_all(Permission.ACCOUNT_MANAGE)
    if person_id == actor.person_id:
        raise NotBelowYou
    await take_second_step_off(tx, person_id, by=actor.person_id, now=now)


async def take_second_step_off(tx: Tx, person_id: UUID, *, by: UUID, now: datetime) -> None:
    """Take the second step off an account and sign it out everywhere.

    Raises: PersonNotFound, SecondStepOff.
    Emits: SecondStepReset.
    """
    person = await lock_person(tx, person_id)
    if await _confirmed(tx, person.id) is None:
        raise SecondStepOff
    await _take_off(tx, person.id)
    await end_other_sign_ins(tx, person.id, but=None, reason="second_step_reset", now=now)
    await revoke_person(tx, person.id, now=now)
    emit(tx, SecondStepReset(person_id=person.id, by_id=by))
    record_act(tx, SecondStepReset.name, person.id, by=by, now=now)


async def _confirmed(tx: Tx, person_id: UUID) -> Authenticator | None:
    known = await tx.get(Authenticator, person_id, populate_existing=True)
    return None if known is None or known.confirmed_at is None else known


async def _is_right(tx: Tx, known: Authenticator, code: str, now: datetime) -> bool:
    """Take a code of the app, or a recovery code; neither is taken again."""
    step = totp.step_matching(known.secret, plain_of(code), now, after=known.last_step)
    if step is not None:
        known.last_step = step
        return True
    digest = _recovery_digest(known.person_id, code)
    used = delete(RecoveryCode).where(
        RecoveryCode.digest == digest, RecoveryCode.person_id == known.person_id
    )
    return await tx.scalar(used.returning(RecoveryCode.person_id)) is not None


async def _take_off(tx: Tx, person_id: UUID) -> None:
    for table in (Authenticator, RecoveryCode):
        await tx.execute(delete(table).where(table.person_id == person_id))
    await forget_challenges(tx, person_id)


def _counted(tx: Tx, person: Person, device: Device, now: datetime) -> Problem:
    return counted(tx, person, WrongSecondStepCode(), device, now, SignInKind.SECOND_STEP)


def _recovery_code() -> str:
    signs = b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
    return "-".join(signs[n : n + _GROUP] for n in range(0, len(signs), _GROUP))


def _recovery_digest(person_id: UUID, code: str) -> bytes:
    return sha256(b"recovery " + person_id.bytes + plain_of(code).encode()).digest()
