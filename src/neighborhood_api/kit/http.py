"""How every operation is answered: one transaction, committed before the answer leaves."""

from collections.abc import Callable, Coroutine, Iterator
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from neighborhood_api.kit.db import TX_KEY, constraint_of, handle_of
from neighborhood_api.kit.idempotency import HEADER, Once, require_sane
from neighborhood_api.kit.problems import Problem, TryAgain
from neighborhood_api.kit.writes import Writer

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

REVALIDATE = b"private, no-cache"
"""Keep the answer, but ask each time whether it still holds."""
OUTDATED = frozenset({"place_is_of_today", "duty_is_of_now"})
"""By these names the guards of the tables refuse what was looked up in the grid as it was."""
_OK = 200
_OF_AN_UNCHANGED = {b"etag", b"cache-control"}


class Route(APIRoute):
    """Ends the transaction after the answer is built and before it is sent.

    A failure anywhere rolls back, serialising the answer included; a failed commit is an
    error for the caller too. POSTs with an Idempotency-Key are done once, and a GET that
    names the ETag of what it would be answered gets 304.
    """

    @override
    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler."""
        known = frozenset(_query_names(self.dependant))
        return ending_the_transaction(_knowing(known, super().get_route_handler()))


def router(*, tags: list[str]) -> APIRouter:
    """Return a router whose operations end their transactions as `Route` does."""
    return APIRouter(tags=list(tags), route_class=Route)


def _query_names(dependant: Dependant) -> Iterator[str]:
    """Give the names of what an operation and its dependencies take from the query."""
    yield from (field.alias for field in dependant.query_params)
    for need in dependant.dependencies:
        yield from _query_names(need)


def _knowing(known: frozenset[str], handler: Handler) -> Handler:
    """Refuse parameters of the query that the operation does not know, as bodies do.

    A filter with a typo would otherwise answer with everything.
    """

    async def handle(request: Request) -> Response:
        if request.scope["query_string"]:
            strange = [name for name in request.query_params if name not in known]
            if strange:
                raise RequestValidationError([_unknown(name) for name in strange])
        return await handler(request)

    return handle


def _unknown(name: str) -> dict[str, Any]:
    return {
        "type": "extra_forbidden",
        "loc": ("query", name),
        "msg": "Unknown query parameter",
        "input": None,
    }


def ending_the_transaction(handler: Handler) -> Handler:
    """Have the transaction end with the answer that `handler` builds.

    What was looked up in a grid that was reorganised meanwhile is done once more, in the new;
    so is what was given to somebody who left meanwhile.
    """

    async def handle(request: Request) -> Response:
        try:
            return await _answered(request, handler)
        except (DBAPIError, asyncpg.PostgresError) as exc:
            if constraint_of(exc) not in OUTDATED:
                raise
        return await _answered(request, handler)

    return handle


async def _answered(request: Request, handler: Handler) -> Response:
    """Answer a request in one transaction."""
    key = request.headers.get(HEADER) if request.method == "POST" else None
    try:
        if key is not None:
            return await _once(request, handler, key)
        response = await handler(request)
        await _commit(request)
        return response if request.method != "GET" else _unless_known(request, response)
    except Problem as problem:
        if problem.keeps_changes:
            await _commit(request)
        raise
    finally:
        opened: AsyncSession | Writer | None = request.scope.pop(TX_KEY, None)
        if opened is not None:
            await _close(opened)


async def _close(opened: AsyncSession | Writer) -> None:
    """Give the connection back; one that broke under the request is thrown away."""
    try:
        await opened.close()
    except DBAPIError:
        if isinstance(opened, AsyncSession):
            await opened.invalidate()


async def _commit(request: Request) -> None:
    opened: AsyncSession | Writer | None = request.scope.get(TX_KEY)
    if opened is not None:
        await opened.commit()


def _unless_known(request: Request, response: Response) -> Response:
    """Mark a JSON answer by its content, and do not repeat it to a caller who has it.

    The headers are written as they are sent: through `response.headers` it takes longer.
    """
    body: bytes | None = getattr(response, "body", None)
    json = response.media_type == "application/json" and response.status_code == _OK
    named = {name for name, _ in response.raw_headers}
    if not json or body is None or b"etag" in named:
        return response
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    marks = [(b"etag", tag.encode()), (b"cache-control", REVALIDATE)]
    response.raw_headers += [mark for mark in marks if mark[0] not in named]
    known = request.headers.getlist("if-none-match")
    if not known or {"*", tag}.isdisjoint(
        one.strip().removeprefix("W/") for one in ",".join(known).split(",")
    ):
        return response
    unchanged = Response(status_code=HTTPStatus.NOT_MODIFIED)
    unchanged.raw_headers += [h for h in response.raw_headers if h[0] in _OF_AN_UNCHANGED]
    return unchanged


async def _once(request: Request, handler: Handler, key: str) -> Response:
    """Do the request, or recall what it answered when it was done before."""
    require_sane(key)
    refusal: Problem | DBAPIError | asyncpg.PostgresError
    try:
        response = await handler(request)
        once = Once.of(request, key, await _fingerprint(request))
        if await once.commit(handle_of(request), response):
            return response
        refusal = TryAgain(retry_after_seconds=1)  # unless the other answer is found
    except (Problem, DBAPIError, asyncpg.PostgresError) as exc:
        refusal = exc
    recalled = await _recall_instead(request, key, refusal)
    if recalled is None:
        raise refusal
    return recalled


async def _recall_instead(
    request: Request, key: str, refusal: Problem | DBAPIError | asyncpg.PostgresError
) -> Response | None:
    """Return what a repeat was answered the first time.

    A repeat may be refused by the very change that it asks for (the room is taken, by
    itself), so a refusal too is first compared with what is remembered. The request's own
    connection is used: waiting for a second one while holding the first can starve the pool.
    """
    if _is_upload(request) and not hasattr(request.state, "fingerprint"):
        return None  # refused before its content was known
    opened = handle_of(request)
    if not (isinstance(refusal, Problem) and refusal.keeps_changes):
        await opened.rollback()
    once = Once.of(request, key, await _fingerprint(request))
    return await once.recall(opened)


def _is_upload(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/")


async def _fingerprint(request: Request) -> bytes:
    """Return the digest of what was asked; an upload, whose boundary differs, sets its own."""
    given: bytes | None = getattr(request.state, "fingerprint", None)
    if given is not None:
        return given
    query: bytes = request.scope["query_string"]
    return sha256(query + b"\n" + await request.body()).digest()
