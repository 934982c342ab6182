"""An operator of the town, ready to plan."""

import pytest

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database
from tests.reorganisation.arranging import Planner
from tests.support.issues import Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town


@pytest.fixture
async def planner(callers: Callers, town: Town) -> Planner:
    return Planner(await callers.staff(town, Role.OPERATOR), town)


@pytest.fixture
async def street(callers: Callers, town: Town, database: Database) -> Street:
    await ensure_categories(database)
    return await street_of(town, callers)
