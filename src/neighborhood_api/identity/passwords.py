"""Passwords of staff: hashed with Argon2id, checked off the event loop."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
"""What new passwords are hashed with, and what is looked at where there is no password."""
_AT_ONCE = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="password")
"""A hash takes a core and 64 MiB for 50 ms: more at once than cores only cost memory."""


async def hash_password(password: str) -> str:
    """Return the hash to store."""
    return await asyncio.get_running_loop().run_in_executor(_AT_ONCE, HASHER.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Tell whether `password` belongs to `stored`; None takes as long and never does."""
    loop = asyncio.get_running_loop()
    known = await loop.run_in_executor(_AT_ONCE, _verify, password, stored)
    return known and stored is not None


def _verify(password: str, stored: str | None) -> bool:
    try:
        return HASHER.verify(stored or _nobodys(HASHER), password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody has this password")
