"""httpx's client with a short way for the ordinary request: a run sends a hundred thousand."""

import json
import re
from asyncio import Future
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from httpx import USE_CLIENT_DEFAULT, ASGITransport, AsyncClient, Headers, QueryParams, Response
from starlette.types import Message
from typing_extensions import override

_HOST = "http://api"
_PREFIX = "/api/v1"
_ORDINARY = re.compile(rf"(?:{_HOST}(?={_PREFIX}/))?(/[\w.:~/-]*)", re.ASCII)
_DEFAULTS = (None, USE_CLIENT_DEFAULT)


class Client(AsyncClient):
    """Talks to an application in this process; what is out of the ordinary goes httpx's way."""

    def __init__(self, app: FastAPI, headers: Mapping[str, str] | None = None) -> None:
        """Talk to what `app` has below its prefix."""
        super().__init__(
            transport=ASGITransport(app), base_url=_HOST + _PREFIX, headers=headers
        )
        self._app = app

    @override
    async def request(
        self,
        method: str,
        url: Any,
        *,
        json: Any = None,
        params: Any = None,
        headers: Any = None,
        **others: Any,
    ) -> Response:
        ordinary = _ORDINARY.fullmatch(url) if isinstance(url, str) else None
        if (
            method == "HEAD"
            or ordinary is None
            or any(value not in _DEFAULTS for value in others.values())
        ):
            given = {"json": json, "params": params, "headers": headers}
            return await super().request(method, url, **given, **others)
        path = ordinary[1] if url.startswith(_HOST) else _PREFIX + ordinary[1]
        query = b"" if params is None else str(QueryParams(params)).encode()
        return await self._ask(method.upper(), path, query, _written(json), headers or {})

    async def _ask(
        self, method: str, path: str, query: bytes, body: bytes | None, own: Mapping[str, str]
    ) -> Response:
        sent = [(b"host", b"api"), *((k.lower(), v) for k, v in self.headers.raw)]
        if body is not None:
            sent.append((b"content-type", b"application/json"))
        if body is not None or method in {"POST", "PUT"}:
            sent.append((b"content-length", str(len(body or b"")).encode()))
        if own:
            besides = {name.lower(): value for name, value in Headers(own).raw}
            sent = [pair for pair in sent if pair[0] not in besides]
            sent += besides.items()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "headers": sent,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "server": ("api", None),
            "client": ("127.0.0.1", 123),
            "root_path": "",
        }
        asked: list[Message] = [
            {"type": "http.request", "body": body or b"", "more_body": False}
        ]
        answered: list[Message] = []

        async def receive() -> Message:
            if asked:
                return asked.pop()
            return await Future()  # she waits for the answer, whatever else is listened for

        async def send(message: Message) -> None:
            answered.append(message)

        await self._app(scope, receive, send)
        content = b"".join(part.get("body", b"") for part in answered[1:])
        return Response(answered[0]["status"], headers=answered[0]["headers"], content=content)


def _written(body: object) -> bytes | None:
    if body is None:
        return None
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
