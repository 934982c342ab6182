from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from neighborhood_api.kit.db import Database, Tx
from tests.support.clock import Clock, clock_of
from tests.support.issues import Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        yield clock


@pytest.fixture
async def street(town: Town, database: Database, callers: Callers, tx: Tx) -> Street:
    await ensure_categories(database)
    del tx
    return await street_of(town, callers)
