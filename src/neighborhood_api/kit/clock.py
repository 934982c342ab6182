"""The current moment, as an argument that tests can set."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends


async def current_moment() -> datetime:
    """Return now, aware and in UTC."""
    return datetime.now(UTC)


NowDep = Annotated[datetime, Depends(current_moment)]
