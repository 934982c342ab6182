"""A running demonstration, and what a reader of its output can do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from httpx import AsyncClient, Response

from neighborhood_api.cli.demonstration import run_demo
from neighborhood_api.demo.people import DemoPersonOut
from neighborhood_api.serving import listen
from neighborhood_api.settings import Settings


@dataclass
class Demo:
    http: AsyncClient
    told: list[DemoPersonOut]
    progress: list[str]
    wechat: str
    stop: asyncio.Event

    async def people(self) -> list[dict[str, object]]:
        items: list[dict[str, object]] = (await self.http.get("/api/v1/demo/people")).json()[
            "items"
        ]
        return items

    async def sign_in(self, person: dict[str, object]) -> Response:
        ready = person["sign_in"]
        assert isinstance(ready, dict)
        return await self.http.request(ready["method"], ready["path"], json=ready["body"])


@asynccontextmanager
async def running(
    settings: Settings, url: str, *, with_worker: bool = True
) -> AsyncIterator[Demo]:
    """The demonstration, as `demo` starts and ends it."""
    stop = asyncio.Event()
    ready: asyncio.Future[tuple[list[DemoPersonOut], str]] = asyncio.Future()
    progress: list[str] = []
    with listen("127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        task = asyncio.create_task(
            run_demo(
                settings,
                url,
                listener,
                stop,
                with_worker=with_worker,
                progress=progress.append,
                ready=lambda people, wechat: ready.set_result((people, wechat)),
            )
        )
        _ = await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        told, wechat = await ready
        try:
            async with AsyncClient(base_url=base, trust_env=False, timeout=30) as http:
                yield Demo(http, told, progress, wechat, stop)
        finally:
            stop.set()
            await task
