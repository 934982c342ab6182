"""An application over a database of its own: a trail is looked at as a whole."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI

from neighborhood_api.app import create_app
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings
from tests.committed.trail.tampering import run
from tests.support.issues import Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import build_town
from tests.support.postgres import NewDatabase


@pytest.fixture(scope="module")
async def ground(new_database: NewDatabase, settings: Settings) -> AsyncIterator[FastAPI]:
    """An application over a database of its own: a trail is looked at as a whole."""
    with new_database() as url:
        app = create_app(settings, Database(url))
        async with app.router.lifespan_context(app):
            await ensure_categories(app.state.database)
            yield app


@pytest.fixture
async def database(ground: FastAPI) -> AsyncIterator[Database]:
    database: Database = ground.state.database
    yield database
    await run(database, "TRUNCATE trail, act, case_entry, issue_look CASCADE")


@pytest.fixture
async def street(ground: FastAPI, database: Database) -> AsyncIterator[Street]:
    async with database.transaction() as tx:
        town = await build_town(tx, now=datetime.now(UTC))
    callers = Callers(ground, database)
    yield await street_of(town, callers)
    await callers.close()
