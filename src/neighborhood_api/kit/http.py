"""How every operation is answered: one transaction, committed before the answer leaves."""

from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from neighborhood_api.kit.db import TX_KEY, database_of
from neighborhood_api.kit.idempotency import HEADER, Once
from neighborhood_api.kit.problems import Problem, TryAgain

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Route(APIRoute):
    """Ends the transaction after the answer is built and before it is sent.

    A failure anywhere rolls back, serialising the answer included; a failed commit is an
    error for the caller too. POSTs with an Idempotency-Key are done once.
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
            if key is None:
                return await _commit(request, await handler(request))
            return await _once(request, handler, key)
        except Problem as problem:
            session: AsyncSession | None = request.scope.get(TX_KEY)
            if problem.keeps_changes and session is not None:
                await session.commit()
            raise
        finally:
            opened: AsyncSession | None = request.scope.pop(TX_KEY, None)
            if opened is not None:
                await opened.close()

    return handle


async def _commit(request: Request, response: Response) -> Response:
    session: AsyncSession | None = request.scope.get(TX_KEY)
    if session is not None:
        await session.commit()
    return response


async def _once(request: Request, handler: Handler, key: str) -> Response:
    """Do the request, or recall what it answered when it was done before.

    A repeat may be refused by the very change that it asks for (the room is taken, by
    itself), so a refusal too is first compared with what is remembered.
    """
    try:
        response = await handler(request)
    except Problem:
        once = Once.of(request, key, await _fingerprint(request))
        async with database_of(request).sessions() as other:
            recalled = await once.recall(other)
        if recalled is None:
            raise
        return recalled
    session: AsyncSession = request.scope.get(TX_KEY) or database_of(request).sessions()
    request.scope[TX_KEY] = session
    once = Once.of(request, key, await _fingerprint(request))
    if await once.remember(session, response):
        await session.commit()
        return response
    await session.rollback()
    recalled = await once.recall(session)
    if recalled is None:  # the other answer was forgotten in this very moment
        raise TryAgain(retry_after_seconds=1)
    return recalled


async def _fingerprint(request: Request) -> bytes:
    """Return the digest of what was asked; an upload, whose boundary differs, sets its own."""
    given: bytes | None = getattr(request.state, "fingerprint", None)
    return given if given is not None else sha256(await request.body()).digest()
