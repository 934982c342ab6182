"""Every operation against every caller, as the tables say."""

import pytest
from fastapi import FastAPI
from httpx import Response

from tests.authorization.attempts import Operations, operations_of, rows_written
from tests.authorization.cast import EVERYBODY
from tests.authorization.issue_operations import LINES, Line, readers
from tests.authorization.seats import undone
from tests.authorization.world import World

pytestmark = pytest.mark.slow

API = "http://api"
PUBLIC = {"read_public_issue"}
"""Open to everybody; what they show is tested with them."""


@pytest.fixture(scope="module")
def operations(app: FastAPI) -> Operations:
    return operations_of(app)


def expected(line: Line) -> dict[str, int]:
    """Return what each caller is answered."""
    seen = set() if line.hidden else readers(line.situation)
    found = {name: 403 if name in seen else 404 for name in EVERYBODY}
    return found | dict.fromkeys(line.allowed, 200) | line.answers | {"nobody": 401}


async def attempt(world: World, operations: Operations, who: str, line: Line) -> Response:
    method, path = operations[line.operation]
    ids = world.ids | {
        "issue_id": world.issues[line.situation],
        "call_id": world.calls.get(line.situation, ""),
    }
    body = None if line.body is None else world.filled(line.body)
    return await world.client(who).request(
        method, API + path.format(**ids), json=body, params=world.filled(line.query)
    )


def name_of(line: Line) -> str:
    """Name a line by what it tries, and by what is decided where the body says so."""
    decision = (line.body or {}).get("approve")
    said = "" if decision is None else f"-{'granted' if decision else 'refused'}"
    return f"{line.operation}-{line.situation}{said}"


@pytest.mark.parametrize("line", LINES, ids=name_of)
async def test_an_issue_is_touched_by_whom_the_policy_names(
    line: Line, world: World, operations: Operations
) -> None:
    wanted = expected(line)
    refused = [who for who, status in wanted.items() if status in {401, 403, 404}]
    before = await rows_written(world.connection)
    answers = {who: await attempt(world, operations, who, line) for who in refused}
    assert await rows_written(world.connection) == before
    for who in wanted.keys() - answers.keys():
        async with undone(world.connection):
            answers[who] = await attempt(world, operations, who, line)
    found = {who: answer.status_code for who, answer in answers.items()}
    assert found == wanted, {
        who: answers[who].text[:300] for who in wanted if found[who] != wanted[who]
    }


def test_no_operation_on_an_issue_is_forgotten(operations: Operations) -> None:
    tried = {line.operation for line in LINES}
    of_issues = {name for name, (_, path) in operations.items() if "{issue_id}" in path}
    assert len(of_issues) > 50
    assert of_issues - tried - PUBLIC == set()
