"""The API on a port: in this process, or in several behind the one port."""

import asyncio
import errno
import gc
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import sleep
from typing import Any

import psycopg
import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from neighborhood_api.app import create_app
from neighborhood_api.kit import logs
from neighborhood_api.kit.db import Database, plain_url
from neighborhood_api.settings import Settings

log = structlog.get_logger(__name__)

GRACE_SECONDS = 20
"""How long requests in progress may take when the server is told to stop."""
KEEP_ALIVE_SECONDS = 75
"""Longer than a proxy keeps its own side open, so that it is the proxy who closes."""


class CannotServe(Exception):  # noqa: N818  (named for what happened)
    """The API cannot be served; the message says what to do about it."""


def listen(host: str, port: int) -> socket.socket:
    """Take the port, so that no other process can.

    Raises: CannotServe.
    """
    listener: socket.socket | None = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # Named as TCP, else the event loop leaves Nagle's delay of 40 ms on every answer.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as exc:
        if listener is not None:
            listener.close()
        raise _explained(exc, host, port) from exc
    return listener


def _explained(exc: OSError | OverflowError, host: str, port: int) -> CannotServe:
    number = getattr(exc, "errno", None)
    if number == errno.EADDRINUSE:
        return CannotServe(
            f"Port {port} on {host} is used by another program. "
            "Stop that one, or choose another port with --port or NEIGHBORHOOD_PORT."
        )
    if number == errno.EACCES:
        return CannotServe(
            f"Port {port} needs the rights of root. "
            "Choose one above 1023 with --port or NEIGHBORHOOD_PORT."
        )
    return CannotServe(
        f"Cannot listen on {host}, port {port} ({getattr(exc, 'strerror', None) or exc}). "
        "Check --host and --port, or NEIGHBORHOOD_HOST and NEIGHBORHOOD_PORT."
    )


def until_signal(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main` in a fast event loop; Ctrl-C and SIGTERM set the event it is given."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_with_signals(main))


async def _with_signals(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C interrupts instead
            loop.add_signal_handler(number, stop.set)
    await main(stop)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415  (there is none for Windows)

    return uvloop.new_event_loop


async def serve(
    app: FastAPI,
    settings: Settings,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    grace_seconds: int = GRACE_SECONDS,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve `app` on `listener` in the running event loop until `stop` is set."""
    options = _options(settings) | {"timeout_graceful_shutdown": grace_seconds}
    config = uvicorn.Config(app, lifespan="off", **options)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not `server.serve()`: that takes the signals over, and hides why a start-up failed.
    async with app.router.lifespan_context(app):
        await server.startup(sockets=[listener])
        _freeze()
        ready()
        serving = asyncio.create_task(server.main_loop())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            server.should_exit = True
            await serving
            await server.shutdown(sockets=[listener])


def serve_in_processes(settings: Settings, database_url: str, listener: socket.socket) -> None:
    """Serve from `settings.workers` processes until a signal; one that dies is replaced.

    Raises: CannotServe.
    """
    with tempfile.TemporaryDirectory(prefix="neighborhood-metrics-") as metrics:
        os.environ["DATABASE_URL"] = database_url
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics  # the processes count together
        listener.set_inheritable(True)
        config = uvicorn.Config(
            "neighborhood_api.serving:app_of_process",
            factory=True,
            workers=settings.workers,
            **_options(settings),
        )
        supervisor = Multiprocess(config, sockets=[listener])
        supervisor.run()
        if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
            raise CannotServe("An API process could not start; the lines above say why.")


def app_of_process() -> FastAPI:
    """Build the API of one of several processes, from the environment its parent made."""
    settings = Settings()
    logs.configure(level=settings.log_level, json=settings.log_json)
    if settings.database_url is None:
        raise CannotServe("An API process was started without DATABASE_URL.")
    url = settings.database_url.get_secret_value()
    _require_answer(url)
    app = create_app(settings, Database(url, pool_size=settings.pool_size))
    _freeze()
    return app


def _require_answer(url: str) -> None:
    """End this process while the database is away; its parent then starts another one.

    To fail later, at the application's own start, would end the parent and all processes.
    """
    try:
        psycopg.connect(plain_url(url), connect_timeout=5).close()
    except psycopg.OperationalError as exc:
        log.warning("database_away", **logs.describe(exc))
        sleep(1)
        sys.exit(1)


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "loop": "uvloop" if sys.platform != "win32" else "auto",
        "http": "httptools",
        "ws": "none",
        "log_config": None,
        "access_log": False,  # ours has no paths in it, which carry names and numbers
        "server_header": False,
        "proxy_headers": True,
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }


def _freeze() -> None:
    """Take what start-up made out of every later garbage collection; none of it ever goes.

    What requests leave behind is nearly all freed without it, so it may come less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
