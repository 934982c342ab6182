"""Operators, and time that the test moves."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from fastapi import FastAPI

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Role
from tests.support.clock import Clock, clock_of
from tests.support.people import Caller, Callers
from tests.support.places import Town


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        yield clock


@pytest.fixture
async def operator(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.OPERATOR)


class Days:
    """Days around the clock's."""

    def __init__(self, clock: Clock) -> None:
        self.today: date = local_day(clock.now)
        self.yesterday = self.today - timedelta(days=1)
        self.tomorrow = self.today + timedelta(days=1)


@pytest.fixture
def days(clock: Clock) -> Days:
    return Days(clock)
