from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI

from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings
from tests.notifications.world import TEMPLATES, World, world_over


@pytest.fixture
async def world(rolled_back: Database, settings: Settings) -> AsyncIterator[World]:
    async with world_over(rolled_back, settings) as world:
        yield world


@pytest.fixture
def with_templates(app: FastAPI) -> Iterator[None]:
    """The application as a deployment that sends WeChat messages."""
    before: Settings = app.state.settings
    app.state.settings = before.model_copy(update={"wechat_templates": TEMPLATES})
    yield
    app.state.settings = before
