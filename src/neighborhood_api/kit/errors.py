"""Every error, ours or the framework's, leaves as a problem document."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from neighborhood_api.kit import problems
from neighborhood_api.kit.messages import explain
from neighborhood_api.kit.problems import MEDIA_TYPE, FieldError, Problem, ProblemBody

_BY_STATUS: dict[int, type[Problem]] = {
    400: problems.BadRequest,
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
    413: problems.BodyTooLarge,
}
_COLLISIONS = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock not available: the same request will do later."""
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    ConnectionError,
    TimeoutError,
    PoolTimeoutError,
)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    handlers: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
        Problem: _refused,
        RequestValidationError: _invalid,
        HTTPException: _framework,
        DBAPIError: _database,
        asyncpg.PostgresError: _database,
        asyncpg.InterfaceError: _database,
        PoolTimeoutError: _database,
        ConnectionError: _database,
        TimeoutError: _database,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    describe = app.openapi
    app.openapi = lambda: _relabel(describe())  # type: ignore[method-assign]


def english(request: Request) -> bool:
    """Tell whether the caller prefers English messages."""
    return request.headers.get("accept-language", "").strip().lower().startswith("en")


def problem_response(request: Request, problem: Problem) -> Response:
    """Render `problem` for this caller."""
    return _send(request, problem.body(english=english(request)))


def _relabel(spec: dict[str, Any]) -> dict[str, Any]:
    """Say in the description what is true on the wire: errors are problem documents."""
    for operations in spec["paths"].values():
        for operation in operations.values():
            for code, response in operation["responses"].items():
                content = response.get("content", {})
                if code >= "400" and "application/json" in content:
                    content[MEDIA_TYPE] = content.pop("application/json")
    return spec


def _send(request: Request, body: ProblemBody) -> Response:
    body.request_id = request.scope.get("request_id")
    headers = {}
    if body.status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = "Bearer"
    retry = (body.model_extra or {}).get("retry_after_seconds")
    if retry is not None:
        headers["Retry-After"] = str(retry)
    content = body.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, body.status, headers, media_type=MEDIA_TYPE)


async def _refused(request: Request, exc: Problem) -> Response:
    return problem_response(request, exc)


async def _invalid(request: Request, exc: RequestValidationError) -> Response:
    in_english = english(request)
    body = problems.InvalidRequest().body(english=in_english)
    body.errors = [
        FieldError(
            pointer="#/" + "/".join(map(str, error["loc"])),
            code=error["type"],
            message=error["msg"] if in_english else explain(error),
        )
        for error in exc.errors()
    ]
    return _send(request, body)


async def _framework(request: Request, exc: HTTPException) -> Response:
    kind = _BY_STATUS.get(exc.status_code, problems.BadRequest)
    response = problem_response(request, kind())
    for name, value in (exc.headers or {}).items():
        response.headers[name] = value
    return response


async def _database(request: Request, exc: Exception) -> Response:
    """Tell a database that is away or busy from a defect, which goes on to the log."""
    cause: BaseException | None = exc
    while cause is not None:
        if getattr(cause, "sqlstate", None) in _COLLISIONS:
            return problem_response(request, problems.TryAgain(retry_after_seconds=1))
        if isinstance(cause, _AWAY):
            return problem_response(
                request, problems.DatabaseUnavailable(retry_after_seconds=2)
            )
        cause = cause.__cause__
    raise exc
