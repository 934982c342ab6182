from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock, clock_of
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TODAY, at, new_room, new_venue


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    """Monday morning, until the test says otherwise."""
    with clock_of(app) as clock:
        clock.now = at(8, TODAY)
        yield clock


@pytest.fixture
async def venue(tx: Tx, town: Town, clock: Clock) -> Venue:
    """The station of the first community."""
    del clock
    venue = await new_venue(tx, town.place(1, 1))
    await tx.commit()
    return venue


@pytest.fixture
async def room(tx: Tx, venue: Venue) -> RoomRow:
    room = await new_room(tx, venue)
    await tx.commit()
    return room


@pytest.fixture
async def resident(callers: Callers, town: Town) -> Caller:
    return await callers.resident(town.place(1, 1, 1, 1), name="黄荔红")


@pytest.fixture
async def worker(callers: Callers, town: Town) -> Caller:
    """The community worker where the venue is."""
    return await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
