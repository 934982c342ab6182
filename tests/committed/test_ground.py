"""The ground under the tests of this folder."""

from sqlalchemy import select

from neighborhood_api.grid.models import Residence
from neighborhood_api.kit.db import Database
from tests.support.people import Callers
from tests.support.places import Town


async def test_a_change_over_http_is_seen_by_another_connection(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    lane = live_town.at(1, 1, 1, 1)
    resident = await live_callers.resident()

    answer = await resident.put(
        "/me/residence", json={"lane_id": str(lane.id), "address": "1号"}
    )

    assert answer.status_code == 200, answer.text
    async with live_database.transaction() as tx:
        stored = await tx.scalar(
            select(Residence.lane_id).where(Residence.person_id == resident.person_id)
        )
    assert stored == lane.id
