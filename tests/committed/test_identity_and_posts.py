"""Changes of office that arrive at the same moment."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from neighborhood_api.grid.models import Appointment, Leave, Vacancy
from neighborhood_api.grid.posts.turns import take_turns
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.people import Callers
from tests.support.places import Town, build_town
from tests.support.posts import appoint, appointment_at, phone_number, somebody


@pytest.fixture
async def town(live_database: Database) -> Town:
    """A town of one's own, to end appointments in."""
    async with live_database.transaction() as tx:
        return await build_town(tx, now=datetime.now(UTC))


async def count_of(database: Database, name: str, node_id: object) -> int:
    async with database.transaction() as tx:
        rows = await tx.scalars(select(OutboxRow).where(OutboxRow.name == name))
        return sum(row.payload["node_id"] == str(node_id) for row in rows)


async def test_when_all_of_a_team_leave_at_once_one_alarm_is_raised(
    live_callers: Callers, live_database: Database, town: Town
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    grid = town.at(1, 1, 1)
    async with live_database.transaction() as tx:
        first = await appointment_at(tx, grid, Role.GRID_WORKER)
        more = [
            await appoint(tx, grid, Role.GRID_WORKER, (await somebody(tx)).id) for _ in range(5)
        ]
    ends = [operator.post(f"/appointments/{held.id}/end") for held in [first, *more]]
    assert {answer.status_code for answer in await asyncio.gather(*ends)} == {200}
    assert await count_of(live_database, "grid.post_vacant", grid.id) == 1
    async with live_database.transaction() as tx:
        rows = select(func.count()).where(Vacancy.node_id == grid.id)
        assert await tx.scalar(rows) == 1


async def test_of_leaves_granted_at_once_for_the_same_days_one_stands(
    live_callers: Callers, live_database: Database, town: Town
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    async with live_database.transaction() as tx:
        held = await appointment_at(tx, town.at(1, 1, 1, 1), Role.LANE_CHIEF)
    body = {"first_on": "2090-01-01", "last_on": "2090-01-03"}
    path = f"/appointments/{held.id}/leaves"
    answers = await asyncio.gather(*[operator.post(path, json=body) for _ in range(8)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 7}
    async with live_database.transaction() as tx:
        rows = select(func.count()).where(Leave.appointment_id == held.id)
        assert await tx.scalar(rows) == 1


async def test_workers_that_take_the_turns_at_once_announce_each_once(
    live_database: Database, town: Town
) -> None:
    lanes = [town.at(1, 1, 1, 1), town.at(1, 1, 2, 1), town.at(1, 2, 1, 1)]
    async with live_database.transaction() as tx:
        for lane in lanes:
            (await appointment_at(tx, lane, Role.LANE_CHIEF)).awaits_start = True
    now = datetime.now(UTC)

    async def turn() -> None:
        async with live_database.transaction() as tx:
            await take_turns(tx, now=now)

    await asyncio.gather(*[turn() for _ in range(5)])
    for lane in lanes:
        assert await count_of(live_database, "grid.duty_changed", lane.id) == 1


async def test_an_appointment_waits_for_a_merge_and_then_finds_nobody_merged(
    live_callers: Callers, live_database: Database, town: Town
) -> None:
    """The post must not go to a person who is becoming another in this very moment."""
    operator = await live_callers.staff(town, Role.OPERATOR)
    number = phone_number()
    async with live_database.transaction() as tx:
        me, known = await somebody(tx, phone=number), await somebody(tx)
    wish = {
        "node_id": str(town.at(1, 1, 1).id),
        "role": "grid_worker",
        "person": {"name": "新人", "phone": number},
        "duty_phone": "0752-1234567",
        "starts_on": "2025-01-01",
    }
    async with live_database.transaction() as tx:
        merging = select(Person).where(Person.id == me.id).with_for_update()
        person = (await tx.scalars(merging)).one()
        asked = asyncio.create_task(operator.post("/appointments", json=wish))
        await asyncio.sleep(0.2)
        assert not asked.done()
        person.phone, person.merged_into_id = None, known.id
    answer = await asked
    assert answer.status_code == 200, answer.text
    async with live_database.transaction() as tx:
        held = await tx.get_one(Appointment, answer.json()["id"])
        holder = await tx.get_one(Person, held.person_id)
        assert held.person_id != me.id
        assert (holder.phone, holder.merged_into_id) == (number, None)
