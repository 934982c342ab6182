"""Two offices and two phones at once, at the same post and the same door."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from neighborhood_api.grid.models import Appointment, Residence
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from tests.support.people import Callers
from tests.support.places import Town, build_town
from tests.support.posts import phone_number, vacate


@pytest.fixture
async def own_town(live_database: Database) -> Town:
    """A town of this test alone, whose first lane has no chief."""
    async with live_database.transaction() as tx:
        town = await build_town(tx, now=datetime.now(UTC))
        await vacate(tx, town.at(1, 1, 1, 1))
    return town


def wish(town: Town, path: tuple[int, ...], role: Role, phone: str) -> dict[str, object]:
    return {
        "node_id": str(town.at(*path).id),
        "role": role.value,
        "person": {"name": "新人", "phone": phone},
        "duty_phone": "0752-1234567",
        "starts_on": date(2026, 1, 1).isoformat(),
    }


async def test_of_many_appointed_to_one_seat_at_once_one_gets_it(
    own_town: Town, live_callers: Callers, live_database: Database
) -> None:
    operator = await live_callers.staff(own_town, Role.OPERATOR)
    seat = (1, 1, 1, 1)
    phones = [phone_number() for _ in range(10)]
    answers = await asyncio.gather(
        *(
            operator.post("/appointments", json=wish(own_town, seat, Role.LANE_CHIEF, phone))
            for phone in phones
        )
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert codes == {"post_taken"}
    async with live_database.transaction() as tx:
        open_ones = select(func.count()).where(
            Appointment.node_id == own_town.at(*seat).id, Appointment.ended_at.is_(None)
        )
        assert await tx.scalar(open_ones) == 1
        people = select(func.count()).where(Person.phone.in_(phones))
        assert await tx.scalar(people) == 1  # nobody is registered for a refused wish


async def test_a_person_registered_by_two_offices_at_once_is_one_person(
    own_town: Town, live_callers: Callers, live_database: Database
) -> None:
    operator = await live_callers.staff(own_town, Role.OPERATOR)
    phone = phone_number()
    places = [(1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2), (2, 1, 1), (2, 1, 2)]
    answers = await asyncio.gather(
        *(
            operator.post("/appointments", json=wish(own_town, path, Role.GRID_WORKER, phone))
            for path in places
        )
    )
    assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers]
    assert len({answer.json()["person_id"] for answer in answers}) == 1
    async with live_database.transaction() as tx:
        people = select(func.count()).where(Person.phone == phone)
        assert await tx.scalar(people) == 1


async def test_a_first_residence_stated_by_two_phones_at_once_is_stated_once(
    live_town: Town, live_callers: Callers, live_database: Database
) -> None:
    same, differing = await live_callers.resident(), await live_callers.resident()
    lanes = [str(live_town.at(1, 1, 1, number).id) for number in (1, 2)]
    home = {"lane_id": lanes[0], "address": "1号"}
    answers = await asyncio.gather(*(same.put("/me/residence", json=home) for _ in range(8)))
    assert {(a.status_code, a.json()["version"]) for a in answers} == {(200, 1)}
    answers = await asyncio.gather(
        *(
            differing.put("/me/residence", json={"lane_id": lane, "address": "1号"})
            for lane in lanes * 4
        )
    )
    first = next(answer.json()["lane_id"] for answer in answers if answer.status_code == 200)
    for lane, answer in zip(lanes * 4, answers, strict=True):
        assert answer.status_code == (200 if lane == first else 409), answer.text
    async with live_database.transaction() as tx:
        stored = select(Residence.lane_id, Residence.version).where(
            Residence.person_id == differing.person_id
        )
        assert [(str(lane), version) for lane, version in await tx.execute(stored)] == [
            (first, 1)
        ]
