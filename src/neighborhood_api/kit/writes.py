"""Hot writes: a request's transaction on plain asyncpg, ended by `kit.http.Route`.

A session costs three to five times as much. A writer takes SQL and whole new rows; whoever
wants objects that are loaded, changed and flushed uses a session's transaction (`TxDep`).
"""

from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy.orm import DeclarativeBase

from neighborhood_api.kit.pool import LOST, Pool, is_spent
from neighborhood_api.kit.reads import DIALECT

Shape = tuple[tuple[type[DeclarativeBase], tuple[str, ...], int], ...]
"""Which tables an insertion fills, which attributes their rows have, and how many there are."""
Column = tuple[str, Any, Any]
"""An attribute, its value where a row has none, and what makes its value a parameter."""


class Undone(Exception):  # noqa: N818  (named for what happened)
    """A statement before had failed, and PostgreSQL undoes at COMMIT without saying so."""


class Writers:
    """A pool of connections for transactions of `Writer`."""

    def __init__(self, url: str, *, size: int) -> None:
        """Prepare up to `size` connections to `url`; each is made when it is needed."""
        self._url = url
        self._size = size
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Make the pool, without any connection yet."""
        self._pool = Pool(self._url, size=self._size)

    async def close(self) -> None:
        """Disconnect."""
        if self._pool is not None:
            await self._pool.close()

    @property
    def borrowed(self) -> int:
        """How many connections are out."""
        return 0 if self._pool is None else self._pool.borrowed

    def writer(self) -> "Writer":
        """Begin the writes of one request; nothing happens before its first statement."""
        return Writer(self)

    async def borrow(self) -> asyncpg.Connection:
        """Take a connection; one that died meanwhile is replaced."""
        if self._pool is None:
            raise RuntimeError("Writers.open was not called")
        return await self._pool.borrow()

    async def give_back(self, connection: asyncpg.Connection) -> None:
        """Return a connection without an open transaction."""
        if self._pool is not None:
            self._pool.give_back(connection)

    def throw_away(self, connection: asyncpg.Connection) -> None:
        """Return a connection that is of no more use."""
        if self._pool is not None:
            self._pool.throw_away(connection)


class Writer:
    """The writes of one request; what only looks goes before them, without a transaction.

    At the default isolation each statement sees what is committed when it runs, so looking
    first and beginning later is the same and saves two round trips. The first statement
    that changes or locks something begins. New rows given to `add` wait for `commit`, which
    inserts all of them in one statement: alone, it is the whole transaction.
    """

    def __init__(self, writers: Writers) -> None:
        """Wait for the first statement."""
        self._writers = writers
        self._connection: asyncpg.Connection | None = None
        self._transaction: AsyncExitStack | None = None
        self._failed = False
        self._spent = False
        self._waiting: list[DeclarativeBase] = []

    async def look(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        """Run a statement that neither changes nor locks anything."""
        connection = await self._borrowed()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *parameters)
        except BaseException as exc:
            self._failed = self._transaction is not None
            self._spent = is_spent(exc)
            raise
        return rows

    async def fetch(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        """Run a statement of the transaction."""
        if self._transaction is None:
            await self._begin()
        return await self.look(sql, *parameters)

    def add(self, *rows: DeclarativeBase) -> None:
        """Have new rows inserted when the transaction ends.

        What a constraint refuses is told by `commit`, when no rule can explain it any more.
        """
        self._waiting += rows

    async def commit(self) -> None:
        """Insert what waits, and make everything last.

        Raises: Undone.
        """
        rows, self._waiting = self._waiting, []
        if rows:
            sql, parameters = insertion(rows)
            await self.look(sql, *parameters)
        if self._failed:
            raise Undone
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            try:
                await transaction.aclose()
            except BaseException as exc:
                self._spent = is_spent(exc)
                raise

    async def rollback(self) -> None:
        """Undo everything, what waits included; the writer can be used again."""
        self._waiting = []
        await self.close()

    async def close(self) -> None:
        """Give the connection back; what was not committed is undone.

        With a connection that is thrown away, PostgreSQL undoes it.
        """
        connection, self._connection = self._connection, None
        transaction, self._transaction = self._transaction, None
        spent, self._spent, self._failed = self._spent, False, False
        if connection is None:
            return
        try:
            if transaction is not None and not spent:
                spent = True  # unless it can be undone
                with suppress(*LOST):
                    await _undo(transaction)
                    spent = False
        finally:
            if spent:
                self._writers.throw_away(connection)
            else:
                await self._writers.give_back(connection)

    async def _borrowed(self) -> asyncpg.Connection:
        if self._connection is None:
            self._connection = await self._writers.borrow()
        return self._connection

    async def _begin(self) -> None:
        connection = await self._borrowed()
        transaction = AsyncExitStack()
        try:
            await transaction.enter_async_context(connection.transaction())
        except BaseException:
            self._spent = True  # it may have begun
            raise
        self._transaction = transaction


async def _undo(transaction: AsyncExitStack) -> None:
    with suppress(Undone):
        async with transaction:
            raise Undone


def insertion(rows: Iterable[DeclarativeBase]) -> tuple[str, list[Any]]:
    """Return one statement that inserts new rows of any tables, and its parameters.

    Foreign keys are checked at a statement's end, so the order of `rows` does not matter.
    """
    groups: dict[tuple[type[DeclarativeBase], tuple[str, ...]], list[dict[str, Any]]] = {}
    for row in rows:
        given = row.__dict__
        groups.setdefault((type(row), tuple(given)), []).append(given)
    shape = tuple((model, names, len(group)) for (model, names), group in groups.items())
    sql, columns_of_each = _insertion_of(shape)
    parameters: list[Any] = []
    for columns, group in zip(columns_of_each, groups.values(), strict=True):
        for given in group:
            for name, default, bind in columns:
                value = given.get(name, default)
                parameters.append(value if bind is None or value is None else bind(value))
    return sql, parameters


@lru_cache(maxsize=512)
def _insertion_of(shape: Shape) -> tuple[str, tuple[tuple[Column, ...], ...]]:
    """Write the statement for `shape` once."""
    quote = DIALECT.identifier_preparer.quote
    parts: list[str] = []
    columns_of_each: list[tuple[Column, ...]] = []
    number = 0
    for n, (model, given, count) in enumerate(shape):
        table: Any = model.__table__
        columns = [c for c in table.c if c.key in given or c.default is not None]
        tuples = []
        for _ in range(count):
            marks = [
                f"${number + at}::{column.type.compile(DIALECT)}"
                for at, column in enumerate(columns, start=1)
            ]
            number += len(columns)
            tuples.append(f"({', '.join(marks)})")
        into = f"{quote(table.name)} ({', '.join(quote(c.name) for c in columns)})"
        values = ", ".join(tuples)  # marks only; names come from our own tables
        parts.append(f"t{n} AS (INSERT INTO {into} VALUES {values})")  # noqa: S608
        columns_of_each.append(tuple(_column(column) for column in columns))
    return f"WITH {', '.join(parts)} SELECT 1", tuple(columns_of_each)


def _column(column: Any) -> Column:  # noqa: ANN401  (SQLAlchemy's, of any type)
    if column.default is not None and not column.default.is_scalar:
        raise TypeError(f"{column} needs a plain default: functions go to default_factory")
    default = None if column.default is None else column.default.arg
    return column.key, default, column.type.dialect_impl(DIALECT).bind_processor(DIALECT)
