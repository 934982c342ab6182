"""Somebody leaves while a case is given to her: it is in somebody's hands all the same."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from httpx import Response
from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.grid.models import Vacancy
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import build_town
from tests.support.posts import appointment_at

ROUNDS = 5


@pytest.fixture
async def street(live_database: Database, live_callers: Callers) -> Street:
    await ensure_categories(live_database)
    async with live_database.transaction() as tx:
        town = await build_town(tx, now=datetime.now(UTC))
    return await street_of(town, live_callers)


async def held_by(database: Database, issues: list[str]) -> set[UUID | None]:
    async with database.transaction() as tx:
        query = select(Case.hand_person_id).where(Case.id.in_(issues))
        return set(await tx.scalars(query))


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_reports_that_come_while_the_chief_leaves_are_not_hers(
    number: int, street: Street, live_database: Database
) -> None:
    del number
    operator = await street.staff(Role.OPERATOR)
    lane = street.town.at(*LANE)
    async with live_database.transaction() as tx:
        chief = await appointment_at(tx, lane, Role.LANE_CHIEF)
    there = [await street.reported() for _ in range(3)]
    *reports, left = await asyncio.gather(
        *[street.report() for _ in range(6)],
        operator.post(f"/appointments/{chief.id}/end"),
    )
    assert {answer.status_code for answer in (*reports, left)} == {200}
    issues = [*there, *(answer.json()["id"] for answer in reports)]
    assert await held_by(live_database, issues) == {street.leader.person_id}
    async with live_database.transaction() as tx:
        for issue_id in issues:
            await check_ledger(tx, issue_id, now=datetime.now(UTC))


async def test_a_report_that_is_being_written_as_she_leaves_is_handed_over(
    street: Street, live_database: Database
) -> None:
    """The report has named the chief, and waits for somebody else; her leaving waits for it."""
    operator = await street.staff(Role.OPERATOR)
    async with live_database.transaction() as tx:
        chief = await appointment_at(tx, street.town.at(*LANE), Role.LANE_CHIEF)
    async with live_database.transaction() as holding:
        reporter = select(Person.id).where(Person.id == street.reporter.person_id)
        await holding.execute(reporter.with_for_update())
        report = asyncio.create_task(street.report())
        await _until_waiting(live_database, 1)
        left = asyncio.create_task(operator.post(f"/appointments/{chief.id}/end"))
        await _until_waiting(live_database, 2, unless=left)
    assert {(await report).status_code, (await left).status_code} == {200}
    issues = [(await report).json()["id"]]
    assert await held_by(live_database, issues) == {street.leader.person_id}


async def test_a_report_that_looked_before_she_left_and_comes_after_looks_again(
    street: Street, live_database: Database
) -> None:
    """Her leaving is being written and waits for somebody else; the report waits for it."""
    operator = await street.staff(Role.OPERATOR)
    lane = street.town.at(*LANE)
    async with live_database.transaction() as tx:
        chief = await appointment_at(tx, lane, Role.LANE_CHIEF)
    holding = live_database.sessions()
    chief_role = Role.LANE_CHIEF.value
    holding.add(Vacancy(node_id=lane.id, role=chief_role, since=datetime.now(UTC)))
    await holding.flush()  # the last thing that leaving does is to raise this alarm
    left = asyncio.create_task(operator.post(f"/appointments/{chief.id}/end"))
    await _until_waiting(live_database, 1)
    report = asyncio.create_task(street.report())
    await _until_waiting(live_database, 2, unless=report)
    await holding.rollback()
    await holding.close()
    assert {(await report).status_code, (await left).status_code} == {200}
    issues = [(await report).json()["id"]]
    assert await held_by(live_database, issues) == {street.leader.person_id}


async def test_what_is_passed_up_while_the_leader_leaves_is_not_hers(
    street: Street, live_database: Database
) -> None:
    operator = await street.staff(Role.OPERATOR)
    grid = street.town.at(*LANE[:3])
    issues = [await street.accepted() for _ in range(5)]
    async with live_database.transaction() as tx:
        leader = await appointment_at(tx, grid, Role.GRID_LEADER)
    body = {"text": "上报网格"}
    *moves, left = await asyncio.gather(
        *[street.chief.post(f"/issues/{one}/escalate", json=body) for one in issues],
        operator.post(f"/appointments/{leader.id}/end"),
    )
    assert {answer.status_code for answer in (*moves, left)} == {200}
    worker = street.town.staff[Role.GRID_WORKER, grid.id]
    assert await held_by(live_database, issues) == {worker.id}


async def _until_waiting(
    database: Database, backends: int, *, unless: asyncio.Task[Response] | None = None
) -> None:
    """Wait until so many transactions wait for a lock, or somebody is done who should."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(20):
        while unless is None or not unless.done():
            async with database.transaction() as tx:
                connection = await tx.connection()
                found = (await connection.exec_driver_sql(waiting)).scalar_one()
            if found >= backends:
                return
            await asyncio.sleep(0.02)


async def test_of_shifts_made_at_once_for_the_same_hours_one_stands(
    street: Street, live_database: Database
) -> None:
    grid = street.town.at(*LANE[:3])
    worker = street.town.staff[Role.GRID_WORKER, grid.id]
    begins = datetime.now(UTC) + timedelta(days=1)
    wishes = [
        {
            "person_id": str(person_id),
            "starts_at": (begins + timedelta(minutes=number)).isoformat(),
            "ends_at": (begins + timedelta(hours=8)).isoformat(),
        }
        for number, person_id in enumerate([worker.id, street.chief.person_id] * 4)
    ]
    path = f"/grid/nodes/{grid.id}/roster"
    answers = await asyncio.gather(*[street.leader.post(path, json=one) for one in wishes])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 7}
    async with live_database.transaction() as tx:
        assert (
            len((await tx.scalars(select(Shift.id).where(Shift.node_id == grid.id))).all()) == 1
        )


async def test_who_leaves_while_she_is_put_on_the_roster_is_not_on_it(
    street: Street, live_database: Database
) -> None:
    operator = await street.staff(Role.OPERATOR)
    grid = street.town.at(*LANE[:3])
    worker = street.town.staff[Role.GRID_WORKER, grid.id]
    async with live_database.transaction() as tx:
        held = await appointment_at(tx, grid, Role.GRID_WORKER)
    begins = datetime.now(UTC) + timedelta(days=1)
    wishes = [
        {
            "person_id": str(worker.id),
            "starts_at": (begins + timedelta(hours=hour)).isoformat(),
            "ends_at": (begins + timedelta(hours=hour + 1)).isoformat(),
        }
        for hour in range(6)
    ]
    path = f"/grid/nodes/{grid.id}/roster"
    *made, left = await asyncio.gather(
        *[street.leader.post(path, json=one) for one in wishes],
        operator.post(f"/appointments/{held.id}/end"),
    )
    assert left.status_code == 200
    assert {answer.status_code for answer in made} <= {200, 422}
    async with live_database.transaction() as tx:
        rows = select(Shift.id).where(
            Shift.person_id == worker.id, Shift.cancelled_at.is_(None)
        )
        assert (await tx.scalars(rows)).all() == []
