"""Requests inside a test's own transaction, and how many statements they cost."""

from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from typing_extensions import override

from neighborhood_api.kit.reads import Reader
from neighborhood_api.kit.writes import Undone, Writer, Writers


class JoiningSession(AsyncSession):
    """Joins the transaction of a test, which has long begun, for requests that only read too.

    PostgreSQL cannot make a running transaction read-only for a while; that it refuses
    writes in such requests is for the committed tests to see. (Not by overriding a dependency
    of the application: FastAPI then takes every operation apart anew with each request.)
    """

    @override
    async def connection(self, *_: Any, **__: Any) -> AsyncConnection:
        return await super().connection()


class OneConnectionReader(Reader):
    """Reads through the test's own transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        super().__init__("", size=1)
        self._connection = connection

    @override
    async def fetch(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._connection.fetch(sql, *parameters)
        return rows


class OneConnectionWriters(Writers):
    """Writes through the test's own transaction, each request in a savepoint."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        super().__init__("", size=1)
        self._connection = connection

    @override
    def writer(self) -> Writer:
        return SavepointWriter(self)

    @override
    async def borrow(self) -> asyncpg.Connection:
        return self._connection

    @override
    async def give_back(self, connection: asyncpg.Connection) -> None:
        pass


class SavepointWriter(Writer):
    """Begins with its first statement: one that fails must not end the test's transaction."""

    @override
    async def look(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        if self._transaction is None:
            await self._begin()
        return await super().look(sql, *parameters)

    @override
    async def close(self) -> None:
        if self._transaction is not None:
            with suppress(Undone):
                async with self._transaction:
                    raise Undone
        await super().close()


class Statements:
    """The statements that ran on a test's connection, savepoints left out."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def hear(self, record: asyncpg.connection.LoggedQuery) -> None:
        """Note a statement, as asyncpg's query logger."""
        if "SAVEPOINT" not in record.query:
            self.texts.append(record.query)

    def __len__(self) -> int:
        return len(self.texts)


async def count_on(connection: AsyncConnection) -> tuple[asyncpg.Connection, Statements]:
    """Begin to note statements; remove `hear` from the raw connection to end."""
    raw = (await connection.get_raw_connection()).driver_connection
    statements = Statements()
    if raw is None:
        raise RuntimeError("the test's connection is closed")
    raw.add_query_logger(statements.hear)
    return raw, statements
