"""A database for each module, because a worker touches all of one."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import NewDatabase


@pytest.fixture(scope="module")
def own_url(new_database: NewDatabase) -> Iterator[str]:
    with new_database() as url:
        yield url
