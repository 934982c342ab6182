"""Access tokens: the plain ones replace each other, the stable one is shared.

Source: WeChat server API, getAccessToken and getStableAccessToken.
"""

import secrets
from collections.abc import Callable

from neighborhood_api.wechat.standin.refusals import Refusal

LIFETIME_SECONDS = 7200
OVERLAP_SECONDS = 300
"""A stable token is replaced this long before its end, and both work until then."""
FORCED_PER_DAY = 20
FORCED_APART_SECONDS = 30
DAY_SECONDS = 86_400
BEIJING_OFFSET_SECONDS = 8 * 3600


class Tokens:
    """The tokens of one mini-program; plain and stable ones do not touch each other."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Start with none; `now` gives seconds."""
        self._now = now
        self._ends_at: dict[str, float] = {}
        self._plain = ""
        self._stable: list[str] = []
        self._forced_at = float("-inf")
        self._forced_day = 0
        self._forced_today = 0

    def plain(self) -> tuple[str, int]:
        """Return a new token and its seconds; the one before stops working."""
        self._ends_at.pop(self._plain, None)
        self._plain = self._make()
        return self._plain, LIFETIME_SECONDS

    def stable(self, *, force: bool) -> tuple[str, int]:
        """Return the shared token and its seconds; `force` replaces it at once.

        Raises: Refusal.
        """
        now = self._now()
        if force and now - self._forced_at >= FORCED_APART_SECONDS:
            self._count_forced(now)
            for token in self._stable:
                del self._ends_at[token]
            self._stable = []
        if not self._stable or self._ends_at[self._stable[-1]] - now <= OVERLAP_SECONDS:
            self._stable.append(self._make())
        return self._stable[-1], int(self._ends_at[self._stable[-1]] - now)

    def check(self, token: str) -> None:
        """Accept a token that works now.

        Raises: Refusal.
        """
        if not token:
            raise Refusal(41001)
        if token not in self._ends_at:
            raise Refusal(40001)
        if self._now() >= self._ends_at[token]:
            raise Refusal(42001)

    def _make(self) -> str:
        token = secrets.token_urlsafe(96)
        self._ends_at[token] = self._now() + LIFETIME_SECONDS
        return token

    def _count_forced(self, now: float) -> None:
        day = int((now + BEIJING_OFFSET_SECONDS) // DAY_SECONDS)
        if day != self._forced_day:
            self._forced_day, self._forced_today = day, 0
        if self._forced_today >= FORCED_PER_DAY:
            raise Refusal(45009)
        self._forced_today += 1
        self._forced_at = now
