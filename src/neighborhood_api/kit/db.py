"""The database: one engine and one pool of readers per process, one transaction per request."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from typing import Annotated, Any, ClassVar, NewType

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData, Text, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass
from typing_extensions import override

from neighborhood_api.kit.filling import fill_at_once
from neighborhood_api.kit.pool import CONNECT_SECONDS, connect
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Reader, json_text, run_in_session
from neighborhood_api.kit.writes import Writer, Writers, insertion

ReadTx = NewType("ReadTx", AsyncSession)
"""A transaction that may only read; PostgreSQL refuses writes inside it."""

Tx = NewType("Tx", ReadTx)
"""A read-write transaction. Accepted wherever a ReadTx is; never the reverse."""

Handle = Tx | Writer
"""Where changes can be made."""
Source = Reader | ReadTx | Writer
"""What a `Query` can be asked through."""

TX_KEY = "neighborhood_api.tx"
"""Where a request's scope keeps its open transaction, for `kit.http.Route` to end."""


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

    @override
    def __init_subclass__(cls, **options: Any) -> None:
        """Map a table, and have its new rows made at less cost."""
        super().__init_subclass__(**options)
        if "__table__" in cls.__dict__:
            fill_at_once(cls)


def sqlalchemy_url(url: str) -> URL:
    """Turn any PostgreSQL URL into the one SQLAlchemy opens with asyncpg."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def plain_url(url: str) -> str:
    """Turn any PostgreSQL URL into the one libpq and asyncpg understand."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Database:
    """Connections of one process: `sessions` for use cases, the others where speed counts."""

    def __init__(self, url: str, *, pool_size: int = 6) -> None:
        """Prepare connections to the PostgreSQL at `url`; nothing is opened yet."""
        self.url = plain_url(url)
        self.engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            async_creator=partial(connect, self.url, timeout=CONNECT_SECONDS),
            json_serializer=json_text,
            hide_parameters=True,  # error texts end in logs, and parameters are people's data
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_dead)
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.reader = Reader(self.url, size=pool_size)
        self.writers = Writers(self.url, size=pool_size)

    async def open(self) -> None:
        """Connect, so that a wrong address fails at start and not at the first request."""
        await self.reader.open()
        await self.writers.open()

    async def close(self) -> None:
        """Give every connection back."""
        await self.reader.close()
        await self.writers.close()
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


async def begin_writing(request: Request) -> Writer:
    """Open the request's transaction on plain asyncpg; `kit.http.Route` ends it too."""
    opened = handle_of(request)
    if isinstance(opened, AsyncSession):
        raise TypeError("an operation has one transaction: TxDep or WriterDep, not both")
    return opened


async def reader_of(request: Request) -> Reader:
    """Return the pool for hot reads."""
    return database_of(request).reader


def handle_of(request: Request) -> AsyncSession | Writer:
    """Return the request's transaction, of whichever kind; a new one is the cheap kind."""
    opened: AsyncSession | Writer | None = request.scope.get(TX_KEY)
    if opened is None:
        opened = request.scope[TX_KEY] = database_of(request).writers.writer()
    return opened


def _session(request: Request) -> AsyncSession:
    opened: AsyncSession | Writer | None = request.scope.get(TX_KEY)
    if opened is None:
        opened = request.scope[TX_KEY] = database_of(request).sessions()
    elif isinstance(opened, Writer):
        raise TypeError("an operation has one transaction: TxDep or WriterDep, not both")
    return opened


TxDep = Annotated[Tx, Depends(begin)]
ReadTxDep = Annotated[ReadTx, Depends(begin_read_only)]
ReaderDep = Annotated[Reader, Depends(reader_of)]
WriterDep = Annotated[Writer, Depends(begin_writing)]


async def save(handle: Handle, *rows: Model) -> None:
    """Insert rows of any tables in one statement, and so in one round trip.

    Faster than the unit of work by the number of tables, and the order of `rows` does not
    matter. The rows stay outside a session.
    """
    if rows:
        sql, parameters = insertion(rows)
        await run(handle, sql, *parameters)


async def save_last(handle: Handle, *rows: Model) -> None:
    """Insert rows like `save`; nothing is asked or changed after them.

    A writer sends them with its commit, and then one statement may be the whole transaction.
    What a constraint refuses is not known before: rows that a rule has to explain are saved.
    """
    if isinstance(handle, Writer):
        handle.add(*rows)
    else:
        await save(handle, *rows)


async def run(handle: Handle, sql: str, *parameters: object) -> None:
    """Run a statement as asyncpg takes it, with `$1` for a parameter."""
    if isinstance(handle, Writer):
        await handle.fetch(sql, *parameters)
    else:
        await run_in_session(handle, sql, list(parameters))


@contextmanager
def refusing(by_constraint: dict[str, type[Problem]]) -> Iterator[None]:
    """Turn the violation of a named constraint into the problem that explains it."""
    try:
        yield
    except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as exc:
        problem = by_constraint.get(constraint_of(exc) or "")
        if problem is None:
            raise
        raise problem from exc


def constraint_of(exc: DBAPIError | asyncpg.PostgresError) -> str | None:
    """Return the name of the constraint that refused a row."""
    cause: object = exc
    if isinstance(exc, DBAPIError):
        cause = None if exc.orig is None else exc.orig.__cause__
    return cause.constraint_name if isinstance(cause, asyncpg.PostgresError) else None
