"""Putting people into posts, terms of office, and standing in."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from neighborhood_api.grid.models import Appointment, Node, Organization
from neighborhood_api.grid.posts.turns import take_turns
from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import LEVEL_OF, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.grid.conftest import Days
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town, new_node
from tests.support.posts import appoint, appointment_at, phone_number, somebody, vacate
from tests.support.refusals import refused


def wish_for(node: Node, role: Role | str, days: Days, **changes: object) -> dict[str, Any]:
    return {
        "node_id": str(node.id),
        "role": str(role),
        "person": {"name": "新人", "phone": phone_number()},
        "duty_phone": "0752-1234567",
        "starts_on": days.today.isoformat(),
    } | changes


async def roles_of(tx: Tx, person_id: UUID | str, clock: Clock) -> list[Role]:
    standing = await standing_of(tx, UUID(str(person_id)), clock.now)
    return [post.role for post in standing.posts]


async def test_a_new_appointee_signs_in_with_her_initial_password_and_has_the_post(
    operator: Caller, town: Town, tx: Tx, clock: Clock, days: Days, http: AsyncClient
) -> None:
    lane = town.at(1, 1, 1, 1)
    await vacate(tx, lane)
    person = {"name": "陈巷长", "phone": phone_number(), "initial_password": "Xiang-2026"}
    answer = await operator.post(
        "/appointments", json=wish_for(lane, Role.LANE_CHIEF, days, person=person)
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["role_name"], body["name"], body["ended"]) == ("巷长", "陈巷长", False)
    assert "Xiang-2026" not in answer.text
    signed_in = await http.post(
        "/auth/staff", json={"phone": person["phone"], "password": "Xiang-2026"}
    )
    assert signed_in.status_code == 200, signed_in.text
    posts = signed_in.json()["me"]["posts"]
    assert [(post["role"], post["node_id"]) for post in posts] == [("lane_chief", str(lane.id))]
    made = select(OutboxRow.payload).where(OutboxRow.name == "grid.appointment_made")
    payload = (await tx.scalars(made)).one()
    assert payload["node_id"] == str(lane.id)
    assert (await roles_of(tx, body["person_id"], clock)) == [Role.LANE_CHIEF]
    plate = (await http.get(f"/grid/plates/{lane.plate_code}")).json()
    assert (plate["lane_chief"]["name"], plate["lane_chief"]["duty_phone"]) == (
        "陈巷长",
        "0752-1234567",
    )


APPOINTED = [role for role in Role if role is not Role.CHIEF_OPERATOR]
"""What an operator may appoint; `test_chief_operator` has the other one."""


@pytest.mark.parametrize("role", APPOINTED)
async def test_every_post_exists_at_its_levels_alone(
    role: Role, operator: Caller, town: Town, tx: Tx, days: Days
) -> None:
    path = (2, 2, 2, 2)
    nodes = [town.at(*path[:depth]) for depth in range(5)]
    await vacate(tx, *nodes[1:])
    for node in nodes:
        changes = {}
        if role is Role.DEPARTMENT_OFFICER:
            body = Organization(node_id=node.id, name="本地部门")
            tx.add(body)
            await tx.flush()
            changes = {"organization_id": str(body.id)}
        answer = await operator.post(
            "/appointments", json=wish_for(node, role, days, **changes)
        )
        if Level(node.level) in LEVEL_OF[role]:
            assert answer.status_code == 200, answer.text
        else:
            refused(answer, 422, "post_not_at_this_level")


@pytest.mark.parametrize("role", APPOINTED)
async def test_some_posts_have_one_seat_and_others_are_teams(
    role: Role, operator: Caller, town: Town, tx: Tx, days: Days
) -> None:
    path = (2, 1, 2, 1)[: LEVEL_OF[role][0]]
    if role is Role.DEPARTMENT_OFFICER:
        path = (1,)
    node = town.at(*path)
    changes: dict[str, object] = {}
    if role is Role.DEPARTMENT_OFFICER:
        changes = {"organization_id": str(town.organizations[0].id)}
    before = await tx.scalar(select(func.count()).select_from(Person))
    answer = await operator.post("/appointments", json=wish_for(node, role, days, **changes))
    single = {
        Role.LANE_CHIEF,
        Role.GRID_LEADER,
        Role.COMMUNITY_SECRETARY,
        Role.STREET_SECRETARY,
    }
    if role in single:
        refused(answer, 409, "post_taken")
        assert await tx.scalar(select(func.count()).select_from(Person)) == before
    else:
        assert answer.status_code == 200, answer.text


async def test_officers_and_only_they_belong_to_a_department_of_the_place(
    operator: Caller, town: Town, tx: Tx, days: Days
) -> None:
    street, other = town.at(1), town.at(2)
    mine = str(town.organizations[0].id)
    cases = [
        (street, Role.DEPARTMENT_OFFICER, None),
        (other, Role.DEPARTMENT_OFFICER, mine),
        (street, Role.DEPARTMENT_OFFICER, str(uuid4())),
        (street, Role.STREET_DISPATCHER, mine),
    ]
    before = await tx.scalar(select(func.count()).select_from(Appointment))
    for node, role, organization_id in cases:
        wish = wish_for(node, role, days, organization_id=organization_id)
        answer = await operator.post("/appointments", json=wish)
        refused(answer, 422, "organization_needed")
    assert await tx.scalar(select(func.count()).select_from(Appointment)) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"duty_phone": "not a phone"},
        {"person": {"name": "新人", "phone": "12345"}},
        {"person": {"name": " ", "phone": "15900000000"}},
        {"person": {"name": "新人", "phone": "15900000000", "initial_password": "short"}},
        {"starts_on": "2026-13-01"},
        {"role": "emperor"},
        {"node_id": None},
        {"salary": 1},
    ],
)
async def test_what_cannot_be_read_is_refused_with_pointers(
    changes: dict[str, object], operator: Caller, town: Town, days: Days
) -> None:
    wish = wish_for(town.at(1, 1, 1), Role.GRID_WORKER, days) | changes
    problem = refused(await operator.post("/appointments", json=wish), 422, "invalid_request")
    assert all(error["pointer"].startswith("#/body/") for error in problem["errors"])


async def test_an_unknown_node_a_backward_term_and_a_weak_password(
    operator: Caller, town: Town, days: Days
) -> None:
    grid = town.at(1, 1, 1)
    nowhere = wish_for(grid, Role.GRID_WORKER, days, node_id=str(uuid4()))
    refused(await operator.post("/appointments", json=nowhere), 404, "node_not_found")
    backward = wish_for(grid, Role.GRID_WORKER, days, ends_on=days.yesterday.isoformat())
    answer = await operator.post("/appointments", json=backward)
    refused(answer, 422, "term_ends_before_it_starts")
    person = {"name": "新人", "phone": phone_number(), "initial_password": "alllowercase"}
    weak = wish_for(grid, Role.GRID_WORKER, days, person=person)
    refused(await operator.post("/appointments", json=weak), 422, "password_too_weak")


async def test_a_known_person_keeps_her_name_and_nobody_chooses_a_password_for_her(
    operator: Caller, town: Town, tx: Tx, days: Days, clock: Clock, http: AsyncClient
) -> None:
    known = await somebody(tx, "本名", phone=phone_number())
    person = {"name": "别名", "phone": known.phone, "initial_password": "Other-2026"}
    wish = wish_for(town.at(1, 1, 1), Role.GRID_WORKER, days, person=person)
    lane = await appointment_at(tx, town.at(1, 1, 1, 1), Role.LANE_CHIEF)
    for path, body in (
        ("/appointments", wish),
        (f"/appointments/{lane.id}/stand-in", {"person": person}),
    ):
        problem = refused(
            await operator.post(path, json=body), 409, "initial_password_for_known"
        )
        assert "邀请" in problem["message"]
    assert not (await roles_of(tx, known.id, clock))
    signed_in = await http.post(
        "/auth/staff", json={"phone": known.phone, "password": "Other-2026"}
    )
    refused(signed_in, 401, "wrong_phone_or_password")
    del person["initial_password"]
    body = (await operator.post("/appointments", json=wish)).json()
    assert (body["person_id"], body["name"]) == (str(known.id), "本名")


async def test_an_operator_of_another_district_may_nothing(
    callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    district = new_node(None, 9)
    tx.add(district)
    await tx.flush()
    person = await somebody(tx)
    await appoint(tx, district, Role.OPERATOR, person.id)
    stranger = await callers.person(person.id)
    wish = wish_for(town.at(1, 1, 1), Role.GRID_WORKER, days)
    refused(await stranger.post("/appointments", json=wish), 403, "forbidden")
    held = await appointment_at(tx, town.at(1, 1, 1), Role.GRID_LEADER)
    someone = {"person": {"name": "某人", "phone": phone_number()}}
    for action, body in (("end", None), ("stand-in", someone), ("end-stand-in", None)):
        answer = await stranger.post(f"/appointments/{held.id}/{action}", json=body)
        refused(answer, 404, "appointment_not_found")
    await tx.refresh(held)
    assert (held.ended_at, held.stand_in_id, held.version) == (None, None, 1)


async def test_power_begins_with_the_first_day_and_ends_after_the_last(
    town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    grid = town.at(1, 1, 1)
    terms = {
        "tomorrow on": (days.tomorrow, None, []),
        "today on": (days.today, None, [Role.GRID_WORKER]),
        "until yesterday": (days.yesterday, days.yesterday, []),
        "until today": (days.yesterday, days.today, [Role.GRID_WORKER]),
    }
    for name, (first, last, roles) in terms.items():
        person = await somebody(tx, name)
        await appoint(tx, grid, Role.GRID_WORKER, person.id, starts_on=first, ends_on=last)
        assert await roles_of(tx, person.id, clock) == roles, name


async def test_a_term_that_has_not_begun_is_not_shown_and_gets_no_work(
    callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    lane = town.at(1, 1, 1, 1)
    await vacate(tx, lane)
    person = await somebody(tx, "明日巷长")
    await appoint(tx, lane, Role.LANE_CHIEF, person.id, starts_on=days.tomorrow)
    caller = await callers.resident(lane.place)
    grid = await caller.get("/me/grid")
    assert grid.json()["lane_chief"] is None
    assert "明日巷长" not in grid.text


async def test_past_terms_are_closed_once_and_their_tokens_are_worth_nothing(
    callers: Callers, town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    grid = town.at(1, 1, 1)
    person = await somebody(tx, "到期")
    term = await appoint(tx, grid, Role.GRID_WORKER, person.id, ends_on=days.today)
    caller = await callers.person(person.id)
    assert (await caller.get("/staff/issues")).status_code == 200
    await take_turns(tx, now=clock.now)
    assert term.ended_at is None
    tomorrow = clock.now + timedelta(days=1)
    for _ in range(2):
        await take_turns(tx, now=tomorrow)
    assert term.ended_at == tomorrow
    refused(await caller.get("/staff/issues"), 401, "token_revoked")
    again = await callers.person(person.id)
    refused(await again.get("/staff/issues"), 403, "forbidden")
    ended = select(OutboxRow.payload).where(OutboxRow.name == "grid.appointment_ended")
    assert [p["person_id"] for p in await tx.scalars(ended)] == [str(person.id)]


async def test_ending_an_appointment_takes_its_power_at_once_and_frees_the_seat(
    operator: Caller, callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    lane = town.at(1, 1, 1, 1)
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    held = await appointment_at(tx, lane, Role.LANE_CHIEF)
    assert (await chief.get("/staff/issues")).status_code == 200
    body = (await operator.post(f"/appointments/{held.id}/end")).json()
    assert body["ended"] is True
    refused(await chief.get("/staff/issues"), 401, "token_revoked")
    answer = await operator.post(f"/appointments/{held.id}/end")
    refused(answer, 409, "appointment_already_ended")
    wish = wish_for(lane, Role.LANE_CHIEF, days)
    assert (await operator.post("/appointments", json=wish)).status_code == 200


async def test_a_stand_in_has_the_post_until_the_last_day_and_is_shown(
    operator: Caller,
    callers: Callers,
    town: Town,
    tx: Tx,
    clock: Clock,
    days: Days,
    http: AsyncClient,
) -> None:
    lane = town.at(1, 1, 1, 1)
    held = await appointment_at(tx, lane, Role.LANE_CHIEF)
    holder = await tx.get_one(Person, held.person_id)
    wish = {
        "person": {"name": "代班人", "phone": phone_number()},
        "duty_phone": "0752-7654321",
        "until": days.tomorrow.isoformat(),
    }
    body = (await operator.post(f"/appointments/{held.id}/stand-in", json=wish)).json()
    stand_in_id = body["stand_in_id"]
    assert body["stand_in_until"] == wish["until"]
    resident = await callers.resident(lane.place)
    shown = (await resident.get("/me/grid")).json()["lane_chief"]
    assert shown == {
        "role": "lane_chief",
        "role_name": "巷长",
        "name": "代班人",
        "duty_phone": "0752-7654321",
        "stands_in_for": holder.name,
        "organization": None,
    }
    assert await roles_of(tx, stand_in_id, clock) == [Role.LANE_CHIEF]
    assert Role.LANE_CHIEF in await roles_of(tx, holder.id, clock)
    clock.forward(days=2)
    assert await roles_of(tx, stand_in_id, clock) == []
    back = (await http.get(f"/grid/plates/{lane.plate_code}")).json()["lane_chief"]
    assert (back["name"], back["stands_in_for"]) == (holder.name, None)
    assert back["duty_phone"] == held.duty_phone
    tx.expire_all()
    await take_turns(tx, now=clock.now)
    await tx.refresh(held)
    assert (held.stand_in_id, held.stand_in_until, held.ended_at) == (None, None, None)


async def test_ending_the_standing_in_takes_the_power_at_once(
    operator: Caller, callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    held = await appointment_at(tx, town.at(1, 1, 1, 1), Role.LANE_CHIEF)
    path = f"/appointments/{held.id}"
    people = [{"name": f"代班{n}", "phone": phone_number()} for n in (1, 2)]
    late = {"person": people[0], "until": days.yesterday.isoformat()}
    answer = await operator.post(f"{path}/stand-in", json=late)
    refused(answer, 422, "stand_in_over")
    first = (await operator.post(f"{path}/stand-in", json={"person": people[0]})).json()
    substitute = await callers.person(UUID(first["stand_in_id"]))
    assert (await substitute.get("/staff/issues")).status_code == 200
    second = (await operator.post(f"{path}/stand-in", json={"person": people[1]})).json()
    refused(await substitute.get("/staff/issues"), 401, "token_revoked")
    substitute = await callers.person(UUID(second["stand_in_id"]))
    ended = (await operator.post(f"{path}/end-stand-in")).json()
    assert ended["stand_in_id"] is None
    refused(await substitute.get("/staff/issues"), 401, "token_revoked")
    again = await operator.post(f"{path}/end-stand-in")
    assert again.json()["version"] == ended["version"]


async def test_ending_the_appointment_ends_the_standing_in_too(
    operator: Caller, callers: Callers, town: Town, tx: Tx
) -> None:
    held = await appointment_at(tx, town.at(1, 1, 1, 1), Role.LANE_CHIEF)
    person = {"name": "代班", "phone": phone_number()}
    body = await operator.post(f"/appointments/{held.id}/stand-in", json={"person": person})
    substitute = await callers.person(UUID(body.json()["stand_in_id"]))
    assert (await operator.post(f"/appointments/{held.id}/end")).status_code == 200
    refused(await substitute.get("/staff/issues"), 401, "token_revoked")
    again = await callers.person(substitute.person_id)
    refused(await again.get("/staff/issues"), 403, "forbidden")
    kept = (await operator.post(f"/appointments/{held.id}/end-stand-in")).json()
    assert (kept["ended"], kept["stand_in_id"]) == (True, str(substitute.person_id))
    answer = await operator.post(f"/appointments/{held.id}/stand-in", json={"person": person})
    refused(answer, 409, "appointment_already_ended")


async def test_a_post_at_a_place_that_is_no_more_gives_no_power(
    town: Town, tx: Tx, clock: Clock, days: Days
) -> None:
    person = await somebody(tx)
    grid = await tx.merge(town.at(2, 2, 2))
    await appoint(tx, grid, Role.GRID_WORKER, person.id)
    assert await roles_of(tx, person.id, clock) == [Role.GRID_WORKER]
    grid.valid_until = days.today
    await tx.flush()
    assert await roles_of(tx, person.id, clock) == []


async def test_the_holder_of_a_post_cannot_stand_in_for_herself(
    operator: Caller, town: Town, tx: Tx
) -> None:
    held = await appointment_at(tx, town.at(1, 1, 1, 1), Role.LANE_CHIEF)
    holder = await tx.get_one(Person, held.person_id)
    wish = {"person": {"name": "本人", "phone": holder.phone}}
    answer = await operator.post(f"/appointments/{held.id}/stand-in", json=wish)
    refused(answer, 422, "stands_in_for_herself")
    await tx.refresh(held)
    assert (held.stand_in_id, held.version) == (None, 1)
    held.stand_in_id = held.person_id
    with pytest.raises(IntegrityError, match="ck_appointment_not_her_own_stand_in"):
        await tx.flush()


async def test_the_roster_lists_holders_now_and_to_come_for_their_superiors(
    operator: Caller, callers: Callers, town: Town, tx: Tx, days: Days
) -> None:
    grid = town.at(1, 1, 1)
    wish = wish_for(grid, Role.GRID_WORKER, days, starts_on=days.tomorrow.isoformat())
    made = (await operator.post("/appointments", json=wish)).json()
    over = await appoint(tx, grid, Role.GRID_WORKER, (await somebody(tx)).id)
    assert (await operator.post(f"/appointments/{over.id}/end")).status_code == 200
    path = f"/grid/nodes/{grid.id}/appointments"
    superiors: list[tuple[Role, tuple[int, ...]]] = [
        (Role.GRID_LEADER, (1, 1, 1)),
        (Role.COMMUNITY_WORKER, (1, 1)),
        (Role.STREET_DISPATCHER, (1,)),
    ]
    for role, where in superiors:
        caller = await callers.staff(town, role, *where)
        items = (await caller.get(path)).json()["items"]
        assert [item["role"] for item in items] == ["grid_leader", "grid_worker", "grid_worker"]
        assert items[-1]["id"] == made["id"]
    strangers: list[tuple[Role, tuple[int, ...]]] = [
        (Role.LANE_CHIEF, (1, 1, 1, 1)),
        (Role.GRID_LEADER, (1, 1, 2)),
        (Role.STREET_SECRETARY, (2,)),
    ]
    for role, where in strangers:
        caller = await callers.staff(town, role, *where)
        refused(await caller.get(path), 403, "forbidden")


async def test_a_new_duty_phone_or_last_day_reaches_everything_that_shows_it(
    operator: Caller, town: Town, tx: Tx, days: Days, clock: Clock, http: AsyncClient
) -> None:
    lane, grid = town.at(1, 1, 1, 1), town.at(1, 1, 1)
    held = await appointment_at(tx, lane, Role.LANE_CHIEF)
    path = f"/appointments/{held.id}"
    roster = f"/grid/nodes/{grid.id}/roster"
    for number in (1, 3):
        begins = clock.now + timedelta(days=number)
        shift = {
            "person_id": str(held.person_id),
            "starts_at": begins.isoformat(),
            "ends_at": (begins + timedelta(hours=1)).isoformat(),
        }
        assert (await operator.post(roster, json=shift)).status_code == 200
    wish = {"duty_phone": "0752-8888888", "ends_on": None, "version": 1}
    changed = (await operator.put(path, json=wish)).json()
    assert (changed["duty_phone"], changed["version"]) == ("0752-8888888", 2)
    plate = (await http.get(f"/grid/plates/{lane.plate_code}")).json()
    assert plate["lane_chief"]["duty_phone"] == "0752-8888888"
    refused(await operator.put(path, json=wish), 409, "stale_version")
    for day in (days.yesterday, held.starts_on - timedelta(days=1)):
        past = wish | {"ends_on": day.isoformat(), "version": 2}
        refused(await operator.put(path, json=past), 422, "last_day_past")
    shorter = wish | {"ends_on": days.tomorrow.isoformat(), "version": 2}
    assert (await operator.put(path, json=shorter)).json()["ends_on"] == shorter["ends_on"]
    shifts = (await operator.get(roster)).json()["items"]
    assert [one["duty_phone"] for one in shifts] == [
        "0752-8888888"
    ]  # the later one is released
    told = select(OutboxRow).where(OutboxRow.name == "grid.appointment_amended")
    assert len((await tx.scalars(told)).all()) == 2
    assert (await operator.post(f"{path}/end")).status_code == 200
    after = wish | {"version": 4}
    refused(await operator.put(path, json=after), 409, "appointment_already_ended")
