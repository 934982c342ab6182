"""Keeping and reading the history of sign-ins, and the devices that are signed in."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import Select, delete, func, select

from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import SignIn
from neighborhood_api.identity.revocations import revoke_sign_in
from neighborhood_api.identity.sessions.devices import Device
from neighborhood_api.identity.sessions.models import Outcome, SignInAttempt, SignInKind
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem

REFRESH_LIFETIME = timedelta(days=30)
"""A device that does not renew its tokens for so long is signed out."""


class DeviceSignInNotFound(Problem):
    """The id names none of the caller's devices that are signed in."""

    status = HTTPStatus.NOT_FOUND
    title = "You are not signed in on such a device"
    message = "没有找到这台设备的登录，可能已退出"


def note_attempt(
    tx: Tx, person_id: UUID, kind: SignInKind, outcome: Outcome, device: Device, now: datetime
) -> None:
    """Keep that somebody tried to sign in as a person."""
    tx.add(
        SignInAttempt(
            person_id=person_id,
            at=now,
            kind=kind.value,
            outcome=outcome.value,
            device=device.family,
            network=device.network,
        )
    )


def attempts_of(person_id: UUID) -> Select[SignInAttempt]:
    """Select the history of a person's sign-ins, newest first."""
    mine = select(SignInAttempt).where(SignInAttempt.person_id == person_id)
    return mine.order_by(SignInAttempt.id.desc())


def open_sign_ins(person_id: UUID) -> Select[SignIn]:
    """Select the devices on which a person is signed in."""
    return select(SignIn).where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))


def live_sign_ins(person_id: UUID, now: datetime) -> Select[SignIn]:
    """Select the devices whose tokens can still be renewed, newest first."""
    used = func.coalesce(SignIn.last_used_at, SignIn.created_at)
    live = open_sign_ins(person_id).where(used > now - REFRESH_LIFETIME)
    return live.order_by(SignIn.id.desc())


async def end_device_sign_in(tx: Tx, actor: Actor, sign_in_id: UUID, *, now: datetime) -> None:
    """Sign one of the caller's devices out; its tokens are worthless at once, everywhere.

    Raises: DeviceSignInNotFound.
    """
    mine = open_sign_ins(actor.person_id).where(SignIn.id == sign_in_id)
    sign_in = await tx.scalar(mine.with_for_update())
    if sign_in is None:
        raise DeviceSignInNotFound
    await revoke_sign_in(tx, sign_in, reason="ended_remotely", now=now)


async def end_other_sign_ins(
    tx: Tx, person_id: UUID, *, but: UUID | None, reason: str, now: datetime
) -> int:
    """Sign a person out on every device but one; return on how many."""
    others = open_sign_ins(person_id).order_by(SignIn.id).with_for_update()
    ended = [one for one in await tx.scalars(others) if one.id != but]
    for sign_in in ended:
        await revoke_sign_in(tx, sign_in, reason=reason, now=now)
    return len(ended)


async def forget_attempts(tx: Tx, *, before: datetime) -> None:
    """Delete the history that is older than a deployment keeps it."""
    await tx.execute(delete(SignInAttempt).where(SignInAttempt.at < before))
