"""A venue's opening hours with a room's inside, in a district of the town."""

from typing import NamedTuple

import pytest

from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.openings.models import Opening
from neighborhood_api.schedules.openings.service import add_opening
from tests.support.places import Town


class House(NamedTuple):
    venue: Opening
    room: Opening


@pytest.fixture
async def house(tx: Tx, town: Town) -> House:
    venue = await add_opening(tx, town.at().id)
    return House(venue, await add_opening(tx, town.at().id, parent=venue))
