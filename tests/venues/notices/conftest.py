from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient

from neighborhood_api.kit.db import Database
from neighborhood_api.venues.notices import jobs
from tests.support.clock import Clock
from tests.support.reactions import Reactions

Told = Callable[[AsyncClient], Awaitable[list[tuple[str, str, str]]]]


@pytest.fixture
def react(rolled_back: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Reactions:
    return Reactions(rolled_back, jobs, clock, monkeypatch)


@pytest.fixture
def told(react: Reactions) -> Told:
    """What somebody finds in her inbox once everything is told, oldest first."""

    async def told(caller: AsyncClient) -> list[tuple[str, str, str]]:
        await react()
        items = (await caller.get("/me/notifications?limit=100")).json()["items"]
        return [(one["kind"], one["title"], one["body"]) for one in reversed(items)]

    return told
