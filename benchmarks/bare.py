"""What the real API is compared with: bare ASGI, asyncpg, and nothing else.

`GET /grid/{person}` runs the query of `GET /me/grid` and sends as many bytes as that answers.
`POST /statements/{person}` writes again what `POST /issues` wrote for the same person before,
one INSERT for each row between BEGIN and COMMIT; `POST /together/{person}` does it in one
statement. Who calls and what she sends is not checked, and no answer is built.
"""

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Column
from typing_extensions import override

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.queries import HOME_CONTACTS
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.reads import Reader

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

WRITTEN = {
    "case_file": "id = $1::uuid",
    "case_timer": "case_id = $1::uuid",
    "case_hand": "case_id = $1::uuid",
    "case_entry": "case_id = $1::uuid",
    "trail": "subject_id IN (SELECT id FROM case_entry WHERE case_id = $1::uuid)",
    "issue": "case_id = $1::uuid",
    "issue_publication": "case_id = $1::uuid",
    "outbox": "$1::uuid::text IN (payload->>'case_id', payload->>'issue_id')",
    "idempotency_key": (  # of the same transaction, and so of the same moment
        "recorded_at IN (SELECT recorded_at FROM outbox"
        " WHERE payload->>'issue_id' = $1::uuid::text)"
    ),
}
"""The tables that `POST /issues` writes to, and how its rows are found by the issue's id."""
_RENEWED = {"id", "code", "payload", "digest", "subject_id"}
_NEWEST_ISSUES = (
    "SELECT DISTINCT ON (reporter_id) reporter_id, id FROM case_file"
    " WHERE reporter_id = ANY($1) ORDER BY reporter_id, id DESC"
)


@dataclass(frozen=True, slots=True)
class Insert:
    """A row that was written before, to be written again under new keys."""

    sql: str
    values: tuple[Any, ...]
    case_id: UUID
    renewed: tuple[tuple[int, str], ...]
    """Where the values are that differ from issue to issue, and what they are."""

    @classmethod
    def of(cls, table: str, row: dict[str, Any], case_id: UUID) -> "Insert":
        """Make it from a row of the issue `case_id`."""
        marks = ", ".join(f"${n + 1}" for n in range(len(row)))
        renewed = [
            (at, "case_id" if value == case_id else name)
            for at, (name, value) in enumerate(row.items())
            if value == case_id or (name in _RENEWED and value is not None)
        ]
        sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608
        return cls(sql, tuple(row.values()), case_id, tuple(renewed))

    def again(self, case_id: UUID, number: int) -> list[Any]:
        """Return the values for another issue."""
        values = list(self.values)
        for at, name in self.renewed:
            match name:
                case "case_id":
                    values[at] = case_id
                case "id" | "subject_id":
                    values[at] = new_id()
                case "code":
                    values[at] = f"SY000000-{number}"
                case "payload":
                    values[at] = values[at].replace(str(self.case_id), str(case_id))
                case _:
                    values[at] = os.urandom(32)
        return values


class _Asked(Reader):
    """Notes what a query would send."""

    def __init__(self) -> None:
        super().__init__("", size=1)
        self.sql = ""
        self.parameters: tuple[object, ...] = ()

    @override
    async def fetch(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        self.sql, self.parameters = sql, parameters
        return []


class Bare:
    """The ASGI application."""

    def __init__(self, pool: asyncpg.Pool, *, read_bytes: int, write_bytes: int) -> None:
        """Answer with that many bytes."""
        self._pool = pool
        self._read = _answer(read_bytes)
        self._written = _answer(write_bytes)
        self._asked: dict[str, tuple[str, tuple[object, ...]]] = {}
        self._rows: dict[str, list[Insert]] = {}
        self._statements: dict[str, tuple[str, ...]] = {}
        self._together: dict[str, str] = {}
        self._numbers = count(1)

    async def prepare(self, readers: list[UUID], writers: list[UUID]) -> None:
        """Learn what is to be read and written for each of these people."""
        for person_id in readers:
            asked = _Asked()
            now = datetime.now(UTC)
            await HOME_CONTACTS.all(asked, person_id=person_id, day=local_day(now), now=now)
            self._asked[f"/grid/{person_id}"] = asked.sql, asked.parameters
        async with self._pool.acquire() as connection:
            for person_id, case_id in await connection.fetch(_NEWEST_ISSUES, writers):
                rows = await _rows_of(connection, case_id)
                self._rows[str(person_id)] = rows
                self._statements[str(person_id)] = tuple(row.sql for row in rows)
                self._together[str(person_id)] = _as_one(rows)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        if scope["method"] == "GET":
            sql, parameters = self._asked[path]
            await self._pool.fetch(sql, *parameters)
            await _send(send, self._read)
            return
        while (await receive()).get("more_body", False):
            pass
        _, how, person = path.split("/")
        case_id, number = new_id(), next(self._numbers)
        rows = [row.again(case_id, number) for row in self._rows[person]]
        if how == "together":
            values = [value for row in rows for value in row]
            await self._pool.execute(self._together[person], *values)
        else:
            async with self._pool.acquire() as connection, connection.transaction():
                for sql, row in zip(self._statements[person], rows, strict=True):
                    await connection.execute(sql, *row)
        await _send(send, self._written)


async def _rows_of(connection: asyncpg.Connection, case_id: UUID) -> list[Insert]:
    """Find everything that the report of an issue wrote.

    Raises: LookupError when a table has no row of it: then this module has to be brought up
        to what `POST /issues` writes now.
    """
    found: list[Insert] = []
    for table, condition in WRITTEN.items():
        given = {c.name for c in Model.metadata.tables[table].c if not _is_made(c)}
        sql = f"SELECT * FROM {table} WHERE {condition}"  # noqa: S608
        rows = await connection.fetch(sql, case_id)
        if not rows:
            raise LookupError(f"POST /issues wrote no row to {table}")
        for row in rows:
            kept = {name: value for name, value in row.items() if name in given}
            found.append(Insert.of(table, kept, case_id))
    return found


def _is_made(column: Column[Any]) -> bool:
    """Tell whether PostgreSQL makes the value of a column, and the API sends none."""
    made = column.computed is not None or column.identity is not None
    return made or (column.server_default is not None and column.default is None)


def _as_one(rows: list[Insert]) -> str:
    """Write all inserts as one data-modifying statement."""
    parts, before = [], 0
    for n, row in enumerate(rows):
        shifted = re.sub(r"\$(\d+)", lambda mark, by=before: f"${int(mark[1]) + by}", row.sql)  # type: ignore[misc]
        parts.append(f"t{n} AS ({shifted})")
        before += len(row.values)
    return f"WITH {', '.join(parts)} SELECT 1"


def _answer(length: int) -> tuple[dict[str, Any], dict[str, Any]]:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    return start, {"type": "http.response.body", "body": b" " * length}


async def _send(send: Send, answer: tuple[dict[str, Any], dict[str, Any]]) -> None:
    start, body = answer
    await send(start)
    await send(body)
