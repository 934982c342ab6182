"""What booking is compared with: the API's own statements, sent by bare ASGI and asyncpg.

The application notes every statement that `POST /rooms/{room}/bookings` sends for a wish that
is granted and for one that is refused. `POST /book/{room}/{person}/{start}` sends the same
ones in the same order, with the values of its own wish, and answers as many bytes. It follows
the granted wish or the refused one by what the statement that looks for a free unit says. Who
calls and what she sends is not checked, no rule is judged, and no answer is built.
"""

import json
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import UUID

import asyncpg
import httpx
from typing_extensions import override

from neighborhood_api.app import create_app
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit import logs
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.settings import Settings

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Make = Callable[["Turn"], Any]

REFUSED = HTTPStatus.CONFLICT
LEAST_NUMBER = 100_001
"""Smaller numbers are counts and not names of things."""
_SOON = timedelta(days=2)
_DIGEST_BYTES = 32


class Statement(NamedTuple):
    """A statement that was sent, and what came back."""

    sql: str
    parameters: tuple[Any, ...]
    rows: list[asyncpg.Record] | None
    """None where nothing is returned, as of BEGIN."""


class Wish(NamedTuple):
    """One attempt to book."""

    room_id: UUID
    person_id: UUID
    starts_at: datetime


@dataclass
class Attempt:
    """What the API did about a wish."""

    wish: Wish
    statements: list[Statement]
    answer_bytes: int
    status: int


_notes: list[Statement] = []


class Noting(asyncpg.Connection):  # type: ignore[misc]
    """A connection that notes what is sent."""

    @override
    async def fetch(self, query: str, *args: Any, **how: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await super().fetch(query, *args, **how)
        _notes.append(Statement(query, args, rows))
        return rows

    @override
    async def execute(self, query: str, *args: Any, **how: Any) -> str:
        done: str = await super().execute(query, *args, **how)
        _notes.append(Statement(query, args, None))
        return done


@asynccontextmanager
async def noting(settings: Settings, url: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Run the API in this process; give a client, and the list of what is sent."""
    logs.configure(level="ERROR", json=False)
    noted = partial(asyncpg.connect, connection_class=Noting)
    with patch.object(asyncpg, "connect", noted):
        app = create_app(settings, Database(url, pool_size=2))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://api/api/v1"
            ) as client,
        ):
            yield client, _notes


async def note_attempts(
    settings: Settings, url: str, wishes: Iterable[dict[str, Any]]
) -> list[Attempt]:
    """Send wishes, and note what the API does about each."""
    found: list[Attempt] = []
    async with noting(settings, url) as (client, notes):
        for given in wishes:
            notes.clear()
            room, body = given["room_id"], given["body"]
            answer = await client.post(
                f"/rooms/{room}/bookings",
                json=body,
                headers={
                    "authorization": f"Bearer {given['token']}",
                    "idempotency-key": new_id().hex,
                },
            )
            starts_at = datetime.fromisoformat(body["starts_at"])
            wish = Wish(UUID(room), UUID(given["person_id"]), starts_at.astimezone(UTC))
            found.append(Attempt(wish, list(notes), len(answer.content), answer.status_code))
    return found


@dataclass(slots=True)
class Turn:
    """One wish of the bare application, under way."""

    wish: Wish
    shift: timedelta
    """How much later it is than the wish that was noted."""
    rows: list[Sequence[Sequence[Any]]] = field(default_factory=list)
    """What each statement found."""
    made: dict[UUID, UUID] = field(default_factory=dict)
    """New ids, by those that were noted."""

    def new(self, noted: UUID) -> UUID:
        """Return the new id in the place of a noted one."""
        its_id = self.made.get(noted)
        if its_id is None:
            its_id = self.made[noted] = new_id()
        return its_id


class Step(NamedTuple):
    """A statement to send, and how its parameters are made."""

    sql: str
    makes: tuple[Make, ...]
    gives_rows: bool
    decides: bool
    """Whether it looks for what is free."""


class Script:
    """The statements of one noted attempt, for other wishes."""

    def __init__(self, attempt: Attempt, now: datetime) -> None:
        """Find out where each parameter comes from."""
        self.wish = attempt.wish
        self.answer = answer_of(attempt.status, attempt.answer_bytes)
        self._soon = now + _SOON
        self._known: dict[Any, tuple[int, int, int]] = {}
        self.steps: list[Step] = []
        for number, statement in enumerate(attempt.statements):
            makes = tuple(map(self._make, statement.parameters))
            rows = statement.rows
            decides = bool(rows) and "units" in rows[0]  # type: ignore[index]
            self.steps.append(Step(statement.sql, makes, rows is not None, decides))
            for at, row in enumerate(usable(rows or [], decides=decides)):
                for column, value in enumerate(row):
                    if isinstance(value, UUID) or _is_number(value):
                        self._known.setdefault(value, (number, at, column))

    def _make(self, value: Any) -> Make:  # noqa: ANN401, PLR0911, C901
        """Say how the parameter of another wish is made."""
        wish = self.wish
        if isinstance(value, list | tuple):
            parts = [self._make(one) for one in value]
            return lambda turn: [part(turn) for part in parts]
        if value == wish.room_id:
            return lambda turn: turn.wish.room_id
        if value == wish.person_id:
            return lambda turn: turn.wish.person_id
        if isinstance(value, UUID) or _is_number(value):
            if value in self._known:
                number, at, column = self._known[value]
                return lambda turn: turn.rows[number][at][column]
            return lambda turn: turn.new(value) if isinstance(value, UUID) else value
        if isinstance(value, datetime) and value > self._soon:
            return lambda turn: value + turn.shift
        if type(value) is date and value == local_day(wish.starts_at):
            return lambda turn: local_day(turn.wish.starts_at)
        if isinstance(value, bytes) and len(value) == _DIGEST_BYTES:
            return lambda _: os.urandom(_DIGEST_BYTES)
        if isinstance(value, str) and str(wish.room_id) in value:
            return self._make_text(value)
        return lambda _: value

    def _make_text(self, text: str) -> Make:
        """Put other ids into a text such as an event's."""
        ids = [wish_id for wish_id in _ids_in(text) if wish_id not in self._known]
        makes = [(str(one), self._make(one)) for one in ids]

        def make(turn: Turn) -> str:
            made = text
            for noted, its_make in makes:
                made = made.replace(noted, str(its_make(turn)))
            return made

        return make


class Attempts:
    """The ASGI application."""

    def __init__(self, pool: asyncpg.Pool, noted: Iterable[Attempt], now: datetime) -> None:
        """Follow the last wish that was granted, and the last that was refused.

        Raises: LookupError when they do not begin alike.
        """
        self._pool = pool
        by_status = {attempt.status: Script(attempt, now) for attempt in noted}
        self._granted, self._refused = by_status[HTTPStatus.OK], by_status[REFUSED]
        decisions = [
            next((n for n, step in enumerate(one.steps) if step.decides), None)
            for one in (self._granted, self._refused)
        ]
        first, second = ([step.sql for step in one.steps] for one in by_status.values())
        at = decisions[0]
        if at is None or at != decisions[1] or first[: at + 1] != second[: at + 1]:
            raise LookupError("a refused wish is not asked what a granted one is")
        self._decision = at + 1

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        while (await receive()).get("more_body", False):
            pass
        _, _, room, person, start = scope["path"].split("/")
        wish = Wish(UUID(room), UUID(person), datetime.fromtimestamp(int(start), UTC))
        script = self._granted
        turn = Turn(wish, wish.starts_at - script.wish.starts_at)
        async with self._pool.acquire() as connection:
            await _send(connection, script.steps[: self._decision], turn)
            if not turn.rows[-1]:
                script = self._refused
            await _send(connection, script.steps[self._decision :], turn)
        start_of_answer, body = script.answer
        await send(start_of_answer)
        await send(body)


async def _send(connection: asyncpg.Connection, steps: Sequence[Step], turn: Turn) -> None:
    for step in steps:
        if step.gives_rows:
            rows = await connection.fetch(step.sql, *[make(turn) for make in step.makes])
            turn.rows.append(usable(rows, decides=step.decides))
        else:
            await connection.execute(step.sql)
            turn.rows.append([])


def usable(rows: list[asyncpg.Record], *, decides: bool) -> Sequence[Sequence[Any]]:
    """Return the rows that one goes on with: of units, those that are free."""
    return [unit for unit in rows[0]["units"] if unit[-1]] if decides else rows


def answer_of(status: int, length: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an answer of so many bytes."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": b" " * length}


def _is_number(value: object) -> bool:
    return type(value) is int and value >= LEAST_NUMBER


def _ids_in(text: str) -> list[UUID]:
    found = []
    for value in json.loads(text).values():
        try:
            found.append(UUID(value))
        except (TypeError, ValueError, AttributeError):
            continue
    return found
