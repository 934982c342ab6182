"""Who is who relative to the town's first lane, and how the tables are read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from tests.support.issues import LANE

Path = tuple[int, ...]
Holder = tuple[Role, Path, int | None]
"""A role, the path of its node in the town, and the number of its organization."""

SEATS: dict[str, tuple[Role, Path, int | None]] = {
    "own lane chief": (Role.LANE_CHIEF, LANE, None),
    "next lane chief": (Role.LANE_CHIEF, (1, 1, 1, 2), None),
    "own grid leader": (Role.GRID_LEADER, (1, 1, 1), None),
    "own grid worker": (Role.GRID_WORKER, (1, 1, 1), None),
    "other grid leader": (Role.GRID_LEADER, (1, 1, 2), None),
    "other grid worker": (Role.GRID_WORKER, (1, 1, 2), None),
    "own community worker": (Role.COMMUNITY_WORKER, (1, 1), None),
    "own community secretary": (Role.COMMUNITY_SECRETARY, (1, 1), None),
    "other community worker": (Role.COMMUNITY_WORKER, (1, 2), None),
    "other community secretary": (Role.COMMUNITY_SECRETARY, (1, 2), None),
    "own dispatcher": (Role.STREET_DISPATCHER, (1,), None),
    "own street secretary": (Role.STREET_SECRETARY, (1,), None),
    "other dispatcher": (Role.STREET_DISPATCHER, (2,), None),
    "other street secretary": (Role.STREET_SECRETARY, (2,), None),
    "officer": (Role.DEPARTMENT_OFFICER, (1,), 0),
    "other officer": (Role.DEPARTMENT_OFFICER, (1,), 1),
    "operator": (Role.OPERATOR, (), None),
}
EVERYONE = {"anonymous", "reporter", "neighbour", "far operator", *SEATS}
"""The callers that a table has a line for: a missing one would prove nothing about her."""

Everybody = dict[str, AsyncClient]


def table(text: str) -> dict[str, dict[str, int]]:
    """Read a table whose lines are named by everything before the numbers."""
    head, *lines = [line.split() for line in text.strip().splitlines()]
    width = len(head)
    return {
        " ".join(line[:-width]): dict(zip(head, map(int, line[-width:]), strict=True))
        for line in lines
    }


@asynccontextmanager
async def undone(connection: AsyncConnection) -> AsyncIterator[None]:
    """Undo whatever happens inside."""
    attempt = await connection.begin_nested()
    yield
    await attempt.rollback()
