"""Signing in by phone and password, and the lock against guessing.

A hash takes some 50 ms to verify, in which no connection of the pool is held: what is known
of the account is read first, the guess is looked at, and only then is the account locked,
compared with what was read, and the guess counted.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import LargeBinary, Text, Uuid, bindparam, cast, delete, null, select, union_all
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.identity import passwords
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.accounts.given import require_given_works
from neighborhood_api.identity.accounts.password_rules import (
    replace_password,
    require_new,
    require_strong,
)
from neighborhood_api.identity.accounts.superiors import OfficesOf
from neighborhood_api.identity.models import Person, UnknownNumber
from neighborhood_api.identity.schemas import SignedInOut
from neighborhood_api.identity.second_step.challenges import forget_challenges
from neighborhood_api.identity.service import Issuer, PersonNotFound
from neighborhood_api.identity.sessions.devices import Device
from neighborhood_api.identity.sessions.history import end_other_sign_ins, note_attempt
from neighborhood_api.identity.sessions.models import Outcome, SignInKind
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem, TryAgain
from neighborhood_api.kit.reads import Query, Reader

FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
"""Lock after 5 failures for 15 minutes, as GB/T 22239 level 3 is commonly met."""


class WrongPhoneOrPassword(Problem):
    """No such staff account, or another password; which of the two is not told."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Wrong phone number or password"
    message = "手机号或密码不正确"
    keeps_changes = True


class AccountLocked(Problem):
    """Too many wrong passwords; `retry_after_seconds` says when to come back."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Locked after too many wrong passwords"
    message = "密码错误次数过多，账号已暂时锁定，请15分钟后再试"
    keeps_changes = True


class WrongOldPassword(Problem):
    """The password until now was given wrongly; it counts like a wrong one at sign-in."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The old password is wrong"
    message = "原密码不正确，请重新输入"
    keeps_changes = True


class _Account(NamedTuple):
    """What was known of an account before its password was looked at."""

    person_id: UUID | None
    password_hash: str | None
    locked_until: datetime | None
    phone: str | None = None
    name: str | None = None


_STAFF = select(Person.id.label("person_id"), Person.password_hash, Person.locked_until)
_NOBODY = select(cast(null(), Uuid), cast(null(), Text), UnknownNumber.locked_until)
_OWN = select(
    Person.id.label("person_id"),
    Person.password_hash,
    Person.locked_until,
    Person.phone,
    Person.name,
)
_BY_PHONE = Query(
    select(
        union_all(
            _STAFF.where(Person.phone == bindparam("phone"), Person.password_hash.is_not(None)),
            _NOBODY.where(UnknownNumber.digest == bindparam("digest", type_=LargeBinary)),
        ).subquery("account")
    ),
    _Account,
)
_BY_ID = Query(_OWN.where(Person.id == bindparam("person_id")), _Account)


async def sign_in_staff(
    reader: Reader,
    tx: Tx,
    issuer: Issuer,
    phone: str,
    password: str,
    *,
    offices_of: OfficesOf,
    now: datetime,
) -> SignedInOut:
    """Sign in by phone and password.

    Parallel guesses are looked at side by side and counted one by one: after the fifth wrong
    one all others are refused, the right password among them.

    Raises: WrongPhoneOrPassword, AccountLocked, InitialPasswordExpired, SecondStepNeeded,
        TryAgain.
    """
    account = await _known_of(reader, phone)
    refuse_locked(account, now)
    right = await passwords.matches(password, account.password_hash)
    if account.person_id is None:
        number = await _lock_unknown(tx, phone, now)
        refuse_locked(number, now)
        raise _counted(number, WrongPhoneOrPassword(), now)
    person = await _lock(tx, account.person_id, account.password_hash)
    refuse_locked(person, now)
    if not right:
        raise counted(tx, person, WrongPhoneOrPassword(), issuer.device, now)
    await require_given_works(tx, issuer, person, offices_of=offices_of, now=now)
    return await issuer.sign_in(tx, person, SignInKind.PASSWORD, now=now)


async def change_password(
    reader: Reader,
    tx: Tx,
    actor: Actor,
    issuer: Issuer,
    old: str,
    new: str,
    *,
    offices_of: OfficesOf,
    now: datetime,
) -> None:
    """Change the caller's password, and sign out her other devices.

    Raises: PasswordTooWeak, PasswordTooCommon, PasswordTellsOfHer, PasswordUsedBefore,
        WrongOldPassword, AccountLocked, InitialPasswordExpired, TryAgain.
    """
    require_strong(new)
    right, account = await _guessed(reader, actor, old, now)
    if right:
        require_strong(new, phone=account.phone, name=account.name)
        remembered = issuer.passwords.remembered
        await require_new(
            reader, actor.person_id, new, account.password_hash, remembered=remembered
        )
    hashed = await passwords.hash_password(new) if right else None
    person = await _lock(tx, actor.person_id, account.password_hash)
    refuse_locked(person, now)
    if hashed is None:
        raise counted(tx, person, WrongOldPassword(), issuer.device, now)
    await require_given_works(tx, issuer, person, offices_of=offices_of, now=now)
    await replace_password(tx, person, hashed, now=now)
    person.failed_sign_ins = 0
    await forget_challenges(tx, person.id)
    mine, reason = actor.sign_in_id, "password_changed"
    await end_other_sign_ins(tx, person.id, but=mine, reason=reason, now=now)


async def confirmed_person(
    reader: Reader, tx: Tx, actor: Actor, password: str | None, *, device: Device, now: datetime
) -> Person:
    """Lock the caller's account after she has shown that she knows its password, if any.

    Raises: WrongOldPassword, AccountLocked, TryAgain.
    """
    account = await _BY_ID.first(reader, person_id=actor.person_id)
    if account is None:
        raise PersonNotFound
    if account.password_hash is None:
        return await _lock(tx, actor.person_id, None)
    right, account = await _guessed(reader, actor, password or "", now)
    person = await _lock(tx, actor.person_id, account.password_hash)
    refuse_locked(person, now)
    if not right:
        raise counted(tx, person, WrongOldPassword(), device, now)
    return person


async def _guessed(
    reader: Reader, actor: Actor, password: str, now: datetime
) -> tuple[bool, _Account]:
    account = await _BY_ID.first(reader, person_id=actor.person_id)
    if account is None:
        raise PersonNotFound
    refuse_locked(account, now)
    right = await passwords.matches(password, account.password_hash)
    if account.password_hash is None:  # there is nothing to guess
        raise WrongOldPassword
    return right, account


async def forget_guesses(tx: Tx, *, now: datetime) -> None:
    """Delete the counts of unknown numbers at which nobody guessed for a while."""
    old = UnknownNumber.guessed_at < now - LOCKED_FOR
    await tx.execute(delete(UnknownNumber).where(old))


async def forget_numbers(tx: Tx, phones: Collection[str]) -> None:
    """Delete the counts of guesses at numbers that nobody shall be known by."""
    digests = [_digest(phone) for phone in phones]
    await tx.execute(delete(UnknownNumber).where(UnknownNumber.digest.in_(digests)))


async def _known_of(reader: Reader, phone: str) -> _Account:
    rows = await _BY_PHONE.all(reader, phone=phone, digest=_digest(phone))
    staff = [row for row in rows if row.person_id is not None]
    return next(iter(staff or rows), _Account(None, None, None))


async def _lock(tx: Tx, person_id: UUID, password_hash: str | None) -> Person:
    """Lock an account, unless its password was changed while the guess was looked at.

    Raises: TryAgain.
    """
    locked = select(Person).where(Person.id == person_id).with_for_update(key_share=True)
    person = (await tx.scalars(locked.execution_options(populate_existing=True))).one()
    if person.password_hash != password_hash:
        raise TryAgain(retry_after_seconds=1)
    return person


async def _lock_unknown(tx: Tx, phone: str, now: datetime) -> UnknownNumber:
    digest = _digest(phone)
    begun = {"digest": digest, "guessed_at": now, "failed_sign_ins": 0}
    await tx.execute(insert(UnknownNumber).values(begun).on_conflict_do_nothing())
    mine = select(UnknownNumber).where(UnknownNumber.digest == digest).with_for_update()
    number = (await tx.scalars(mine)).one()
    number.guessed_at = now
    return number


def refuse_locked(account: _Account | Person | UnknownNumber, now: datetime) -> None:
    """Refuse an account that is locked.

    Raises: AccountLocked.
    """
    if account.locked_until is not None and account.locked_until > now:
        raise _locked(account.locked_until, now)


def counted(
    tx: Tx,
    person: Person,
    wrong: Problem,
    device: Device,
    now: datetime,
    kind: SignInKind = SignInKind.PASSWORD,
) -> Problem:
    """Count a wrong password or code of a person, and return what to refuse it with."""
    refusal = _counted(person, wrong, now)
    outcome = Outcome.WRONG_PASSWORD if kind is SignInKind.PASSWORD else Outcome.WRONG_CODE
    if refusal is not wrong:
        outcome = Outcome.LOCKED
    note_attempt(tx, person.id, kind, outcome, device, now)
    return refusal


def _counted(account: Person | UnknownNumber, wrong: Problem, now: datetime) -> Problem:
    """Count a wrong password, and return what to refuse it with."""
    account.failed_sign_ins += 1
    if account.failed_sign_ins < FAILURES_ALLOWED:
        return wrong
    account.failed_sign_ins = 0
    account.locked_until = now + LOCKED_FOR
    return _locked(account.locked_until, now)


def _locked(until: datetime, now: datetime) -> AccountLocked:
    return AccountLocked(retry_after_seconds=max(1, int((until - now).total_seconds())))


def _digest(phone: str) -> bytes:
    return sha256(b"guess " + phone.encode()).digest()
