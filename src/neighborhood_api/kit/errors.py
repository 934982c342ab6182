"""Every error, ours or the framework's, leaves as a problem document."""

import json
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from socket import gaierror
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from neighborhood_api.kit import problems
from neighborhood_api.kit.logs import describe
from neighborhood_api.kit.messages import explain
from neighborhood_api.kit.problems import (
    MEDIA_TYPE,
    FieldError,
    Problem,
    ProblemBody,
    problem_schemas,
)

log = structlog.get_logger(__name__)


class UnstorableText(Problem):
    """A text holds NUL or half a surrogate pair, which PostgreSQL cannot store."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A text contains a character that cannot be stored"
    message = "文字中有无法保存的特殊字符，请删除后再提交"


_BY_STATUS: dict[int, type[Problem]] = {
    400: problems.BadRequest,
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
    413: problems.BodyTooLarge,
}
_COLLISIONS = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock not available: the same request will do later."""
_BAD_TEXT = {"22021", "22P05"}
"""A character that the encoding lacks, as text and inside JSON: only NUL is one."""
_OUT_OF_RANGE = {"22003", "22008"}
"""A number or a moment larger than its column."""
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection cut in the middle of an answer
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    ConnectionError,
    gaierror,
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
        asyncpg.InternalClientError: _database,
        PoolTimeoutError: _database,
        ConnectionError: _database,
        gaierror: _database,
        TimeoutError: _database,
        UnicodeEncodeError: _database,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    describe = app.openapi
    app.openapi = lambda: _described(describe())  # type: ignore[method-assign]


def english(request: Request) -> bool:
    """Tell whether the caller prefers English messages."""
    return request.headers.get("accept-language", "").strip().lower().startswith("en")


def problem_response(request: Request, problem: Problem) -> Response:
    """Render `problem` for this caller."""
    return _send(request, problem.body(english=english(request)))


def _described(spec: dict[str, Any]) -> dict[str, Any]:
    """Add to the description what all errors look like, and that any body may be too large."""
    too_large = problems.problems(problems.BodyTooLarge)[413]
    for operations in spec["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["responses"].setdefault("413", too_large)
    schemas = spec["components"]["schemas"] | problem_schemas()
    spec["components"]["schemas"] = dict(sorted(schemas.items()))
    return spec


def _send(request: Request, body: ProblemBody) -> Response:
    body.request_id = request.scope.get("request_id")
    headers = {}
    if body.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    retry = (body.model_extra or {}).get("retry_after_seconds")
    if retry is not None:
        headers["Retry-After"] = str(retry)
    members = body.model_dump(exclude_none=True)
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    # A pointer quotes the caller's own field names, which need not be sound Unicode.
    return Response(text.encode(errors="replace"), body.status, headers, MEDIA_TYPE)


async def _refused(request: Request, exc: Problem) -> Response:
    return problem_response(request, exc)


async def _invalid(request: Request, exc: RequestValidationError) -> Response:
    in_english = english(request)
    body = problems.InvalidRequest().body(english=in_english)
    body.errors = [
        FieldError(
            pointer="#/" + "/".join(map(_escaped, _whereabouts(error))),
            code=error["type"],
            message=error["msg"] if in_english else explain(error),
        )
        for error in exc.errors()
    ]
    return _send(request, body)


def _whereabouts(error: dict[str, Any]) -> tuple[str | int, ...]:
    """Return the steps to the wrong value; broken JSON has a position in the text instead."""
    steps: tuple[str | int, ...] = error["loc"]
    return steps[:1] if error["type"] == "json_invalid" else steps


async def _framework(request: Request, exc: HTTPException) -> Response:
    kind = _BY_STATUS.get(exc.status_code, problems.BadRequest)
    response = problem_response(request, kind())
    for name, value in (exc.headers or {}).items():
        response.headers[name] = value
    return response


def _escaped(part: str | int) -> str:
    """Write one step of a JSON Pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


async def _database(request: Request, exc: Exception) -> Response:
    """Tell a database that is away or busy from a defect, which goes on to the log."""
    problem = _explained(list(_causes(exc)))
    if problem is None:
        raise exc
    log.warning("database_refused", answer=problem.code(), **describe(exc))
    return problem_response(request, problem)


def _explained(causes: list[BaseException]) -> Problem | None:
    states = {getattr(cause, "sqlstate", None) for cause in causes}
    if states & _COLLISIONS:
        return problems.TryAgain(retry_after_seconds=1)
    if states & _BAD_TEXT or _any_is(causes, UnicodeEncodeError):
        return UnstorableText()
    if states & _OUT_OF_RANGE or _any_is(causes, OverflowError):
        return problems.InvalidRequest()
    if _any_is(causes, _AWAY) and not _any_is(causes, asyncpg.DataError):
        return problems.DatabaseUnavailable(retry_after_seconds=2)
    return None


def _any_is(
    causes: list[BaseException], kinds: type[Exception] | tuple[type[Exception], ...]
) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__
