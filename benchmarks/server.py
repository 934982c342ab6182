"""One server process: `python -m benchmarks.server product|bare|attempts`; it prints its port.

All have the same event loop, HTTP parser and number of database connections.
"""

import asyncio
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn

from benchmarks.attempts import Attempts, note_attempts
from benchmarks.bare import Bare
from neighborhood_api import serving
from neighborhood_api.app import create_app
from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.kit import logs
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings

HOST = "127.0.0.1"


async def product(settings: Settings, url: str, stop: asyncio.Event) -> None:
    """Serve the real API as `neighborhood-api serve` does, access log included."""
    logs.configure(level=settings.log_level, json=settings.log_json)
    app = create_app(settings, Database(url, pool_size=settings.pool_size))
    listener = serving.listen(HOST, 0)
    port = listener.getsockname()[1]
    await serving.serve(app, settings, listener, stop, ready=lambda: print(port, flush=True))


async def bare(settings: Settings, url: str, stop: asyncio.Event) -> None:
    """Serve the bare application."""
    size = settings.pool_size
    async with asyncpg.create_pool(url, min_size=size, max_size=size, reset=_keep) as pool:
        app = Bare(
            pool,
            read_bytes=int(os.environ["BENCH_READ_BYTES"]),
            write_bytes=int(os.environ["BENCH_WRITE_BYTES"]),
        )
        await app.prepare(_people("BENCH_READERS"), _people("BENCH_WRITERS"))
        await _serve(app, stop)


async def attempts(settings: Settings, url: str, stop: asyncio.Event) -> None:
    """Serve the statements of booking, as the API sends them for some wishes."""
    wishes = json.loads(os.environ["BENCH_WISHES"])
    noted = await note_attempts(settings, url, wishes)
    size = settings.pool_size
    async with asyncpg.create_pool(url, min_size=size, max_size=size, reset=_keep) as pool:
        await _serve(Attempts(pool, noted, datetime.now(UTC)), stop)


async def _serve(app: Any, stop: asyncio.Event) -> None:  # noqa: ANN401  (any ASGI)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    listener = serving.listen(HOST, 0)
    await server.startup(sockets=[listener])
    gc.collect()
    gc.freeze()
    print(listener.getsockname()[1], flush=True)
    serving_now = asyncio.create_task(server.main_loop())
    await stop.wait()
    server.should_exit = True
    await serving_now
    await server.shutdown(sockets=[listener])


def _people(variable: str) -> list[UUID]:
    return [UUID(line) for line in Path(os.environ[variable]).read_text().split()]


async def _keep(_: object) -> None:
    """Leave a returned connection as it is, without asyncpg's hidden round trip."""


def main() -> None:
    """Serve until SIGTERM."""
    settings = Settings()
    if settings.database_url is None:
        raise SystemExit("DATABASE_URL is not set")
    url = settings.database_url.get_secret_value()
    use_personal_keys(settings)
    which: dict[str, Callable[[Settings, str, asyncio.Event], Awaitable[None]]]
    which = {"product": product, "bare": bare, "attempts": attempts}
    chosen = which[sys.argv[1]]
    serving.until_signal(lambda stop: chosen(settings, url, stop))


if __name__ == "__main__":
    main()
