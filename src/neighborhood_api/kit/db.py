"""The database: one engine and one pool of readers per process, one transaction per request."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import lru_cache, partial
from typing import Annotated, Any, ClassVar, NewType

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData, Table, Text, event, inspect
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import CONNECT_SECONDS, Reader, connect

ReadTx = NewType("ReadTx", AsyncSession)
"""A transaction that may only read; PostgreSQL refuses writes inside it."""

Tx = NewType("Tx", ReadTx)
"""A read-write transaction. Accepted wherever a ReadTx is; never the reverse."""

TX_KEY = "neighborhood_api.tx"
"""Where a request's scope keeps its open transaction, for `kit.http.Route` to end."""

DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]


class Model(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False, repr=False):
    """Base of every table; constructor arguments are type-checked."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), str: Text}


def sqlalchemy_url(url: str) -> URL:
    """Turn any PostgreSQL URL into the one SQLAlchemy opens with asyncpg."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def plain_url(url: str) -> str:
    """Turn any PostgreSQL URL into the one libpq and asyncpg understand."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Database:
    """Connections of one process: `sessions` for use cases, `reader` for hot reads."""

    def __init__(self, url: str, *, pool_size: int = 6) -> None:
        """Prepare connections to the PostgreSQL at `url`; nothing is opened yet."""
        self.url = plain_url(url)
        self.engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            async_creator=partial(connect, self.url, timeout=CONNECT_SECONDS),
            hide_parameters=True,  # error texts end in logs, and parameters are people's data
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_dead)
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.reader = Reader(self.url, size=pool_size)

    async def open(self) -> None:
        """Connect, so that a wrong address fails at start and not at the first request."""
        await self.reader.open()

    async def close(self) -> None:
        """Give every connection back."""
        await self.reader.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Run one transaction outside a request, as jobs and commands do."""
        async with self.sessions.begin() as session:
            yield Tx(ReadTx(session))


def _refuse_dead(connection: Any, *_: object) -> None:  # noqa: ANN401  (SQLAlchemy's adapter)
    """Have the pool replace a connection that the server closed meanwhile; costs nothing."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def database_of(request: Request) -> Database:
    """Return the database of the running application."""
    database: Database = request.app.state.database
    return database


async def begin(request: Request) -> Tx:
    """Open the request's transaction; `kit.http.Route` ends it before the answer leaves."""
    return Tx(ReadTx(_session(request)))


async def begin_read_only(request: Request) -> ReadTx:
    """Open a transaction in which PostgreSQL itself refuses to write."""
    session = _session(request)
    _ = await session.connection(execution_options={"postgresql_readonly": True})
    return ReadTx(session)


async def reader_of(request: Request) -> Reader:
    """Return the pool for hot reads."""
    return database_of(request).reader


def _session(request: Request) -> AsyncSession:
    session: AsyncSession | None = request.scope.get(TX_KEY)
    if session is None:
        session = request.scope[TX_KEY] = database_of(request).sessions()
    return session


TxDep = Annotated[Tx, Depends(begin)]
ReadTxDep = Annotated[ReadTx, Depends(begin_read_only)]
ReaderDep = Annotated[Reader, Depends(reader_of)]


async def save(tx: Tx, *rows: Model) -> None:
    """Insert rows of any tables in one statement, and so in one round trip.

    Faster than the unit of work by the number of tables; foreign keys are checked at the
    statement's end, so the order of `rows` does not matter. The rows stay outside `tx`.
    """
    if not rows:
        return
    groups: dict[tuple[Table, tuple[str, ...]], list[Model]] = {}
    for row in rows:
        given = inspect(row).dict
        mapper = inspect(type(row))
        names = tuple(
            column.key
            for column in mapper.local_table.c
            if column.key in given or column.default is not None
        )
        groups.setdefault((mapper.local_table, names), []).append(row)  # type: ignore[arg-type]
    shape = tuple((table, names, len(group)) for (table, names), group in groups.items())
    sql, binders = _insert_together(shape)
    values = iter(binders)
    parameters = tuple(
        _bound(next(values), getattr(row, name))
        for (_, names), group in groups.items()
        for row in group
        for name in names
    )
    connection = await tx.connection()
    await connection.exec_driver_sql(sql, parameters)


def _bound(binder: Any, value: object) -> object:  # noqa: ANN401  (SQLAlchemy's bind processor)
    return value if binder is None or value is None else binder(value)


@lru_cache(maxsize=256)
def _insert_together(
    shape: tuple[tuple[Table, tuple[str, ...], int], ...],
) -> tuple[str, tuple[Any, ...]]:
    """Write the statement for `shape` once: its text, and each parameter's bind processor."""
    quote = DIALECT.identifier_preparer.quote
    parts: list[str] = []
    binders: list[Any] = []
    for n, (table, names, count) in enumerate(shape):
        columns = [table.c[name] for name in names]
        tuples = []
        for _ in range(count):
            marks = []
            for column in columns:
                binders.append(column.type.dialect_impl(DIALECT).bind_processor(DIALECT))
                marks.append(f"${len(binders)}::{column.type.compile(DIALECT)}")
            tuples.append(f"({', '.join(marks)})")
        into = f"{quote(table.name)} ({', '.join(quote(c.name) for c in columns)})"
        values = ", ".join(tuples)  # marks only; names come from our own tables
        parts.append(f"t{n} AS (INSERT INTO {into} VALUES {values})")  # noqa: S608
    return f"WITH {', '.join(parts)} SELECT 1", tuple(binders)


@contextmanager
def refusing(by_constraint: dict[str, type[Problem]]) -> Iterator[None]:
    """Turn the violation of a named constraint into the problem that explains it."""
    try:
        yield
    except IntegrityError as exc:
        problem = by_constraint.get(constraint_of(exc) or "")
        if problem is None:
            raise
        raise problem from exc


def constraint_of(exc: IntegrityError) -> str | None:
    """Return the name of the constraint that refused a row."""
    cause = exc.orig.__cause__ if exc.orig is not None else None
    return cause.constraint_name if isinstance(cause, asyncpg.PostgresError) else None
