"""Rate limits, counted in each process."""

from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from time import time

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from neighborhood_api.kit.problems import TooManyRequests

_ONE_PLACE = 64
"""Bits of an IPv6 address that a whole household shares, and that nobody chooses freely."""


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


def origin_of(address: str) -> str:
    """Return what is counted as one address: of IPv6 the network, as one phone has billions.

    What is no address is returned as it is.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _ONE_PLACE), strict=False))
