"""Power that ends, ends at once: here, and in a process that only shares the database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import text

from neighborhood_api.app import create_app
from neighborhood_api.identity import revocations
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.revocations import Revocations
from neighborhood_api.kit import pool
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings
from tests.support.people import Caller, Callers
from tests.support.places import Town, build_town
from tests.support.posts import appointment_at

pytestmark = pytest.mark.slow


@pytest.fixture
async def other_app(
    live_app: FastAPI, live_database_url: str, settings: Settings
) -> AsyncIterator[FastAPI]:
    """Another process, as far as an application can tell."""
    del live_app
    app = create_app(settings, Database(live_database_url, pool_size=3))
    async with app.router.lifespan_context(app):
        await until(lambda: revocations_of(app).live)
        yield app


@pytest.fixture
async def town(live_database: Database) -> Town:
    """A town of one's own, to end appointments in."""
    async with live_database.transaction() as tx:
        return await build_town(tx, now=datetime.now(UTC))


def revocations_of(app: FastAPI) -> Revocations:
    copy: Revocations = app.state.gate.revocations
    return copy


async def until(holds: Callable[[], bool], *, within: float = 5) -> None:
    deadline = monotonic() + within
    while not holds():
        assert monotonic() < deadline
        await asyncio.sleep(0.01)


@asynccontextmanager
async def same_phone_at(app: FastAPI, caller: Caller) -> AsyncIterator[AsyncClient]:
    """The caller's token, sent to another process."""
    headers = {"authorization": caller.headers["authorization"]}
    transport = ASGITransport(app)
    async with AsyncClient(
        transport=transport, base_url="http://api/api/v1", headers=headers
    ) as client:
        yield client


async def status(client: AsyncClient) -> tuple[int, str | None]:
    answer = await client.get("/me")
    return answer.status_code, answer.json().get("code")


async def end_post(
    operator: Caller, database: Database, town: Town, role: Role, *path: int
) -> None:
    async with database.transaction() as tx:
        appointment = await appointment_at(tx, town.at(*path), role)
    answer = await operator.post(f"/appointments/{appointment.id}/end")
    assert answer.status_code == 200, answer.text


async def test_the_holder_is_refused_at_once_here_and_soon_elsewhere(
    live_callers: Callers, live_database: Database, town: Town, other_app: FastAPI
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    chief = await live_callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    neighbour = await live_callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 2)
    async with same_phone_at(other_app, chief) as there:
        assert await status(chief) == await status(there) == (200, None)
        await end_post(operator, live_database, town, Role.LANE_CHIEF, 1, 1, 1, 1)
        assert await status(chief) == (401, "token_revoked")
        ended = monotonic()
        while await status(there) != (401, "token_revoked"):
            assert monotonic() - ended < 1
            await asyncio.sleep(0.005)
    assert await status(neighbour) == (200, None)
    async with same_phone_at(other_app, neighbour) as there:
        assert await status(there) == (200, None)


async def test_a_new_token_says_what_the_person_is_now(
    live_callers: Callers, live_database: Database, town: Town
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    chief = await live_callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    await end_post(operator, live_database, town, Role.LANE_CHIEF, 1, 1, 1, 1)
    again = await live_callers.person(chief.person_id)
    answer = await again.get("/me")
    assert (answer.status_code, answer.json()["posts"]) == (200, [])


async def test_without_its_listening_connection_a_process_asks_the_database(
    live_callers: Callers, live_database: Database, town: Town, other_app: FastAPI
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    chief = await live_callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    copy = revocations_of(other_app)
    async with same_phone_at(other_app, chief) as there:
        assert await status(there) == (200, None)
        await hang_up_on_listeners(live_database)
        await until(lambda: not copy.live, within=1)
        await end_post(operator, live_database, town, Role.LANE_CHIEF, 1, 1, 1, 1)
        assert not copy.live
        assert await status(there) == (401, "token_revoked")
        assert await status(chief) == (401, "token_revoked")
        await until(lambda: copy.live)
        assert await status(there) == (401, "token_revoked")


async def test_a_process_that_listens_again_hears_again(
    live_callers: Callers, live_database: Database, town: Town, other_app: FastAPI
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    chief = await live_callers.staff(town, Role.LANE_CHIEF, 2, 1, 1, 1)
    copy = revocations_of(other_app)
    await hang_up_on_listeners(live_database)
    await until(lambda: not copy.live, within=1)
    await until(lambda: copy.live)
    async with same_phone_at(other_app, chief) as there:
        assert await status(there) == (200, None)
        await end_post(operator, live_database, town, Role.LANE_CHIEF, 2, 1, 1, 1)
        await asyncio.sleep(0.5)
        assert copy.live
        assert await status(there) == (401, "token_revoked")


async def test_a_process_too_busy_to_read_its_copy_anew_tries_again(
    other_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(revocations, "_RETRY_SECONDS", 0.05)
    copy, connections = revocations_of(other_app), other_app.state.database.reader._pool  # noqa: SLF001
    lent = [await connections.borrow() for _ in range(3)]
    copy.doubt()
    await asyncio.sleep(0.2)
    assert not copy.live
    for connection in lent:
        connections.give_back(connection)
    await until(lambda: copy.live)


async def test_a_process_started_later_knows_what_ended_before(
    live_callers: Callers,
    live_database: Database,
    live_database_url: str,
    town: Town,
    settings: Settings,
) -> None:
    operator = await live_callers.staff(town, Role.OPERATOR)
    chief = await live_callers.staff(town, Role.LANE_CHIEF, 2, 1, 1, 1)
    await end_post(operator, live_database, town, Role.LANE_CHIEF, 2, 1, 1, 1)
    late = create_app(settings, Database(live_database_url, pool_size=2))
    async with late.router.lifespan_context(late), same_phone_at(late, chief) as there:
        assert await status(there) == (401, "token_revoked")
        await until(lambda: revocations_of(late).live)
        assert await status(there) == (401, "token_revoked")


async def hang_up_on_listeners(database: Database) -> None:
    async with database.transaction() as tx:
        ended = await tx.scalars(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        )
        assert True in ended.all()
