"""A cluster's two programs: `initdb`, which makes it, and `postgres`, which serves it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

from neighborhood_api.kit.local_postgres import failures
from neighborhood_api.kit.local_postgres.account import Account
from neighborhood_api.kit.local_postgres.folders import PORT

USER = "neighborhood"
_SETTINGS = (
    "listen_addresses=",
    f"port={PORT}",
    "max_connections=100",
    "shared_buffers=128MB",
    "timezone=UTC",
    "log_timezone=UTC",
)
_FOR_TESTS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_parallel_workers_per_gather=0",  # the processes of a run take the cores
    "max_connections=400",  # several test processes, each with several applications
)
_LARGEST_LOG_BYTES = 10_000_000


def create(cluster: Path, binaries: Path, account: Account, *, durable: bool) -> None:
    """Make an empty cluster; a start that is killed meanwhile leaves none.

    Raises: PostgresNotStarted
    """
    partial = cluster.with_name("cluster.new")
    shutil.rmtree(partial, ignore_errors=True)
    log = cluster.with_name("log")
    output = ""
    for locale in ("C.UTF-8", "C"):  # the second where the system does not know the first
        partial.mkdir()
        account.take(partial)
        begins = begin_log(log)
        with _open(log) as out:
            made = subprocess.run(  # noqa: S603  (no shell, fixed words)
                [
                    binaries / "initdb",
                    f"--pgdata={partial}",
                    f"--username={USER}",
                    "--encoding=UTF8",
                    f"--locale={locale}",
                    "--auth-local=trust",
                    "--auth-host=reject",
                    "--no-instructions",
                    *([] if durable else ["--no-sync"]),
                ],
                stdout=out,
                stderr=out,
                check=False,
                cwd=partial.parent,
                env=_environment(),
                **account.process_options(),
            )
        if made.returncode == 0:
            partial.rename(cluster)
            return
        shutil.rmtree(partial, ignore_errors=True)
        output = read_log(log, begins)
        if "locale" not in output:
            break
    raise failures.gave_up(output, log)


def serve(
    cluster: Path, binaries: Path, account: Account, socket: Path, *, durable: bool
) -> subprocess.Popen[bytes]:
    """Start the server of a cluster; it writes its log beside the cluster."""
    settings = [*_SETTINGS, f"unix_socket_directories={socket}"]
    if not durable:
        settings += _FOR_TESTS
    with _open(cluster.with_name("log")) as out:
        return subprocess.Popen(  # noqa: S603  (no shell, fixed words)
            [
                binaries / "postgres",
                "-D",
                cluster,
                *(argument for setting in settings for argument in ("-c", setting)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=cluster.parent,
            env=_environment(),
            # Ctrl-C is for us: the requests in progress still need the database.
            start_new_session=True,
            **account.process_options(),
        )


def begin_log(log: Path) -> int:
    """Put a log that has grown large aside, and return where the next lines will start."""
    if not log.exists():
        return 0
    if log.stat().st_size > _LARGEST_LOG_BYTES:
        log.replace(log.with_name("log.1"))
        return 0
    return log.stat().st_size


def read_log(log: Path, start: int) -> str:
    """Return what was logged since `start`."""
    with log.open("rb") as lines:
        lines.seek(start)
        return lines.read().decode(errors="replace")


def _open(log: Path) -> IO[bytes]:
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _environment() -> dict[str, str]:
    """Return our environment without what would lead the programs to another cluster."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}
