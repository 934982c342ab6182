"""A real operation, sent by a phone that does not trust its network."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import func, select

from neighborhood_api.grid.models import Appointment
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from tests.support.people import Caller, Callers
from tests.support.places import Town, build_town
from tests.support.posts import appointment_at, phone_number, vacate


@pytest.fixture
async def town(live_database: Database) -> Town:
    async with live_database.transaction() as tx:
        town = await build_town(tx, now=datetime.now(UTC))
        await vacate(tx, town.at(1, 1, 1, 1))
        return town


@pytest.fixture
async def operator(live_callers: Callers, town: Town) -> Caller:
    return await live_callers.staff(town, Role.OPERATOR)


def wish_for(town: Town, number: str) -> dict[str, Any]:
    return {
        "node_id": str(town.at(1, 1, 1, 1).id),
        "role": "lane_chief",
        "person": {"name": "周巷长", "phone": number},
        "duty_phone": "0752-9000001",
        "starts_on": "2026-01-01",
    }


async def appoint(operator: Caller, wish: dict[str, Any], key: str) -> Response:
    return await operator.post("/appointments", json=wish, headers={"idempotency-key": key})


async def test_twenty_retries_at_once_appoint_one_person_once(
    operator: Caller, town: Town, live_database: Database
) -> None:
    number, key = phone_number(), new_id().hex
    wish = wish_for(town, number)
    answers = await asyncio.gather(*[appoint(operator, wish, key) for _ in range(20)])
    assert {answer.status_code for answer in answers} == {200}, answers[0].text
    assert len({answer.content for answer in answers}) == 1
    async with live_database.transaction() as tx:
        people = select(func.count()).where(Person.phone == number)
        assert await tx.scalar(people) == 1
        held = await appointment_at(tx, town.at(1, 1, 1, 1), Role.LANE_CHIEF)
    assert str(held.id) == answers[0].json()["id"]
    later = await appoint(operator, wish, key)
    assert later.content == answers[0].content


async def test_without_a_key_the_retry_is_refused_by_what_was_done(
    operator: Caller, town: Town
) -> None:
    wish = wish_for(town, phone_number())
    assert (await operator.post("/appointments", json=wish)).status_code == 200
    again = await operator.post("/appointments", json=wish)
    assert (again.status_code, again.json()["code"]) == (409, "post_taken")


async def test_ending_twice_with_one_key_is_one_end(
    operator: Caller, town: Town, live_database: Database
) -> None:
    async with live_database.transaction() as tx:
        held = await appointment_at(tx, town.at(1, 1, 1, 2), Role.LANE_CHIEF)
    path, key = f"/appointments/{held.id}/end", {"idempotency-key": new_id().hex}
    answers = await asyncio.gather(*[operator.post(path, headers=key) for _ in range(10)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    bare = await operator.post(path)
    assert bare.json()["code"] == "appointment_already_ended"
    async with live_database.transaction() as tx:
        query = select(Appointment.version).where(Appointment.id == held.id)
        assert await tx.scalar(query) == held.version + 1


async def test_the_key_of_one_person_does_not_open_the_answer_of_another(
    operator: Caller, live_callers: Callers, town: Town
) -> None:
    key, wish = new_id().hex, wish_for(town, phone_number())
    assert (await appoint(operator, wish, key)).status_code == 200
    stranger = await live_callers.resident()
    answer = await appoint(stranger, wish, key)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert wish["person"]["phone"] not in answer.text
