"""The whole product in one process: the API, its job worker, and WeChat's stand-in."""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex

import httpx
from pydantic import SecretStr
from sqlalchemy import exists, select

from neighborhood_api.app import create_app
from neighborhood_api.demo.load import load_demo
from neighborhood_api.demo.messages import KEYS, TEMPLATES
from neighborhood_api.demo.people import (
    OPENID_PREFIX,
    DemoPersonOut,
    PhoneMaker,
    list_people,
)
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.kit.db import Database
from neighborhood_api.serving import serve
from neighborhood_api.settings import DEMO_APP_ID, Settings
from neighborhood_api.wechat.standin.server import create_standin
from neighborhood_api.wechat.standin.serving import serve_standin
from neighborhood_api.worker import run_worker

GRACE_SECONDS = 2
"""Whoever presses Ctrl-C in a demonstration is waiting in front of it."""

Ready = Callable[[list[DemoPersonOut], str], None]
"""Told whom one can be, and where WeChat's stand-in is."""


class NotADemoDatabase(Exception):  # noqa: N818  (named for what happened)
    """The database holds people who are not invented; the message says what to do."""


async def run_demo(
    settings: Settings,
    database_url: str,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    with_worker: bool = True,
    progress: Callable[[str], None],
    ready: Ready,
) -> None:
    """Load the invented district where it is missing, and serve it until `stop` is set.

    Raises: NotADemoDatabase.
    """
    use_personal_keys(settings)
    if not await _loaded(settings, database_url, stop, progress):
        return
    secret = token_hex(16)
    standin = create_standin(DEMO_APP_ID, secret, templates=KEYS)
    async with serve_standin(standin) as wechat:
        served = settings.model_copy(
            update={
                "wechat_app_id": DEMO_APP_ID,
                "wechat_app_secret": SecretStr(secret),
                "wechat_base_url": wechat,
                "wechat_templates": TEMPLATES,
            }
        )
        database = Database(database_url, pool_size=settings.pool_size)
        app = create_app(served, database)
        people = await _people(database_url, wechat)
        async with asyncio.TaskGroup() as group:
            if with_worker:
                group.create_task(run_worker(served, database_url, stop=stop))
            await serve(
                app,
                served,
                listener,
                stop,
                grace_seconds=GRACE_SECONDS,
                ready=lambda: ready(people, wechat),
            )


def quieten() -> None:
    """Keep the terminal for what the reader does: requests, warnings and errors."""
    for name in ("uvicorn", "neighborhood_api.worker"):
        logging.getLogger(name).setLevel(logging.WARNING)


async def holds_demo_people(database: Database) -> bool | None:
    """Tell whether the people in the database are invented; None when there are none."""
    invented = Person.openid.startswith(OPENID_PREFIX, autoescape=True)
    asked = select(exists(select(Person.id)), exists(select(Person.id).where(invented)))
    async with database.transaction() as tx:
        anybody, demo = (await tx.execute(asked)).one()
    return bool(demo) if anybody else None


async def _loaded(
    settings: Settings, url: str, stop: asyncio.Event, progress: Callable[[str], None]
) -> bool:
    """Load the district once; False when told to stop meanwhile, and then nothing is loaded."""
    database = Database(url, pool_size=2)
    try:
        if await holds_demo_people(database) is False:
            raise NotADemoDatabase(
                "This database holds people who are not invented, and a demonstration lets "
                "anybody sign in as anybody. Use an empty database, or unset DATABASE_URL."
            )
        loading = asyncio.create_task(
            load_demo(database, settings, now=datetime.now(UTC), progress=progress)
        )
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([loading, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            loading.cancel()
            with suppress(asyncio.CancelledError):
                await loading
        return not stop.is_set()
    finally:
        await database.close()


async def _people(url: str, wechat: str) -> list[DemoPersonOut]:
    database = Database(url, pool_size=2)
    try:
        # The stand-in is on this machine, whatever proxies the environment names.
        async with httpx.AsyncClient(trust_env=False) as http, database.transaction() as tx:
            return await list_people(tx, PhoneMaker(http, wechat))
    finally:
        await database.close()
