"""Attempts of everybody at an operation, and what became of them."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx import Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.authorization.seats import undone

_WRITTEN = text(
    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables"
)
_ACTS = text("SELECT count(*) FROM act WHERE person_id = :by")

REFUSED = frozenset({401, 403, 404})
Operations = dict[str, tuple[str, str]]
"""Method and address of operations by their names."""


def operations_of(app: FastAPI, part: str = "") -> Operations:
    """Return every operation, or those whose module has `part` in its name."""
    return {
        str(context.name): (next(iter(context.methods or {"GET"})), str(context.path))
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        and part in context.original_route.endpoint.__module__
    }


async def rows_written(connection: AsyncConnection) -> int:
    """Return how many rows the transaction has written so far, what was undone included."""
    return int((await connection.execute(_WRITTEN)).scalar_one())


async def acts_kept(connection: AsyncConnection, by: UUID) -> int:
    """Return how many acts of somebody the audit trail holds."""
    return int((await connection.execute(_ACTS, {"by": by})).scalar_one())


async def attempted(
    connection: AsyncConnection,
    wanted: Mapping[str, int],
    attempt: Callable[[str], Awaitable[Response]],
) -> dict[str, Response]:
    """Let everybody attempt it: who is refused writes nothing, and what others do is undone."""
    before = await rows_written(connection)
    answers = {who: await attempt(who) for who, status in wanted.items() if status in REFUSED}
    assert await rows_written(connection) == before
    for who in wanted.keys() - answers.keys():
        async with undone(connection):
            answers[who] = await attempt(who)
    return answers
