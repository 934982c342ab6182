"""Operators, and time that the test moves."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.schedules.calendars import at
from tests.support.clock import Clock, clock_of
from tests.support.people import Caller, Callers
from tests.support.places import Town, new_node
from tests.support.posts import appoint, somebody


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    """A Sunday in November 2026, a year before anybody knows what 2028 brings."""
    with clock_of(app) as clock:
        clock.now = at("2026-11-22", "10:00")
        yield clock


@pytest.fixture
async def operator(callers: Callers, town: Town, clock: Clock) -> Caller:
    del clock
    return await callers.staff(town, Role.OPERATOR)


@pytest.fixture
async def neighbour(callers: Callers, town: Town, tx: Tx, clock: Clock) -> Caller:
    """The operator of another district."""
    del town, clock
    elsewhere = new_node(None, 2)
    tx.add(elsewhere)
    person = await somebody(tx, "邻县管理员")
    await appoint(tx, elsewhere, Role.OPERATOR, person.id)
    await tx.commit()
    caller = await callers.person(person.id)
    caller.headers["x-district"] = str(elsewhere.id)
    return caller
