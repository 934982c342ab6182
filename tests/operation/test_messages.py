"""From the change to the phone: the worker sends what a transaction has told somebody."""

import asyncio
from datetime import UTC, datetime, time
from time import monotonic

from pydantic import SecretStr

from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings
from neighborhood_api.worker import run_worker
from tests.notifications.world import world_over
from tests.support.wechat import APP_ID, APP_SECRET

SOON = 15.0


async def test_the_worker_brings_a_message_to_the_phone(
    settings: Settings, own_url: str
) -> None:
    own = Database(own_url)
    await own.open()
    stop = asyncio.Event()
    async with world_over(own, settings) as world:
        person = await world.person(agreed=1)
        await world.tell(person, now=datetime.now(UTC))
        served = world.settings.model_copy(
            update={
                "wechat_base_url": world.base_url,
                "wechat_app_id": APP_ID,
                "wechat_app_secret": SecretStr(APP_SECRET),
                "quiet_from": time(0),
                "quiet_until": time(0),
            }
        )
        working = asyncio.create_task(run_worker(served, own_url, stop=stop))
        deadline = monotonic() + SOON
        while not await world.received(person):
            assert monotonic() < deadline, "nothing came"
            await asyncio.sleep(0.1)
        stop.set()
        await working
        assert len(await world.received(person)) == 1
        assert await world.remaining(person) == 0
    await own.close()
