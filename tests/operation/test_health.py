"""What load balancers and Prometheus are told."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import text

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.reads import Reader
from neighborhood_api.operation.readiness import Check, Status, read_readiness
from tests.support.postgres import NewDatabase, database_beside

BEAT = text(
    "INSERT INTO procrastinate_workers (last_heartbeat)"
    " VALUES (now() - make_interval(secs => :ago))"
)


async def test_a_process_that_answers_is_alive(http: AsyncClient) -> None:
    answer = await http.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"done": True})


async def test_a_migrated_database_and_a_living_worker_are_ready(
    http: AsyncClient, tx: Tx
) -> None:
    await tx.execute(BEAT, {"ago": 300})
    await tx.execute(BEAT, {"ago": 5})
    await tx.commit()

    answer = await http.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "worker": "ok"},
    }


async def test_without_a_worker_requests_are_still_taken(http: AsyncClient, tx: Tx) -> None:
    await tx.execute(BEAT, {"ago": 300})
    await tx.commit()

    answer = await http.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["worker"] == "failed"


async def test_another_schema_is_not_ready(http: AsyncClient, tx: Tx) -> None:
    await tx.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    await tx.commit()

    answer = await http.get("/health/ready")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "status": "not_ready",
        "checks": {"database": "ok", "migrations": "failed", "worker": "unknown"},
    }


async def test_a_database_without_tables_is_not_ready(server_url: str) -> None:
    with database_beside(server_url) as url:
        reader = Reader(url, size=1)
        await reader.open()
        found = await read_readiness(reader)
        await reader.close()

    assert found.status is Status.NOT_READY
    assert found.checks.migrations is Check.FAILED


async def test_a_database_that_went_away_is_not_ready(new_database: NewDatabase) -> None:
    with new_database() as url:
        reader = Reader(url, size=1)
        await reader.open()
        before = await read_readiness(reader)
    found = await read_readiness(reader)
    await reader.close()

    assert before.status is Status.DEGRADED
    assert found.status is Status.NOT_READY
    assert found.checks.database is Check.FAILED


@pytest.fixture
def with_token(app: FastAPI) -> Iterator[None]:
    before = app.state.settings
    token = SecretStr("open-sesame")
    app.state.settings = before.model_copy(update={"metrics_token": token})
    yield
    app.state.settings = before


@pytest.fixture
def root(app: FastAPI, rolled_back: Database) -> AsyncClient:
    del rolled_back
    return AsyncClient(transport=ASGITransport(app), base_url="http://api")


async def test_without_a_token_set_there_are_no_metrics(root: AsyncClient) -> None:
    answer = await root.get("/metrics", headers={"authorization": "Bearer "})

    assert answer.status_code == 404


@pytest.mark.usefixtures("with_token")
@pytest.mark.parametrize("given", ["", "open-sesame", "Bearer open", "Bearer öpen-sesame"])
async def test_the_metrics_hide_from_everybody_else(root: AsyncClient, given: str) -> None:
    answer = await root.get("/metrics", headers=[(b"authorization", given.encode())])

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.usefixtures("with_token")
async def test_the_metrics_count_requests_and_waiting_work(root: AsyncClient, tx: Tx) -> None:
    tx.add(OutboxRow(name="test.nothing", payload={}))
    await tx.commit()
    _ = await root.get("/api/v1/health/live")

    answer = await root.get("/metrics", headers={"authorization": "Bearer open-sesame"})

    assert answer.status_code == 200
    lines = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if line[0] != "#")
    assert float(lines['http_requests_total{operation="check_live",status="200"}']) >= 1
    assert float(lines["events_waiting"]) >= 1
    assert 'jobs{state="failed"}' in lines
