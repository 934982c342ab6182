from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.registers.claims import jobs
from tests.registers.arranging import LANE, Arranged
from tests.support.clock import Clock, clock_of
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.reactions import Reactions


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        yield clock


@pytest.fixture
def arranged(tx: Tx, callers: Callers, town: Town, clock: Clock) -> Arranged:
    """Rows of the registers at the town's first lane, and accounts that live there."""
    return Arranged(tx, callers, town, clock)


@pytest.fixture
async def household(arranged: Arranged) -> Household:
    """The dwelling at 88号 of the first lane."""
    return await arranged.household("88号")


@pytest.fixture
async def worker(callers: Callers, town: Town) -> Caller:
    """The grid worker of the first lane."""
    return await callers.staff(town, Role.GRID_WORKER, *LANE[:3])


@pytest.fixture
async def chief(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.LANE_CHIEF, *LANE)


@pytest.fixture
def react(rolled_back: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Reactions:
    """Runs the jobs of the registers that events ask for, each twice."""
    return Reactions(rolled_back, jobs, clock, monkeypatch)
