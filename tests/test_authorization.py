"""One rule, asked in every way: a post grants over its node and everything below it.

Whoever may not see an issue gets 404, whoever sees it and may not act gets 403. The tables
say who is who relative to the town's first lane.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.cases.models import Case
from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import (
    GRANTED,
    LEVEL_OF,
    Actor,
    Forbidden,
    Permission,
    Post,
    Role,
)
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.kit.db import Database, Tx
from tests.support.issues import LANE, Street, act, ensure_categories, photos, street_of
from tests.support.people import Callers
from tests.support.places import Town, new_node
from tests.support.posts import appoint, appointment_at, phone_number, somebody

Path = tuple[int, ...]
Holder = tuple[Role, Path, int | None]
"""A role, the path of its node in the town, and the number of its organization."""

PATHS: list[Path] = [
    path
    for depth in range(5)
    for path in [
        tuple((number >> bit & 1) + 1 for bit in range(depth)) for number in range(2**depth)
    ]
]
POSTS: list[Holder] = [
    (role, path, body)
    for role in Role
    for path in PATHS
    if Level(len(path)) in LEVEL_OF[role]
    for body in ((0, 1) if role is Role.DEPARTMENT_OFFICER else (None,))
]


@pytest.fixture
async def street(callers: Callers, town: Town, database: Database, tx: Tx) -> Street:
    await ensure_categories(database)
    del tx
    return await street_of(town, callers)


def case_at(town: Town, path: Path, body: int | None, person_id: UUID, code: str) -> Case:
    node = town.at(*path)
    now = datetime.now(UTC)
    return Case(
        kind="issue",
        code=code,
        state="assigned",
        reported_by_id=person_id,
        opened_at=now,
        respond_due_at=now,
        resolve_due_at=now,
        respond_minutes=60,
        hand_level=node.level,
        hand_node_id=node.id,
        hand_role=Role.LANE_CHIEF.value,
        organization_id=None if body is None else town.organizations[body].id,
        **columns_of(node.place),  # type: ignore[arg-type]
    )


@pytest.fixture
async def everywhere(town: Town, tx: Tx) -> dict[UUID, tuple[Path, int | None]]:
    """A case at every place below the district, in every department's hands and in none."""
    person = await somebody(tx)
    made = {
        case_at(town, path, body, person.id, f"{path}{body}"): (path, body)
        for path in PATHS
        for body in (None, 0, 1)
    }
    tx.add_all(made)
    await tx.flush()
    return {case.id: where for case, where in made.items()}


def post_of(town: Town, holder: Holder) -> Post:
    role, path, body = holder
    node = town.at(*path)
    organization_id = None if body is None else town.organizations[body].id
    return Post(role, Level(node.level), node.id, organization_id)


def passes(
    actor: Actor, permission: Permission, row: Case | Household, organization: UUID | None
) -> bool:
    try:
        actor.require(permission, at=row.place, organization_id=organization)
    except Forbidden:
        return False
    return True


def by_the_rule(
    holders: Iterable[Holder], permission: Permission, path: Path, body: int | None
) -> bool:
    """The rule in the tests' own words: the paths begin alike."""
    return any(
        permission in GRANTED[role] and (path[: len(at)] == at if own is None else own == body)
        for role, at, own in holders
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    holders=st.lists(st.sampled_from(POSTS), max_size=4),
    permission=st.sampled_from(
        [Permission.ISSUE_READ, Permission.ISSUE_HANDLE, Permission.ISSUE_DISPATCH]
    ),
)
async def test_a_list_of_cases_shows_exactly_what_a_check_allows(
    holders: list[Holder],
    permission: Permission,
    town: Town,
    everywhere: dict[UUID, tuple[Path, int | None]],
    tx: Tx,
) -> None:
    actor = Actor(uuid4(), uuid4(), tuple(post_of(town, holder) for holder in holders))
    cases = (await tx.scalars(select(Case).where(Case.id.in_(everywhere)))).all()
    reached = select(Case.id).where(Case.id.in_(everywhere), actor.reach(permission, Case))
    listed = set(await tx.scalars(reached))
    assert listed == {
        case.id for case in cases if passes(actor, permission, case, case.organization_id)
    }
    assert listed == {
        case_id
        for case_id, (path, body) in everywhere.items()
        if by_the_rule(holders, permission, path, body)
    }


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(holders=st.lists(st.sampled_from(POSTS), max_size=4))
async def test_a_list_of_households_shows_exactly_what_a_check_allows(
    holders: list[Holder], town: Town, tx: Tx
) -> None:
    permission = Permission.HOUSEHOLD_READ
    actor = Actor(uuid4(), uuid4(), tuple(post_of(town, holder) for holder in holders))
    lanes = {town.at(*path).id: path for path in PATHS if len(path) == Level.LANE}
    here = Household.lane_id.in_(lanes)
    households: list[Household] = [*await tx.scalars(select(Household).where(here))]
    assert len(households) == 2 * len(lanes)
    reached = select(Household.id).where(here, actor.reach(permission, Household))
    listed = set(await tx.scalars(reached))
    assert listed == {h.id for h in households if passes(actor, permission, h, None)}
    assert listed == {
        h.id
        for h in households
        if by_the_rule(holders, permission, lanes[h.place.node_id], None)
    }


def test_nobody_reaches_anything_without_a_post() -> None:
    nobody = Actor(uuid4(), uuid4())
    for permission in Permission:
        clause = str(nobody.reach(permission, Case).compile())
        assert clause in {"false", "0 = 1"}


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

Everybody = dict[str, AsyncClient]


@pytest.fixture
async def everybody(street: Street, http: AsyncClient, tx: Tx) -> Everybody:
    """A signed-in client for every line of the tables."""
    district = new_node(None, 7)
    tx.add(district)
    await tx.flush()
    stranger = await somebody(tx)
    await appoint(tx, district, Role.OPERATOR, stranger.id)
    people: Everybody = {
        "anonymous": http,
        "reporter": street.reporter,
        "neighbour": await street.callers.resident(street.town.place(*LANE)),
        "far operator": await street.callers.person(stranger.id),
    }
    for name, (role, path, body) in SEATS.items():
        people[name] = await street.staff(role, *path, body=body)
    return people


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


# What each may do with an issue that her neighbour reported, in the lane chief's hands.
ISSUE_TABLE = table(
    """
                             see  handle  dispatch  settle  note
    anonymous                401     401       401     401   401
    reporter                 200     403       403     200   403
    neighbour                404     404       404     404   404
    own lane chief           200     200       403     403   200
    next lane chief          404     404       404     404   404
    own grid leader          200     200       403     403   200
    own grid worker          200     200       403     403   200
    other grid leader        404     404       404     404   404
    other grid worker        404     404       404     404   404
    own community worker     200     200       403     403   200
    own community secretary  200     200       403     403   200
    other community worker   404     404       404     404   404
    other community secretary 404    404       404     404   404
    own dispatcher           200     200       200     403   200
    own street secretary     200     200       200     403   200
    other dispatcher         404     404       404     404   404
    other street secretary   404     404       404     404   404
    officer                  404     404       404     404   404
    other officer            404     404       404     404   404
    operator                 200     403       403     403   200
    far operator             404     404       404     404   404
    """
)

# Each move with the state it is tried in, the column of the table, and a sufficient body.
MOVES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("accept", "assigned", "handle", {}),
    ("reject", "assigned", "handle", {"text": "不属于本街道职责"}),
    ("escalate", "assigned", "handle", {"text": "本级无法处理"}),
    ("respond", "accepted", "handle", {"text": "今天下午处理"}),
    ("resolve", "accepted", "handle", {"text": "已清运"}),
    ("dispatch", "assigned", "dispatch", {"organization_id": ""}),
    ("withdraw", "assigned", "settle", {}),
    ("confirm", "resolved", "settle", {}),
    ("reopen", "resolved", "settle", {"text": "还没清干净"}),
    ("rate", "confirmed", "settle", {"rating": 4}),
    ("comment", "assigned", "see", {"text": "补充情况"}),
    ("comment", "assigned", "note", {"text": "内部备注", "internal": True}),
]


async def test_every_issue_operation_answers_every_caller_as_the_table_says(
    street: Street, everybody: Everybody, connection: AsyncConnection
) -> None:
    confirmed = await street.resolved()
    await street.done(street.reporter, confirmed, "confirm")
    issues = {
        "assigned": await street.reported(),
        "accepted": await street.accepted(),
        "resolved": await street.resolved(),
        "confirmed": confirmed,
    }
    found: dict[str, dict[str, int]] = {}
    expected: dict[str, dict[str, int]] = {}
    for name, caller in everybody.items():
        seen = await caller.get(f"/issues/{issues['assigned']}")
        found[name] = {"read": seen.status_code}
        expected[name] = {"read": ISSUE_TABLE[name]["see"]}
        for move, state, column, body in MOVES:
            if "organization_id" in body:
                body = {"organization_id": str(street.town.organizations[0].id)}  # noqa: PLW2901
            async with undone(connection):
                answer = await act(caller, issues[state], move, **body)
            found[name][f"{move} {column}"] = answer.status_code
            expected[name][f"{move} {column}"] = ISSUE_TABLE[name][column]
    assert found == expected


# Seeing and handling the same issue while it is in other hands: 200/403/404 as above.
HANDS_TABLE = table(
    """
                             see  grid  community  street  department  seen-there
    reporter                 200   403        403     403         403         200
    neighbour                404   404        404     404         404         404
    own lane chief           200   403        403     403         403         200
    next lane chief          404   404        404     404         404         404
    own grid leader          200   200        403     403         403         200
    own grid worker          200   200        403     403         403         200
    other grid leader        404   404        404     404         404         404
    own community worker     200   200        200     403         403         200
    own community secretary  200   200        200     403         403         200
    other community worker   404   404        404     404         404         404
    own dispatcher           200   200        200     200         200         200
    own street secretary     200   200        200     200         200         200
    other dispatcher         404   404        404     404         404         404
    officer                  404   404        404     404         200         200
    other officer            404   404        404     404         404         404
    operator                 200   403        403     403         403         200
    far operator             404   404        404     404         404         404
    """
)


async def test_whoever_is_below_the_hands_sees_the_issue_and_does_not_act(
    street: Street, everybody: Everybody, connection: AsyncConnection
) -> None:
    passed_up = {"grid": 1, "community": 2, "street": 3}
    issues = {}
    for hands, times in passed_up.items():
        issues[hands] = await street.reported()
        for _ in range(times):
            await street.done(
                everybody["own dispatcher"], issues[hands], "escalate", text="请上级处理"
            )
    issues["department"] = await street.dispatched(0)
    found: dict[str, dict[str, int]] = {}
    for name in HANDS_TABLE:
        caller = everybody[name]
        seen = await caller.get(f"/issues/{issues['street']}")
        there = await caller.get(f"/issues/{issues['department']}")
        found[name] = {"see": seen.status_code, "seen-there": there.status_code}
        for hands, issue_id in issues.items():
            async with undone(connection):
                answer = await act(caller, issue_id, "accept")
            found[name][hands] = answer.status_code
    assert found == HANDS_TABLE


async def test_the_worklist_shows_exactly_what_each_may_read(
    street: Street, everybody: Everybody
) -> None:
    lanes: list[Path] = [LANE, (1, 1, 1, 2), (1, 1, 2, 1), (1, 2, 1, 1), (2, 1, 1, 1)]
    issues = [await street.reported(lane_id=str(street.town.at(*lane).id)) for lane in lanes]
    issues.append(await street.dispatched(0))
    for name in everybody.keys() - {"anonymous", "reporter", "neighbour"}:
        caller = everybody[name]
        listed = await caller.get("/staff/issues?limit=100")
        assert listed.status_code == 200, listed.text
        readable = {
            issue_id
            for issue_id in issues
            if (await caller.get(f"/issues/{issue_id}")).status_code == 200
        }
        assert {row["id"] for row in listed.json()["items"]} == readable, name
    everyone_together = await everybody["operator"].get("/staff/issues")
    assert len(everyone_together.json()["items"]) == len(issues)
    nothing = await everybody["far operator"].get("/staff/issues")
    assert nothing.json()["items"] == []
    for name, status in (("anonymous", 401), ("reporter", 403), ("neighbour", 403)):
        assert (await everybody[name].get("/staff/issues")).status_code == status


async def test_my_issues_are_mine_alone(street: Street, everybody: Everybody) -> None:
    issue_id = await street.reported()
    mine = await street.reporter.get("/me/issues")
    assert [row["id"] for row in mine.json()["items"]] == [issue_id]
    for name in everybody.keys() - {"anonymous", "reporter"}:
        assert (await everybody[name].get("/me/issues")).json()["items"] == [], name


# Telephone intake at the lane, appointing at the lane, changing an appointment that exists
# there, and the register of the lane's dwellings.
GRID_TABLE = table(
    """
                             intake  appoint  change  register
    anonymous                   401      401     401       401
    reporter                    403      403     404       403
    neighbour                   403      403     404       403
    own lane chief              403      403     404       200
    next lane chief             403      403     404       403
    own grid leader             403      403     404       200
    own grid worker             403      403     404       200
    other grid leader           403      403     404       403
    other grid worker           403      403     404       403
    own community worker        200      403     404       200
    own community secretary     200      403     404       200
    other community worker      403      403     404       403
    other community secretary   403      403     404       403
    own dispatcher              200      403     404       200
    own street secretary        200      403     404       200
    other dispatcher            403      403     404       403
    other street secretary      403      403     404       403
    officer                     403      403     404       403
    other officer               403      403     404       403
    operator                    403      200     200       200
    far operator                403      403     404       403
    """
)


async def test_every_grid_operation_answers_every_caller_as_the_table_says(
    street: Street, everybody: Everybody, connection: AsyncConnection, tx: Tx
) -> None:
    lane = street.town.at(*LANE)
    grid_id = str(street.town.at(*LANE[:3]).id)
    held = f"/appointments/{(await appointment_at(tx, lane, Role.LANE_CHIEF)).id}"
    someone = {"name": "新人", "phone": phone_number()}
    worker = {
        "node_id": grid_id,
        "role": "grid_worker",
        "person": someone,
        "duty_phone": "0752-1234567",
        "starts_on": date(2026, 1, 1).isoformat(),
    }
    call = street.wish(on_behalf_of={"name": "王女士", "phone": phone_number()})
    found: dict[str, dict[str, int]] = {}
    for name, caller in everybody.items():
        async with undone(connection):
            intake = await caller.post("/issues", json=call)
        async with undone(connection):
            made = await caller.post("/appointments", json=worker)
        changes = []
        for change, body in (("end", None), ("stand-in", {"person": someone})):
            async with undone(connection):
                changes.append(await caller.post(f"{held}/{change}", json=body))
        async with undone(connection):
            changes.append(await caller.post(f"{held}/end-stand-in"))
        statuses = {answer.status_code for answer in changes}
        assert len(statuses) == 1, name
        register = await caller.get(f"/grid/nodes/{lane.id}/households")
        found[name] = {
            "intake": intake.status_code,
            "appoint": made.status_code,
            "change": statuses.pop(),
            "register": register.status_code,
        }
    assert found == GRID_TABLE


# The register of the whole grid and of the whole community: above a post there is nothing.
async def test_the_register_opens_at_the_post_and_not_above_it(
    street: Street, everybody: Everybody
) -> None:
    nodes = [street.town.at(*LANE[:depth]).id for depth in range(5)]
    opened = {}
    for name in ("own lane chief", "own grid worker", "own community worker", "operator"):
        answers = [
            await everybody[name].get(f"/grid/nodes/{node}/households") for node in nodes
        ]
        opened[name] = [answer.status_code for answer in answers]
    assert opened == {
        "own lane chief": [403, 403, 403, 403, 200],
        "own grid worker": [403, 403, 403, 200, 200],
        "own community worker": [403, 403, 200, 200, 200],
        "operator": [200, 200, 200, 200, 200],
    }


async def test_the_register_of_a_grid_lists_its_dwellings_with_their_residents(
    street: Street, everybody: Everybody
) -> None:
    grid = street.town.at(*LANE[:3])
    moved_in = await street.callers.resident()
    home = {"lane_id": str(street.town.at(*LANE).id), "address": "2号"}
    assert (await moved_in.put("/me/residence", json=home)).status_code == 200
    answer = await everybody["own grid leader"].get(f"/grid/nodes/{grid.id}/households")
    rows = answer.json()["items"]
    lanes = {str(street.town.at(*LANE[:3], lane).id) for lane in (1, 2)}
    assert {row["lane_id"] for row in rows} == lanes
    assert len(rows) == 4
    assert [row["residents"] for row in rows if row["address"] == "2号"].count(1) == 1


async def test_a_phone_photo_of_somebody_else_is_no_evidence(street: Street, tx: Tx) -> None:
    """An upload belongs to who uploaded it, whatever posts the other holds."""
    issue_id = await street.accepted()
    theirs = await photos(tx, street.leader.person_id, 1, now=datetime.now(UTC))
    answer = await act(street.chief, issue_id, "resolve", text="已清运", photo_ids=theirs)
    assert (answer.status_code, answer.json()["code"]) == (422, "files_not_usable")
    after = await street.chief.get(f"/issues/{issue_id}")
    assert after.json()["state"] == "accepted"


def test_the_tables_name_every_caller_once() -> None:
    """A line that is missing would prove nothing about its caller."""
    everyone = {"anonymous", "reporter", "neighbour", "far operator", *SEATS}
    assert set(ISSUE_TABLE) == set(GRID_TABLE) == everyone
