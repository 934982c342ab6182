"""The current moment, as an argument; tests set the clock of an application."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request


def right_now() -> datetime:
    """Return now, aware and in UTC."""
    return datetime.now(UTC)


async def current_moment(request: Request) -> datetime:
    """Return now, as the clock of the application shows it."""
    moment: datetime = request.app.state.clock()
    return moment


NowDep = Annotated[datetime, Depends(current_moment)]
