"""Every operation of layers and profiles, against every post and relative place."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.grid.models import Organization
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, ReadTx, Tx
from tests.authorization.attempts import rows_written
from tests.authorization.cast import (
    DEPARTMENTS,
    EVERYBODY,
    FAR,
    INSPECTORS,
    POSTS,
    RESIDENTS,
    Cast,
    signed_in,
)
from tests.authorization.seats import undone
from tests.grid.layers.arranging import THREE_CHIEFS, Drawn, yuetang
from tests.grid.layers.test_profiles import WISH
from tests.support.fixtures import all_undone, client_of
from tests.support.people import Caller, Callers
from tests.support.places import Town, build_town
from tests.support.posts import appoint, chief_operator, somebody

pytestmark = pytest.mark.slow

OPERATOR = {"own operator"}
FAR_ONES = {*FAR, "chief operator"}
NO_REGISTER = RESIDENTS | {*DEPARTMENTS, *INSPECTORS}
"""Whoever reads no register anywhere."""
OF_DISTRICT = set(POSTS)
AROUND = {name for name, (_, at) in POSTS.items() if (1, 1, 1, 1)[: len(at)] == at}
"""Posts of the lane whose households the layer covers, and of the places above it."""


class Attempt(NamedTuple):
    """An operation; who may, whom it is refused to with 403, and to whom it is not there."""

    operation: str
    allowed: set[str]
    forbidden: set[str]
    body: dict[str, Any] | None = None


NODE = {"code": "P9", "name": "新片"}
CHANGE = {"code": "P1-1-1", "name": "一邻", "parent_code": "P1-1", "version": 1}
HOLDER = {"name": "某邻长", "phone": "15455556666", "duty_phone": "0731-5800091"}
LAYER = THREE_CHIEFS | {"code": "another"}
CHANGED = THREE_CHIEFS | {"valid_until": None, "version": 1}
LINE = {"household_id": "{household}", "layer_node_id": "{leaf}"}
WATCHING = OF_DISTRICT - OPERATOR
ELSEWHERE = AROUND - OPERATOR

ATTEMPTS = (
    Attempt("list_profiles", EVERYBODY, set()),
    Attempt("read_grid_profile", EVERYBODY, set()),
    Attempt("state_grid_profile", OPERATOR, EVERYBODY - OPERATOR, WISH),
    Attempt("list_layers", OF_DISTRICT, EVERYBODY - OF_DISTRICT),
    Attempt("create_layer", OPERATOR, EVERYBODY - OPERATOR, LAYER),
    Attempt("read_layer", OF_DISTRICT, set()),
    Attempt("change_layer", OPERATOR, WATCHING, CHANGED),
    Attempt("list_layer_nodes", OF_DISTRICT, set()),
    Attempt("add_layer_nodes", OPERATOR, WATCHING, {"nodes": [NODE]}),
    Attempt("change_layer_node", OPERATOR, ELSEWHERE, CHANGE),
    Attempt("end_layer_node", OPERATOR, ELSEWHERE),
    Attempt("name_layer_holder", OPERATOR, ELSEWHERE, HOLDER),
    Attempt("end_layer_holder", OPERATOR, ELSEWHERE),
    Attempt("list_layer_covers", AROUND, set()),
    Attempt("assign_layer_covers", OPERATOR, WATCHING, {"items": [LINE]}),
    Attempt("check_layer", OF_DISTRICT, set()),
)


@dataclass
class Ground:
    """Everybody, and a layer over the households of the town's first lane."""

    cast: Cast
    layer: Drawn
    ids: dict[str, str]
    connection: AsyncConnection


@pytest.fixture(scope="module")
async def ground(app: FastAPI, town: Town, database: Database) -> AsyncIterator[Ground]:
    """Built once, and never committed."""
    async with database.engine.connect() as connection, connection.begin() as outer:
        async with (
            all_undone(database, connection) as undone_database,
            undone_database.sessions() as session,
            client_of(app) as nobody,
        ):
            callers = Callers(app, undone_database)
            cast = await _everybody(callers, town, Tx(ReadTx(session)))
            cast["nobody"] = nobody  # type: ignore[assignment]
            tx = Tx(ReadTx(session))
            layer, households = await yuetang(cast["own operator"], town, tx)
            ids = {
                "district_id": str(town.at().id),
                "layer_id": layer.id,
                "layer_node_id": layer.nodes["P1-1-1"],
                "leaf": layer.nodes["P1-1-2"],
                "household": str(households[0]),
            }
            yield Ground(cast, layer, ids, connection)
            await callers.close()
        await outer.rollback()


async def _everybody(callers: Callers, town: Town, tx: Tx) -> Cast:
    far = await build_town(tx, now=datetime.now(UTC))
    officers: dict[str, Caller] = {}
    for name, path in (DEPARTMENTS | INSPECTORS).items():
        person = await somebody(tx)
        role, body = Role.DISCIPLINE_OFFICER, None
        if name in DEPARTMENTS:
            office = Organization(node_id=town.at(*path).id, name=f"{name}的部门")
            tx.add(office)
            await tx.flush()
            role, body = Role.DEPARTMENT_OFFICER, office.id
        await appoint(tx, town.at(*path), role, person.id, organization_id=body)
        await tx.commit()
        officers[name] = await callers.person(person.id)
    officers["chief operator"] = await callers.person(await chief_operator(tx, far.at()))
    return await signed_in(callers, town, far, officers)


@pytest.fixture(scope="module")
def operations(app: FastAPI) -> dict[str, tuple[str, str]]:
    return {
        str(context.name): (next(iter(context.methods or {"GET"})), str(context.path))
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        and context.original_route.tags == ["责任体系 layers"]
    }


def filled(value: Any, ids: dict[str, str]) -> Any:  # noqa: ANN401
    """Put ids where their names are."""
    if isinstance(value, dict):
        return {key: filled(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids) for inner in value]
    is_name = isinstance(value, str) and value.startswith("{")
    return ids[value.strip("{}")] if is_name else value


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda one: one.operation)
async def test_a_layer_is_touched_by_whom_the_policy_names(
    attempt: Attempt, ground: Ground, operations: dict[str, tuple[str, str]]
) -> None:
    method, path = operations[attempt.operation]
    address = f"http://api{path.format(**ground.ids)}"
    body = filled(attempt.body, ground.ids)
    before = await rows_written(ground.connection)
    found = {}
    for who in sorted(EVERYBODY - attempt.allowed | {"nobody"}):
        answer = await ground.cast[who].request(method, address, json=body)
        found[who] = answer.status_code
    assert await rows_written(ground.connection) == before
    hidden = EVERYBODY - attempt.allowed - attempt.forbidden
    assert found == (
        dict.fromkeys(hidden, 404) | dict.fromkeys(attempt.forbidden, 403) | {"nobody": 401}
    )
    for who in sorted(attempt.allowed):
        async with undone(ground.connection):
            answer = await ground.cast[who].request(method, address, json=body)
        in_use = attempt.operation == "end_layer_node"
        assert answer.status_code == (409 if in_use else 200), (who, answer.text)


def test_no_operation_of_layers_is_left_out(operations: dict[str, tuple[str, str]]) -> None:
    assert {one.operation for one in ATTEMPTS} == set(operations)


async def test_staff_see_nodes_and_covers_of_their_own_places_only(ground: Ground) -> None:
    nodes = f"/layers/{ground.layer.id}/nodes"
    seen = {}
    for who in sorted(OF_DISTRICT):
        answer = await ground.cast[who].get(nodes)
        seen[who] = {one["code"] for one in answer.json()["items"]}
    everything = {"P1", "P1-1", "P1-1-1", "P1-1-2", "P1-1-3"}
    assert seen.pop("own operator") == everything
    for who, codes in seen.items():
        assert codes == (everything - {"P1-1-3"} if who in AROUND else set()), who
    covers = f"/layer-nodes/{ground.layer.nodes['P1-1-1']}/covers"
    for who in sorted(AROUND):
        answer = await ground.cast[who].get(covers)
        assert len(answer.json()["items"]) == 7, who


async def test_residents_learn_of_no_household_but_their_own_chain(ground: Ground) -> None:
    shown = (await ground.cast["neighbour"].get("/me/grid")).json()
    assert shown["layers"] == []  # nobody said that her door is one of the covered ones
    for who in sorted(NO_REGISTER | FAR_ONES):
        for path in (
            f"/layers/{ground.layer.id}",
            f"/layers/{ground.layer.id}/nodes",
            f"/layers/{ground.layer.id}/checks",
            f"/layer-nodes/{ground.layer.nodes['P1-1-1']}/covers",
        ):
            answer = await ground.cast[who].get(path)
            assert answer.status_code == 404, (who, path)
            assert "邻" not in answer.text
