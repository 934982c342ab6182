"""A real PostgreSQL, one rolled-back transaction per test, and callers by post and place.

Tests that need real commits (races, jobs, notifications) live in tests/committed/ and use
the fixtures there.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker

from neighborhood_api.app import create_app
from neighborhood_api.identity.personal_keys import new_key, use_personal_keys
from neighborhood_api.kit.db import Database, ReadTx, Tx
from neighborhood_api.kit.sealing import Seals, seals, use_seals
from neighborhood_api.settings import Settings
from tests.support.client import Client
from tests.support.passwords import hash_cheaply
from tests.support.people import Callers
from tests.support.places import Town, build_town
from tests.support.postgres import NewDatabase, migrated_databases, scratch_database
from tests.support.reads import JoiningSession, OneConnectionReader, OneConnectionWriters
from tests.support.savepoints import tell_savepoints_plainly
from tests.support.wechat import Phones, phones_before


@pytest.fixture(scope="session")
def server_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """An empty database, for what only needs a server."""
    shared: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    with nullcontext(shared["server"]) if shared else scratch_database() as url:
        yield url


@pytest.fixture(scope="session")
def new_database(server_url: str) -> Iterator[NewDatabase]:
    """Makes migrated databases, for tests that must not share one."""
    with migrated_databases(server_url) as new_database:
        yield new_database


@pytest.fixture(scope="session")
def database_url(new_database: NewDatabase) -> Iterator[str]:
    """The migrated database of most tests of this process."""
    with new_database() as url:
        yield url


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that depend on nothing outside the test run."""
    folder: Path = tmp_path_factory.mktemp("data")
    values: dict[str, Any] = {
        "data_dir": folder,
        "personal_keys": new_key(),
        "wechat_app_id": "wx0000000000000000",
        "wechat_app_secret": "stand-in",
        "sign_ins_per_minute": 100_000,
        "writes_per_minute": 100_000,
    }
    return Settings(_env_file=None, **values)


@pytest.fixture(scope="session", autouse=True)
def personal_keys(settings: Settings) -> Seals:
    """Phones and addresses are sealed with one key in all tests of a process."""
    use_personal_keys(settings)
    return seals()


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> None:
    """A hash of the product takes a core and 64 MiB for 50 ms; that it does, one test sees."""
    hash_cheaply()


@pytest.fixture(autouse=True)
def _same_personal_keys(personal_keys: Seals) -> None:
    """Whatever keys the test before gave this process."""
    use_seals(personal_keys)


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    tell_savepoints_plainly(database.engine)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def app(settings: Settings, database: Database) -> FastAPI:
    """Built once: FastAPI resolves every operation on first use, slowly."""
    return create_app(settings, database)


@pytest.fixture(scope="module")
async def phones(app: FastAPI) -> AsyncIterator[Phones]:
    """Phones with WeChat, whose servers the application asks meanwhile."""
    async with phones_before(app) as phones:
        yield phones


@pytest.fixture(scope="session")
async def town(database: Database) -> Town:
    """A small committed grid that every test may rely on and none may change."""
    async with database.transaction() as tx:
        return await build_town(tx, now=datetime.now(UTC))


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.engine.connect() as connection, connection.begin() as outer:
        yield connection
        await outer.rollback()


@asynccontextmanager
async def all_undone(
    database: Database, connection: AsyncConnection
) -> AsyncIterator[Database]:
    """Let the application work in a connection's transaction, which its commits do not end."""
    sessions, reader, writers = database.sessions, database.reader, database.writers
    database.sessions = async_sessionmaker(
        connection,
        class_=JoiningSession,
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
    )
    raw = await connection.get_raw_connection()
    _ = await connection.exec_driver_sql("SELECT 1")
    database.reader = OneConnectionReader(raw.driver_connection)
    database.writers = OneConnectionWriters(raw.driver_connection)
    try:
        yield database
    finally:
        database.sessions, database.reader, database.writers = sessions, reader, writers


@pytest.fixture
async def rolled_back(
    town: Town, database: Database, connection: AsyncConnection
) -> AsyncIterator[Database]:
    """The application's database, every commit of which is undone after the test."""
    del town
    async with all_undone(database, connection) as undone:
        yield undone


@pytest.fixture
async def tx(rolled_back: Database) -> AsyncIterator[Tx]:
    """To arrange and to inspect."""
    async with rolled_back.sessions() as session:
        yield Tx(ReadTx(session))


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with Client(app) as client:
        yield client


@pytest.fixture
async def http(app: FastAPI, rolled_back: Database) -> AsyncIterator[AsyncClient]:
    """A client that has not signed in."""
    del rolled_back
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def callers(app: FastAPI, rolled_back: Database) -> AsyncIterator[Callers]:
    """Signed-in clients, by post and place."""
    made = Callers(app, rolled_back)
    yield made
    await made.close()
