"""What somebody is given while she is erased keeps her, or is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem
from neighborhood_api.privacy.erasures import ErasureHoldsPost
from neighborhood_api.privacy.forgetting import erase_person
from neighborhood_api.privacy.models import Erasure
from neighborhood_api.registrations.locking import RegistrationMoved
from neighborhood_api.registrations.models import Registration
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint
from tests.venues.children.arranging import new_resource


async def post(tx: Tx, town: Town, her: Caller) -> None:
    await appoint(tx, town.at(2, 2, 2), Role.GRID_WORKER, her.person_id)


async def booking(tx: Tx, town: Town, her: Caller) -> None:
    resource = await new_resource(tx, town.place(1, 1), datetime.now(UTC) + timedelta(days=2))
    assert resource.starts_at is not None
    assert resource.ends_at is not None
    booked = Registration(
        id=new_id(),
        number=new_id().int % 10**15,
        created_at=resource.starts_at,
        resource_id=resource.id,
        policy_id=resource.policy_id,
        state="confirmed",
        starts_at=resource.starts_at,
        ends_at=resource.ends_at,
        who_id=her.person_id,
        person_id=her.person_id,
    )
    tx.add(booked)


@pytest.mark.parametrize(
    ("given", "refusal"), [(post, ErasureHoldsPost), (booking, RegistrationMoved)]
)
async def test_what_she_is_given_meanwhile_keeps_her(
    given: Callable[[Tx, Town, Caller], Awaitable[None]],
    refusal: type[Problem],
    live_database: Database,
    live_town: Town,
    live_callers: Callers,
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
        await given(tx, live_town, her)
        await tx.flush()
        erasing = asyncio.create_task(erase())
        await asyncio.sleep(0.5)  # it waits for her row by now
        assert not erasing.done()
    with pytest.raises(refusal):
        await erasing
    async with live_database.transaction() as tx:
        assert (await tx.get_one(Person, her.person_id)).erased_at is None
