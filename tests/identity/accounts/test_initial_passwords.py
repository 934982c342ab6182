"""Passwords that an office chooses for somebody new: for whom, by whom, and for how long."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select, update

from neighborhood_api.grid.models import Appointment
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.identity.accounts.conftest import NEW, Newcomer, code_of, invited, stored
from tests.identity.conftest import bearer
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, appointment_at, phone_number, somebody

GIVEN = "First-2026"
EXPIRED = (403, "initial_password_expired")


def wish_for(town: Town, phone: str, **person: str) -> dict[str, Any]:
    return {
        "node_id": str(town.at(1, 1).id),
        "role": "community_worker",
        "person": {"name": "新同事", "phone": phone} | person,
        "duty_phone": "0752-9100001",
        "starts_on": "2026-01-01",
    }


async def newcomer_of(tx: Tx, number: str, http: AsyncClient) -> Newcomer:
    known = select(Person.id).where(Person.phone == number)
    return Newcomer((await tx.scalars(known)).one(), number, http)


@pytest.fixture
async def given(operator: Caller, town: Town, tx: Tx, http: AsyncClient) -> Newcomer:
    """Somebody whose password the office chose just now."""
    number = phone_number()
    wish = wish_for(town, number, initial_password=GIVEN)
    assert (await operator.post("/appointments", json=wish)).status_code == 200
    return await newcomer_of(tx, number, http)


@pytest.fixture
async def standing_in(operator: Caller, town: Town, tx: Tx, http: AsyncClient) -> Newcomer:
    """The same, for who will stand in for somebody."""
    held = await appointment_at(tx, town.at(1, 1, 1, 2), Role.LANE_CHIEF)
    number = phone_number()
    stand_in = {"name": "替班", "phone": number, "initial_password": GIVEN}
    leave = {"first_on": "2999-01-01", "last_on": "2999-01-02", "stand_in": stand_in}
    answer = await operator.post(f"/appointments/{held.id}/leaves", json=leave)
    assert answer.status_code == 200, answer.text
    return await newcomer_of(tx, number, http)


async def test_it_lives_as_long_as_an_invitation_and_then_one_is_sent(
    given: Newcomer, callers: Callers, town: Town, clock: Clock
) -> None:
    clock.forward(hours=71)
    first = (await given.sign_in(GIVEN)).json()
    assert first["password_change_needed"]
    clock.forward(hours=1)
    late = await given.sign_in(GIVEN)
    assert code_of(late) == EXPIRED
    assert "邀请" in late.json()["message"]
    old = {"refresh_token": first["refresh_token"]}
    held = (await given.http.post("/auth/refresh", json=old)).json()
    change = {"old_password": GIVEN, "new_password": NEW}
    answer = await given.http.put("/me/password", json=change, headers=bearer(held))
    assert code_of(answer) == EXPIRED

    clock.forward(hours=-72)  # tokens of callers are made now
    operator = await callers.staff(town, Role.OPERATOR)
    early = await operator.post(f"/people/{given.person_id}/invitation")
    assert code_of(early) == (409, "account_in_use")
    clock.forward(hours=72)
    operator = await callers.staff(town, Role.OPERATOR)
    made = await invited(operator, given.person_id)
    came = await given.accept(made["code"])
    assert not came.json()["password_change_needed"]
    assert code_of(await given.sign_in(GIVEN)) == (401, "wrong_phone_or_password")
    assert code_of(await given.sign_in()) == (200, "ok")
    # Who signed in with the password of the office is not her.
    old = {"refresh_token": held["refresh_token"]}
    thief = await given.http.post("/auth/refresh", json=old)
    assert code_of(thief) == (401, "refresh_token_invalid")


async def test_it_is_worth_no_more_than_the_power_of_who_chose_it(
    given: Newcomer,
    standing_in: Newcomer,
    callers: Callers,
    operator: Caller,
    town: Town,
    tx: Tx,
) -> None:
    other = await somebody(tx, "同事")
    await appoint(tx, town.at(), Role.OPERATOR, other.id)
    colleague = await callers.person(other.id)
    both = (given, standing_in)
    devices = [(await one.sign_in(GIVEN)).json() for one in both]
    for one in both:
        early = await colleague.post(f"/people/{one.person_id}/invitation")
        assert code_of(early) == (409, "account_in_use")
    hers = Appointment.person_id == operator.person_id
    await tx.execute(update(Appointment).where(hers).values(ended_at=func.now()))

    change = {"old_password": GIVEN, "new_password": NEW}
    for one, device in zip(both, devices, strict=True):
        assert code_of(await one.sign_in(GIVEN)) == EXPIRED
        answer = await one.http.put("/me/password", json=change, headers=bearer(device))
        assert code_of(answer) == EXPIRED
        made = await invited(colleague, one.person_id)
        assert code_of(await one.accept(made["code"])) == (200, "ok")


async def test_it_does_not_come_with_her_into_another_post(
    given: Newcomer, callers: Callers, town: Town, tx: Tx
) -> None:
    device = (await given.sign_in(GIVEN)).json()
    held = await appointment_at(tx, town.at(1, 1, 1), Role.GRID_LEADER)
    secretary = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)
    stand_in = {"name": "新同事", "phone": given.phone}
    leave = {"first_on": "2999-01-01", "last_on": "2999-01-02", "stand_in": stand_in}
    answer = await secretary.post(f"/appointments/{held.id}/leaves", json=leave)
    assert answer.json()["stand_in_id"] == str(given.person_id), answer.text
    person = await stored(tx, given.person_id)
    assert (person.password_hash, person.password_given) == (None, False)
    assert code_of(await given.sign_in(GIVEN)) == (401, "wrong_phone_or_password")
    old = {"refresh_token": device["refresh_token"]}
    thief = await given.http.post("/auth/refresh", json=old)
    assert code_of(thief) == (401, "refresh_token_invalid")


async def test_who_chose_it_leaves_no_codes_of_her_own_behind(
    given: Newcomer, http: AsyncClient
) -> None:
    device = bearer((await given.sign_in(GIVEN)).json())
    assert code_of(await http.get("/me/totp", headers=device)) == (200, "ok")

    begun = await http.post("/me/totp", json={"password": GIVEN}, headers=device)
    confirmed = await http.post("/me/totp/confirm", json={"code": "123456"}, headers=device)

    assert code_of(begun) == code_of(confirmed) == (403, "password_change_needed")


async def test_one_that_she_chose_herself_stays(
    given: Newcomer, operator: Caller, town: Town
) -> None:
    device = (await given.sign_in(GIVEN)).json()
    change = {"old_password": GIVEN, "new_password": NEW}
    await given.http.put("/me/password", json=change, headers=bearer(device))
    wish = wish_for(town, given.phone) | {
        "node_id": str(town.at(1, 1, 1).id),
        "role": "grid_worker",
    }
    assert (await operator.post("/appointments", json=wish)).status_code == 200
    assert code_of(await given.sign_in()) == (200, "ok")


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.GRID_LEADER, (1, 1, 1)),
        (Role.COMMUNITY_SECRETARY, (1, 1)),
        (Role.STREET_SECRETARY, (1,)),
    ],
)
async def test_who_may_only_name_a_stand_in_gives_none(
    role: Role, path: tuple[int, ...], callers: Callers, operator: Caller, town: Town, tx: Tx
) -> None:
    held = await appointment_at(tx, town.at(1, 1, 1, 1), Role.LANE_CHIEF)
    stand_in = {"name": "替班", "phone": phone_number(), "initial_password": GIVEN}
    leave = {"first_on": "2999-01-01", "last_on": "2999-01-02", "stand_in": stand_in}
    caller = await callers.staff(town, role, *path)
    known = select(Person.password_given).where(Person.phone == stand_in["phone"])
    answer = await caller.post(f"/appointments/{held.id}/leaves", json=leave)
    assert code_of(answer) == (403, "initial_password_not_yours")
    assert "邀请" in answer.json()["message"]
    assert await tx.scalar(known) is None
    answer = await operator.post(f"/appointments/{held.id}/leaves", json=leave)
    assert answer.status_code == 200, answer.text
    assert await tx.scalar(known)
