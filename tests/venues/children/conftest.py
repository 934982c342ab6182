from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.models import Resource
from tests.support.clock import Clock, clock_of
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TODAY, at
from tests.venues.children.arranging import new_resource


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    """Monday morning, until the test says otherwise."""
    with clock_of(app) as clock:
        clock.now = at(8, TODAY)
        yield clock


@pytest.fixture
async def guardian(callers: Callers, town: Town, clock: Clock) -> Caller:
    del clock
    return await callers.resident(town.place(1, 1, 1, 1), name="黄荔红")


@pytest.fixture
async def worker(callers: Callers, town: Town) -> Caller:
    """The community worker where the session is."""
    return await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)


@pytest.fixture
async def lesson(tx: Tx, town: Town, clock: Clock) -> Resource:
    """A session in the first community, tomorrow afternoon."""
    del clock
    resource = await new_resource(tx, town.place(1, 1), at(16))
    await tx.commit()
    return resource
