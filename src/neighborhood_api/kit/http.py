"""How every operation is answered: one transaction, committed before the answer leaves."""

from collections.abc import Callable, Coroutine
from hashlib import blake2b, sha256
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from neighborhood_api.kit.db import TX_KEY, database_of
from neighborhood_api.kit.idempotency import HEADER, Once, require_sane
from neighborhood_api.kit.problems import Problem, TryAgain

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

REVALIDATE = "private, no-cache"
"""Keep the answer, but ask each time whether it still holds."""


class Route(APIRoute):
    """Ends the transaction after the answer is built and before it is sent.

    A failure anywhere rolls back, serialising the answer included; a failed commit is an
    error for the caller too. POSTs with an Idempotency-Key are done once, and a GET that
    names the ETag of what it would be answered gets 304.
    """

    @override
    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler."""
        return _ending_the_transaction(super().get_route_handler())


def router(*, tags: list[str]) -> APIRouter:
    """Return a router whose operations end their transactions as `Route` does."""
    return APIRouter(tags=list(tags), route_class=Route)


def _ending_the_transaction(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        key = request.headers.get(HEADER) if request.method == "POST" else None
        try:
            if key is not None:
                return await _once(request, handler, key)
            response = await _commit(request, await handler(request))
            return response if request.method != "GET" else _unless_known(request, response)
        except Problem as problem:
            session: AsyncSession | None = request.scope.get(TX_KEY)
            if problem.keeps_changes and session is not None:
                await session.commit()
            raise
        finally:
            opened: AsyncSession | None = request.scope.pop(TX_KEY, None)
            if opened is not None:
                await _close(opened)

    return handle


async def _close(session: AsyncSession) -> None:
    """Give the connection back; one that broke under the request is thrown away."""
    try:
        await session.close()
    except DBAPIError:
        await session.invalidate()


async def _commit(request: Request, response: Response) -> Response:
    session: AsyncSession | None = request.scope.get(TX_KEY)
    if session is not None:
        await session.commit()
    return response


def _unless_known(request: Request, response: Response) -> Response:
    """Mark a JSON answer by its content, and do not repeat it to a caller who has it."""
    body = getattr(response, "body", None)
    json = response.media_type == "application/json" and response.status_code == HTTPStatus.OK
    if not json or body is None or "etag" in response.headers:
        return response
    tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    response.headers["etag"] = tag
    caching = response.headers.setdefault("cache-control", REVALIDATE)
    known = ",".join(request.headers.getlist("if-none-match")).split(",")
    if {"*", tag}.isdisjoint(one.strip().removeprefix("W/") for one in known):
        return response
    headers = {"etag": tag, "cache-control": caching}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)


async def _once(request: Request, handler: Handler, key: str) -> Response:
    """Do the request, or recall what it answered when it was done before."""
    require_sane(key)
    try:
        response = await handler(request)
    except (Problem, DBAPIError) as refusal:
        recalled = await _recall_instead(request, key, refusal)
        if recalled is None:
            raise
        return recalled
    session = _session(request)
    once = Once.of(request, key, await _fingerprint(request))
    if await once.remember(session, response):
        await session.commit()
        return response
    await session.rollback()
    recalled = await once.recall(session)
    if recalled is None:  # the other answer was forgotten in this very moment
        raise TryAgain(retry_after_seconds=1)
    return recalled


async def _recall_instead(
    request: Request, key: str, refusal: Problem | DBAPIError
) -> Response | None:
    """Return what a repeat was answered the first time.

    A repeat may be refused by the very change that it asks for (the room is taken, by
    itself), so a refusal too is first compared with what is remembered. The request's own
    connection is used: waiting for a second one while holding the first can starve the pool.
    """
    if _is_upload(request) and not hasattr(request.state, "fingerprint"):
        return None  # refused before its content was known
    session = _session(request)
    if not (isinstance(refusal, Problem) and refusal.keeps_changes):
        await session.rollback()
    once = Once.of(request, key, await _fingerprint(request))
    return await once.recall(session)


def _session(request: Request) -> AsyncSession:
    session: AsyncSession | None = request.scope.get(TX_KEY)
    if session is None:
        session = request.scope[TX_KEY] = database_of(request).sessions()
    return session


def _is_upload(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/")


async def _fingerprint(request: Request) -> bytes:
    """Return the digest of what was asked; an upload, whose boundary differs, sets its own."""
    given: bytes | None = getattr(request.state, "fingerprint", None)
    if given is not None:
        return given
    query: bytes = request.scope["query_string"]
    return sha256(query + b"\n" + await request.body()).digest()
