"""An application over a database of its own: a trail is looked at as a whole."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from neighborhood_api.app import create_app
from neighborhood_api.issues.categories.models import HandlingRule
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.trail import seal_trail, trail_of
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
    async with database.transaction() as tx:  # a test begins with a chain of the rules alone
        await seal_trail(tx)
    yield database
    await run(database, "TRUNCATE trail, withholding, act, case_entry, issue_look CASCADE")
    await run(database, "DELETE FROM handling_rule WHERE node_id IS NOT NULL")
    async with database.transaction() as tx:  # the rules that stay, stay in the trail
        tx.add_all([trail_of(rule) for rule in await tx.scalars(select(HandlingRule))])


@pytest.fixture
async def street(ground: FastAPI, database: Database) -> AsyncIterator[Street]:
    async with database.transaction() as tx:
        town = await build_town(tx, now=datetime.now(UTC))
    callers = Callers(ground, database)
    yield await street_of(town, callers)
    await callers.close()
