"""Sending load to a server for a few seconds, with wrk where it is installed."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from benchmarks.ground import ROOT, Server

CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("wrk.lua")
_LONGEST_ANSWER_SECONDS = 10


class LoadFailed(Exception):  # noqa: N818  (named for what happened)
    """Some answer was not 200, or did not come."""


@dataclass(frozen=True)
class Sample:
    """What one run of load saw."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_micros: float | None
    """Processor time of the server process for one request; None where it is not known."""
    refused: int = 0
    """Answers that were an expected refusal."""

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return self.requests / self.seconds


def generator_name() -> str:
    """Say what sends the load."""
    return "wrk" if shutil.which("wrk") else "benchmarks.generator (wrk is not installed)"


def send(
    server: Server,
    requests: list[bytes],
    home: Path,
    *,
    seconds: float,
    refusal: int | None = None,
) -> Sample:
    """Send the requests in turn over keep-alive connections.

    With `refusal`, an answer of that status is no failure.

    Raises: LoadFailed.
    """
    tape = home / "requests"
    tape.write_bytes(b"".join(request + b"\0" for request in requests))
    before = server.cpu_seconds()
    done = subprocess.run(  # noqa: S603  (no shell, fixed words)
        _command(server.port, tape, seconds, refusal),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    after = server.cpu_seconds()
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise LoadFailed(f"the load generator failed: {done.stderr or done.stdout}")
    seen = json.loads(lines[-1])
    if seen.pop("failed") or not seen["requests"]:
        raise LoadFailed(
            f"not every answer was as expected; the server says:\n{server.last_words()}"
        )
    used = None if before is None or after is None else after - before
    return Sample(**seen, cpu_micros=None if used is None else used / seen["requests"] * 1e6)


def _command(port: int, tape: Path, seconds: float, refusal: int | None) -> list[str]:
    prefix = token_hex(8)
    more = [] if refusal is None else [str(refusal)]
    wrk = shutil.which("wrk")
    if wrk is None:
        own = [sys.executable, "-m", "benchmarks.generator"]
        return [*own, str(port), str(CONNECTIONS), str(seconds), str(tape), prefix, *more]
    return [
        wrk,
        "--threads=1",  # each would send the same keys
        f"--connections={CONNECTIONS}",
        f"--duration={max(1, round(seconds))}s",
        f"--timeout={_LONGEST_ANSWER_SECONDS}s",
        f"--script={_SCRIPT}",
        f"http://127.0.0.1:{port}",
        "--",
        str(tape),
        prefix,
        *more,
    ]
