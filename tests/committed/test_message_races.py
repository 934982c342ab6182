"""Several workers at once: each message goes out once, within what was agreed to."""

import asyncio
from uuid import UUID

from neighborhood_api.kit.db import Database
from neighborhood_api.notifications.models import DeliveryState
from neighborhood_api.settings import Settings
from tests.notifications.world import NOON, world_over


async def test_many_workers_send_each_message_once(
    live_database: Database, settings: Settings
) -> None:
    async with world_over(live_database, settings) as world:
        person = await world.person(agreed=12)
        told = [await world.tell(person) for _ in range(10)]
        posts = [world.post() for _ in range(4)]
        await asyncio.gather(*(post.send(one, now=NOON) for one in told for post in posts))
        assert len(await world.received(person)) == 10
        assert await world.remaining(person) == 2
        assert {(await world.delivery(one)).tries for one in told} == {1}


async def test_the_last_agreement_is_used_by_one(
    live_database: Database, settings: Settings
) -> None:
    async with world_over(live_database, settings) as world:
        person = await world.person(agreed=3)
        told = [await world.tell(person) for _ in range(8)]
        await asyncio.gather(*(world.post().send(one, now=NOON) for one in told))
        states = sorted([(await world.delivery(one)).state for one in told])
        assert states == [DeliveryState.REFUSED] * 5 + [DeliveryState.SENT] * 3
        assert await world.remaining(person) == 0
        assert world.app.state.standin.calls["/cgi-bin/message/subscribe/send"] == 3


async def test_told_at_once_by_several_jobs_is_told_once(
    live_database: Database, settings: Settings
) -> None:
    async with world_over(live_database, settings) as world:
        person = await world.person(agreed=5)

        async def tell() -> UUID | None:
            try:
                return await world.tell(person, key="同一件事")
            except AssertionError:  # it was told before
                return None

        told = [one for one in await asyncio.gather(*(tell() for _ in range(8))) if one]
        assert len(told) == 1
        await world.post().send(told[0], now=NOON)
        assert len(await world.received(person)) == 1
