"""The real processes of a run: PostgreSQL, the API, workers; each may be killed.

They run in a temporary folder, as `neighborhood-api` runs them anywhere, with nothing of a
developer's environment. Each is forked from a server that has imported the program already:
to import it takes longer than most of what is looked at.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import monotonic

import httpx

from neighborhood_api.cli import app
from neighborhood_api.kit.local_postgres import LocalPostgres
from neighborhood_api.kit.local_postgres.leftover import running_server
from neighborhood_api.kit.sealing import seals

HOST = "127.0.0.1"
LIFTED = "1000000000"
"""A rate limit that no run reaches."""
SIGNALS = (signal.SIGQUIT, signal.SIGKILL, signal.SIGINT)
"""How a database goes away: at once, without a word, or after it has ended its transactions."""
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])
_START_SECONDS = 240.0
_STOP_SECONDS = 60.0
_LOG_TAIL = 3000


class NotStarted(Exception):  # noqa: N818  (named for what happened)
    """A process did not come up; the message ends with its log."""


@contextmanager
def folder() -> Iterator[Path]:
    """Give a temporary folder that others may pass through, as PostgreSQL must as root."""
    with tempfile.TemporaryDirectory(prefix="neighborhood-soak-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


class Postgres:
    """The embedded PostgreSQL, durable as in production; it can be killed and started anew."""

    def __init__(self, home: Path) -> None:
        """Name the folder; nothing happens before `start`."""
        self._server = LocalPostgres(home, durable=True)
        self.kills = 0

    async def start(self) -> str:
        """Start it, also anew after a kill; the URL stays the same.

        Raises: PostgresNotStarted.
        """
        return await asyncio.to_thread(self._server.start)

    async def kill(self, number: signal.Signals) -> None:
        """Send a signal to the server and wait until it is gone."""
        pid = running_server(self._server.folder / "cluster")
        if pid is None:
            raise NotStarted("PostgreSQL died by itself")
        os.kill(pid, number)
        self.kills += 1
        deadline = monotonic() + _STOP_SECONDS
        while self._server.is_running():
            if monotonic() > deadline:
                raise NotStarted(f"PostgreSQL does not end at {number.name}")
            await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Stop it for good, and delete what it kept, wherever that had to be."""
        self._server.stop()
        shutil.rmtree(self._server.folder, ignore_errors=True)


@dataclass
class Program:
    """One command of `neighborhood-api` in a process of its own; its log goes on over kills."""

    command: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    home: Path
    kills: int = 0
    _process: ForkServerProcess | None = field(default=None, repr=False)
    _logged: int = 0

    def start(self) -> None:
        """Start it, also anew after a kill."""
        self._logged = self.log.stat().st_size if self.log.exists() else 0
        self._process = _FORKS.Process(
            target=_run, args=(self.command, self.environment, self.log, self.home)
        )
        self._process.start()

    def is_running(self) -> bool:
        """Tell whether the process is alive."""
        return self._process is not None and self._process.is_alive()

    def logged(self) -> str:
        """Return what it has written since it was last started."""
        with self.log.open("rb") as lines:
            lines.seek(self._logged)
            return lines.read().decode(errors="replace")

    async def until_logged(self, words: str) -> None:
        """Wait until it has written these words since its last start.

        Raises: NotStarted.
        """
        deadline = monotonic() + _START_SECONDS
        while words not in self.logged():
            if not self.is_running() or monotonic() > deadline:
                raise NotStarted(
                    f"{' '.join(self.command)} did not get to {words!r}:\n"
                    f"{self.logged()[-_LOG_TAIL:]}"
                )
            await asyncio.sleep(0.02)

    def kill(self) -> None:
        """End it without a word, as `kill -9` and a lack of memory do."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self.kills += 1

    def stop(self) -> None:
        """Tell it to stop, and see that it does."""
        if self._process is None:
            return
        self._process.terminate()
        self._process.join(_STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _run(command: tuple[str, ...], environment: dict[str, str], log: Path, home: Path) -> None:
    """Be one command of `neighborhood-api`, in the forked process."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream, taken in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(stream, taken)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(home)
    sys.argv = ["neighborhood-api", *command]
    app()


def environment(home: Path, database_url: str) -> dict[str, str]:
    """Return the environment of every program of a run."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NEIGHBORHOOD_", "PG"))
        and name != "PYTHONDONTWRITEBYTECODE"  # else every start compiles everything anew
    }
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    return kept | {
        "DATABASE_URL": database_url,
        "NEIGHBORHOOD_DATA_DIR": str(home),
        "NEIGHBORHOOD_PERSONAL_KEYS": ",".join(key.secret.hex() for key in seals().keys),
        "NEIGHBORHOOD_WRITES_PER_MINUTE": LIFTED,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
    }


def worker(home: Path, database_url: str, number: int = 1) -> Program:
    """Return a job worker; it is not started yet."""
    log = home / f"worker-{number}.log"
    return Program(("worker",), environment(home, database_url), log, home)


@dataclass
class Api:
    """The API on a port of this machine."""

    program: Program
    address: str

    @classmethod
    def at(cls, home: Path, database_url: str) -> "Api":
        """Choose a free port; nothing is started yet."""
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        command = ("serve", "--host", HOST, "--port", str(port))
        program = Program(command, environment(home, database_url), home / "api.log", home)
        return cls(program, f"http://{HOST}:{port}")

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises: NotStarted.
        """
        self.program.start()
        deadline = monotonic() + _START_SECONDS
        async with httpx.AsyncClient(base_url=self.address) as client:
            while True:
                try:
                    answer = await client.get("/api/v1/health/live")
                except httpx.TransportError:
                    if not self.program.is_running() or monotonic() > deadline:
                        raise NotStarted(
                            f"the API did not start:\n{self.program.logged()[-_LOG_TAIL:]}"
                        ) from None
                    await asyncio.sleep(0.05)
                    continue
                answer.raise_for_status()
                return


async def verify_trail(home: Path, database_url: str) -> tuple[bool, str]:
    """Run `neighborhood-api verify-trail`; return whether all agrees, and what it said."""
    done = await asyncio.create_subprocess_exec(
        _command(),
        "verify-trail",
        cwd=home,
        env=environment(home, database_url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await done.communicate()
    return done.returncode == 0, said.decode(errors="replace").strip()


def _command() -> str:
    beside = Path(sys.executable).with_name("neighborhood-api")
    return str(beside) if beside.exists() else shutil.which("neighborhood-api") or str(beside)
