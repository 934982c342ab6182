"""The way back for somebody who lost her authenticator app and has nobody above her."""

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from sqlalchemy import select

from neighborhood_api.cli import ground
from neighborhood_api.cli.refusals import Refused, plainly
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.identity.second_step.service import SecondStepOff, take_second_step_off
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.settings import Settings

out = Console()
err = Console(stderr=True)

_NOBODY = UUID(int=0)


def reset_totp(
    phone: Annotated[
        str, typer.Option(prompt="Mobile number 手机号", help="Whose codes. 登录手机号。")
    ],
) -> None:
    """Turn one-time codes off for somebody who lost her app. 关闭某人的动态码登录。

    She is signed out everywhere, and signs in with her password or WeChat alone until she
    sets one-time codes up again. Kept in the audit trail.
    """
    with plainly(err), ExitStack() as stack:
        settings = Settings()
        url = stack.enter_context(ground.database_of(settings))
        ground.require_migrated(url)
        use_personal_keys(settings)
        out.print(asyncio.run(_reset(url, phone)) + ".", highlight=False)


async def take_off_by_phone(tx: Tx, phone: str, *, now: datetime) -> str:
    """Take the second step off the account with this number; say what was done.

    Raises: Refused.
    """
    person = await tx.scalar(select(Person).where(Person.phone == phone))
    if person is None:
        raise Refused("Nobody is registered with this number.")
    try:
        await take_second_step_off(tx, person.id, by=_NOBODY, now=now)
    except SecondStepOff as exc:
        raise Refused("This account signs in without one-time codes already.") from exc
    return f"{person.name or 'She'} signs in without one-time codes now, and is signed out"


async def _reset(url: str, phone: str) -> str:
    database = Database(url, pool_size=2)
    try:
        async with database.transaction() as tx:
            return await take_off_by_phone(tx, phone, now=datetime.now(UTC))
    finally:
        await database.close()
