"""Sign-ins that arrive at the same moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import QueuePool, func, select, update

from neighborhood_api.identity.models import Person, SignIn
from neighborhood_api.kit.db import Database
from tests.support.clock import Clock, clock_of
from tests.support.posts import phone_number
from tests.support.wechat import Phones, new_openid, phones_before

PASSWORD = "Rain-2026"


@pytest.fixture
async def http(live_app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(live_app)
    async with AsyncClient(transport=transport, base_url="http://api/api/v1") as client:
        yield client


@pytest.fixture
async def phones(live_app: FastAPI) -> AsyncIterator[Phones]:
    async with phones_before(live_app) as phones:
        yield phones


@pytest.fixture
def clock(live_app: FastAPI) -> Iterator[Clock]:
    with clock_of(live_app) as clock:
        yield clock


@pytest.fixture
async def staff_phone(live_database: Database) -> str:
    number = phone_number()
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    async with live_database.transaction() as tx:
        tx.add(Person(phone=number, password_hash=cheap.hash(PASSWORD)))
    return number


async def sign_in(http: AsyncClient, phones: Phones, openid: str) -> dict[str, Any]:
    code = await phones.login_code(openid)
    body: dict[str, Any] = (await http.post("/auth/wechat", json={"code": code})).json()
    return body


async def guess(http: AsyncClient, number: str, password: str) -> Response:
    body = {"phone": number, "password": password}
    return await http.post("/auth/staff", json=body)


async def test_first_sign_ins_of_one_account_at_once_make_one_person(
    http: AsyncClient, phones: Phones, live_database: Database
) -> None:
    openid = new_openid()
    signed_in = await asyncio.gather(*[sign_in(http, phones, openid) for _ in range(8)])
    assert len({one["me"]["id"] for one in signed_in}) == 1
    async with live_database.transaction() as tx:
        people = select(func.count()).where(Person.openid == openid)
        devices = select(func.count()).where(SignIn.person_id == signed_in[0]["me"]["id"])
        assert (await tx.scalar(people), await tx.scalar(devices)) == (1, 8)


async def test_one_code_sent_twice_at_once_signs_in_once(
    http: AsyncClient, phones: Phones
) -> None:
    body = {"code": await phones.login_code(new_openid())}
    answers = await asyncio.gather(*[http.post("/auth/wechat", json=body) for _ in range(2)])
    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_of_twenty_guesses_at_once_at_most_five_are_looked_at(
    http: AsyncClient, staff_phone: str, live_database: Database
) -> None:
    wrong = [guess(http, staff_phone, f"Wrong-{n}") for n in range(20)]
    codes = Counter([answer.json()["code"] for answer in await asyncio.gather(*wrong)])
    assert codes == {"wrong_phone_or_password": 4, "account_locked": 16}
    late = await guess(http, staff_phone, PASSWORD)
    assert late.json()["code"] == "account_locked"
    async with live_database.transaction() as tx:
        locked = select(Person.locked_until).where(Person.phone == staff_phone)
        assert await tx.scalar(locked) is not None


async def test_wrong_sign_ins_and_wrong_old_passwords_at_once_are_counted_together(
    http: AsyncClient, staff_phone: str
) -> None:
    signed_in = (await guess(http, staff_phone, PASSWORD)).json()
    device = {"authorization": f"Bearer {signed_in['access_token']}"}

    async def change(old: str) -> Response:
        body = {"old_password": old, "new_password": "Cloud-2027"}
        return await http.put("/me/password", json=body, headers=device)

    wrong = [guess(http, staff_phone, f"Wrong-{n}") for n in range(10)]
    wrong += [change(f"Wrong-{n}") for n in range(10)]
    codes = Counter([answer.json()["code"] for answer in await asyncio.gather(*wrong)])
    assert codes.pop("account_locked") == 16
    assert set(codes) <= {"wrong_phone_or_password", "wrong_old_password"}
    assert codes.total() == 4
    assert (await change(PASSWORD)).json()["code"] == "account_locked"


async def test_guesses_at_a_number_of_nobody_at_once_are_locked_like_any(
    http: AsyncClient,
) -> None:
    number = phone_number()
    wrong = [guess(http, number, f"Wrong-{n}") for n in range(8)]
    codes = Counter([answer.json()["code"] for answer in await asyncio.gather(*wrong)])
    assert codes == {"wrong_phone_or_password": 4, "account_locked": 4}


@pytest.fixture(scope="module")
def slow_hash() -> str:
    return PasswordHasher(time_cost=10, memory_cost=65536, parallelism=1).hash(PASSWORD)


@pytest.fixture
async def slow_phone(live_database: Database, slow_hash: str) -> str:
    """Staff whose password takes long to look at."""
    number = phone_number()
    async with live_database.transaction() as tx:
        tx.add(Person(phone=number, password_hash=slow_hash))
    return number


async def test_no_connection_is_held_while_a_password_is_looked_at(
    http: AsyncClient, slow_phone: str, live_database: Database
) -> None:
    pool = live_database.engine.pool
    assert isinstance(pool, QueuePool)
    guessing = asyncio.create_task(guess(http, slow_phone, PASSWORD))
    await asyncio.sleep(0.1)
    assert not guessing.done()
    assert pool.checkedout() == 0
    assert (await guessing).status_code == 200


async def test_a_password_changed_while_a_guess_is_looked_at_makes_the_guess_void(
    http: AsyncClient, slow_phone: str, live_database: Database
) -> None:
    guessing = asyncio.create_task(guess(http, slow_phone, PASSWORD))
    await asyncio.sleep(0.1)
    assert not guessing.done()
    async with live_database.transaction() as tx:
        changed = update(Person).where(Person.phone == slow_phone)
        await tx.execute(changed.values(password_hash="another"))
    answer = await guessing
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    async with live_database.transaction() as tx:
        person = (await tx.scalars(select(Person).where(Person.phone == slow_phone))).one()
        devices = select(func.count()).where(SignIn.person_id == person.id)
        assert (person.failed_sign_ins, await tx.scalar(devices)) == (0, 0)


async def test_ten_refreshes_of_one_token_at_once_lock_nobody_out(
    http: AsyncClient, phones: Phones, clock: Clock
) -> None:
    device = await sign_in(http, phones, new_openid())
    clock.forward(minutes=16)
    body = {"refresh_token": device["refresh_token"]}
    answers = await asyncio.gather(*[http.post("/auth/refresh", json=body) for _ in range(10)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 10
    clock.forward(minutes=16)
    later = await asyncio.gather(
        *[
            http.post("/auth/refresh", json={"refresh_token": answer.json()["refresh_token"]})
            for answer in answers
        ]
    )
    assert {answer.status_code for answer in later} == {200}


async def test_a_stolen_token_is_remembered_although_the_answer_is_an_error(
    http: AsyncClient, phones: Phones, clock: Clock, live_database: Database
) -> None:
    device = await sign_in(http, phones, new_openid())
    body = {"refresh_token": device["refresh_token"]}
    latest = (await http.post("/auth/refresh", json=body)).json()
    clock.forward(seconds=31)
    reused = await asyncio.gather(*[http.post("/auth/refresh", json=body) for _ in range(5)])
    codes = Counter(answer.json()["code"] for answer in reused)
    assert codes == {"refresh_token_reused": 1, "refresh_token_invalid": 4}
    async with live_database.transaction() as tx:
        ended = select(SignIn.end_reason).where(SignIn.person_id == device["me"]["id"])
        assert (await tx.scalars(ended)).one() == "refresh_token_reused"
    bearer = {"authorization": f"Bearer {latest['access_token']}"}
    assert (await http.get("/me", headers=bearer)).json()["code"] == "token_revoked"


async def test_of_two_phones_that_bind_one_number_at_once_one_gets_it(
    http: AsyncClient, phones: Phones
) -> None:
    number = phone_number()

    async def bind() -> Response:
        device = await sign_in(http, phones, new_openid())
        code = await phones.phone_code(number)
        headers = {"authorization": f"Bearer {device['access_token']}"}
        return await http.post("/me/phone", json={"code": code}, headers=headers)

    answers = await asyncio.gather(*[bind() for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    refused = {a.json()["code"] for a in answers if a.status_code == 409}
    assert refused == {"phone_taken"}


async def test_of_two_phones_that_claim_one_registered_person_one_becomes_her(
    http: AsyncClient, phones: Phones, staff_phone: str, live_database: Database
) -> None:
    openids = [new_openid() for _ in range(4)]

    async def bind(openid: str) -> Response:
        device = await sign_in(http, phones, openid)
        code = await phones.phone_code(staff_phone)
        headers = {"authorization": f"Bearer {device['access_token']}"}
        return await http.post("/me/phone", json={"code": code}, headers=headers)

    answers = await asyncio.gather(*[bind(openid) for openid in openids])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    async with live_database.transaction() as tx:
        found = select(Person.openid).where(Person.phone == staff_phone)
        assert (await tx.scalars(found)).one() in openids


async def test_a_token_is_refused_in_the_very_next_request_after_signing_out(
    http: AsyncClient, phones: Phones
) -> None:
    openid = new_openid()
    for _ in range(5):
        device = await sign_in(http, phones, openid)
        bearer = {"authorization": f"Bearer {device['access_token']}"}
        assert (await http.get("/me", headers=bearer)).status_code == 200
        await http.post("/auth/logout", json={"refresh_token": device["refresh_token"]})
        assert (await http.get("/me", headers=bearer)).status_code == 401
