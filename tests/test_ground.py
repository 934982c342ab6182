"""Two commands over one embedded database, the first of which ends."""

from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from neighborhood_api.cli.ground import database_of
from neighborhood_api.kit.local_postgres import LocalPostgres
from neighborhood_api.settings import Settings
from tests.support.postgres import local_postgres, open_folder


def wait_for(logs: list[Any], event: str) -> dict[str, Any]:
    deadline = monotonic() + 10
    while monotonic() < deadline:
        for line in logs:
            if line["event"] == event:
                return dict(line)
        sleep(0.05)
    raise AssertionError(logs)


@pytest.mark.slow
def test_a_command_is_told_when_the_one_that_runs_its_database_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with open_folder() as folder, local_postgres(folder) as server:
        server.start()
        values: dict[str, Any] = {"data_dir": folder}
        with capture_logs() as logs, database_of(Settings(_env_file=None, **values)) as url:
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            assert logs == []
            server.stop()
            told = wait_for(logs, "database_gone")
            assert "Start that command again" in told["reason"]
            sleep(1.5)
            assert len(logs) == 1
            assert_gone(folder)


def assert_gone(folder: Path) -> None:
    """Nobody took the database over."""
    assert LocalPostgres(folder).running_url() is None
