"""What opens an account opens it once, and may be asked for only so often."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.second_step.totp import code_at, step_of
from neighborhood_api.kit.db import Tx
from tests.support.clock import Clock, clock_of
from tests.support.passwords import CHEAP
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import appoint, phone_number, somebody
from tests.support.refusals import refused

PASSWORD = "Rain-2026"


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        yield clock


async def test_the_code_that_turns_the_second_step_on_does_not_sign_in_as_well(
    callers: Callers, town: Town, http: AsyncClient, tx: Tx, clock: Clock
) -> None:
    """Whoever looked over her shoulder while she set it up has half a minute for it."""
    phone = phone_number()
    person = Person(name="梁主任", phone=phone, password_hash=CHEAP.hash(PASSWORD))
    tx.add(person)
    await tx.flush()
    await appoint(tx, town.at(), Role.OPERATOR, person.id)
    await tx.commit()
    hers = await callers.person(person.id)
    begun = await hers.post("/me/totp", json={"password": PASSWORD})
    secret = begun.json()["secret"]
    seen = code_at(secret, step_of(clock.now))
    on = await hers.post("/me/totp/confirm", json={"code": seen})
    assert on.status_code == 200, on.text
    first = await http.post("/auth/staff", json={"phone": phone, "password": PASSWORD})
    challenge = refused(first, 401, "second_step_needed")["challenge"]

    async def second(code: str) -> Response:
        return await http.post("/auth/second-step", json={"challenge": challenge, "code": code})

    refused(await second(seen), 422, "wrong_second_step_code")
    clock.forward(seconds=30)
    answer = await second(code_at(secret, step_of(clock.now)))
    assert answer.status_code == 200, answer.text


async def test_an_account_that_was_reset_three_times_can_be_reset_the_next_day(
    callers: Callers, town: Town, tx: Tx, clock: Clock
) -> None:
    person = await somebody(tx, "何小妹", phone=phone_number())
    await appoint(tx, town.at(1, 1, 1), Role.GRID_WORKER, person.id)
    await tx.commit()
    secretary = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)

    async def reset() -> Any:  # noqa: ANN401
        return await secretary.post(f"/people/{person.id}/reset", json={})

    assert [(await reset()).status_code for _ in range(3)] == [200] * 3
    clock.forward(hours=23)
    refused(await reset(), 429, "too_many_codes")
    clock.forward(hours=1)
    assert (await reset()).status_code == 200
