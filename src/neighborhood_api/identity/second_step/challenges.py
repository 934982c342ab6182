"""A sign-in between its first step and its second."""

from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import delete, select

from neighborhood_api.identity.second_step.models import Authenticator, Challenge
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem

VALID_FOR = timedelta(minutes=5)


class SecondStepNeeded(Problem):
    """The first step was right; send `challenge` with a code of the authenticator app."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Send the challenge with a code of your authenticator app"
    message = "请输入身份验证器上的动态码，完成登录"
    keeps_changes = True


class SecondStepSetupNeeded(Problem):
    """This deployment asks operators for a second step; set it up with `POST /me/totp`."""

    status = HTTPStatus.FORBIDDEN
    title = "Set up your authenticator app first"
    message = "管理员须先启用动态码登录：请用身份验证器扫码并输入动态码"


async def has_authenticator(tx: ReadTx, person_id: UUID) -> bool:
    """Tell whether a person signs in with a second step."""
    confirmed = select(Authenticator.person_id).where(
        Authenticator.person_id == person_id, Authenticator.confirmed_at.is_not(None)
    )
    return await tx.scalar(confirmed) is not None


async def challenge(tx: Tx, person_id: UUID, kind: str, *, now: datetime) -> SecondStepNeeded:
    """Have a sign-in wait for its second step; return what to answer the first with."""
    secret = token_urlsafe(32)
    tx.add(
        Challenge(
            digest=digest_of(secret), person_id=person_id, kind=kind, expires_at=now + VALID_FOR
        )
    )
    await tx.flush()
    seconds = int(VALID_FOR.total_seconds())
    return SecondStepNeeded(challenge=secret, expires_in_seconds=seconds)


async def forget_challenges(tx: Tx, person_id: UUID) -> None:
    """Have every sign-in of a person that waits for its second step begin anew."""
    await tx.execute(delete(Challenge).where(Challenge.person_id == person_id))


async def forget_past_challenges(tx: Tx, *, now: datetime) -> None:
    """Delete the sign-ins that were never finished."""
    await tx.execute(delete(Challenge).where(Challenge.expires_at < now))


def digest_of(secret: str) -> bytes:
    """Return what a challenge is known by."""
    return sha256(b"challenge " + secret.encode()).digest()
