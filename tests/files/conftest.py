"""Uploading as a phone does, and a job's context as the worker gives it."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from procrastinate import App, JobContext
from procrastinate.jobs import Job
from procrastinate.testing import InMemoryConnector
from sqlalchemy import text

from neighborhood_api.files.store import Store, fetch
from neighborhood_api.kit.db import Database, Tx


async def upload(
    caller: AsyncClient, content: bytes, *, name: str = "photo.jpg", key: str | None = None
) -> Response:
    headers = {} if key is None else {"idempotency-key": key}
    return await caller.post(
        "/files", files={"file": (name, content, "image/jpeg")}, headers=headers
    )


async def accepted(
    caller: AsyncClient, content: bytes, *, name: str = "photo.jpg", key: str | None = None
) -> dict[str, Any]:
    answer = await upload(caller, content, name=name, key=key)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def path_of(url: str) -> str:
    """A link as the tests' clients, whose base is /api/v1, take it."""
    return url.removeprefix("/api/v1")


@pytest.fixture
def store(app: FastAPI) -> Store:
    kept: Store = app.state.store
    return kept


@pytest.fixture
def context(app: FastAPI, rolled_back: Database) -> JobContext:
    return JobContext(
        app=App(connector=InMemoryConnector()),
        job=Job(id=1, queue="default", lock=None, queueing_lock=None, task_name="files.x"),
        start_timestamp=0.0,
        abort_reason=lambda: None,
        additional_context={
            "database": rolled_back,
            "settings": app.state.settings,
            "store": app.state.store,
        },
    )


async def key_of(tx: Tx, file_id: str | UUID) -> str:
    row = text("SELECT storage_key FROM file WHERE id = :id").bindparams(id=UUID(str(file_id)))
    key: str = (await tx.execute(row)).scalar_one()
    return key


async def stored_bytes(tx: Tx, store: Store, file_id: str) -> bytes:
    content = await fetch(store, await key_of(tx, file_id))
    assert content is not None
    return content


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
