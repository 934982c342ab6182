"""Several people at one post, or at the names of one district, at the same moment."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.schema import SHOWN_ZONE
from tests.grid.layers.test_profiles import WISH
from tests.support.people import Caller, Callers
from tests.support.places import Town, build_town
from tests.support.posts import appointment_at, phone_number, vacate

pytestmark = pytest.mark.slow

ROUNDS = 4
GRID = (1, 1, 1)


@pytest.fixture
async def town(live_database: Database) -> Town:
    async with live_database.transaction() as tx:
        return await build_town(tx, now=datetime.now(UTC))


@pytest.fixture
async def operator(live_callers: Callers, town: Town) -> Caller:
    return await live_callers.staff(town, Role.OPERATOR)


def worker_at(grid: Node) -> dict[str, Any]:
    return {
        "node_id": str(grid.id),
        "role": "grid_worker",
        "person": {"name": "新人", "phone": phone_number()},
        "duty_phone": "0752-1234567",
        "starts_on": "2026-01-01",
    }


async def primaries_at(database: Database, grid: Node) -> int:
    async with database.transaction() as tx:
        primary = select(Appointment.id).where(
            Appointment.node_id == grid.id,
            Appointment.is_primary,
            Appointment.ended_at.is_(None),
        )
        return len((await tx.scalars(primary)).all())


async def test_a_grid_never_has_two_primary_workers_nor_none(
    operator: Caller, town: Town, live_database: Database
) -> None:
    for number, grid in enumerate((town.at(*GRID), town.at(1, 1, 2), town.at(1, 2, 1))):
        async with live_database.transaction() as tx:
            await vacate(tx, grid)
        wishes = [worker_at(grid) for _ in range(4)]
        made = await asyncio.gather(*(operator.post("/appointments", json=w) for w in wishes))
        assert {one.status_code for one in made} == {200}, (number, made[-1].text)
        assert sum(one.json()["primary"] for one in made) == 1
        for _ in range(ROUNDS):
            named = await asyncio.gather(
                *(
                    operator.post(f"/appointments/{one.json()['id']}/make-primary")
                    for one in made
                )
            )
            assert {one.status_code for one in named} == {200}, [one.text for one in named]
            assert await primaries_at(live_database, grid) == 1


async def test_a_leave_a_shift_and_a_stand_in_at_once_leave_nobody_away_on_the_roster(
    operator: Caller, town: Town, live_database: Database
) -> None:
    chief = town.staff[Role.LANE_CHIEF, town.at(*GRID, 1).id].id
    async with live_database.transaction() as tx:
        held = await appointment_at(tx, town.at(*GRID, 1), Role.LANE_CHIEF)
    today = local_day(datetime.now(UTC))
    for number in range(1, ROUNDS + 1):
        day = today + timedelta(days=number)
        nine = datetime.combine(day, time(9), SHOWN_ZONE)
        person = {"name": "代班", "phone": phone_number()}
        leave = {"first_on": str(day), "last_on": str(day), "stand_in": person}
        shift = {
            "person_id": str(chief),
            "starts_at": nine.isoformat(),
            "ends_at": (nine + timedelta(hours=3)).isoformat(),
        }
        granted, put, set_ = await asyncio.gather(
            operator.post(f"/appointments/{held.id}/leaves", json=leave),
            operator.post(f"/grid/nodes/{town.at(*GRID).id}/roster", json=shift),
            operator.post(f"/appointments/{held.id}/stand-in", json={"person": person}),
        )
        assert (granted.status_code, set_.status_code) == (200, 200), granted.text
        assert put.json().get("code") in {None, "away_then"}, put.text
        async with live_database.transaction() as tx:
            hers = select(Shift).where(Shift.person_id == chief, Shift.starts_at == nine)
            assert [one for one in await tx.scalars(hers) if one.cancelled_at is None] == []


async def test_of_two_first_profiles_one_is_kept(operator: Caller, town: Town) -> None:
    path = f"/grid/nodes/{town.at().id}/profile"
    for version in range(ROUNDS):
        body = WISH | {"version": version}
        answers = await asyncio.gather(*(operator.put(path, json=body) for _ in range(3)))
        codes = Counter(one.json().get("code", "kept") for one in answers)
        assert codes == {"kept": 1, "stale_version": 2}
