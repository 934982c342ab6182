"""The moment that requests see."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def forward(self, **by: float) -> datetime:
        """Move on by `timedelta(**by)`; return the new moment."""
        self.now += timedelta(**by)
        return self.now


@contextmanager
def clock_of(app: FastAPI) -> Iterator[Clock]:
    """Let `app` read the time from a clock that the test moves."""
    clock, before = Clock(), app.state.clock
    app.state.clock = lambda: clock.now
    try:
        yield clock
    finally:
        app.state.clock = before
