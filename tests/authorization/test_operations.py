"""Every operation against every caller, as the tables say."""

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx import Response

from tests.authorization.attempts import rows_written
from tests.authorization.cast import EVERYBODY
from tests.authorization.issue_operations import LINES, Line, readers
from tests.authorization.seats import undone
from tests.authorization.world import World

API = "http://api"


@pytest.fixture(scope="module")
def operations(app: FastAPI) -> dict[str, tuple[str, str]]:
    """Method and address of every operation by its name."""
    return {
        str(context.name): (next(iter(context.methods or {"GET"})), str(context.path))
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    }


def expected(line: Line) -> dict[str, int]:
    """Return what each caller is answered."""
    seen = set() if line.hidden else readers(line.situation)
    found = {name: 403 if name in seen else 404 for name in EVERYBODY}
    return found | dict.fromkeys(line.allowed, 200) | line.answers | {"nobody": 401}


async def attempt(
    world: World, operations: dict[str, tuple[str, str]], who: str, line: Line
) -> Response:
    method, path = operations[line.operation]
    ids = world.ids | {
        "issue_id": world.issues[line.situation],
        "call_id": world.calls.get(line.situation, ""),
    }
    body = None if line.body is None else world.filled(line.body)
    return await world.client(who).request(
        method, API + path.format(**ids), json=body, params=world.filled(line.query)
    )


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.operation}-{line.situation}")
async def test_an_issue_is_touched_by_whom_the_policy_names(
    line: Line, world: World, operations: dict[str, tuple[str, str]]
) -> None:
    wanted = expected(line)
    found: dict[str, int] = {}
    told: dict[str, str] = {}
    for who, status in wanted.items():
        before = await rows_written(world.connection)
        async with undone(world.connection):
            answer = await attempt(world, operations, who, line)
        found[who] = answer.status_code
        if answer.status_code != status:
            told[who] = answer.text[:300]
        if status in {401, 403, 404}:
            assert await rows_written(world.connection) == before, who
    assert found == wanted, told
