"""One demonstration district for all tests: to load it takes long."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from neighborhood_api.settings import Settings
from tests.demo.running import running
from tests.support.postgres import NewDatabase


@dataclass(frozen=True)
class Loaded:
    """A database that the first start filled; to write, take a copy."""

    url: str
    settings: Settings
    now: datetime
    progress: list[str]


@pytest.fixture(scope="session")
async def loaded(
    settings: Settings, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Loaded]:
    """What the first start leaves, no job having run yet."""
    folder = tmp_path_factory.mktemp("demo")
    keys = settings.personal_keys
    settings = Settings(_env_file=None, demo=True, data_dir=folder, personal_keys=keys)
    with new_database() as url:
        async with running(settings, url, with_worker=False) as demo:
            now = datetime.now(UTC)
        yield Loaded(url, settings, now, demo.progress)
