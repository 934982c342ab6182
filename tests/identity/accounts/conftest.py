"""Superiors of the town, and people below them with and without a way in."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, phone_number, somebody

NEW = "Cloud-2027"
LANE = (1, 1, 1, 1)


@dataclass
class Newcomer:
    """Somebody with a post and a number, and nothing to sign in with."""

    person_id: UUID
    phone: str
    http: AsyncClient

    def with_code(self, made: dict[str, Any]) -> dict[str, str]:
        """What the mini-program sends to bind its WeChat account."""
        return {"code": made["code"], "phone": self.phone}

    async def accept(self, code: str, password: str = NEW, **changes: Any) -> Response:  # noqa: ANN401
        body = {"code": code, "phone": self.phone, "password": password}
        return await self.http.post("/auth/invitations/accept", json=body | changes)

    async def sign_in(self, password: str = NEW) -> Response:
        body = {"phone": self.phone, "password": password}
        return await self.http.post("/auth/staff", json=body)


@pytest.fixture
async def newcomer(tx: Tx, town: Town, http: AsyncClient) -> Newcomer:
    number = phone_number()
    person = await somebody(tx, "何小妹", phone=number)
    await appoint(tx, town.at(1, 1, 1), Role.GRID_WORKER, person.id)
    await tx.commit()
    return Newcomer(person.id, number, http)


@pytest.fixture
async def secretary(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)


@pytest.fixture
async def operator(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.OPERATOR)


async def stored(tx: Tx, person_id: UUID) -> Person:
    query = select(Person).where(Person.id == person_id)
    return (await tx.scalars(query.execution_options(populate_existing=True))).one()


async def invited(by: AsyncClient, person_id: UUID) -> dict[str, Any]:
    answer = await by.post(f"/people/{person_id}/invitation")
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def reset(by: AsyncClient, person_id: UUID, *, unbind: bool = False) -> dict[str, Any]:
    body = {"unbind_wechat": unbind}
    answer = await by.post(f"/people/{person_id}/reset", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def code_of(answer: Response) -> tuple[int, str]:
    """Status and problem code of an answer; answers that are no problems are `ok`."""
    body = answer.json()
    return answer.status_code, body["code"] if "status" in body else "ok"


def in_full_width(code: str) -> str:
    """A code as a Chinese keyboard types it, e.g. `ａ１－`."""
    return "".join(chr(ord(one) + 0xFEE0) if one != " " else "\u3000" for one in code)
