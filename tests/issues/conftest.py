"""An issue on its way, and who may touch it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from neighborhood_api.identity.access import Role
from neighborhood_api.issues.models import Category
from neighborhood_api.kit.db import Database, Tx
from tests.support.people import Caller, Callers
from tests.support.places import Town

LANE = (1, 1, 1, 1)


@pytest.fixture(scope="session")
async def categories(database: Database) -> None:
    """Two categories, committed: every test may rely on them."""
    async with database.transaction() as tx:
        tx.add(_category("env.garbage", photo_required=False))
        tx.add(_category("road.light", photo_required=True))


def _category(code: str, *, photo_required: bool) -> Category:
    return Category(
        code=code,
        name=code,
        group_code=code.split(".")[0],
        group_name=code.split(".")[0],
        respond_minutes=60,
        resolve_minutes=600,
        position=1,
        photo_required=photo_required,
    )


@dataclass
class Street:
    """The people around one lane of the town, signed in."""

    town: Town
    callers: Callers
    reporter: Caller
    chief: Caller
    leader: Caller

    async def report(self, **changes: Any) -> Response:  # noqa: ANN401
        wish = {
            "category_code": "env.garbage",
            "text": "巷口垃圾桶满了两天没人清",
            "lane_id": str(self.town.at(*LANE).id),
        }
        return await self.reporter.post("/issues", json=wish | changes)

    async def reported(self, **changes: Any) -> str:  # noqa: ANN401
        answer = await self.report(**changes)
        assert answer.status_code == 200, answer.text
        issue_id: str = answer.json()["id"]
        return issue_id

    async def staff(self, role: Role, *path: int, body: int | None = None) -> Caller:
        return await self.callers.staff(self.town, role, *path, body=body)


async def act(caller: Caller, issue_id: str | UUID, move: str, **body: Any) -> Response:  # noqa: ANN401
    """Make a move over HTTP."""
    return await caller.post(f"/issues/{issue_id}/{move}", json=body)


@pytest.fixture
async def street(
    callers: Callers, town: Town, categories: None, tx: Tx
) -> AsyncIterator[Street]:
    del categories, tx
    yield Street(
        town,
        callers,
        await callers.resident(town.place(*LANE)),
        await callers.staff(town, Role.LANE_CHIEF, *LANE),
        await callers.staff(town, Role.GRID_LEADER, *LANE[:3]),
    )
