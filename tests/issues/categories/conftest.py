"""The categories that the project brings along, and who may change them."""

from datetime import UTC, datetime

import pytest

from neighborhood_api.identity.access import Role
from neighborhood_api.issues.categories.seed import load_categories
from neighborhood_api.kit.db import Tx
from tests.support.people import Caller, Callers
from tests.support.places import Town, build_town
from tests.support.posts import chief_operator


@pytest.fixture
async def seeded(tx: Tx) -> None:
    """What a fresh database holds."""
    await load_categories(tx, now=datetime(2026, 1, 1, tzinfo=UTC))
    await tx.commit()


@pytest.fixture
async def operator(callers: Callers, town: Town, tx: Tx, seeded: None) -> Caller:
    """Who operates the town's district, and may change what holds in every district."""
    del seeded
    return await callers.person(await chief_operator(tx, town.at()))


@pytest.fixture
async def of_the_district(callers: Callers, town: Town, seeded: None) -> Caller:
    """The operator of the town's district."""
    del seeded
    return await callers.staff(town, Role.OPERATOR)


@pytest.fixture
async def elsewhere(tx: Tx, seeded: None) -> Town:
    """Another district, with a staff of its own."""
    del seeded
    town = await build_town(tx, now=datetime.now(UTC))
    await tx.commit()
    return town
