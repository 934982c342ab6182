"""The outermost layer: request id, security headers, access log, metrics, crashes."""

import os
import re
from functools import lru_cache
from time import perf_counter

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neighborhood_api.kit.errors import problem_response
from neighborhood_api.kit.logs import describe, request_answered, within_request
from neighborhood_api.kit.problems import MEDIA_TYPE, BodyTooLarge, InternalError

log = structlog.get_logger("neighborhood_api.access")

REQUESTS = Counter("http_requests", "Answered requests.", ["operation", "status"])
SECONDS = Histogram(
    "http_request_seconds",
    "Time from the request's first byte to the answer's last.",
    ["operation"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SERVER_ERROR = 500
_TOO_LARGE = 413
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
]
_API_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NO_STORE = (b"cache-control", b"no-store")


class Envelope:
    """Pure ASGI middleware; a `BaseHTTPMiddleware` costs a hundred times as much."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        request_id = scope["request_id"] = _request_id(scope)
        status, replaced = 0, False

        async def send_enveloped(message: Message) -> None:
            nonlocal status, replaced
            if replaced:
                return
            if message["type"] == "http.response.start":
                if message["status"] == _TOO_LARGE and not _is_problem(message):
                    # The framework's body limit answers in its own words, whatever we say.
                    response = problem_response(Request(scope), BodyTooLarge())
                    await response(scope, receive, send_enveloped)
                    replaced = True
                    return
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                names = {name.lower() for name, _ in headers}
                headers += _HEADERS
                headers.append((b"x-request-id", request_id.encode()))
                headers += [h for h in (_API_POLICY, _NO_STORE) if h[0] not in names]
            await send(message)

        with within_request(request_id):
            try:
                await self.app(scope, receive, send_enveloped)
            except Exception as exc:  # noqa: BLE001  (a defect: for the log, not the caller)
                log.error(  # noqa: TRY400  (its text may quote people's data)
                    "crashed", **describe(exc)
                )
                if status == 0:
                    response = problem_response(Request(scope), InternalError())
                    await response(scope, receive, send_enveloped)
        _account(scope, status, perf_counter() - started)


def _request_id(scope: Scope) -> str:
    """Keep a sane id given by a gateway, or make one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _SANE_ID.fullmatch(given):
                return str(given)
    return os.urandom(16).hex()


def _account(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")
    operation = getattr(route, "name", None) or "unmatched"
    requests, seconds_taken = _meters(operation, status)
    requests.inc()
    seconds_taken.observe(seconds)
    request_answered(
        scope["request_id"],
        failed=status >= _SERVER_ERROR,
        operation=operation,
        method=scope["method"],
        status=status,
        seconds=seconds,
    )


@lru_cache(maxsize=2048)
def _meters(operation: str, status: int) -> tuple[Counter, Histogram]:
    """Return what counts such answers; prometheus_client looks it up under a lock each time."""
    return REQUESTS.labels(operation, str(status)), SECONDS.labels(operation)


def _is_problem(message: Message) -> bool:
    return (b"content-type", MEDIA_TYPE.encode()) in message.get("headers", ())
