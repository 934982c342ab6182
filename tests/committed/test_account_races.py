"""Codes and sign-ins of staff that arrive at the same moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import func, select

from neighborhood_api.app import create_app
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.accounts.models import Invitation
from neighborhood_api.identity.models import Person, SignIn
from neighborhood_api.identity.second_step.models import Authenticator
from neighborhood_api.identity.second_step.totp import code_at, new_secret, step_of
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings
from tests.support.clock import Clock, clock_of
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, phone_number

pytestmark = pytest.mark.slow

PASSWORD = "Rain-2026"
API = "http://api/api/v1"


@dataclass
class Newcomer:
    person_id: UUID
    phone: str


@pytest.fixture
async def http(live_app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(live_app), base_url=API) as client:
        yield client


@pytest.fixture
def clock(live_app: FastAPI) -> Iterator[Clock]:
    with clock_of(live_app) as clock:
        yield clock


@pytest.fixture
async def newcomer(live_database: Database, live_town: Town) -> Newcomer:
    person = Person(name="何小妹", phone=phone_number())
    async with live_database.transaction() as tx:
        tx.add(person)
        await tx.flush()
        await appoint(tx, live_town.at(1, 1, 1), Role.GRID_WORKER, person.id)
    assert person.phone is not None
    return Newcomer(person.id, person.phone)


@pytest.fixture
async def secretary(live_callers: Callers, live_town: Town) -> Caller:
    return await live_callers.staff(live_town, Role.COMMUNITY_SECRETARY, 1, 1)


async def invited(secretary: Caller, newcomer: Newcomer) -> str:
    answer = await secretary.post(f"/people/{newcomer.person_id}/invitation")
    assert answer.status_code == 200, answer.text
    code: str = answer.json()["code"]
    return code


async def accept(http: AsyncClient, code: str, phone: str, password: str) -> Response:
    body = {"code": code, "phone": phone, "password": password}
    return await http.post("/auth/invitations/accept", json=body)


def codes(answers: list[Response]) -> Counter[str]:
    return Counter(
        "ok" if one.status_code == 200 else str(one.json()["code"]) for one in answers
    )


async def test_of_several_who_accept_one_invitation_at_once_one_comes_in(
    http: AsyncClient, secretary: Caller, newcomer: Newcomer
) -> None:
    code = await invited(secretary, newcomer)
    chosen = [f"Cloud-{n}000" for n in range(6)]
    answers = await asyncio.gather(
        *[accept(http, code, newcomer.phone, password) for password in chosen]
    )
    assert codes(answers) == {"ok": 1, "invitation_invalid": 5}
    winner = next(p for p, one in zip(chosen, answers, strict=True) if one.status_code == 200)
    body = {"phone": newcomer.phone, "password": winner}
    assert (await http.post("/auth/staff", json=body)).status_code == 200


async def test_a_password_and_a_wechat_account_at_once_do_not_share_one_code(
    http: AsyncClient,
    secretary: Caller,
    newcomer: Newcomer,
    live_callers: Callers,
    live_database: Database,
) -> None:
    code = await invited(secretary, newcomer)
    residents = [await live_callers.resident() for _ in range(4)]
    bound = {"code": code, "phone": newcomer.phone}
    answers = await asyncio.gather(
        *[one.post("/me/staff-account", json=bound) for one in residents],
        *[accept(http, code, newcomer.phone, f"Cloud-{n}000") for n in range(4)],
    )
    found = codes(answers)
    assert found.pop("ok") == 1
    assert set(found) <= {"invitation_invalid", "phone_taken"}
    async with live_database.transaction() as tx:
        person = await tx.get_one(Person, newcomer.person_id)
        assert (person.openid is None) is not (person.password_hash is None)
        merged = select(func.count()).where(Person.merged_into_id == newcomer.person_id)
        assert await tx.scalar(merged) == (0 if person.openid is None else 1)


async def test_of_wrong_numbers_at_once_five_void_the_code(
    http: AsyncClient, secretary: Caller, newcomer: Newcomer, live_database: Database
) -> None:
    code = await invited(secretary, newcomer)
    wrong = [accept(http, code, phone_number(), "Cloud-2027") for _ in range(20)]
    assert codes(await asyncio.gather(*wrong)) == {"invitation_invalid": 20}
    right = await accept(http, code, newcomer.phone, "Cloud-2027")
    assert right.json()["code"] == "invitation_invalid"
    async with live_database.transaction() as tx:
        mine = select(Invitation).where(Invitation.person_id == newcomer.person_id)
        row = (await tx.scalars(mine)).one()
        assert (row.failures, row.closed_how) == (5, "guessed")


async def test_resets_at_once_leave_one_code_and_no_more_than_a_day_allows(
    http: AsyncClient, secretary: Caller, newcomer: Newcomer, live_database: Database
) -> None:
    path = f"/people/{newcomer.person_id}/reset"
    answers = await asyncio.gather(*[secretary.post(path, json={}) for _ in range(8)])
    assert codes(answers) == {"ok": 3, "too_many_codes": 5}
    made = [one.json()["code"] for one in answers if one.status_code == 200]
    async with live_database.transaction() as tx:
        still = select(func.count()).where(
            Invitation.person_id == newcomer.person_id, Invitation.closed_at.is_(None)
        )
        assert await tx.scalar(still) == 1
    tried = [await accept(http, one, newcomer.phone, "Cloud-2027") for one in made]
    assert codes(tried) == {"ok": 1, "invitation_invalid": 2}


@dataclass
class Guarded:
    person_id: UUID
    phone: str
    secret: str


@pytest.fixture
async def guarded(live_database: Database) -> Guarded:
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    person = Person(phone=phone_number(), password_hash=cheap.hash(PASSWORD))
    secret, now = new_secret(), datetime.now(UTC)
    async with live_database.transaction() as tx:
        tx.add(person)
        await tx.flush()
        tx.add(
            Authenticator(person_id=person.id, secret=secret, begun_at=now, confirmed_at=now)
        )
    assert person.phone is not None
    return Guarded(person.id, person.phone, secret)


async def challenges(http: AsyncClient, guarded: Guarded, times: int) -> list[str]:
    body = {"phone": guarded.phone, "password": PASSWORD}
    found = [await http.post("/auth/staff", json=body) for _ in range(times)]
    return [one.json()["challenge"] for one in found]


async def second(http: AsyncClient, challenge: str, code: str) -> Response:
    return await http.post("/auth/second-step", json={"challenge": challenge, "code": code})


async def test_one_code_sent_at_once_for_several_sign_ins_is_taken_once(
    http: AsyncClient, guarded: Guarded, clock: Clock, live_database: Database
) -> None:
    waiting = await challenges(http, guarded, 4)
    code = code_at(guarded.secret, step_of(clock.now))
    answers = await asyncio.gather(*[second(http, one, code) for one in waiting])
    assert codes(answers) == {"ok": 1, "wrong_second_step_code": 3}
    async with live_database.transaction() as tx:
        mine = select(func.count()).where(SignIn.person_id == guarded.person_id)
        assert await tx.scalar(mine) == 1


async def test_of_twenty_codes_guessed_at_once_at_most_five_are_looked_at(
    http: AsyncClient, guarded: Guarded, clock: Clock
) -> None:
    waiting = await challenges(http, guarded, 4)
    right = code_at(guarded.secret, step_of(clock.now))
    wrong = [f"{(int(right) + n) % 10**6:06}" for n in range(100, 120)]
    tries = zip(waiting * 5, wrong, strict=True)
    answers = await asyncio.gather(*[second(http, one, code) for one, code in tries])
    assert codes(answers) == {"wrong_second_step_code": 4, "account_locked": 16}
    late = await second(http, waiting[0], right)
    assert late.json()["code"] == "account_locked"


async def test_a_device_signed_out_from_afar_is_refused_by_the_other_process_too(
    live_app: FastAPI,
    live_database_url: str,
    settings: Settings,
    live_callers: Callers,
    live_town: Town,
) -> None:
    del live_app
    person_id = live_town.staff[Role.GRID_LEADER, live_town.at(1, 1, 2).id].id
    here, there = [await live_callers.person(person_id) for _ in range(2)]
    other = create_app(settings, Database(live_database_url, pool_size=3))
    headers = {"authorization": there.headers["authorization"]}
    async with (
        other.router.lifespan_context(other),
        AsyncClient(transport=ASGITransport(other), base_url=API, headers=headers) as lost,
    ):
        assert (await lost.get("/me")).status_code == 200
        listed: list[dict[str, Any]] = (await there.get("/me/sessions")).json()["items"]
        its_id = next(one["id"] for one in listed if one["this_one"])
        assert (await here.post(f"/me/sessions/{its_id}/end")).status_code == 200
        assert (await there.get("/me")).status_code == 401
        deadline = monotonic() + 10
        while (await lost.get("/me")).status_code != 401:
            assert monotonic() < deadline
            await asyncio.sleep(0.02)
        assert (await here.get("/me")).status_code == 200
