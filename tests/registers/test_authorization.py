"""Every operation of the registers against everybody: posts, places, neighbours, strangers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx import AsyncClient, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Database, ReadTx, Tx
from neighborhood_api.registers.models import Establishment
from tests.authorization.attempts import rows_written
from tests.authorization.cast import (
    EVERYBODY,
    INSPECTORS,
    WATCHING,
    Cast,
    signed_in,
)
from tests.authorization.seats import undone
from tests.registers.arranging import Arranged
from tests.support.clock import Clock
from tests.support.fixtures import all_undone, client_of
from tests.support.people import Caller, Callers
from tests.support.places import Town, build_town
from tests.support.posts import appoint, chief_operator, somebody

pytestmark = pytest.mark.slow

API = "http://api"
VISITING = {"own leader", "own worker", "own clerk", "own head"}
"""Who visits the households: grid and community."""
DECIDING = VISITING | {"own chief"}
ALL = EVERYBODY - {"holding officer", "called officer", "offered officer"}
"""One officer of a department of the street stands for the others."""
SECRETS = ("王小明", "13912345678", "每周二走访", "88号", "王老板", "0752-6012345")
WHY = {"reason": "上门核实"}
PERSONAL = {
    "state_residence",
    "read_residence",
    "leave_residence",
    "read_my_household",
    "choose_representative",
}
"""About the caller alone; what they show is tested with them."""


class Line(NamedTuple):
    """An operation, who may, and who is told that there is such a thing."""

    operation: str
    allowed: set[str]
    seen: set[str]
    body: dict[str, Any] | None = None
    query: str = ""


HERE = "?node_id={lane}"
V1 = {"version": 1}
SEARCH = {"node_id": "{lane}", "phone": "13912345678"}
OWNED = {"address": "1000号", "occupancy": "owned", "note": ""}
HOUSE = {"lane_id": "{lane}", "address": "1001号"}
SOMEBODY = {"household_id": "{household_id}", "name": "新人"}
SHOP = {"node_id": "{lane}", "name": "新店", "kind": "shop", "address": "1号"}
REFUSE = V1 | {"reason": "查无此人"}
RULES = {
    "report_confirmed_only": False,
    "book_confirmed_only": False,
    "enrol_confirmed_only": False,
    "stale_after_days": 90,
    "version": 0,
}
LINES = (
    Line("list_register_households", WATCHING, ALL, None, HERE),
    Line("list_residents", WATCHING, ALL, None, HERE),
    Line("list_establishments", WATCHING, ALL, None, HERE),
    Line("list_care_flags", VISITING, ALL, None, HERE),
    Line("list_residence_claims", DECIDING, ALL, None, HERE),
    Line("list_moves", DECIDING, ALL, None, HERE),
    Line("search_registers", WATCHING, ALL, SEARCH),
    Line("read_household", WATCHING, set()),
    Line("read_resident", WATCHING, set()),
    Line("read_establishment", WATCHING, set()),
    Line("add_household", VISITING, ALL, HOUSE),
    Line("change_household", VISITING, WATCHING, V1 | OWNED),
    Line("end_household", VISITING, WATCHING, V1),
    Line("verify_household", VISITING, WATCHING),
    Line("appoint_representative", VISITING, WATCHING, {"person_id": None}),
    Line("add_resident", VISITING, WATCHING, SOMEBODY),
    Line("change_resident", VISITING, WATCHING, V1 | {"name": "新名"}),
    Line("end_resident", VISITING, WATCHING, V1),
    Line("verify_resident", VISITING, WATCHING),
    Line("erase_resident", {"own clerk", "own head"}, WATCHING, V1 | WHY),
    Line("look_at_resident", VISITING, WATCHING, WHY),
    Line("add_establishment", VISITING, ALL, SHOP),
    Line("change_establishment", VISITING, WATCHING, V1 | {"name": "新名"}),
    Line("end_establishment", VISITING, WATCHING, V1),
    Line("verify_establishment", VISITING, WATCHING),
    Line("look_at_establishment", VISITING, WATCHING, WHY),
    Line("flag_care", VISITING, WATCHING, {"kind": "disabled"}),
    Line("look_at_care_of", VISITING, WATCHING, WHY),
    Line("look_at_care", VISITING, set(), WHY),
    Line("change_care_flag", VISITING, set(), V1 | {"note": "新"}),
    Line("end_care_flag", VISITING, set(), V1),
    Line("confirm_residence", DECIDING, set(), V1),
    Line("refuse_residence", DECIDING, set(), REFUSE),
    Line("read_residence_rules", ALL, set()),
    Line("state_residence_rules", {"own operator"}, ALL, RULES),
)


@dataclass
class Scene:
    """Everybody signed in, and one entry of each register at the first lane."""

    cast: Cast
    nobody: AsyncClient
    connection: AsyncConnection
    ids: dict[str, str]
    operations: dict[str, tuple[str, str]]

    async def attempt(self, who: str, line: Line) -> Response:
        method, path = self.operations[line.operation]
        client = self.nobody if who == "nobody" else self.cast[who]
        body = None if line.body is None else self._filled(line.body)
        url = API + (path + line.query).format(**self.ids)
        return await client.request(method, url, json=body)

    def _filled(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value.format(**self.ids) if isinstance(value, str) else value
            for key, value in body.items()
        }


@pytest.fixture(scope="module")
async def scene(app: FastAPI, town: Town, database: Database) -> AsyncIterator[Scene]:
    async with database.engine.connect() as connection, connection.begin() as outer:
        async with (
            all_undone(database, connection) as undone_database,
            undone_database.sessions() as session,
            client_of(app) as nobody,
        ):
            callers = Callers(app, undone_database)
            tx = Tx(ReadTx(session))
            far = await build_town(tx, now=datetime.now(UTC))
            cast = await signed_in(callers, town, far, await _others(callers, town, far, tx))
            ids = await _entries(Arranged(tx, callers, town, Clock()))
            yield Scene(cast, nobody, connection, ids, _operations(app))
            await callers.close()
        await outer.rollback()


async def _others(callers: Callers, town: Town, far: Town, tx: Tx) -> dict[str, Caller]:
    """Sign in who is not among the posts of the town: departments, inspectors, the chief."""
    found = {
        name: await callers.staff(town, Role.DEPARTMENT_OFFICER, 1, body=number)
        for number, name in enumerate(("idle officer", "elsewhere officer"))
    }
    for name, path in INSPECTORS.items():
        person = await somebody(tx)
        await appoint(tx, town.at(*path), Role.DISCIPLINE_OFFICER, person.id)
        await tx.commit()
        found[name] = await callers.person(person.id)
    found["chief operator"] = await callers.person(await chief_operator(tx, far.at()))
    return found


async def _entries(arranged: Arranged) -> dict[str, str]:
    household = await arranged.household("1000号")
    housed = await arranged.household("88号")
    resident = await arranged.resident(housed, phone="13912345678", birth_year=1950)
    flag = await arranged.flag(resident)
    claimant = await arranged.claimant(housed)
    shop = Establishment(
        name="老店",
        kind="shop",
        address="88号",
        contact_name="王老板",
        contact_phone="0752-6012345",
        **columns_of(housed.place),  # type: ignore[arg-type]
    )
    arranged.tx.add(shop)
    await arranged.tx.commit()
    return {
        "lane": str(household.lane_id),
        "district_id": str(household.district_id),
        "household_id": str(household.id),
        "resident_id": str(resident.id),
        "flag_id": str(flag.id),
        "establishment_id": str(shop.id),
        "person_id": str(claimant.person_id),
    }


def _operations(app: FastAPI) -> dict[str, tuple[str, str]]:
    return {
        str(context.name): (next(iter(context.methods or {"GET"})), str(context.path))
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    }


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.operation)
async def test_an_entry_is_touched_by_whom_the_policy_names(line: Line, scene: Scene) -> None:
    wanted = {who: 403 if who in line.seen else 404 for who in ALL}
    wanted |= dict.fromkeys(line.allowed, 200) | {"nobody": 401}
    before = await rows_written(scene.connection)
    answers = {
        who: await scene.attempt(who, line) for who, status in wanted.items() if status != 200
    }
    assert await rows_written(scene.connection) == before
    for answer in answers.values():
        assert not any(secret in answer.text for secret in SECRETS)
    for who in line.allowed:
        async with undone(scene.connection):
            answers[who] = await scene.attempt(who, line)
    found = {who: answer.status_code for who, answer in answers.items()}
    assert found == wanted, {
        who: answers[who].text[:300] for who in wanted if found[who] != wanted[who]
    }


def test_no_operation_of_the_registers_is_forgotten(app: FastAPI) -> None:
    ours = ("/registers/", "/residence-", "/me/residence", "/me/household", "/residence-rules")
    found = {
        name
        for name, (_, path) in _operations(app).items()
        if any(part in path for part in ours)
    }
    assert len(found) > 35
    assert found == {line.operation for line in LINES} | PERSONAL
