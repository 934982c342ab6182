"""Passwords of staff: hashed with Argon2id, checked off the event loop."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
"""RFC 9106's low-memory profile, the library's default."""


async def hash_password(password: str) -> str:
    """Return the hash to store."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Tell whether `password` belongs to `stored`; None takes as long and never does."""
    known = await asyncio.to_thread(_verify, password, stored or _nobodys())
    return known and stored is not None


def _verify(password: str, stored: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")
