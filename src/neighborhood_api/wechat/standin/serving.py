"""The stand-in on a port of this machine, inside a running event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class _SilentProtocol(HttpToolsProtocol):
    """Writes no access log: uvicorn's switch for that would silence the API's server too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (handed on)
        super().__init__(*args, **kwargs)
        self.access_log = False


@asynccontextmanager
async def serve_standin(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` on the loopback address and yield its base URL; port 0 takes a free one.

    Raises: OSError when the port is taken.
    """
    config = uvicorn.Config(
        app, http=_SilentProtocol, lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Named as TCP, else asyncio leaves Nagle's delay of 40 ms on every answer.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        # Not `server.serve()`, which would take over the signals of the whole process.
        await server.startup(sockets=[listener])
        ticking = asyncio.create_task(server.main_loop())
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await ticking
            await server.shutdown(sockets=[listener])
