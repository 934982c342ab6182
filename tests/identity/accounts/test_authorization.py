"""Every operation on somebody's account, by every post, about people at every place."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.accounts.superiors import RANK
from neighborhood_api.kit.db import Database, ReadTx, Tx
from tests.authorization.attempts import rows_written
from tests.authorization.seats import SEATS, undone
from tests.support.fixtures import all_undone, client_of
from tests.support.people import Callers
from tests.support.places import Town, new_node
from tests.support.posts import appoint, chief_operator, phone_number, somebody

pytestmark = pytest.mark.slow

LANE = (1, 1, 1, 1)
TARGETS: dict[str, tuple[Role, tuple[int, ...]]] = {
    "lane chief": (Role.LANE_CHIEF, LANE),
    "grid worker": (Role.GRID_WORKER, (1, 1, 1)),
    "grid leader": (Role.GRID_LEADER, (1, 1, 1)),
    "community worker": (Role.COMMUNITY_WORKER, (1, 1)),
    "community secretary": (Role.COMMUNITY_SECRETARY, (1, 1)),
    "dispatcher": (Role.STREET_DISPATCHER, (1,)),
    "officer": (Role.DEPARTMENT_OFFICER, (1,)),
    "street secretary": (Role.STREET_SECRETARY, (1,)),
    "inspector": (Role.DISCIPLINE_OFFICER, (1,)),
    "operator": (Role.OPERATOR, ()),
    "chief operator": (Role.CHIEF_OPERATOR, ()),
}
"""People who can not sign in yet, each with one post."""
ONE_HOLDER = {
    Role.LANE_CHIEF,
    Role.GRID_LEADER,
    Role.COMMUNITY_SECRETARY,
    Role.STREET_SECRETARY,
}
"""Posts that one person holds: about them even the caller herself asks."""

TOP = {"operator", "chief operator"}
STREET = TOP | {"own street secretary"}
COMMUNITY = STREET | {"own community secretary"}
RESETS = {
    "lane chief": COMMUNITY,
    "grid worker": COMMUNITY,
    "grid leader": COMMUNITY,
    "community worker": COMMUNITY,
    "community secretary": STREET,
    "dispatcher": STREET,
    "officer": STREET,
    "street secretary": TOP,
    "inspector": TOP,
    "operator": {"chief operator"},
    "chief operator": set(),
}
"""Who is above whom: never beside, never below, never elsewhere."""
INVITES = RESETS | {"operator": TOP, "chief operator": {"chief operator"}}
"""Whoever may put somebody into a post may also let her in for the first time."""
LOOKS = {target: above & TOP for target, above in RESETS.items()}
TAKES_OFF = {target: {"chief operator"} for target in TARGETS}
MANAGE = {
    *COMMUNITY,
    "other community secretary",
    "other street secretary",
    "far operator",
}
"""Callers who manage accounts somewhere; all others are forbidden to."""
OPERATE = {*TOP, "far operator"}
COVERED: dict[str, set[str]] = {
    "own community secretary": {
        "lane chief",
        "grid worker",
        "grid leader",
        "community worker",
        "community secretary",
    },
    "own street secretary": set(TARGETS) - TOP,
    "operator": set(TARGETS),
    "chief operator": set(TARGETS),
}
"""Whom the caller's post covers by place: there she hears why, elsewhere nobody exists."""

Case = tuple[str, str, dict[str, Any] | None, dict[str, set[str]], set[str]]
CASES: tuple[Case, ...] = (
    ("POST", "invitation", None, INVITES, MANAGE),
    ("POST", "reset", {}, RESETS, MANAGE),
    ("GET", "account", None, INVITES, MANAGE),
    ("POST", "sign-ins/look", {"reason": "account_misuse"}, LOOKS, OPERATE),
    ("POST", "totp/reset", None, TAKES_OFF, {"chief operator"}),
)


def wanted(who: str, target: str, allowed: dict[str, set[str]], may: set[str]) -> str:
    if who == "nobody":
        return "not_signed_in"
    if who not in may:
        return "forbidden"
    if who in allowed[target]:
        return "ok"
    return "not_below_you" if target in COVERED.get(who, set()) else "person_not_found"


@dataclass
class Ground:
    """Everybody, and one person in each post."""

    people: dict[str, AsyncClient]
    targets: dict[str, str]
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
            callers, tx = Callers(app, undone_database), Tx(ReadTx(session))
            people = await _everybody(callers, town, tx) | {"nobody": nobody}
            yield Ground(people, await _targets(town, tx), connection)
            await callers.close()
        await outer.rollback()


async def _everybody(callers: Callers, town: Town, tx: Tx) -> dict[str, AsyncClient]:
    far = new_node(None, 8)
    tx.add(far)
    await tx.flush()
    stranger = await somebody(tx)
    await appoint(tx, far, Role.OPERATOR, stranger.id)
    chief = await chief_operator(tx, far)
    people: dict[str, AsyncClient] = {
        name: await callers.staff(town, role, *path, body=body)
        for name, (role, path, body) in SEATS.items()
    }
    return people | {
        "neighbour": await callers.resident(town.place(*LANE)),
        "far operator": await callers.person(stranger.id),
        "chief operator": await callers.person(chief),
    }


async def _targets(town: Town, tx: Tx) -> dict[str, str]:
    found = {}
    for name, (role, path) in TARGETS.items():
        node = town.at(*path)
        if role in ONE_HOLDER:
            found[name] = str(town.staff[role, node.id].id)
            continue
        person = await somebody(tx, name, phone=phone_number())
        body = town.organizations[1].id if role is Role.DEPARTMENT_OFFICER else None
        await appoint(tx, node, role, person.id, organization_id=body)
        found[name] = str(person.id)
    await tx.commit()
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1])
async def test_accounts_are_touched_by_whom_the_policy_names(
    case: Case, ground: Ground
) -> None:
    method, action, body, allowed, may = case
    expected = {
        (who, target): wanted(who, target, allowed, may)
        for target in ground.targets
        for who in ground.people
    }

    async def attempt(who: str, target: str) -> str:
        path = f"http://api/api/v1/people/{ground.targets[target]}/{action}"
        answer = await ground.people[who].request(method, path, json=body)
        code = "ok" if answer.status_code == 200 else str(answer.json()["code"])
        return "ok" if code == "second_step_off" else code

    before = await rows_written(ground.connection)
    found = {pair: await attempt(*pair) for pair, code in expected.items() if code != "ok"}
    assert await rows_written(ground.connection) == before
    for pair in expected.keys() - found.keys():
        async with undone(ground.connection):
            found[pair] = await attempt(*pair)
    assert {pair: code for pair, code in found.items() if code != expected[pair]} == {}
    assert "ok" in found.values()


def test_every_post_has_a_rank() -> None:
    assert set(RANK) == set(Role)
