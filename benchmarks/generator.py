"""Load without wrk: the same requests over the same connections, from one Python process.

`python -m benchmarks.generator PORT CONNECTIONS SECONDS FILE PREFIX [REFUSAL]` prints what
wrk.lua prints.
"""

import asyncio
import json
import re
import sys
from itertools import count, cycle
from pathlib import Path
from time import perf_counter
from typing import cast

import uvloop
from typing_extensions import override

KEY = b"{key}"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_OK = b"HTTP/1.1 200 "


class Tape:
    """The requests in turn, and what became of them."""

    def __init__(self, requests: list[bytes], prefix: str, refusal: str | None = None) -> None:
        """Start with the first request; `refusal` is a status that is no failure."""
        self._turns = cycle([request.split(KEY) for request in requests])
        self._prefix = prefix
        self._numbers = count(1)
        self.seconds: list[float] = []
        self.failed = 0
        self.refused = 0
        self._refusal = None if refusal is None else f"HTTP/1.1 {refusal} ".encode()
        self.over = False

    def next(self) -> bytes:
        """Return the next request, with a key of its own where it has one."""
        parts = next(self._turns)
        if len(parts) == 1:
            return parts[0]
        return f"{self._prefix}{next(self._numbers):016x}".encode().join(parts)

    def count(self, answer: bytes, *, whole: bool) -> None:
        """Note what an answer was."""
        if whole and self._refusal is not None and answer.startswith(self._refusal):
            self.refused += 1
        else:
            self.failed += not (whole and answer.startswith(_OK))


class Connection(asyncio.Protocol):
    """One keep-alive connection: sends the next request when an answer is complete."""

    def __init__(self, tape: Tape) -> None:
        """Wait for the connection."""
        self._tape = tape
        self._buffer = b""
        self._begun = 0.0
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    @override
    def data_received(self, data: bytes) -> None:
        """Count an answer when its last byte is there."""
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head + 2)
        if length is not None and len(self._buffer) < head + 4 + int(length[1]):
            return
        tape = self._tape
        if not tape.over:
            tape.seconds.append(perf_counter() - self._begun)
            tape.count(self._buffer, whole=length is not None)
        self._buffer = b""
        self._send()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that the server closed."""
        self._tape.failed += not self._tape.over

    def _send(self) -> None:
        if self._transport is not None and not self._tape.over:
            self._begun = perf_counter()
            self._transport.write(self._tape.next())


async def run(port: int, connections: int, seconds: float, tape: Tape) -> dict[str, float]:
    """Send requests for `seconds`; return what came back."""
    loop = asyncio.get_running_loop()
    begun = perf_counter()
    made = [
        await loop.create_connection(lambda: Connection(tape), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    tape.over = True
    taken = perf_counter() - begun
    for transport, _ in made:
        transport.close()
    ordered = sorted(tape.seconds) or [0.0]
    return {
        "requests": len(tape.seconds),
        "seconds": taken,
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[len(ordered) * 99 // 100],
        "failed": tape.failed,
        "refused": tape.refused,
    }


def main() -> None:
    """Run as a program."""
    port, connections, seconds, path, prefix, *refusal = sys.argv[1:]
    requests = [part for part in Path(path).read_bytes().split(b"\0") if part]
    tape = Tape(requests, prefix, *refusal)
    work = run(int(port), int(connections), float(seconds), tape)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(work)))


if __name__ == "__main__":
    main()
