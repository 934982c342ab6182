"""The grid of a district is redrawn by its operators, and by nobody else."""

from typing import Any, NamedTuple

import pytest

from neighborhood_api.kit.ids import new_id
from tests.authorization.attempts import rows_written
from tests.authorization.cast import EVERYBODY
from tests.authorization.seats import undone
from tests.authorization.world import World

pytestmark = pytest.mark.slow

OWN = "own operator"


class Attempt(NamedTuple):
    """An operation on a plan of the town, and what its operator is answered."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    done: int = 200


ATTEMPTS = (
    Attempt("GET", ""),
    Attempt("PUT", "", {"name": "改", "effective_on": "2099-01-01", "operations": []}),
    Attempt("GET", "/preview"),
    Attempt("POST", "/decisions", {"decisions": [{"key": "venue:x", "to": None}]}, 422),
    Attempt("POST", "/apply", {}),
    Attempt("POST", "/cancel", {}),
    Attempt("POST", "/undo", {}, 409),
    Attempt("GET", "/comparison", None, 409),
)


async def _plan(world: World) -> str:
    body = {
        "district_id": world.filled("{district}"),
        "name": "方案",
        "effective_on": "2099-01-01",
        "operations": [
            {"do": "rename", "node": world.filled("{street}"), "name": str(new_id())[:8]}
        ],
    }
    answer = await world.cast[OWN].post("/reorganisations", json=body)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["id"]
    return found


async def test_nobody_but_the_districts_operator_drafts_a_plan(world: World) -> None:
    body = {
        "district_id": world.filled("{district}"),
        "name": "方案",
        "effective_on": "2099-01-01",
        "operations": [],
    }
    before = await rows_written(world.connection)
    found = {}
    for who in sorted(EVERYBODY - {OWN}):
        found[who] = (await world.client(who).post("/reorganisations", json=body)).text
    assert await rows_written(world.connection) == before
    assert {who for who, answer in found.items() if '"code":"forbidden"' not in answer} == set()
    assert (await world.nobody.post("/reorganisations", json=body)).status_code == 401
    async with undone(world.connection):
        await _plan(world)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda one: f"{one.method} {one.path}")
async def test_a_plan_does_not_exist_for_anybody_else(attempt: Attempt, world: World) -> None:
    async with undone(world.connection):
        path = f"http://api/api/v1/reorganisations/{await _plan(world)}{attempt.path}"
        body = None if attempt.body is None else attempt.body | {"version": 1}
        before = await rows_written(world.connection)
        for who in sorted(EVERYBODY - {OWN}):
            answer = await world.client(who).request(attempt.method, path, json=body)
            assert answer.json()["code"] == "reorganisation_not_found", who
        assert await rows_written(world.connection) == before
        answer = await world.nobody.request(attempt.method, path, json=body)
        assert answer.status_code == 401
        answer = await world.cast[OWN].request(attempt.method, path, json=body)
        assert answer.status_code == attempt.done, answer.text


async def test_others_lists_are_empty(world: World) -> None:
    async with undone(world.connection):
        plan_id = await _plan(world)
        for who in sorted(EVERYBODY):
            listed = (await world.client(who).get("/reorganisations")).json()["items"]
            assert (plan_id in {one["id"] for one in listed}) == (who == OWN), who
