"""What somebody is given while she is erased keeps her, or is refused."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from neighborhood_api.privacy.erasures import ErasureHoldsPost
from neighborhood_api.privacy.forgetting import erase_person
from neighborhood_api.privacy.models import Erasure
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import appoint


async def test_a_post_that_is_given_meanwhile_keeps_her(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    her = await live_callers.resident()
    now = datetime.now(UTC)
    async with live_database.transaction() as tx:
        erasure = Erasure(person_id=her.person_id, requested_at=now, due_at=now)
        tx.add(erasure)

    async def erase() -> None:
        async with live_database.transaction() as tx:
            await erase_person(tx, erasure.id, now=now + timedelta(minutes=1))

    async with live_database.transaction() as tx:
        await appoint(tx, live_town.at(2, 2, 2), Role.GRID_WORKER, her.person_id)
        await tx.flush()
        erasing = asyncio.create_task(erase())
        await asyncio.sleep(0.5)  # it waits for her row by now
        assert not erasing.done()
    with pytest.raises(ErasureHoldsPost):
        await erasing
    async with live_database.transaction() as tx:
        assert (await tx.get_one(Person, her.person_id)).erased_at is None
