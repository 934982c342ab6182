"""What a run stands on: a durable database that is gone afterwards, and the two servers."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.kit.local_postgres import LocalPostgres
from neighborhood_api.settings import Settings

ROOT = Path(__file__).parent.parent
LIFTED = 1_000_000_000
"""A rate limit that no run reaches."""
_LOG_TAIL = 2000


@contextmanager
def folder() -> Iterator[Path]:
    """Give a temporary folder that others may pass through, as PostgreSQL must as root."""
    with tempfile.TemporaryDirectory(prefix="neighborhood-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def durable_database(home: Path) -> Iterator[str]:
    """Give the URL of an empty database: beside that of `DATABASE_URL`, or an embedded one."""
    use_personal_keys(Settings(_env_file=None, data_dir=home))  # as the servers of the run do
    given = os.environ.get("DATABASE_URL")
    if given:
        with _database_beside(given) as url:
            yield url
        return
    server = LocalPostgres(home, durable=True)
    try:
        with server:
            yield server.start()
    finally:
        rmtree(server.folder, ignore_errors=True)


@contextmanager
def _database_beside(url: str) -> Iterator[str]:
    name = f"neighborhood_bench_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def flush_milliseconds(home: Path) -> float:
    """Return how long this disk takes to make one block durable: no commit is faster."""
    block, taken = bytes(8192), []
    path = home / "flushed"
    with path.open("wb") as file:
        for _ in range(50):
            file.write(block)
            file.flush()
            begun = perf_counter()
            os.fsync(file.fileno())
            taken.append(perf_counter() - begun)
    path.unlink()
    return round(median(taken) * 1000, 3)


class ServerFailed(Exception):  # noqa: N818  (named for what happened)
    """A server did not start or answered wrongly; the message ends with its log."""


@dataclass(frozen=True)
class Server:
    """A server process that answers on a port of this machine."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    def cpu_seconds(self) -> float | None:
        """Return the processor time it has used, None where the system does not say."""
        try:
            fields = (
                Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            )
        except OSError:
            return None
        user, system = int(fields[11]), int(fields[12])
        return (user + system) / os.sysconf("SC_CLK_TCK")

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-_LOG_TAIL:]


@contextmanager
def server(
    which: str, home: Path, database_url: str, variables: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run `benchmarks.server which` in a process of its own, as production would.

    It runs in `home`, where no `.env` of a developer can change what is measured.

    Raises: ServerFailed.
    """
    log = home / f"{which}.log"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NEIGHBORHOOD_")}
    environment |= {
        "DATABASE_URL": database_url,
        "NEIGHBORHOOD_DATA_DIR": str(home),
        "NEIGHBORHOOD_WRITES_PER_MINUTE": str(LIFTED),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        **(variables or {}),
    }
    with (
        log.open("w") as out,
        subprocess.Popen(  # noqa: S603  (no shell, fixed words)
            [sys.executable, "-m", "benchmarks.server", which],
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
        ) as process,
    ):
        try:
            said = process.stdout.readline() if process.stdout is not None else ""
            if not said.strip().isdigit():
                raise ServerFailed(
                    f"the {which} server did not start:\n{log.read_text()[-_LOG_TAIL:]}"
                )
            yield Server(int(said), process, log)
        finally:
            process.terminate()
            process.wait(30)
