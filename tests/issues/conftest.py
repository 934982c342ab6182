"""An issue on its way, and who may touch it."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from neighborhood_api.files.links import Links
from neighborhood_api.kit.db import Database, Tx
from tests.support.clock import Clock, clock_of
from tests.support.issues import Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town


@pytest.fixture(scope="session")
async def categories(database: Database) -> None:
    await ensure_categories(database)


@pytest.fixture
async def street(callers: Callers, town: Town, categories: None, tx: Tx) -> Street:
    del categories, tx
    return await street_of(town, callers)


@pytest.fixture
def links(app: FastAPI) -> Links:
    made: Links = app.state.links
    return made


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    """Time that only the test moves."""
    with clock_of(app) as clock:
        yield clock
