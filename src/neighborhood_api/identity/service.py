"""Rules of signing in."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from secrets import token_urlsafe
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.identity import passwords
from neighborhood_api.identity.access import OPERATORS, Actor
from neighborhood_api.identity.accounts.password_rules import (
    FOR_EVER,
    PasswordAge,
    require_strong,
)
from neighborhood_api.identity.models import Person, RefreshToken, SignIn
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.revocations import revoke_sign_in
from neighborhood_api.identity.schemas import (
    AccountOut,
    MeOut,
    NamedPostOut,
    NameIn,
    PlacePartOut,
    PostOut,
    SignedInOut,
)
from neighborhood_api.identity.second_step.challenges import challenge, has_authenticator
from neighborhood_api.identity.sessions.devices import UNKNOWN, Device
from neighborhood_api.identity.sessions.history import REFRESH_LIFETIME, note_attempt
from neighborhood_api.identity.sessions.models import Outcome, SignInKind
from neighborhood_api.identity.tokens import LIFETIME, OnlyFor, Standing, Tokens
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem, TryAgain

REUSE_GRACE = timedelta(seconds=30)
"""A phone sends up to ten requests at once, which may all meet an expired token and refresh."""

StandingOf = Callable[[ReadTx, UUID, datetime], Awaitable[Standing]]
"""Answers what a person is now; `grid` knows, and `app` introduces them."""


class Part(NamedTuple):
    """One level of a place, by name."""

    level: Level
    id: UUID
    name: str


Names = Mapping[UUID, Sequence[Part]]
"""The places of nodes by the node's id, each from the district down."""
NamesOf = Callable[[ReadTx, Collection[UUID]], Awaitable[Names]]
"""Answers how places are called; from `grid`, as well."""

HoldsPosts = Callable[[ReadTx, UUID, datetime], Awaitable[bool]]
"""Answers whether a person has a post, or stands in for one, now or later; likewise."""


class RefreshTokenInvalid(Problem):
    """The refresh token is unknown, expired, or its sign-in has ended."""

    status = HTTPStatus.UNAUTHORIZED
    title = "The refresh token is not valid; sign in again"
    message = "登录已失效，请重新登录"


class RefreshTokenReused(Problem):
    """The refresh token was used long ago: somebody copied it, so its sign-in is ended."""

    status = HTTPStatus.UNAUTHORIZED
    title = "The refresh token was used before; this sign-in has been ended"
    message = "登录状态异常，为保护账号已退出，请重新登录"
    keeps_changes = True


class StaleVersion(Problem):
    """Somebody changed the resource after it was read."""

    title = "The resource has changed since you read it"
    message = "内容已被更新，请刷新后再修改"


class PersonNotFound(Problem):
    """The id names no person."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such person"
    message = "没有找到这个人"


@dataclass(frozen=True)
class Issuer:
    """Gives out tokens that say what a person is now."""

    tokens: Tokens
    standing_of: StandingOf
    device: Device = UNKNOWN
    """Where the request comes from."""
    passwords: PasswordAge = FOR_EVER
    second_step_required: bool = False
    """Whether operators have to sign in with a second step."""

    async def sign_in(
        self, tx: Tx, person: Person, kind: SignInKind, *, now: datetime
    ) -> SignedInOut:
        """Start a sign-in on one more device, unless a second step comes first.

        A right password does not make up for wrong ones before the second step: otherwise
        whoever knows the password could guess codes for ever.

        Raises: SecondStepNeeded.
        """
        if await has_authenticator(tx, person.id):
            raise await challenge(tx, person.id, kind.value, now=now)
        if kind is SignInKind.PASSWORD:
            person.failed_sign_ins = 0
            person.locked_until = None
        return await self.admit(tx, person, kind, now=now)

    async def admit(
        self, tx: Tx, person: Person, kind: SignInKind, *, now: datetime
    ) -> SignedInOut:
        """Start a sign-in whose steps are all done."""
        sign_in = SignIn(
            person_id=person.id,
            created_at=now,
            kind=kind.value,
            device=self.device.family,
            network=self.device.network,
        )
        tx.add(sign_in)
        note_attempt(tx, person.id, kind, Outcome.SUCCEEDED, self.device, now)
        await tx.flush()
        return await self.renew(tx, person, sign_in, now=now)

    async def renew(
        self, tx: Tx, person: Person, sign_in: SignIn, *, now: datetime
    ) -> SignedInOut:
        """Give out an access token and the next refresh token of a sign-in."""
        secret = token_urlsafe(32)
        refresh = RefreshToken(
            digest=_digest(secret), sign_in_id=sign_in.id, expires_at=now + REFRESH_LIFETIME
        )
        tx.add(refresh)
        standing = await self.standing_of(tx, person.id, now)
        first = await self._comes_first(tx, person, sign_in, standing, now)
        token = self.tokens.make(
            person.id, sign_in.id, person.epoch, standing, now, only_for=first
        )
        return SignedInOut(
            access_token=token,
            expires_at=now + LIFETIME,
            refresh_token=secret,
            refresh_expires_at=refresh.expires_at,
            me=me_view(person, standing),
            password_change_needed=first is OnlyFor.PASSWORD,
            second_step_setup_needed=first is OnlyFor.SECOND_STEP,
        )

    async def _comes_first(
        self, tx: Tx, person: Person, sign_in: SignIn, standing: Standing, now: datetime
    ) -> OnlyFor | None:
        """Return what a person has to do before anything else is open to her."""
        by_password = sign_in.kind == SignInKind.PASSWORD
        if by_password and self.passwords.is_over(person, now):
            return OnlyFor.PASSWORD
        operates = any(post.role in OPERATORS for post in standing.posts)
        if not (self.second_step_required and operates):
            return None
        return None if await has_authenticator(tx, person.id) else OnlyFor.SECOND_STEP


def me_view(person: Person, standing: Standing) -> MeOut:
    """Show a person to herself."""
    return MeOut(
        id=person.id,
        name=person.name,
        phone=person.phone,
        posts=[PostOut.model_validate(post) for post in standing.posts],
        lane_id=None if standing.residence is None else standing.residence[-1],
        version=person.version,
    )


def account_view(person: Person, standing: Standing, names: Names) -> AccountOut:
    """Show a person to herself, with the names of her places."""
    me = me_view(person, standing)
    home = () if standing.residence is None else names.get(standing.residence.node_id, ())
    return AccountOut(
        id=me.id,
        name=me.name,
        phone=me.phone,
        posts=[
            NamedPostOut(**dict(post), place=_parts(names.get(post.node_id, ())))
            for post in me.posts
        ],
        lane_id=me.lane_id,
        home=_parts(home),
        version=me.version,
    )


def _parts(named: Sequence[Part]) -> list[PlacePartOut]:
    return [PlacePartOut(level=part.level, id=part.id, name=part.name) for part in named]


async def sign_in_with_wechat(
    tx: Tx, issuer: Issuer, openid: str, unionid: str | None, *, now: datetime
) -> SignedInOut:
    """Sign in whoever WeChat says this is; the first time, create her.

    Raises: SecondStepNeeded, TryAgain.
    """
    values = {"id": new_id(), "openid": openid, "unionid": unionid}
    blank = {"failed_sign_ins": 0, "epoch": 0, "version": 1}
    created = insert(Person).values(values | blank).on_conflict_do_nothing()
    await tx.execute(created)  # of two first sign-ins at once, one inserts and both go on
    # Shared, so that a reset that takes the WeChat account away comes before or after.
    mine = select(Person).where(Person.openid == openid).with_for_update(read=True)
    person = await tx.scalar(mine)
    if person is None:
        raise TryAgain(retry_after_seconds=1)
    return await issuer.sign_in(tx, person, SignInKind.WECHAT, now=now)


async def refresh(tx: Tx, issuer: Issuer, secret: str, *, now: datetime) -> SignedInOut:
    """Replace a refresh token, and give out an access token that is true now.

    Raises: RefreshTokenInvalid, RefreshTokenReused.
    """
    token = await tx.get(RefreshToken, _digest(secret))
    if token is None:
        raise RefreshTokenInvalid
    sign_in = await _lock_sign_in(tx, token.sign_in_id)
    await tx.refresh(token)
    if sign_in.ended_at is not None or token.expires_at <= now:
        raise RefreshTokenInvalid
    if token.replaced_at is None:
        await _replace_all(tx, sign_in, now)
    elif token.replaced_at + REUSE_GRACE < now:
        await revoke_sign_in(tx, sign_in, reason="refresh_token_reused", now=now)
        who, copied = sign_in.person_id, SignInKind.REFRESH
        note_attempt(tx, who, copied, Outcome.REUSED, issuer.device, now)
        raise RefreshTokenReused
    person = (await tx.scalars(select(Person).where(Person.id == sign_in.person_id))).one()
    sign_in.last_used_at = now
    return await issuer.renew(tx, person, sign_in, now=now)


async def sign_out(tx: Tx, secret: str, *, now: datetime) -> None:
    """End the sign-in that a refresh token belongs to; a second time changes nothing."""
    token = await tx.get(RefreshToken, _digest(secret))
    if token is None:
        return
    sign_in = await _lock_sign_in(tx, token.sign_in_id)
    if sign_in.ended_at is None:
        await revoke_sign_in(tx, sign_in, reason="signed_out", now=now)


async def rename(tx: Tx, actor: Actor, wish: NameIn) -> Person:
    """Change what the caller is called.

    Raises: StaleVersion.
    """
    person = await lock_person(tx, actor.person_id)
    if person.version != wish.version:
        raise StaleVersion(version=person.version)
    person.name = wish.name
    person.version += 1
    return person


async def password_hash(
    password: str, *, phone: str | None = None, name: str | None = None
) -> str:
    """Hash a new password that is strong enough.

    Raises: PasswordTooWeak, PasswordTooCommon, PasswordTellsOfHer.
    """
    require_strong(password, phone=phone, name=name)
    return await passwords.hash_password(password)


def masked(phone: str | None) -> str | None:
    """Return a number as others see it: `138****5678`."""
    return None if phone is None else f"{phone[:3]}****{phone[-4:]}"


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


async def _lock_sign_in(tx: Tx, sign_in_id: UUID) -> SignIn:
    return (
        await tx.scalars(select(SignIn).where(SignIn.id == sign_in_id).with_for_update())
    ).one()


async def _replace_all(tx: Tx, sign_in: SignIn, now: datetime) -> None:
    """Replace every token of a sign-in that has no successor yet, not the one alone that came.

    Repeats within the grace got tokens of their own. A device goes on with one of them: if
    another is used later, somebody else has it.
    """
    unused = update(RefreshToken).where(
        RefreshToken.sign_in_id == sign_in.id, RefreshToken.replaced_at.is_(None)
    )
    await tx.execute(unused.values(replaced_at=now))


async def lock_person(tx: Tx, person_id: UUID) -> Person:
    """Load a person, whom nobody else changes before `tx` ends.

    Raises: PersonNotFound.
    """
    # Rows that only refer to her may still be written: a copied token notes it while it holds
    # the sign-in that a reset is about to end.
    mine = select(Person).where(Person.id == person_id)
    locked = mine.with_for_update(key_share=True)
    person = await tx.scalar(locked.execution_options(populate_existing=True))
    if person is None:
        raise PersonNotFound
    return person
