"""Structured logs: JSON lines with a request id, and never a token, a phone or an address.

Exceptions are logged by kind and place, without their text: a database error quotes the
row it refused, and a row is somebody's data.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from json import dumps
from pathlib import Path
from typing import Any, TextIO

import structlog
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict

_FRAMES = 30
_request: ContextVar[str | None] = ContextVar("request_id", default=None)


class _Access:
    """Writes a line for each request; the whole way of a log record costs ten times as much."""

    def __init__(self) -> None:
        self._handler: logging.StreamHandler[TextIO] | None = None

    def to(self, handler: logging.StreamHandler[TextIO] | None) -> None:
        self._handler = handler

    def write(self, line: str) -> bool:
        """Write one JSON line, where that is how logs are kept."""
        handler = self._handler
        if handler is None or handler not in logging.root.handlers:
            return False
        handler.stream.write(line)
        handler.stream.flush()
        return True


_access = _Access()
_requests = structlog.get_logger("neighborhood_api.access")


@contextmanager
def within_request(request_id: str) -> Iterator[None]:
    """Have every line that is logged inside say to which request it belongs."""
    token = _request.set(request_id)
    try:
        yield
    finally:
        _request.reset(token)


def request_answered(
    request_id: str, *, failed: bool, operation: str, method: str, status: int, seconds: float
) -> None:
    """Log one request, without anything that identifies somebody."""
    milliseconds = round(seconds * 1000, 1)
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    facts = _facts(operation, method, status, failed=failed)
    line = (
        f'{{"request_id": "{request_id}", {facts},'
        f' "milliseconds": {milliseconds}, "timestamp": "{moment}"}}\n'
    )
    if not _access.write(line):
        log = _requests.error if failed else _requests.info
        log(
            "request",
            request_id=request_id,
            operation=operation,
            method=method,
            status=status,
            milliseconds=milliseconds,
        )


@lru_cache(maxsize=2048)
def _facts(operation: str, method: str, status: int, *, failed: bool) -> str:
    """Write what many requests have in common; ids and numbers need no escapes."""
    level = "error" if failed else "info"
    facts = {"operation": operation, "method": method, "status": status}
    return dumps({**facts, "event": "request", "level": level})[1:-1]


def configure(*, level: str = "INFO", json: bool = True) -> None:
    """Send our own logs and the libraries' to standard error in one form."""
    shared: list[Callable[[Any, str, EventDict], Any]] = [
        _with_request,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _without_exception_text],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    _access.to(handler if json and root.isEnabledFor(logging.INFO) else None)
    for noisy in ("uvicorn.access", "httpx", "httpcore"):  # paths and URLs with codes
        logging.getLogger(noisy).setLevel(logging.WARNING)


def describe(exc: BaseException) -> dict[str, Any]:
    """Return what may be logged of `exc`: its kind, where it arose, and database codes."""
    facts: dict[str, Any] = {
        "error": type(exc).__qualname__,
        "frames": [
            f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
        ],
    }
    cause = exc.orig.__cause__ if isinstance(exc, DBAPIError) and exc.orig else exc
    for name in ("sqlstate", "constraint_name", "table_name", "column_name"):
        value = getattr(cause, name, None)
        if value is not None:
            facts[name] = value
    return facts


def _with_request(_: object, __: str, event: EventDict) -> EventDict:
    """Say to which request a line belongs."""
    request_id = _request.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


def _without_exception_text(_: object, __: str, event: EventDict) -> EventDict:
    """Replace a library's traceback, which may quote data, by its description."""
    info = event.pop("exc_info", None)
    exc = info[1] if isinstance(info, tuple) else info
    if isinstance(exc, BaseException):
        event.update(describe(exc))
    return event
