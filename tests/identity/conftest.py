"""Phones that sign in, staff with a password, and time that the test moves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.support.clock import Clock, clock_of
from tests.support.passwords import CHEAP
from tests.support.posts import phone_number
from tests.support.wechat import Phones, new_openid

PASSWORD = "Rain-2026"


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        yield clock


@pytest.fixture(scope="session")
def password_hash() -> str:
    return CHEAP.hash(PASSWORD)


@dataclass
class Staff:
    """Somebody who signs in by phone and password."""

    person_id: UUID
    phone: str
    http: AsyncClient

    async def sign_in(self, password: str = PASSWORD) -> Response:
        body = {"phone": self.phone, "password": password}
        return await self.http.post("/auth/staff", json=body)


@pytest.fixture
async def staff(tx: Tx, http: AsyncClient, password_hash: str) -> Staff:
    person = Person(name="梁主任", phone=phone_number(), password_hash=password_hash)
    tx.add(person)
    await tx.commit()
    assert person.phone is not None
    return Staff(person.id, person.phone, http)


def bearer(signed_in: dict[str, Any]) -> dict[str, str]:
    """The header that goes with the tokens of a sign-in."""
    return {"authorization": f"Bearer {signed_in['access_token']}"}


async def sign_in(
    http: AsyncClient, phones: Phones, openid: str | None = None
) -> dict[str, Any]:
    """Sign in from a phone, as the mini-program does."""
    code = await phones.login_code(openid or new_openid())
    answer = await http.post("/auth/wechat", json={"code": code})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def is_refused(http: AsyncClient, signed_in: dict[str, Any]) -> bool:
    """Whether the access token is worth nothing."""
    answer = await http.get("/me", headers=bearer(signed_in))
    assert answer.status_code in {200, 401}, answer.text
    return answer.status_code == 401
