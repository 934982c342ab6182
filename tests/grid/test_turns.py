"""What begins and ends by the calendar is announced on its day, once, by whoever is awake."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from neighborhood_api.cases.jobs import follow_duty
from neighborhood_api.cases.models import Case
from neighborhood_api.grid import jobs
from neighborhood_api.grid.models import Appointment, Leave
from neighborhood_api.grid.posts import turns
from neighborhood_api.grid.posts.turns import take_turns
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.jobs import relay_outbox
from neighborhood_api.kit.outbox import OutboxRow
from tests.grid.conftest import Days
from tests.support.clock import Clock
from tests.support.issues import Street, ensure_categories, street_of
from tests.support.jobs import job_context
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appointment_at, phone_number, vacate
from tests.support.refusals import refused

LANE = (1, 1, 1, 1)
DUTY = ("grid.appointment_ended", "grid.duty_changed")


@pytest.fixture
async def street(callers: Callers, town: Town, database: Database) -> Street:
    await ensure_categories(database)
    return await street_of(town, callers)


async def told(tx: Tx, node_id: UUID) -> Counter[str]:
    rows = await tx.scalars(select(OutboxRow).where(OutboxRow.name.in_(DUTY)))
    return Counter(row.name for row in rows if row.payload["node_id"] == str(node_id))


async def appointed(operator: Caller, town: Town, days: Days, **changes: object) -> UUID:
    wish = {
        "node_id": str(town.at(*LANE).id),
        "role": "lane_chief",
        "person": {"name": "新巷长", "phone": phone_number()},
        "duty_phone": "0752-1234567",
        "starts_on": days.today.isoformat(),
    } | changes
    answer = await operator.post("/appointments", json=wish)
    assert answer.status_code == 200, answer.text
    return UUID(answer.json()["id"])


async def test_a_term_is_announced_on_its_first_day_and_cases_and_tokens_follow(
    operator: Caller,
    callers: Callers,
    street: Street,
    town: Town,
    tx: Tx,
    clock: Clock,
    days: Days,
    rolled_back: Database,
) -> None:
    lane = town.at(*LANE)
    issue_id = await street.reported()
    await vacate(tx, lane)
    await tx.commit()
    made = await appointed(operator, town, days, starts_on=days.tomorrow.isoformat())
    held = await tx.get_one(Appointment, made)
    newcomer = await callers.person(held.person_id)
    await take_turns(tx, now=clock.now)
    assert await told(tx, lane.id) == {}
    assert (await newcomer.get("/me")).status_code == 200

    clock.forward(days=1)
    for _ in range(3):
        await take_turns(tx, now=clock.now)
    await tx.commit()
    assert await told(tx, lane.id) == {"grid.duty_changed": 1}
    refused(await newcomer.get("/me"), 401, "token_revoked")

    held.starts_on = days.today  # the job that follows reads the real clock
    await tx.commit()
    assert await relay_outbox(tx) > 0
    asked = await tx.scalars(
        text(
            "SELECT args->>'node_id' FROM procrastinate_jobs"
            " WHERE task_name = 'cases.follow_duty' AND args->>'node_id' = :node"
        ).bindparams(node=str(lane.id))
    )
    assert asked.all() == [str(lane.id)] * 2  # made, and begun
    await follow_duty(job_context(rolled_back, "cases.follow_duty"), node_id=str(lane.id))
    holds = select(Case.hand_person_id).where(Case.id == issue_id)
    assert await tx.scalar(holds) == held.person_id


async def test_a_term_that_begins_at_once_is_announced_by_being_made(
    operator: Caller, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    lane = town.at(*LANE)
    await vacate(tx, lane)
    await tx.commit()
    await appointed(operator, town, days)
    await take_turns(tx, now=clock.now)
    assert await told(tx, lane.id) == {}


async def test_a_term_ended_before_its_first_day_never_begins(
    operator: Caller, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    lane = town.at(*LANE)
    await vacate(tx, lane)
    await tx.commit()
    made = await appointed(operator, town, days, starts_on=days.tomorrow.isoformat())
    assert (await operator.post(f"/appointments/{made}/end")).status_code == 200
    await take_turns(tx, now=clock.forward(days=1))
    assert await told(tx, lane.id) == {"grid.appointment_ended": 1}


async def test_the_end_of_a_term_and_of_standing_in_are_told_once_on_the_day_after(
    operator: Caller, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    lane, grid = town.at(*LANE), town.at(1, 1, 1)
    await vacate(tx, lane)
    await tx.commit()
    await appointed(operator, town, days, ends_on=days.today.isoformat())
    leader = await appointment_at(tx, grid, Role.GRID_LEADER)
    wish = {
        "person": {"name": "代班", "phone": phone_number()},
        "until": days.today.isoformat(),
    }
    await operator.post(f"/appointments/{leader.id}/stand-in", json=wish)
    await tx.refresh(leader)
    await take_turns(tx, now=clock.now)
    assert await told(tx, lane.id) == {}
    assert await told(tx, grid.id) == {"grid.duty_changed": 1}
    clock.forward(days=1)
    for _ in range(2):
        await take_turns(tx, now=clock.now)
    assert await told(tx, lane.id) == {"grid.appointment_ended": 1}
    assert await told(tx, grid.id) == {"grid.duty_changed": 2}


async def test_a_leave_is_told_at_both_ends_and_its_stand_ins_tokens_follow(
    operator: Caller, callers: Callers, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    lane = town.at(*LANE)
    held = await appointment_at(tx, lane, Role.LANE_CHIEF)
    wish = {
        "first_on": days.tomorrow.isoformat(),
        "last_on": days.tomorrow.isoformat(),
        "stand_in": {"name": "替班", "phone": phone_number()},
    }
    leave = (await operator.post(f"/appointments/{held.id}/leaves", json=wish)).json()
    before = await callers.person(UUID(leave["stand_in_id"]))
    await take_turns(tx, now=clock.now)
    assert await told(tx, lane.id) == {}
    for count in (1, 2):
        clock.forward(days=1)
        for _ in range(2):
            await take_turns(tx, now=clock.now)
        await tx.commit()
        assert await told(tx, lane.id) == {"grid.duty_changed": count}
        refused(await before.get("/me"), 401, "token_revoked")
        before = await callers.person(UUID(leave["stand_in_id"]))
    row = await tx.get_one(Leave, UUID(leave["id"]))
    assert (row.begun_at, row.ended_at) == (clock.now - timedelta(days=1), clock.now)


async def test_a_worker_that_slept_through_a_leave_still_closes_it(
    operator: Caller, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    held = await appointment_at(tx, town.at(*LANE), Role.LANE_CHIEF)
    day = days.tomorrow.isoformat()
    body = {"first_on": day, "last_on": day}
    leave = (await operator.post(f"/appointments/{held.id}/leaves", json=body)).json()
    await take_turns(tx, now=clock.forward(days=9))
    row = await tx.get_one(Leave, UUID(leave["id"]))
    assert (row.begun_at, row.ended_at) == (None, clock.now)
    assert await told(tx, town.at(*LANE).id) == {"grid.duty_changed": 1}


async def test_the_job_takes_all_turns_of_today_some_at_a_time(
    town: Town, tx: Tx, rolled_back: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All terms of a county end on one day."""
    monkeypatch.setattr(turns, "AT_ONCE", 1)
    lanes = [town.at(*LANE), town.at(*LANE[:3], 2), town.at(1, 1, 2, 1)]
    starting = [await appointment_at(tx, lane, Role.LANE_CHIEF) for lane in lanes[:2]]
    for held in starting:
        held.awaits_start = True
    ending = await appointment_at(tx, lanes[2], Role.LANE_CHIEF)
    ending.ends_on = date(2026, 1, 1)
    await tx.commit()
    now = int(datetime.now(UTC).timestamp())
    await jobs.take_turns(job_context(rolled_back, "grid.take_turns"), now)
    for held in starting:
        await tx.refresh(held)
        assert held.awaits_start is False
        assert await told(tx, held.node_id) == {"grid.duty_changed": 1}
    await tx.refresh(ending)
    assert ending.ended_at is not None
