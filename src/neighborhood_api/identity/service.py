"""Rules of signing in."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from secrets import token_urlsafe
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.identity import passwords
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.events import PersonMerged, PhoneBound
from neighborhood_api.identity.models import Person, RefreshToken, SignIn
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.revocations import revoke_person, revoke_sign_in
from neighborhood_api.identity.schemas import (
    AccountOut,
    MeOut,
    NamedPostOut,
    NameIn,
    PlacePartOut,
    PostOut,
    SignedInOut,
)
from neighborhood_api.identity.tokens import LIFETIME, Standing, Tokens
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

REFRESH_LIFETIME = timedelta(days=30)
REUSE_GRACE = timedelta(seconds=30)
"""A phone sends up to ten requests at once, which may all meet an expired token and refresh."""
PASSWORD_KINDS = 3

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


class PhoneTaken(Problem):
    """The number belongs to a person with another WeChat account."""

    title = "This phone number belongs to another account"
    message = "这个手机号已绑定其他微信，请换一个号码或联系社区工作人员"


class PostsWouldBeLost(Problem):
    """Becoming the person of another number would leave the caller's posts to nobody."""

    title = "You hold posts under your present number, which the new one would not have"
    message = "您在现有号码下担任岗位，换绑会失去岗位；请先联系系统管理员把岗位转到新号码"


class PasswordTooWeak(Problem):
    """The new password has too few kinds of characters."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The password needs three of: capital, small letter, digit, sign"
    message = "密码要包含大写字母、小写字母、数字、符号中的至少三种"


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

    async def sign_in(self, tx: Tx, person: Person, *, now: datetime) -> SignedInOut:
        """Start a sign-in on one more device."""
        sign_in = SignIn(person_id=person.id, created_at=now)
        tx.add(sign_in)
        await tx.flush()
        return await self.renew(tx, person, sign_in.id, now=now)

    async def renew(
        self, tx: Tx, person: Person, sign_in_id: UUID, *, now: datetime
    ) -> SignedInOut:
        """Give out an access token and the next refresh token of a sign-in."""
        secret = token_urlsafe(32)
        refresh = RefreshToken(
            digest=_digest(secret), sign_in_id=sign_in_id, expires_at=now + REFRESH_LIFETIME
        )
        tx.add(refresh)
        standing = await self.standing_of(tx, person.id, now)
        return SignedInOut(
            access_token=self.tokens.make(person.id, sign_in_id, person.epoch, standing, now),
            expires_at=now + LIFETIME,
            refresh_token=secret,
            refresh_expires_at=refresh.expires_at,
            me=me_view(person, standing),
        )


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
    """Sign in whoever WeChat says this is; the first time, create her."""
    values = {"id": new_id(), "openid": openid, "unionid": unionid}
    blank = {"failed_sign_ins": 0, "epoch": 0, "version": 1}
    created = insert(Person).values(values | blank).on_conflict_do_nothing()
    await tx.execute(created)  # of two first sign-ins at once, one inserts and both go on
    person = (await tx.scalars(select(Person).where(Person.openid == openid))).one()
    return await issuer.sign_in(tx, person, now=now)


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
        token.replaced_at = now
    elif token.replaced_at + REUSE_GRACE < now:
        await revoke_sign_in(tx, sign_in, reason="refresh_token_reused", now=now)
        raise RefreshTokenReused
    person = (await tx.scalars(select(Person).where(Person.id == sign_in.person_id))).one()
    return await issuer.renew(tx, person, sign_in.id, now=now)


async def sign_out(tx: Tx, secret: str, *, now: datetime) -> None:
    """End the sign-in that a refresh token belongs to; a second time changes nothing."""
    token = await tx.get(RefreshToken, _digest(secret))
    if token is None:
        return
    sign_in = await _lock_sign_in(tx, token.sign_in_id)
    if sign_in.ended_at is None:
        await revoke_sign_in(tx, sign_in, reason="signed_out", now=now)


async def bind_phone(
    tx: Tx,
    actor: Actor,
    issuer: Issuer,
    phone: str,
    *,
    holds_posts: HoldsPosts,
    now: datetime,
) -> SignedInOut | None:
    """Note the caller's verified number; become the person staff registered under it.

    Return new tokens when the caller became somebody else, None otherwise. Posts belong to
    the person they were given to, so whoever holds any does not become somebody else.

    Raises: PhoneTaken, PostsWouldBeLost.
    Emits: PhoneBound, PersonMerged.
    """
    involved = select(Person).where((Person.id == actor.person_id) | (Person.phone == phone))
    people = (await tx.scalars(involved.order_by(Person.id).with_for_update())).all()
    me = next(p for p in people if p.id == actor.person_id)
    known = next((p for p in people if p.phone == phone), None)
    if known is None or known is me:
        if me.phone != phone:
            me.phone = phone
            me.version += 1
            with refusing({"uq_person_phone": PhoneTaken}):  # by another phone, this moment
                await tx.flush()
        emit(tx, PhoneBound(person_id=me.id))
        return None
    if known.openid is not None or me.openid is None:
        raise PhoneTaken
    if await holds_posts(tx, me.id, now):
        raise PostsWouldBeLost
    openid, unionid = me.openid, me.unionid
    me.openid = me.unionid = me.phone = None
    me.merged_into_id = known.id
    await tx.flush()  # the unique openid must leave one row before it enters the other
    known.openid, known.unionid = openid, unionid
    await revoke_person(tx, me.id, now=now)
    for sign_in in await tx.scalars(open_sign_ins(me.id)):
        await revoke_sign_in(tx, sign_in, reason="merged", now=now)
    emit(tx, PersonMerged(from_person_id=me.id, into_person_id=known.id))
    emit(tx, PhoneBound(person_id=known.id))
    return await issuer.sign_in(tx, known, now=now)


async def rename(tx: Tx, actor: Actor, wish: NameIn) -> Person:
    """Change what the caller is called.

    Raises: StaleVersion.
    """
    person = await _lock_person(tx, actor.person_id)
    if person.version != wish.version:
        raise StaleVersion(version=person.version)
    person.name = wish.name
    person.version += 1
    return person


def require_strong(password: str) -> None:
    """Refuse a new password that is easily guessed.

    Raises: PasswordTooWeak.
    """
    kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
    if sum(any(kind(c) for c in password) for kind in kinds) < PASSWORD_KINDS:
        raise PasswordTooWeak


async def password_hash(password: str) -> str:
    """Hash a new password that is strong enough.

    Raises: PasswordTooWeak.
    """
    require_strong(password)
    return await passwords.hash_password(password)


def masked(phone: str | None) -> str | None:
    """Return a number as others see it: `138****5678`."""
    return None if phone is None else f"{phone[:3]}****{phone[-4:]}"


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def open_sign_ins(person_id: UUID) -> Select[SignIn]:
    """Select the devices on which a person is signed in."""
    return select(SignIn).where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))


async def _lock_sign_in(tx: Tx, sign_in_id: UUID) -> SignIn:
    return (
        await tx.scalars(select(SignIn).where(SignIn.id == sign_in_id).with_for_update())
    ).one()


async def _lock_person(tx: Tx, person_id: UUID) -> Person:
    person = await tx.scalar(select(Person).where(Person.id == person_id).with_for_update())
    if person is None:
        raise PersonNotFound
    return person
