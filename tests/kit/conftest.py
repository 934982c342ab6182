"""The kit without a neighbourhood: a probe with real commits, and the whole API."""

from collections.abc import AsyncIterator

import pytest

from neighborhood_api.kit.db import Database
from tests.support.probe import Probe, make_tables, probe_over


@pytest.fixture(scope="session")
async def notes(database: Database) -> Database:
    await make_tables(database)
    return database


@pytest.fixture
async def probe(notes: Database) -> AsyncIterator[Probe]:
    async with probe_over(notes) as probe:
        yield probe


@pytest.fixture(params=["", "/fast"], ids=["session", "writer"])
def kind(request: pytest.FixtureRequest) -> str:
    """Over which kind of transaction the probe's operations write, as a prefix."""
    return str(request.param)
