"""Rate limits, counted in each process."""

from dataclasses import dataclass, field
from math import ceil
from time import time

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from neighborhood_api.kit.problems import TooManyRequests


@dataclass
class RateLimit:
    """How often one caller may do one kind of thing in a minute.

    Counted by whole minutes, the last one weighted by what is left of it: one more may pass
    while a minute ends, and a caller costs two numbers however much is allowed.
    """

    name: str
    per_minute: int
    _window: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )

    async def hit(self, caller: str) -> None:
        """Count one more.

        Raises: TooManyRequests.
        """
        item = RateLimitItemPerMinute(self.per_minute)
        if await self._window.hit(item, self.name, caller):
            return
        stats = await self._window.get_window_stats(item, self.name, caller)
        raise TooManyRequests(retry_after_seconds=max(1, ceil(stats.reset_time - time())))


def address_of(request: Request) -> str:
    """Return the caller's network address, as uvicorn took it from trusted proxies."""
    return request.client.host if request.client is not None else "unknown"
