"""The life of one embedded PostgreSQL: start, prove that it is ours, stop."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Self

import psycopg

from neighborhood_api.kit.local_postgres import cluster as programs
from neighborhood_api.kit.local_postgres import failures, folders
from neighborhood_api.kit.local_postgres.account import account_for, home_of
from neighborhood_api.kit.local_postgres.binaries import find_binaries
from neighborhood_api.kit.local_postgres.leftover import (
    end_leftover,
    pid_file_lines,
    running_server,
)

_DATABASE = "neighborhood"
_READY_SECONDS = 120.0
"""Long enough to replay the write-ahead log after a crash under load."""
_STRAYS_SECONDS = 15.0
"""How long the processes of a killed server may take to notice and end."""
_STOP_SECONDS = 60.0


class LocalPostgres:
    """A PostgreSQL of our own, in `data_dir`/postgres.

    It listens on a unix socket only, in a folder that no other user may enter, so it needs
    no password. `durable=False` is for tests: a power cut may destroy the data.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        """Name the data folder; nothing happens before `start`."""
        self._data_dir = data_dir.absolute()
        self._durable = durable
        self._held: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def folder(self) -> Path:
        """Where the data and the log really are; as root, perhaps not below `data_dir`."""
        return (self._data_dir / "postgres").resolve()

    def is_running(self) -> bool:
        """Tell whether the server that we started is alive."""
        return self._process is not None and self._process.poll() is None

    def running_url(self) -> str | None:
        """Return the URL of the server that runs here already, whoever started it."""
        cluster = self.folder / "cluster"
        try:
            lines = pid_file_lines(cluster)
        except PermissionError:
            return None
        known = lines[4:5] if running_server(cluster) else []
        return _url(Path(known[0])) if known else None

    def start(self) -> str:
        """Start the server, also anew after it died, and return its `postgresql://` URL.

        The URL stays the same from one start of this object to the next.

        Raises: PostgresNotStarted
        """
        if sys.platform == "win32":
            raise failures.unsupported()
        if self.is_running():
            return self._url
        try:
            self._url = self._start()
        except OSError as problem:
            self.stop()
            raise self._explained(problem) from problem
        except BaseException:
            self.stop()
            raise
        return self._url

    def stop(self) -> None:
        """Close all connections, flush everything to disk and stop; once stopped, nothing."""
        if self._process is not None:
            # SIGINT is PostgreSQL's fast shutdown; after SIGQUIT it recovers when started.
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
            self._process = None
        if self._held is not None:
            self._held.close()
            self._held = None

    def _start(self) -> str:
        account = account_for(self._data_dir)
        home = home_of(self._data_dir, account)
        self._held = self._held or folders.lock(home)
        cluster = home / "cluster"
        binaries = find_binaries(account, cluster)
        if cluster.exists():
            end_leftover(cluster)
        else:
            programs.create(cluster, binaries, account, durable=self._durable)
        socket = folders.socket_folder(home, account)
        deadline = time.monotonic() + _STRAYS_SECONDS
        while True:
            logged = programs.begin_log(home / "log")
            self._process = programs.serve(
                cluster, binaries, account, socket, durable=self._durable
            )
            if self._becomes_ready(cluster, socket):
                return _url(socket)
            output = programs.read_log(home / "log", logged)
            if failures.STRAYS not in output or time.monotonic() > deadline:
                raise failures.gave_up(output, home / "log")
            time.sleep(0.2)

    def _becomes_ready(self, cluster: Path, socket: Path) -> bool:
        """Wait until it answers and serves this cluster; False when it ended instead."""
        deadline = time.monotonic() + _READY_SECONDS
        while self.is_running():
            try:
                connection = _connect(socket)
            except psycopg.OperationalError as problem:
                if time.monotonic() > deadline:
                    raise failures.not_ready(
                        cluster.with_name("log"), _READY_SECONDS
                    ) from problem
                time.sleep(0.02)
                continue
            try:
                _prepare(connection, cluster)
            except psycopg.Error as problem:
                raise failures.gave_up(str(problem), cluster.with_name("log")) from problem
            finally:
                connection.close()
            return True
        return False

    def _explained(self, problem: OSError) -> failures.PostgresNotStarted:
        if isinstance(problem, PermissionError):
            with contextlib.suppress(OSError):
                if self.folder.stat().st_uid != os.geteuid():
                    return failures.not_ours(self.folder)
        return failures.no_access(problem, self._data_dir)


def _url(socket: Path) -> str:
    return f"postgresql://{programs.USER}@/{_DATABASE}?host={socket}&port={folders.PORT}"


def _connect(socket: Path) -> psycopg.Connection:
    return psycopg.connect(
        host=str(socket),
        port=folders.PORT,
        user=programs.USER,
        dbname="postgres",
        connect_timeout=5,
        autocommit=True,
    )


def _prepare(connection: psycopg.Connection, cluster: Path) -> None:
    """Make sure that this is our cluster, and that it has our database."""
    shown = connection.execute("SHOW data_directory").fetchone()
    if shown is None or not Path(shown[0]).samefile(cluster):
        raise failures.not_this_one(cluster)
    name = (_DATABASE,)
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", name).fetchone():
        connection.execute(f"CREATE DATABASE {_DATABASE}")
