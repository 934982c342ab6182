"""Posts that nobody acts in: the alarm, and the list of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from neighborhood_api.grid.models import Appointment, Node, Vacancy
from neighborhood_api.grid.posts.turns import take_turns
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.grid.conftest import Days
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appointment_at, phone_number, vacate
from tests.support.refusals import refused

LANE = (1, 1, 1, 1)
GRID = (1, 1, 1)


async def alarms(tx: Tx) -> list[tuple[str, str, str]]:
    names = ["grid.post_vacant", "grid.post_filled"]
    rows = select(OutboxRow).where(OutboxRow.name.in_(names)).order_by(OutboxRow.id)
    return [
        (row.name.removeprefix("grid.post_"), row.payload["node_id"], row.payload["role"])
        for row in await tx.scalars(rows)
    ]


async def end(operator: Caller, held: Appointment) -> None:
    answer = await operator.post(f"/appointments/{held.id}/end")
    assert answer.status_code == 200, answer.text


async def appoint_chief(operator: Caller, node: Node, starts_on: object) -> None:
    wish = {
        "node_id": str(node.id),
        "role": "lane_chief",
        "person": {"name": "新人", "phone": phone_number()},
        "duty_phone": "0752-1234567",
        "starts_on": str(starts_on),
    }
    answer = await operator.post("/appointments", json=wish)
    assert answer.status_code == 200, answer.text


async def away(operator: Caller, held: Appointment, first: object, last: object) -> Any:  # noqa: ANN401
    wish = {"first_on": str(first), "last_on": str(last)}
    answer = await operator.post(f"/appointments/{held.id}/leaves", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(caller: AsyncClient) -> dict[str, dict[str, Any]]:
    """Every row of the list by its place, over all pages."""
    rows: dict[str, dict[str, Any]] = {}
    after = ""
    while True:
        body = (await caller.get(f"/grid/vacancies?limit=3{after}")).json()
        for row in body["items"]:
            assert row["id"] not in rows
            rows[row["id"]] = row
        if body["next"] is None:
            return rows
        after = f"&after={body['next']}"


async def test_a_vacant_post_raises_one_alarm_and_a_new_holder_calls_it_off(
    operator: Caller, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    lane = town.at(*LANE)
    await end(operator, await appointment_at(tx, lane, Role.LANE_CHIEF))
    vacant = ("vacant", str(lane.id), "lane_chief")
    assert await alarms(tx) == [vacant]
    payload = select(OutboxRow.payload).where(OutboxRow.name == "grid.post_vacant")
    since = datetime.fromisoformat((await tx.scalars(payload)).one()["since"])
    assert since == clock.now
    await appoint_chief(operator, lane, days.tomorrow)
    assert await alarms(tx) == [vacant]
    for _ in range(2):
        await take_turns(tx, now=clock.forward(days=1))
    assert await alarms(tx) == [vacant, ("filled", str(lane.id), "lane_chief")]
    row = (await tx.scalars(select(Vacancy).where(Vacancy.node_id == lane.id))).one()
    assert (row.since, row.filled_at is not None) == (since, True)


async def test_a_team_is_vacant_only_when_its_last_member_is_gone(
    operator: Caller, town: Town, tx: Tx
) -> None:
    street = town.at(1)
    wish = {
        "node_id": str(street.id),
        "role": "street_dispatcher",
        "person": {"name": "第二人", "phone": phone_number()},
        "duty_phone": "0752-1234567",
        "starts_on": "2025-01-01",
    }
    second = UUID((await operator.post("/appointments", json=wish)).json()["id"])
    first = select(Appointment).where(
        Appointment.node_id == street.id,
        Appointment.role == "street_dispatcher",
        Appointment.id != second,
    )
    await end(operator, (await tx.scalars(first)).one())
    assert await alarms(tx) == []
    await end(operator, await tx.get_one(Appointment, second))
    assert await alarms(tx) == [("vacant", str(street.id), "street_dispatcher")]


async def test_a_leave_without_stand_in_raises_the_alarm_for_its_days(
    operator: Caller, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    lane = town.at(*LANE)
    held = await appointment_at(tx, lane, Role.LANE_CHIEF)
    await away(operator, held, days.tomorrow, days.tomorrow)
    assert await alarms(tx) == []
    await take_turns(tx, now=clock.forward(days=1))
    vacant, filled = ((word, str(lane.id), "lane_chief") for word in ("vacant", "filled"))
    assert await alarms(tx) == [vacant]
    await tx.commit()
    row = (await listed(operator))[str(lane.id)]
    assert row["posts"][0]["away_until"] == days.tomorrow.isoformat()
    assert datetime.fromisoformat(row["posts"][0]["since"]) == clock.now.replace(microsecond=0)
    person = {"person": {"name": "代班", "phone": phone_number()}}
    await operator.post(f"/appointments/{held.id}/stand-in", json=person)
    assert await alarms(tx) == [vacant, filled]
    await operator.post(f"/appointments/{held.id}/end-stand-in")
    assert await alarms(tx) == [vacant, filled, vacant]
    await take_turns(tx, now=clock.forward(days=1))
    assert await alarms(tx) == [vacant, filled, vacant, filled]


async def test_posts_that_answer_for_no_level_raise_no_alarm(
    operator: Caller, town: Town, tx: Tx
) -> None:
    officers = select(Appointment).where(Appointment.role == "department_officer")
    at_street = officers.where(Appointment.node_id == town.at(1).id)
    for held in await tx.scalars(at_street):
        await end(operator, held)
    assert await alarms(tx) == []


async def test_each_sees_the_vacancies_below_her_post(
    callers: Callers, town: Town, tx: Tx
) -> None:
    await vacate(tx, town.at(*LANE), town.at(1, 2, 1, 1), town.at(2, 2, 2), town.at(2, 1))
    await tx.commit()
    names = {str(town.at(*path).id): path for path in (LANE, (1, 2, 1, 1), (2, 2, 2), (2, 1))}
    table: list[tuple[Role, tuple[int, ...], set[tuple[int, ...]]]] = [
        (Role.OPERATOR, (), set(names.values())),
        (Role.STREET_DISPATCHER, (1,), {LANE, (1, 2, 1, 1)}),
        (Role.STREET_SECRETARY, (2,), {(2, 2, 2), (2, 1)}),
        (Role.COMMUNITY_SECRETARY, (1, 2), {(1, 2, 1, 1)}),
        (Role.COMMUNITY_WORKER, (1, 1), {LANE}),
        (Role.GRID_LEADER, GRID, {LANE}),
        (Role.GRID_WORKER, GRID, set()),
        (Role.LANE_CHIEF, (1, 1, 1, 2), set()),
    ]
    for role, where, seen in table:
        caller = await callers.staff(town, role, *where)
        rows = await listed(caller)
        assert {names[node_id] for node_id in rows} == seen, role
        for row in rows.values():
            assert {post["cover"] for post in row["posts"]} == {"vacant"}
            assert row["unanswered"] is True
            assert row["posts"][0]["since"] is None  # vacated past all rules


async def test_a_place_with_one_post_vacant_is_listed_and_answered(
    operator: Caller, town: Town, tx: Tx
) -> None:
    grid = town.at(*GRID)
    await end(operator, await appointment_at(tx, grid, Role.GRID_LEADER))
    row = (await listed(operator))[str(grid.id)]
    assert (row["node"]["id"], row["unanswered"]) == (str(grid.id), False)
    assert [(post["role"], post["cover"]) for post in row["posts"]] == [
        ("grid_leader", "vacant")
    ]
    assert row["posts"][0]["role_name"] == "网格长"


async def test_whoever_acts_in_two_posts_is_listed_at_both(
    operator: Caller, town: Town, tx: Tx
) -> None:
    own, other = town.at(*LANE), town.at(1, 1, 1, 2)
    chief = town.staff[Role.LANE_CHIEF, own.id]
    held = await appointment_at(tx, other, Role.LANE_CHIEF)
    person = {"person": {"name": chief.name, "phone": chief.phone}}
    answer = await operator.post(f"/appointments/{held.id}/stand-in", json=person)
    assert answer.status_code == 200, answer.text
    rows = await listed(operator)
    assert set(rows) == {str(own.id), str(other.id)}
    for row in rows.values():
        assert row["unanswered"] is False
        assert row["posts"] == [
            {
                "role": "lane_chief",
                "role_name": "巷长",
                "cover": "double",
                "cover_name": "一人多岗",
                "since": None,
                "away_until": None,
                "name": chief.name,
                "acts_in": 2,
            }
        ]
    await operator.post(f"/appointments/{held.id}/end-stand-in")
    assert await listed(operator) == {}


@pytest.mark.parametrize("after", ["x", "!!"])
async def test_a_cursor_of_ones_own_making_is_refused(after: str, operator: Caller) -> None:
    refused(await operator.get(f"/grid/vacancies?after={after}"), 400, "bad_cursor")
