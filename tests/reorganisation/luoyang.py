"""A 罗阳街道 of 60,000 residents and 2,000 open issues, written by COPY; all of it invented."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg

from neighborhood_api.cases.models import Case, Hand
from neighborhood_api.cases.terms import Limit, Terms
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level, Place, columns_of
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.publishing.models import Publication
from neighborhood_api.kit.copying import copy_rows
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import seals
from neighborhood_api.reorganisation.luoyang import EIGHT
from neighborhood_api.schedules.clocks import Clock
from tests.support.issues import RULE

GRIDS, LANES = 6, 5
"""Of each community, of each grid."""
ISSUES = 2_000
RESIDENTS = 60_000
PER_HOUSEHOLD = 3
OPENED = datetime(2026, 11, 2, 1, tzinfo=UTC)
TERMS = Terms(
    accept_minutes=60,
    respond=Limit(Clock.CALENDAR, 120),
    resolve=Limit(Clock.CALENDAR, 4320),
)
FILLED = {
    Level.DISTRICT: (Role.OPERATOR,),
    Level.STREET: (Role.STREET_DISPATCHER, Role.STREET_SECRETARY),
    Level.COMMUNITY: (Role.COMMUNITY_WORKER, Role.COMMUNITY_SECRETARY),
    Level.GRID: (Role.GRID_LEADER, Role.GRID_WORKER),
    Level.LANE: (Role.LANE_CHIEF,),
}


@dataclass
class Luoyang:
    """What was written."""

    district: Place = field(default_factory=lambda: Place.of(new_id()))
    street: Place = field(default_factory=lambda: Place.of(None))
    communities: list[Place] = field(default_factory=list)
    grids: dict[UUID, list[UUID]] = field(default_factory=dict)
    lanes: list[Place] = field(default_factory=list)
    staff: dict[tuple[UUID, Role], UUID] = field(default_factory=dict)
    residents: list[UUID] = field(default_factory=list)
    """As many of them as there are issues."""

    @property
    def operator_id(self) -> UUID:
        return self.staff[self.district.node_id, Role.OPERATOR]


def _node(
    place: Place, parent: Place | None, kind: str, code: str, name: str
) -> dict[str, Any]:
    lane = place.level is Level.LANE
    return {
        "id": place.node_id,
        "level": place.level.value,
        "kind": kind,
        "parent_id": None if parent is None else parent.node_id,
        "code": code,
        "name": name,
        "plate_code": f"L{place.node_id.hex[-9:].upper()}" if lane else None,
        **dict.fromkeys(("street_id", "community_id", "grid_id", "lane_id")),
        **columns_of(place),
    }


def _nodes(town: Luoyang) -> Iterator[dict[str, Any]]:
    district, street = town.district, Place.of(town.district.node_id, new_id())
    town.street = street
    yield _node(district, None, "district", "441322000000", "博罗县")
    yield _node(street, district, "street", "441322001000", "罗阳街道")
    for code, name in EIGHT:
        community = Place.of(*street[:2], new_id())
        town.communities.append(community)
        yield _node(community, street, "community", code, name)
        town.grids[community.node_id] = []
        for g in range(GRIDS):
            grid = Place.of(*community[:3], new_id())
            town.grids[community.node_id].append(grid.node_id)
            yield _node(grid, community, "grid", f"{code}{g:03}", f"{name}第{g + 1}网格")
            for n in range(LANES):
                lane = Place.of(*grid[:4], new_id())
                town.lanes.append(lane)
                yield _node(lane, grid, "lane", f"{code}{g:03}{n:03}", f"{g + 1}-{n + 1}巷")


def _everywhere(town: Luoyang) -> Iterator[Place]:
    yield town.district
    yield town.street
    yield from town.communities
    yield from dict.fromkeys(lane.up() for lane in town.lanes)
    yield from town.lanes


def _staff(town: Luoyang) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    people: list[dict[str, Any]] = []
    appointments: list[dict[str, Any]] = []
    for place in _everywhere(town):
        for role in FILLED[place.level]:
            person_id = town.staff[place.node_id, role] = new_id()
            people.append({"id": person_id, "name": f"{role.value} {len(people)}"})
            appointments.append(
                {
                    "id": new_id(),
                    "node_id": place.node_id,
                    "role": role.value,
                    "person_id": person_id,
                    "duty_phone": "0752-9000000",
                    "starts_on": date(2024, 1, 1),
                }
            )
    return people, appointments


_PLACE = ", ".join(COLUMNS)
_HOUSEHOLDS = f"""
    INSERT INTO household (id, address, occupancy, note, version, {_PLACE})
    SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(row_number() OVER (ORDER BY lane.nth)),
            12, '0'))::uuid, door.sealed, 'unknown', '', 1, {_PLACE}
    FROM (SELECT *, row_number() OVER (ORDER BY code) - 1 AS nth FROM node WHERE level = 4) lane
    JOIN unnest($1::text[]) WITH ORDINALITY AS door (sealed, number)
        ON (door.number - 1) * $2 + lane.nth < $3
"""  # noqa: S608  (names of columns)
_RESIDENCES = f"""
    INSERT INTO residence (person_id, household_id, address, stated_at, confirmed_at,
        confirmed_how, version, {_PLACE})
    SELECT ('00000000-0000-4000-8001-' || right(id::text, 11) || n)::uuid, id, address, $1, $1,
        'phone', 1, {_PLACE}
    FROM household, generate_series(1, $2) n ORDER BY id, n
"""  # noqa: S608  (names of columns)
_PEOPLE = """
    INSERT INTO person (id, name, failed_sign_ins, epoch, version)
    SELECT person_id, '居民', 0, 0, 1 FROM residence
"""
_SIGNED_IN = """
    INSERT INTO sign_in (id, person_id, created_at)
    SELECT gen_random_uuid(), person_id, $1
    FROM (SELECT person_id, row_number() OVER () AS nth FROM residence) one WHERE nth % 20 = 0
"""


async def _people(connection: asyncpg.Connection, town: Luoyang) -> None:
    """Let PostgreSQL make the people; the doors of one lane are sealed, and those of all."""
    households, lanes = RESIDENTS // PER_HOUSEHOLD, len(town.lanes)
    doors = [seals().seal(f"{n}号", "address") for n in range(1, households // lanes + 2)]
    await connection.execute(_HOUSEHOLDS, doors, lanes, households)
    await connection.execute(_RESIDENCES, OPENED, PER_HOUSEHOLD)
    await connection.execute(_PEOPLE)
    await connection.execute(_SIGNED_IN, OPENED)
    some = await connection.fetch("SELECT person_id FROM residence LIMIT $1", ISSUES)
    town.residents = [row["person_id"] for row in some]


_ISSUES = """
    INSERT INTO issue (case_id, category_code, rule_id, text, photo_ids, anonymous, words)
    SELECT id, 'env.garbage', $1, '垃圾桶满了', '{}', FALSE,
        ('#' || replace(street_id::text, '-', ''))::tsvector
    FROM case_file
"""


def _held(town: Luoyang, number: int) -> tuple[Place, Place, Role]:
    """Return where an issue lies, and whose hands it is in."""
    lane = town.lanes[number % len(town.lanes)]
    at = (Level.LANE, Level.GRID, Level.COMMUNITY, Level.COMMUNITY, Level.STREET)[number % 5]
    return lane, lane.up_to(at), FILLED[at][0]


async def _issues(connection: asyncpg.Connection, town: Luoyang) -> None:
    rule_id, rows = new_id(), []
    group = {"group_code": "env", "group_name": "环境", "position": 1}
    category = {"code": "env.garbage", "name": "垃圾", **group, "aliases": []}
    await copy_rows(connection, Category, [category])
    rule = RULE | {"reopen_by": ["reporter"], "department_ids": []}
    code = {"id": rule_id, "category_code": "env.garbage", **rule}
    await copy_rows(connection, HandlingRule, [code])
    for number in range(ISSUES):
        lane, hand, role = _held(town, number)
        rows.append((new_id(), number, lane, hand, role, OPENED + timedelta(minutes=number)))
    await copy_rows(
        connection,
        Case,
        (
            {
                "id": case_id,
                "kind": "issue",
                "code": f"LY261102-{number:04}",
                "state": ("assigned", "accepted", "handling")[number % 3],
                "reported_by_id": town.residents[number],
                "reporter_id": town.residents[number],
                "opened_at": opened_at,
                "moved_at": opened_at,
                "terms": TERMS.model_dump_json(),
                "hand_level": hand.level.value,
                "hand_node_id": hand.node_id,
                "hand_role": role.value,
                "hand_person_id": town.staff[hand.node_id, role],
                "respond_due_at": opened_at + timedelta(hours=2),
                "resolve_due_at": opened_at + timedelta(days=3),
                "times_transferred": 0,
                **columns_of(lane),
            }
            for case_id, number, lane, hand, role, opened_at in rows
        ),
    )
    await connection.execute(_ISSUES, rule_id)
    await copy_rows(
        connection,
        Hand,
        (
            {
                "case_id": case_id,
                "page": 1,
                "node_id": hand.node_id,
                "role": role.value,
                "person_id": town.staff[hand.node_id, role],
                "held_from": opened_at,
            }
            for case_id, _, _, hand, role, opened_at in rows
        ),
    )
    await copy_rows(
        connection,
        Publication,
        (
            {
                "case_id": case_id,
                "category_code": "env.garbage",
                "state": "pending",
                **columns_of(lane),
            }
            for case_id, _, lane, *_ in rows
        ),
    )
    await copy_rows(
        connection,
        Timer,
        (
            {
                "id": new_id(),
                "case_id": case_id,
                "purpose": purpose.value,
                "clock": "calendar",
                "amount": 120,
                "started_at": opened_at,
                "due_at": opened_at + timedelta(hours=2),
                "yellow_at": None,
                "provisional": False,
            }
            for (case_id, *_, opened_at), purpose in product(
                rows, (Purpose.RESPOND, Purpose.RESOLVE)
            )
        ),
    )


async def load_luoyang(connection: asyncpg.Connection) -> Luoyang:
    """Write everything into an empty database."""
    town = Luoyang()
    await connection.execute("SET session_replication_role = replica")
    await copy_rows(connection, Node, list(_nodes(town)))
    people, appointments = _staff(town)
    await copy_rows(connection, Person, people)
    await copy_rows(connection, Appointment, appointments)
    await _people(connection, town)
    await _issues(connection, town)
    await connection.execute("RESET session_replication_role")
    await connection.execute("ANALYZE")
    return town
