"""Leave (请假): who is away when, who acts meanwhile, and who may say so."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from neighborhood_api.grid.models import Appointment, Leave
from neighborhood_api.grid.posts.duty import who_answers
from neighborhood_api.grid.posts.turns import take_turns
from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.grid.conftest import Days
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appointment_at, phone_number, vacate
from tests.support.refusals import refused

LANE = (1, 1, 1, 1)


@pytest.fixture
async def chief(town: Town, tx: Tx) -> Appointment:
    """The lane chief of the town's first lane."""
    return await appointment_at(tx, town.at(*LANE), Role.LANE_CHIEF)


def wish_for(first: date, last: date, **changes: object) -> dict[str, Any]:
    return {"first_on": first.isoformat(), "last_on": last.isoformat()} | changes


async def grant(caller: AsyncClient, held: Appointment, wish: dict[str, Any]) -> Response:
    return await caller.post(f"/appointments/{held.id}/leaves", json=wish)


async def granted(caller: AsyncClient, held: Appointment, wish: dict[str, Any]) -> Any:  # noqa: ANN401
    answer = await grant(caller, held, wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def events(tx: Tx, names: Sequence[str], node_id: UUID) -> list[str]:
    """The events about a node, in order, of the given names."""
    rows = select(OutboxRow).where(OutboxRow.name.in_(names)).order_by(OutboxRow.id)
    return [r.name for r in await tx.scalars(rows) if r.payload["node_id"] == str(node_id)]


LEAVE_EVENTS = ("grid.leave_granted", "grid.leave_begun", "grid.leave_ended")


async def test_a_stand_in_acts_on_the_days_of_the_leave_and_on_no_other(
    operator: Caller,
    chief: Appointment,
    town: Town,
    tx: Tx,
    clock: Clock,
    days: Days,
    http: AsyncClient,
) -> None:
    lane = town.at(*LANE)
    holder = await tx.get_one(Person, chief.person_id)
    person = {"name": "替班", "phone": phone_number()}
    after = days.tomorrow + timedelta(days=1)
    wish = wish_for(days.tomorrow, after, stand_in=person, duty_phone="0752-5550000")
    leave = await granted(operator, chief, wish)
    assert (leave["stand_in_name"], leave["begun"], leave["ended"]) == ("替班", False, False)
    stand_in_id = UUID(leave["stand_in_id"])

    shown = []
    for _ in range(4):
        plate = (await http.get(f"/grid/plates/{lane.plate_code}")).json()["lane_chief"]
        duty = await who_answers(tx, lane.place, now=clock.now)
        power = (await standing_of(tx, stand_in_id, clock.now)).posts
        shown.append((plate["name"], plate["duty_phone"], plate["stands_in_for"]))
        assert duty.person_id == (stand_in_id if plate["name"] == "替班" else holder.id)
        assert [post.role for post in power] == [Role.LANE_CHIEF] * (plate["name"] == "替班")
        assert (await standing_of(tx, holder.id, clock.now)).posts != ()
        clock.forward(days=1)
    own = (holder.name, chief.duty_phone, None)
    away = ("替班", "0752-5550000", holder.name)
    assert shown == [own, away, away, own]


async def test_without_a_stand_in_the_level_above_answers_until_the_leave_is_over(
    operator: Caller,
    callers: Callers,
    chief: Appointment,
    town: Town,
    tx: Tx,
    clock: Clock,
    days: Days,
) -> None:
    lane, grid = town.at(*LANE), town.at(1, 1, 1)
    leader = await appointment_at(tx, grid, Role.GRID_LEADER)
    worker = await appointment_at(tx, grid, Role.GRID_WORKER)
    leave = await granted(operator, chief, wish_for(days.today, days.tomorrow))
    assert (leave["begun"], leave["stand_in_id"]) == (True, None)
    duty = await who_answers(tx, lane.place, now=clock.now)
    assert (duty.node_id, duty.role, duty.person_id) == (
        grid.id,
        Role.GRID_LEADER,
        leader.person_id,
    )
    resident = await callers.resident(lane.place)
    home = (await resident.get("/me/grid")).json()
    assert home["lane_chief"] is None
    assert home["levels"][0]["contacts"] == []
    contacts = (await resident.get(f"/grid/nodes/{lane.id}/contacts")).json()
    assert (contacts["node"]["id"], contacts["contacts"]) == (str(lane.id), [])

    await granted(operator, leader, wish_for(days.today, days.today))
    duty = await who_answers(tx, lane.place, now=clock.now)
    assert (duty.node_id, duty.person_id) == (grid.id, worker.person_id)

    duty = await who_answers(tx, lane.place, now=clock.forward(days=2))
    assert (duty.node_id, duty.person_id) == (lane.id, chief.person_id)
    assert (await resident.get("/me/grid")).json()["lane_chief"]["stands_in_for"] is None


async def test_whoever_usually_stands_in_acts_in_a_leave_that_names_nobody(
    operator: Caller, chief: Appointment, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    usual = {"name": "常替", "phone": phone_number()}
    body = await operator.post(f"/appointments/{chief.id}/stand-in", json={"person": usual})
    await granted(operator, chief, wish_for(days.today, days.today))
    duty = await who_answers(tx, town.place(*LANE), now=clock.now)
    assert str(duty.person_id) == body.json()["stand_in_id"]
    await operator.post(f"/appointments/{chief.id}/end-stand-in")
    duty = await who_answers(tx, town.place(*LANE), now=clock.now)
    assert duty.role == Role.GRID_LEADER


@pytest.mark.parametrize(
    ("first", "last", "status", "code"),
    [
        (-1, 3, 422, "leave_days_wrong"),
        (2, 1, 422, "leave_days_wrong"),
        (6, 9, 409, "leaves_overlap"),
        (10, 20, 409, "leaves_overlap"),
        (1, 20, 409, "leaves_overlap"),
        (7, 8, 409, "leaves_overlap"),
        (1, 4, 200, None),
        (11, 11, 200, None),
    ],
)
async def test_days_must_come_in_order_and_leaves_not_overlap(
    first: int,
    last: int,
    status: int,
    code: str | None,
    operator: Caller,
    chief: Appointment,
    tx: Tx,
    days: Days,
) -> None:
    def day(number: int) -> date:
        return days.today + timedelta(days=number)

    await granted(operator, chief, wish_for(day(5), day(10)))
    answer = await grant(operator, chief, wish_for(day(first), day(last)))
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    mine = select(Leave.first_on).where(Leave.appointment_id == chief.id)
    kept = {day(5)} if status != 200 else {day(5), day(first)}
    assert set(await tx.scalars(mine)) == kept


async def test_nobody_stands_in_for_herself(
    operator: Caller, chief: Appointment, tx: Tx, days: Days
) -> None:
    holder = await tx.get_one(Person, chief.person_id)
    wish = wish_for(days.today, days.today, stand_in={"name": "本人", "phone": holder.phone})
    refused(await grant(operator, chief, wish), 422, "stands_in_for_herself")
    assert (await tx.scalars(select(Leave).where(Leave.person_id == holder.id))).all() == []
    await granted(operator, chief, wish_for(days.today, days.today))
    leave = (await tx.scalars(select(Leave).where(Leave.person_id == holder.id))).one()
    leave.stand_in_id = holder.id
    with pytest.raises(IntegrityError, match="ck_leave_not_her_own_stand_in"):
        await tx.flush()


async def test_superiors_grant_leave_and_nobody_else(
    callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    posts = {
        "chief": await appointment_at(tx, town.at(*LANE), Role.LANE_CHIEF),
        "worker": await appointment_at(tx, town.at(1, 1, 1), Role.GRID_WORKER),
        "leader": await appointment_at(tx, town.at(1, 1, 1), Role.GRID_LEADER),
        "secretary": await appointment_at(tx, town.at(1, 1), Role.COMMUNITY_SECRETARY),
        "street": await appointment_at(tx, town.at(1), Role.STREET_SECRETARY),
    }
    table: list[tuple[Role, tuple[int, ...], set[str]]] = [
        (Role.OPERATOR, (), set(posts)),
        (Role.STREET_SECRETARY, (1,), {"chief", "worker", "leader", "secretary"}),
        (Role.STREET_SECRETARY, (2,), set()),
        (Role.STREET_DISPATCHER, (1,), set()),
        (Role.COMMUNITY_SECRETARY, (1, 1), {"chief", "worker", "leader"}),
        (Role.COMMUNITY_SECRETARY, (1, 2), set()),
        (Role.COMMUNITY_WORKER, (1, 1), set()),
        (Role.GRID_LEADER, (1, 1, 1), {"chief", "worker"}),
        (Role.GRID_LEADER, (1, 1, 2), set()),
        (Role.GRID_WORKER, (1, 1, 1), set()),
        (Role.LANE_CHIEF, LANE, set()),
    ]
    for role, where, led in table:
        caller = await callers.staff(town, role, *where)
        allowed = set()
        for name, held in posts.items():
            leaves = await caller.get(f"/appointments/{held.id}/leaves")
            answer = await grant(caller, held, wish_for(days.tomorrow, days.tomorrow))
            hers = held.person_id == caller.person_id  # she sees her leaves, and grants none
            assert leaves.status_code == (200 if hers else answer.status_code)
            if answer.status_code == 404:
                refused(answer, 404, "appointment_not_found")
                continue
            allowed.add(name)
            path = f"/appointments/{held.id}/leaves/{answer.json()['id']}/end"
            assert (await caller.post(path)).json()["ended"] is True
        assert allowed == led, role
    operator = await callers.staff(town, Role.OPERATOR)
    nowhere = await operator.get(f"/appointments/{uuid4()}/leaves")
    refused(nowhere, 404, "appointment_not_found")


async def test_ending_a_leave_gives_the_post_back_and_takes_the_power_at_once(
    operator: Caller,
    callers: Callers,
    chief: Appointment,
    town: Town,
    tx: Tx,
    clock: Clock,
    days: Days,
) -> None:
    lane = town.at(*LANE)
    helper = await callers.resident(name="邻居")
    (await tx.get_one(Person, helper.person_id)).phone = phone = phone_number()
    await tx.commit()
    assert (await helper.get("/staff/issues")).status_code == 403
    wish = wish_for(days.today, days.tomorrow, stand_in={"name": "邻居", "phone": phone})
    leave = await granted(operator, chief, wish)
    refused(await helper.get("/staff/issues"), 401, "token_revoked")  # has an older standing
    helper = await callers.person(helper.person_id)
    assert (await helper.get("/staff/issues")).status_code == 200

    path = f"/appointments/{chief.id}/leaves/{leave['id']}/end"
    ended = (await operator.post(path)).json()
    assert (ended["begun"], ended["ended"]) == (True, True)
    refused(await helper.get("/staff/issues"), 401, "token_revoked")
    duty = await who_answers(tx, lane.place, now=clock.now)
    assert duty.person_id == chief.person_id
    refused(await operator.post(path), 409, "leave_already_ended")
    elsewhere = f"/appointments/{chief.id}/leaves/{uuid4()}/end"
    refused(await operator.post(elsewhere), 404, "leave_not_found")
    assert await events(tx, LEAVE_EVENTS, lane.id) == list(LEAVE_EVENTS)
    assert len(await events(tx, ["grid.duty_changed"], lane.id)) == 2


async def test_a_leave_cancelled_before_it_begins_changes_nobodys_duty(
    operator: Caller, chief: Appointment, town: Town, tx: Tx, days: Days, clock: Clock
) -> None:
    leave = await granted(operator, chief, wish_for(days.tomorrow, days.tomorrow))
    path = f"/appointments/{chief.id}/leaves"
    assert (await operator.post(f"{path}/{leave['id']}/end")).status_code == 200
    await take_turns(tx, now=clock.forward(days=1))
    duty = await who_answers(tx, town.place(*LANE), now=clock.now)
    assert duty.person_id == chief.person_id
    heard = await events(tx, [*LEAVE_EVENTS, "grid.duty_changed"], town.at(*LANE).id)
    assert heard == ["grid.leave_granted", "grid.leave_ended"]


async def test_ending_the_appointment_ends_its_leaves(
    operator: Caller, callers: Callers, chief: Appointment, days: Days
) -> None:
    person = {"name": "替班", "phone": phone_number()}
    now = await granted(operator, chief, wish_for(days.today, days.today, stand_in=person))
    later = await granted(operator, chief, wish_for(days.tomorrow, days.tomorrow))
    substitute = await callers.person(UUID(now["stand_in_id"]))
    assert (await operator.post(f"/appointments/{chief.id}/end")).status_code == 200
    refused(await substitute.get("/staff/issues"), 401, "token_revoked")
    again = await callers.person(substitute.person_id)
    refused(await again.get("/staff/issues"), 403, "forbidden")
    listed = (await operator.get(f"/appointments/{chief.id}/leaves")).json()["items"]
    assert [(row["id"], row["ended"]) for row in listed] == [
        (later["id"], True),
        (now["id"], True),
    ]
    answer = await grant(operator, chief, wish_for(days.tomorrow, days.tomorrow))
    refused(answer, 409, "appointment_already_ended")


async def test_leaves_are_listed_page_by_page_last_granted_first(
    operator: Caller, chief: Appointment, days: Days
) -> None:
    made = [
        (await granted(operator, chief, wish_for(day, day)))["id"]
        for day in (days.today + timedelta(days=n) for n in range(3))
    ]
    path = f"/appointments/{chief.id}/leaves?limit=2"
    first = (await operator.get(path)).json()
    second = (await operator.get(f"{path}&after={first['next']}")).json()
    assert [row["id"] for row in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None


async def test_a_retried_wish_for_leave_is_granted_once(
    operator: Caller, chief: Appointment, tx: Tx, days: Days
) -> None:
    wish = wish_for(days.today, days.tomorrow)
    path = f"/appointments/{chief.id}/leaves"
    answers = [
        await operator.post(path, json=wish, headers={"idempotency-key": "leave"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    mine = select(Leave).where(Leave.appointment_id == chief.id)
    assert len((await tx.scalars(mine)).all()) == 1


async def test_a_post_without_level_above_has_nobody(
    operator: Caller, town: Town, tx: Tx, days: Days, clock: Clock
) -> None:
    street = town.at(2)
    secretary = await appointment_at(tx, street, Role.STREET_SECRETARY)
    await granted(operator, secretary, wish_for(days.today, days.today))
    await vacate(tx, town.at(2, 1))
    dispatcher = await appointment_at(tx, street, Role.STREET_DISPATCHER)
    duty = await who_answers(tx, town.place(2, 1), now=clock.now)
    assert duty.person_id == dispatcher.person_id
    await granted(operator, dispatcher, wish_for(days.today, days.today))
    duty = await who_answers(tx, town.place(2, 1), now=clock.now)
    assert (duty.node_id, duty.person_id) == (street.id, None)
