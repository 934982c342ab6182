"""What lies beside a cluster: the lock of its database, and the folder of its socket."""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO

from neighborhood_api.kit.local_postgres import failures
from neighborhood_api.kit.local_postgres.account import Account

if sys.platform != "win32":
    import fcntl

PORT = 5432
"""Only part of the socket's name: nothing listens on the network."""
_LONGEST_BYTES = 103 - len(f"/.s.PGSQL.{PORT}")
"""For the path of a socket's folder; macOS has the shortest limit, 104 with the final zero."""
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


def lock(home: Path) -> IO[str]:
    """Take the database for this process, until the returned file is closed.

    Raises: PostgresNotStarted, when another process has it.
    """
    held = os.fdopen(os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        with held:
            raise failures.in_use(home, held.read().strip()) from busy
    held.truncate(0)
    held.write(f"{os.getpid()}\n")
    held.flush()
    return held


def socket_folder(home: Path, account: Account) -> Path:
    """Return the empty folder of the socket, which only the account (and root) can enter.

    It is `home`/run, or, where that path is too long for a socket or not plain enough for
    every reader of URLs, a temporary folder that `home`/run leads to.
    """
    run = home / "run"
    if _PLAIN.fullmatch(str(run)) and len(os.fsencode(run)) <= _LONGEST_BYTES:
        if run.is_symlink():
            run.unlink()
        run.mkdir(exist_ok=True)
    else:
        if not _is_ours_elsewhere(run, account):
            _remove(run)
            run.symlink_to(tempfile.mkdtemp(prefix="neighborhood-", dir="/tmp"))
        run = run.readlink()
    account.take(run)
    for stale in run.glob(".s.PGSQL.*"):
        stale.unlink()
    return run


def _is_ours_elsewhere(run: Path, account: Account) -> bool:
    """Tell whether the temporary folder of an earlier start is there and still private."""
    if not run.is_symlink() or not run.is_dir():
        return False
    found = run.stat()
    return found.st_uid == account.uid and found.st_mode & 0o777 == 0o700  # noqa: PLR2004


def _remove(run: Path) -> None:
    if run.is_dir() and not run.is_symlink():
        shutil.rmtree(run)
    else:
        run.unlink(missing_ok=True)
