"""A database for each module, because a worker touches all of one."""

from collections.abc import Iterator

import pytest

from neighborhood_api.migrate import migrate
from tests.support.postgres import database_beside


@pytest.fixture(scope="module")
def own_url(database_url: str) -> Iterator[str]:
    with database_beside(database_url) as url:
        migrate(url)
        yield url
