"""Real commits: a database of its own, so that nothing here disturbs the rolled-back tests.

For races, jobs and notifications. The rows stay until the run ends: arrange your own people
and places (`build_town` as often as you like), and never count all rows of a table.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI

from neighborhood_api.app import create_app
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings
from tests.support.people import Callers
from tests.support.places import Town, build_town
from tests.support.postgres import NewDatabase


@pytest.fixture(scope="session")
def live_database_url(new_database: NewDatabase) -> Iterator[str]:
    """A second migrated database in the same server."""
    with new_database() as url:
        yield url


@pytest.fixture(scope="session")
async def live_app(live_database_url: str, settings: Settings) -> AsyncIterator[FastAPI]:
    """The application as it is served: its lifespan has run, revocations are listened to."""
    app = create_app(settings, Database(live_database_url, pool_size=20))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
def live_database(live_app: FastAPI) -> Database:
    """The application's database; `live_database.transaction()` commits."""
    database: Database = live_app.state.database
    return database


@pytest.fixture(scope="session")
async def live_town(live_database: Database) -> Town:
    """A committed town for all; a test that ends appointments builds its own."""
    async with live_database.transaction() as tx:
        return await build_town(tx, now=datetime.now(UTC))


@pytest.fixture
async def live_callers(live_app: FastAPI, live_database: Database) -> AsyncIterator[Callers]:
    """Signed-in clients whose changes stay."""
    made = Callers(live_app, live_database)
    yield made
    await made.close()
