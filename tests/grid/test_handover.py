"""Open work goes with the post, in the transaction that changes who acts in it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.timekeeping import Timer
from neighborhood_api.grid.models import Appointment
from neighborhood_api.grid.posts.turns import take_turns
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, Tx
from tests.grid.conftest import Days
from tests.support.clock import Clock
from tests.support.hands import check_ledger, pages_of
from tests.support.issues import LANE, Street, ensure_categories, street_of
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, appointment_at, phone_number, somebody, vacate

GRID = LANE[:3]


@pytest.fixture
async def street(callers: Callers, town: Town, database: Database) -> Street:
    await ensure_categories(database)
    return await street_of(town, callers)


async def hands(tx: Tx, *issues: str) -> list[tuple[UUID | None, UUID, str]]:
    query = select(Case.hand_person_id, Case.hand_node_id, Case.hand_role)
    rows = await tx.execute(query.where(Case.id.in_(issues)).order_by(Case.id))
    return [(row[0], row[1], row[2]) for row in rows]


async def clocks(tx: Tx, issue_id: str) -> list[Any]:
    case = select(Case.pass_up_at, Case.respond_due_at, Case.resolve_due_at, Case.state)
    timers = select(Timer.purpose, Timer.due_at, Timer.stopped_at).order_by(Timer.id)
    return [
        (await tx.execute(case.where(Case.id == issue_id))).one(),
        (await tx.execute(timers.where(Timer.case_id == issue_id))).all(),
    ]


async def lines(tx: Tx, issue_id: str) -> list[str | None]:
    query = select(Entry).where(Entry.case_id == issue_id).order_by(Entry.id)
    found = (await tx.scalars(query)).all()
    return [one.text for one in found if (one.detail or {}).get("handed_over")]


async def ended(caller: Caller, appointment: Appointment) -> Any:  # noqa: ANN401
    answer = await caller.post(f"/appointments/{appointment.id}/end")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_a_chief_leaves_is_in_the_hands_of_the_next_one_up_with_the_answer(
    street: Street, operator: Caller, tx: Tx
) -> None:
    open_ones = [await street.reported(), await street.accepted()]
    settled = await street.resolved()
    lane, leader = street.town.at(*LANE), street.leader.person_id
    before = [await clocks(tx, one) for one in open_ones]
    chief = await appointment_at(tx, lane, Role.LANE_CHIEF)
    preview = (await operator.get(f"/appointments/{chief.id}/work")).json()
    assert preview == {"issues": 2, "shifts": 0}
    answer = await ended(operator, chief)
    assert answer["handed_over"] == {"issues": 2, "shifts": 0}
    assert await hands(tx, *open_ones) == [(leader, lane.id, "lane_chief")] * 2
    assert await hands(tx, settled) == [(street.chief.person_id, lane.id, "lane_chief")]
    assert [await clocks(tx, one) for one in open_ones] == before
    for one in open_ones:
        assert len(await pages_of(tx, one)) == 2
        assert len(await lines(tx, one)) == 1
        await check_ledger(tx, one, now=datetime.now(UTC))
    shown = (await street.reporter.get(f"/issues/{open_ones[0]}")).json()
    assert [entry["move"] for entry in shown["timeline"]] == ["report"]  # the line is for staff
    # The leader acts on it at once, and a new chief gets it back with her appointment.
    await street.done(street.leader, open_ones[1], "respond", text="网格先处理")
    wish = {
        "node_id": str(lane.id),
        "role": "lane_chief",
        "person": {"name": "新巷长", "phone": phone_number()},
        "duty_phone": "0752-1234567",
        "starts_on": "2026-01-01",
    }
    made = await operator.post("/appointments", json=wish)
    assert made.status_code == 200, made.text
    successor = UUID(made.json()["person_id"])
    assert await hands(tx, *open_ones) == [(successor, lane.id, "lane_chief")] * 2


async def test_who_answers_for_a_vacant_lane_leaves_that_work_to_the_next_one_as_well(
    street: Street, operator: Caller, tx: Tx
) -> None:
    issue_id = await street.accepted()
    town, lane = street.town, street.town.at(*LANE)
    await ended(operator, await appointment_at(tx, lane, Role.LANE_CHIEF))
    for role, path, following in (
        (Role.GRID_LEADER, GRID, town.staff[Role.GRID_WORKER, town.at(*GRID).id].id),
        (Role.GRID_WORKER, GRID, town.staff[Role.COMMUNITY_WORKER, town.at(1, 1).id].id),
        (
            Role.COMMUNITY_WORKER,
            (1, 1),
            town.staff[Role.COMMUNITY_SECRETARY, town.at(1, 1).id].id,
        ),
    ):
        answer = await ended(operator, await appointment_at(tx, town.at(*path), role))
        assert answer["handed_over"]["issues"] == 1
        assert await hands(tx, issue_id) == [(following, lane.id, "lane_chief")]
    await check_ledger(tx, issue_id, now=datetime.now(UTC))


async def test_work_that_nobody_up_to_the_street_had_goes_to_whoever_comes(
    street: Street, operator: Caller, tx: Tx
) -> None:
    issue_id = await street.accepted()
    town, lane = street.town, street.town.at(*LANE)
    await vacate(tx, *(town.at(*LANE[:depth]) for depth in (1, 2, 3)))
    await ended(operator, await appointment_at(tx, lane, Role.LANE_CHIEF))
    assert await hands(tx, issue_id) == [(None, lane.id, "lane_chief")]
    wish = {
        "node_id": str(town.at(1, 1).id),
        "role": "community_worker",
        "person": {"name": "新社工", "phone": phone_number()},
        "duty_phone": "0752-1234567",
        "starts_on": "2026-01-01",
    }
    made = await operator.post("/appointments", json=wish)
    assert await hands(tx, issue_id) == [
        (UUID(made.json()["person_id"]), lane.id, "lane_chief")
    ]


async def test_work_follows_a_leave_and_comes_back_with_its_end(
    street: Street, operator: Caller, tx: Tx, clock: Clock, days: Days
) -> None:
    issue_id = await street.accepted()
    chief = await appointment_at(tx, street.town.at(*LANE), Role.LANE_CHIEF)
    wish: dict[str, Any] = {
        "first_on": days.today.isoformat(),
        "last_on": days.tomorrow.isoformat(),
    }
    path = f"/appointments/{chief.id}/leaves"
    leave = (await operator.post(path, json=wish)).json()
    assert (await hands(tx, issue_id))[0][0] == street.leader.person_id
    await operator.post(f"{path}/{leave['id']}/end")
    assert (await hands(tx, issue_id))[0][0] == street.chief.person_id
    wish["stand_in"] = {"name": "代班", "phone": phone_number()}
    leave = (await operator.post(path, json=wish)).json()
    assert (await hands(tx, issue_id))[0][0] == UUID(leave["stand_in_id"])
    clock.forward(days=2)
    await take_turns(tx, now=clock.now)
    assert (await hands(tx, issue_id))[0][0] == street.chief.person_id
    await check_ledger(tx, issue_id, now=clock.now)


async def test_a_department_goes_on_by_another_officer_and_without_one_the_street_answers(
    street: Street, operator: Caller, tx: Tx
) -> None:
    issue_id = await street.dispatched(0)
    body, node = street.town.organizations[0], street.town.at(1)
    first = select(Appointment).where(
        Appointment.organization_id == body.id, Appointment.ended_at.is_(None)
    )
    officer = (await tx.scalars(first)).one()
    colleague = await somebody(tx, "同事")
    second = await appoint(
        tx, node, Role.DEPARTMENT_OFFICER, colleague.id, organization_id=body.id
    )
    await tx.commit()
    preview = (await operator.get(f"/appointments/{officer.id}/work")).json()
    assert preview["issues"] == 1
    assert (await ended(operator, officer))["handed_over"]["issues"] == 1
    assert (await hands(tx, issue_id))[0] == (colleague.id, node.id, "department_officer")
    await ended(operator, second)
    dispatcher = street.town.staff[Role.STREET_DISPATCHER, node.id]
    assert (await hands(tx, issue_id))[0] == (dispatcher.id, node.id, "department_officer")
    await check_ledger(tx, issue_id, now=datetime.now(UTC))


async def test_work_of_one_post_is_counted_for_who_may_know_and_for_nobody_else(
    street: Street, callers: Callers, tx: Tx
) -> None:
    await street.accepted()
    town = street.town
    chief = await appointment_at(tx, town.at(*LANE), Role.LANE_CHIEF)
    asked = {
        "herself": street.chief,
        "leader": street.leader,
        "next leader": await callers.staff(town, Role.GRID_LEADER, 1, 1, 2),
        "worker": await callers.staff(town, Role.GRID_WORKER, *GRID),
        "secretary": await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1),
        "other secretary": await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 2),
        "resident": street.reporter,
    }
    found = {
        name: (await caller.get(f"/appointments/{chief.id}/work")).status_code
        for name, caller in asked.items()
    }
    assert [name for name, status in found.items() if status == 200] == [
        "herself",
        "leader",
        "secretary",
    ]
    assert {status for status in found.values() if status != 200} == {404}
