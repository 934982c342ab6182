"""Hot reads: statements built once with SQLAlchemy Core, run on asyncpg without a transaction.

A read through an ORM session costs about six times as much. A query is a module-level
constant with a name, so that it can be found, explained and counted.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import asyncpg
from pydantic_core import to_json
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert, ReturningUpdate

from neighborhood_api.kit.pool import LOST, Pool, is_spent
from neighborhood_api.kit.sealing import Sealed, binding, seals

if TYPE_CHECKING:
    from neighborhood_api.kit.db import Source

T = TypeVar("T")
Row = tuple[Any, ...]
Statement = Select[*Row] | ReturningInsert[*Row] | ReturningUpdate[*Row] | ReturningDelete[*Row]


def json_text(value: object) -> str:
    """Write a value of a JSON column; Python's own `dumps` takes four times as long."""
    return to_json(value).decode()


DIALECT = asyncpg_dialect.dialect(json_serializer=json_text)  # type: ignore[no-untyped-call]
_LOCKING = re.compile(r"\bFOR (NO KEY )?(UPDATE|(KEY )?SHARE)\b")


class Reader:
    """A pool of connections for single statements that only read."""

    def __init__(self, url: str, *, size: int) -> None:
        """Prepare up to `size` connections to `url`; `open` makes the first."""
        self._url = url
        self._size = size
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Connect."""
        self._pool = Pool(
            self._url,
            size=self._size,
            server_settings={"default_transaction_read_only": "on"},
            command_timeout=30,
        )
        self._pool.give_back(await self._pool.borrow())

    async def close(self) -> None:
        """Disconnect."""
        if self._pool is not None:
            await self._pool.close()

    async def fetch(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        """Run one statement; a connection that died meanwhile is replaced once."""
        if self._pool is None:
            raise RuntimeError("Reader.open was not called")
        try:
            return await _fetch(self._pool, sql, parameters)
        except LOST:
            return await _fetch(self._pool, sql, parameters)

    async def look(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        """Run one statement: a reader does nothing else."""
        return await self.fetch(sql, *parameters)


async def _fetch(pool: Pool, sql: str, parameters: tuple[object, ...]) -> list[asyncpg.Record]:
    connection = await pool.borrow()
    try:
        rows: list[asyncpg.Record] = await connection.fetch(sql, *parameters)
    except BaseException as exc:
        (pool.throw_away if is_spent(exc) else pool.give_back)(connection)
        raise
    pool.give_back(connection)
    return rows


class Query(Generic[T]):
    """A statement compiled once; each row becomes `row(**columns)`."""

    def __init__(self, statement: Statement, row: Callable[..., T]) -> None:
        """Compile `statement`; its bind parameters become the arguments of `all`."""
        compiled = statement.compile(dialect=DIALECT)
        self.sql = str(compiled)
        self.names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self.only_looks = isinstance(statement, Select) and not _LOCKING.search(self.sql)
        """Whether it neither changes nor locks anything, and so needs no transaction."""
        self._defaults = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        fields = getattr(row, "_fields", None)
        self._in_order = fields == tuple(statement.exported_columns.keys())
        self._row = row
        self._seals = [
            (at, bind)
            for at, name in enumerate(self.names)
            if (bind := binding(compiled.binds[name].type)) is not None
        ]
        self._opens = [
            (at, column.key, column.type.about)
            for at, column in enumerate(statement.exported_columns)
            if isinstance(column.type, Sealed)
        ]

    async def all(self, source: "Source", /, **parameters: object) -> list[T]:
        """Return every row.

        A named tuple with the names of the columns is made from a row as it stands, which
        costs a tenth of making it from keywords.
        """
        given = self._defaults | parameters
        values = [given[name] for name in self.names]
        for at, bind in self._seals:
            values[at] = bind(values[at])
        if isinstance(source, AsyncSession):
            found = await run_in_session(source, self.sql, values, named=not self._in_order)
        elif self.only_looks:
            found = await source.look(self.sql, *values)
        else:
            found = await source.fetch(self.sql, *values)
        row = self._row
        if self._opens:
            found = self._opened(found)
        if self._in_order:
            make: Callable[[Any], T] = row._make  # type: ignore[attr-defined]
            return list(map(make, found))
        return [row(**columns) for columns in found]

    def _opened(self, found: Iterable[Any]) -> list[Any]:
        """Read what is sealed in rows; a value that is in all of them is read once."""
        unseal = cache(seals().open)
        rows: list[Any] = []
        for one in found:
            row: Any = list(one) if self._in_order else dict(one)
            for at, name, about in self._opens:
                key = at if self._in_order else name
                if row[key] is not None:
                    row[key] = unseal(row[key], about)
            rows.append(row)
        return rows

    async def first(self, source: "Source", /, **parameters: object) -> T | None:
        """Return the first row, or None."""
        rows = await self.all(source, **parameters)
        return rows[0] if rows else None


async def run_in_session(
    session: AsyncSession, sql: str, values: list[Any], *, named: bool = False
) -> Any:  # noqa: ANN401
    """Run a statement as asyncpg takes it, with `$1` for a parameter, in a transaction."""
    connection = await session.connection()
    result = await connection.exec_driver_sql(sql, tuple(values))
    return result.mappings() if named else result
