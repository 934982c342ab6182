"""Signed-in HTTP clients with real tokens, for residents and for every post of the town."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import bindparam, select

from neighborhood_api.grid.models import Residence
from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.identity.models import Person, SignIn
from neighborhood_api.identity.places import Place, columns_of
from neighborhood_api.kit.db import Database, Model, ReadTx, Tx, save
from neighborhood_api.kit.ids import new_id
from tests.support.client import Client
from tests.support.places import Town

EPOCH = select(Person.epoch).where(Person.id == bindparam("person_id"))


class Caller(Client):
    """An HTTP client that is signed in as `person_id`."""

    person_id: UUID


class Callers:
    """Makes callers; their rows are written through `database`, so a test's are rolled back."""

    def __init__(self, app: FastAPI, database: Database) -> None:
        self._app = app
        self._database = database
        self._open: list[AsyncClient] = []

    async def resident(self, home: Place | None = None, *, name: str = "居民") -> Caller:
        """Somebody without a post, living at `home`."""
        person = Person(name=name, openid=f"o{new_id().hex}")
        rows: list[Model] = [person]
        if home is not None:
            rows.append(
                Residence(
                    person_id=person.id,
                    address="1号",
                    stated_at=datetime.now(UTC),
                    **columns_of(home),  # type: ignore[arg-type]
                )
            )
        return await self._signed_in(person.id, *rows)

    async def staff(
        self, town: Town, role: Role, *path: int, body: int | None = None
    ) -> Caller:
        """The holder of `role` at the node `path` of the town, or in organization `body`."""
        key = town.at(*path).id if body is None else town.organizations[body].id
        return await self.person(town.staff[role, key].id)

    async def person(self, person_id: UUID) -> Caller:
        """Sign somebody in, with a token that says what she is now."""
        return await self._signed_in(person_id)

    async def _signed_in(self, person_id: UUID, *rows: Model) -> Caller:
        """Sign in somebody whose `rows` come first, with few statements: most tests do it."""
        now = datetime.now(UTC)
        sign_in = SignIn(person_id=person_id, created_at=now)
        async with self._database.sessions.begin() as session:
            tx = Tx(ReadTx(session))
            await save(tx, *rows, sign_in)
            epoch = (await session.execute(EPOCH, {"person_id": person_id})).scalar_one()
            standing = await standing_of(tx, person_id, now)
        token = self._app.state.gate.tokens.make(person_id, sign_in.id, epoch, standing, now)
        caller = Caller(self._app, {"authorization": f"Bearer {token}"})
        caller.person_id = person_id
        self._open.append(caller)
        return caller

    async def close(self) -> None:
        for client in self._open:
            await client.aclose()


async def actor_of(tx: Tx, person_id: UUID) -> Actor:
    """Somebody as the policy sees her now, for tests of what lies below the API."""
    standing = await standing_of(tx, person_id, datetime.now(UTC))
    return Actor(person_id, person_id, standing.posts, standing.residence)
