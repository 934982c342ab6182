"""The server of an earlier run, whose parent was killed before it could stop it."""

import os
import signal
import subprocess
import time
from pathlib import Path

_STOP_SECONDS = 60.0


def pid_file_lines(cluster: Path) -> list[str]:
    """Return the lines of `postmaster.pid`: id, data, start, port, socket folder, and more."""
    try:
        return (cluster / "postmaster.pid").read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def running_server(cluster: Path) -> int | None:
    """Return the process id of the server that runs on this cluster, if one does.

    The id in `postmaster.pid` proves nothing after a crash: the file stays, and the id goes
    to some other process. What that process is doing, and where, is what tells.
    """
    lines = pid_file_lines(cluster)
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    return pid if _serves(pid, cluster) else None


def end_leftover(cluster: Path) -> None:
    """Stop the server that still runs on this cluster, and clear what a dead one left."""
    pid = running_server(cluster)
    if pid is not None:
        os.kill(pid, signal.SIGINT)
        if not _ends(pid, cluster):
            os.kill(pid, signal.SIGQUIT)
            _ends(pid, cluster)
    # PostgreSQL takes any living process with that id for its own, and would not start. It
    # still refuses, by its shared memory, while processes of a dead server are at work.
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _ends(pid: int, cluster: Path) -> bool:
    deadline = time.monotonic() + _STOP_SECONDS
    while _serves(pid, cluster):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _serves(pid: int, cluster: Path) -> bool:
    process = Path(f"/proc/{pid}")
    if Path("/proc/self").exists():
        try:
            command = (process / "cmdline").read_bytes()
            return b"postgres" in command and (process / "cwd").samefile(cluster)
        except OSError:
            return False
    shown = subprocess.run(  # noqa: S603  (no shell, fixed words)
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607  (wherever it is)
        capture_output=True,
        check=False,
    )
    return b"postgres" in shown.stdout and os.fsencode(cluster) in shown.stdout
