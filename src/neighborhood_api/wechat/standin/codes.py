"""The codes a phone gets from WeChat: of two kinds, five minutes, one use."""

import base64
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from neighborhood_api.wechat.standin.refusals import Refusal

LIFETIME_SECONDS = 300
REMEMBERED_SECONDS = 2 * LIFETIME_SECONDS
"""How long a code is kept; a used one is told from an unknown one that long."""
LOGINS_PER_MINUTE = 100
"""Sign-in codes of one user that are exchanged in a minute. Source: code2Session, 45011."""


@dataclass(frozen=True)
class Login:
    """What wx.login stands for."""

    openid: str
    unionid: str | None
    session_key: str


@dataclass(frozen=True)
class Phone:
    """What a tap on a getPhoneNumber button stands for."""

    openid: str
    number: str
    country_code: str | int


@dataclass
class _Code:
    stands_for: Login | Phone
    made_at: float
    used: bool = False


class Codes:
    """The codes handed out so far."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Start with none; `now` gives seconds."""
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._session_keys: dict[str, str] = {}
        self._minute = 0
        self._logins: Counter[str] = Counter()

    def mint_login(self, openid: str, unionid: str | None = None) -> str:
        """Return a sign-in code; the session key of a user stays the same."""
        fresh_key = base64.b64encode(secrets.token_bytes(16)).decode()
        session_key = self._session_keys.setdefault(openid, fresh_key)
        return self._mint(Login(openid, unionid, session_key))

    def has_met(self, openid: str) -> bool:
        """Tell whether a user has ever opened the mini-program."""
        return openid in self._session_keys

    def mint_phone(self, openid: str, number: str, country_code: str | int) -> str:
        """Return a phone code."""
        return self._mint(Phone(openid, number, country_code))

    def redeem_login(self, code: str) -> Login:
        """Use up a sign-in code.

        Raises: Refusal.
        """
        found = self._live(code)
        if not isinstance(found.stands_for, Login):
            raise Refusal(40029)
        self._count(found.stands_for.openid)
        found.used = True
        return found.stands_for

    def redeem_phone(self, code: str) -> Phone:
        """Use up a phone code.

        Raises: Refusal.
        """
        found = self._live(code)
        if not isinstance(found.stands_for, Phone):
            raise Refusal(40029)
        found.used = True
        return found.stands_for

    def _mint(self, stands_for: Login | Phone) -> str:
        now = self._now()
        self._codes = {
            code: kept
            for code, kept in self._codes.items()
            if now - kept.made_at < REMEMBERED_SECONDS
        }
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(stands_for, now)
        return code

    def _live(self, code: str) -> _Code:
        if not code:
            raise Refusal(41008)
        found = self._codes.get(code)
        if found is None:
            raise Refusal(40029)
        if found.used:
            raise Refusal(40163)
        if self._now() - found.made_at >= LIFETIME_SECONDS:
            raise Refusal(40029)
        return found

    def _count(self, openid: str) -> None:
        minute = int(self._now() // 60)
        if minute != self._minute:
            self._minute, self._logins = minute, Counter()
        if self._logins[openid] >= LOGINS_PER_MINUTE:
            raise Refusal(45011)
        self._logins[openid] += 1
