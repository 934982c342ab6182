"""The moment that requests see."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from neighborhood_api.kit.clock import current_moment


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
    clock = Clock()

    async def shown() -> datetime:
        return clock.now

    app.dependency_overrides[current_moment] = shown
    try:
        yield clock
    finally:
        del app.dependency_overrides[current_moment]
