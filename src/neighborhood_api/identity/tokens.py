"""Access tokens: signed, short-lived, and carrying the person's place and posts.

Authorization then needs no query. Tokens that were verified are remembered until they
expire, because verifying ES256 costs more than everything else that a read does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from time import time
from typing import Any
from uuid import UUID

from jose import JWTError, jwt

from neighborhood_api.identity.access import Actor, Post, Role
from neighborhood_api.identity.keys import ALGORITHM, Keyring
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.kit.problems import Problem

LIFETIME = timedelta(minutes=15)
ISSUER = "neighborhood-api"
REMEMBERED = 20_000
"""How many verified tokens a process keeps; some 2 kB each."""
_PLACE_NAMES = ("district", "street", "community", "grid", "lane")


class NotSignedIn(Problem):
    """There is no access token, or it is not one of ours."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Sign in first"
    message = "请先登录"


class TokenExpired(Problem):
    """The access token has run out; refresh it."""

    status = HTTPStatus.UNAUTHORIZED
    title = "The access token has expired; refresh it or sign in again"
    message = "登录已过期，请重新登录"


class TokenRevoked(Problem):
    """The sign-in was ended, or the person's posts have changed; refresh the token."""

    status = HTTPStatus.UNAUTHORIZED
    title = "The access token is no longer valid; refresh it or sign in again"
    message = "登录状态已变更，请重新登录"


class OnlyFor(StrEnum):
    """What a token is for that opens nothing else: what its owner has to do first."""

    PASSWORD = "password"  # noqa: S105  (a purpose)
    SECOND_STEP = "second_step"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person is at one moment: where she lives, and which posts she holds."""

    posts: tuple[Post, ...] = ()
    residence: Place | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature and time were right."""

    actor: Actor
    epoch: int
    expires: float
    caller: str
    """The person's id, as limits and idempotency keys name her."""
    only_for: OnlyFor | None = None


class Tokens:
    """Makes and reads access tokens with the keys of `keyring`."""

    def __init__(self, keyring: Keyring) -> None:
        """Start with nothing remembered."""
        self.keyring = keyring
        self._verified: dict[str, Verified] = {}
        self._generation = keyring.generation

    def make(
        self,
        person_id: UUID,
        sign_in_id: UUID,
        epoch: int,
        standing: Standing,
        now: datetime,
        *,
        only_for: OnlyFor | None = None,
    ) -> str:
        """Return a signed access token; one that is only for one thing carries no posts."""
        key = self.keyring.signing
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": str(person_id),
            "sid": str(sign_in_id),
            "epoch": epoch,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "posts": [] if only_for else [_post_claim(post) for post in standing.posts],
        }
        if only_for is not None:
            claims["only"] = only_for.value
        if standing.residence is not None:
            claims["place"] = {
                name: str(node)
                for name, node in zip(_PLACE_NAMES, standing.residence, strict=True)
                if node is not None
            }
        token: str = jwt.encode(claims, key.pem, ALGORITHM, headers={"kid": key.kid})
        return token

    def read(self, token: str) -> Verified:
        """Verify `token`, or remember that it was verified.

        Raises: NotSignedIn, TokenExpired.
        """
        if self._generation != self.keyring.generation:  # a key may have been taken away
            self._verified.clear()
            self._generation = self.keyring.generation
        known = self._verified.get(token)
        if known is None:
            known = self._verify(token)
            if len(self._verified) >= REMEMBERED:
                self._verified.clear()  # rare and cheap: each is verified once more
            self._verified[token] = known
        if known.expires <= time():
            self._verified.pop(token, None)
            raise TokenExpired
        return known

    def _verify(self, token: str) -> Verified:
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            public = self.keyring.public(kid) if isinstance(kid, str) else None
            if public is None:
                raise NotSignedIn
            claims = jwt.decode(
                token,
                public,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"verify_exp": False, "verify_aud": False},  # `read` looks at the time
            )
            return _verified(claims)
        except (JWTError, KeyError, ValueError, TypeError, RecursionError) as exc:
            raise NotSignedIn from exc


def _post_claim(post: Post) -> dict[str, str | int]:
    claim: dict[str, str | int] = {
        "role": post.role.value,
        "level": int(post.level),
        "node": str(post.node_id),
    }
    if post.organization_id is not None:
        claim["organization"] = str(post.organization_id)
    return claim


def _verified(claims: dict[str, Any]) -> Verified:
    place = claims.get("place")
    return Verified(
        actor=Actor(
            person_id=UUID(claims["sub"]),
            sign_in_id=UUID(claims["sid"]),
            posts=tuple(_post(claim) for claim in claims["posts"]),
            residence=None
            if place is None
            else Place.of(*(UUID(place[n]) if n in place else None for n in _PLACE_NAMES)),
        ),
        epoch=int(claims["epoch"]),
        expires=float(claims["exp"]),
        caller=str(UUID(claims["sub"])),
        only_for=OnlyFor(claims["only"]) if "only" in claims else None,
    )


def _post(claim: dict[str, Any]) -> Post:
    organization = claim.get("organization")
    return Post(
        Role(claim["role"]),
        Level(claim["level"]),
        UUID(claim["node"]),
        None if organization is None else UUID(organization),
    )
