"""Layers of the town, drawn by its operator."""

from uuid import UUID

import pytest

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.grid.layers.arranging import Drawn, haiyang, yuetang
from tests.support.people import Caller, Callers
from tests.support.places import Town


@pytest.fixture
async def operator(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.OPERATOR)


@pytest.fixture
async def three_chiefs(operator: Caller, town: Town, tx: Tx) -> tuple[Drawn, list[UUID]]:
    """片长—组长—邻长, and the households of the lane."""
    return await yuetang(operator, town, tx)


@pytest.fixture
async def property_grids(operator: Caller, town: Town) -> Drawn:
    """6 片区, 29 物业网格."""
    return await haiyang(operator, town)
