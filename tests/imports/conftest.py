from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from neighborhood_api.files.store import Store
from neighborhood_api.kit.db import Tx
from tests.imports.county import County
from tests.support.clock import Clock, clock_of


@pytest.fixture
async def county(tx: Tx, tmp_path: Path) -> County:
    """A county of this test alone."""
    return await County(tx, tmp_path).build()


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        yield clock


@pytest.fixture
def store(app: FastAPI) -> Store:
    kept: Store = app.state.store
    return kept
