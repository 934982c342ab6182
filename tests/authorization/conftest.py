"""One rule, asked in every way: a post grants over its node and everything below it.

Whoever may not see an issue gets 404, whoever sees it and may not act gets 403.
"""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, ReadTx, Tx
from tests.authorization.seats import SEATS, Everybody
from tests.authorization.world import World, built
from tests.support.fixtures import all_undone, client_of
from tests.support.issues import LANE, Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town, new_node
from tests.support.posts import appoint, somebody


@pytest.fixture
async def street(callers: Callers, town: Town, database: Database, tx: Tx) -> Street:
    await ensure_categories(database)
    del tx
    return await street_of(town, callers)


@pytest.fixture
async def everybody(street: Street, http: AsyncClient, tx: Tx) -> Everybody:
    """A signed-in client for every line of the tables."""
    district = new_node(None, 7)
    tx.add(district)
    await tx.flush()
    stranger = await somebody(tx)
    await appoint(tx, district, Role.OPERATOR, stranger.id)
    people: Everybody = {
        "anonymous": http,
        "reporter": street.reporter,
        "neighbour": await street.callers.resident(street.town.place(*LANE)),
        "far operator": await street.callers.person(stranger.id),
    }
    for name, (role, path, body) in SEATS.items():
        people[name] = await street.staff(role, *path, body=body)
    return people


@pytest.fixture(scope="module")
async def world(app: FastAPI, town: Town, database: Database) -> AsyncIterator[World]:
    """Everybody signed in, and issues in every situation; built once, and never committed."""
    await ensure_categories(database)
    async with database.engine.connect() as connection, connection.begin() as outer:
        async with (
            all_undone(database, connection) as undone_database,
            undone_database.sessions() as session,
            client_of(app) as nobody,
        ):
            callers = Callers(app, undone_database)
            yield await built(callers, town, nobody, Tx(ReadTx(session)), connection)
            await callers.close()
        await outer.rollback()
