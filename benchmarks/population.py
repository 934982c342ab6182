"""A district of a realistic size, with people in every post, loaded by COPY.

All names are invented; the numbers come from `Size`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain, cycle, islice
from typing import Any
from uuid import UUID

import asyncpg

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.grid.models import Appointment, Household, Node, Organization, Residence
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level, Place, columns_of
from neighborhood_api.issues.models import Category, Issue
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id

Row = dict[str, Any]

CHILDREN = (10, 10, 10, 6)
"""Streets of the district, communities of a street, grids of a community, lanes of a grid."""
DOORS = 5
"""Households of a lane."""
ISSUES_EACH = 5
"""Issues of a resident who reports; the others have none."""
KINDS = ("district", "street", "community", "grid", "lane")
KIND_NAMES = ("县", "街道", "社区", "网格", "巷")
SEATS: dict[Level, tuple[Role, ...]] = {
    Level.DISTRICT: (Role.OPERATOR,),
    Level.STREET: (Role.STREET_DISPATCHER, Role.STREET_SECRETARY),
    Level.COMMUNITY: (Role.COMMUNITY_WORKER, Role.COMMUNITY_SECRETARY),
    Level.GRID: (Role.GRID_LEADER, Role.GRID_WORKER),
    Level.LANE: (Role.LANE_CHIEF,),
}
DEPARTMENTS = ("城管办", "派出所")
CATEGORY = "env.garbage"
LIVES: tuple[tuple[Move, ...], ...] = (
    *[(Move.REPORT, Move.ACCEPT, Move.RESOLVE, Move.CONFIRM, Move.RATE)] * 8,
    (Move.REPORT, Move.ACCEPT),
    (Move.REPORT,),
)
"""What has happened to issues: of ten, eight are closed."""
STATES = {
    Move.REPORT: State.ASSIGNED,
    Move.ACCEPT: State.ACCEPTED,
    Move.RESOLVE: State.RESOLVED,
    Move.CONFIRM: State.CONFIRMED,
    Move.RATE: State.CLOSED,
}


@dataclass(frozen=True)
class Resident:
    """Somebody who lives at a lane."""

    person_id: UUID
    home: Place


@dataclass
class District:
    """What was loaded, as far as a run needs it."""

    places: list[list[Place]] = field(default_factory=list)
    """By level."""
    chiefs: dict[UUID, UUID] = field(default_factory=dict)
    """Who answers for each lane."""
    residents: list[Resident] = field(default_factory=list)
    issues: int = 0

    @property
    def reporters(self) -> list[Resident]:
        """The residents who have reported issues."""
        return self.residents[: self.issues // ISSUES_EACH]

    @property
    def quiet(self) -> list[Resident]:
        """The residents who have not."""
        return self.residents[self.issues // ISSUES_EACH :]


async def load(url: str, *, residents: int, issues: int) -> District:
    """Fill the empty database at `url`."""
    district = District(issues=issues)
    connection = await asyncpg.connect(url)
    try:
        await _copy(connection, Node, _nodes(district))
        people, appointments, organizations = _staff(district)
        await _copy(connection, Person, people)
        await _copy(connection, Organization, organizations)
        await _copy(connection, Appointment, appointments)
        doors = _households(district)
        await _copy(connection, Household, doors)
        await _copy(connection, Person, _residents(district, residents))
        await _copy(connection, Residence, _residences(district, doors))
        await _copy(connection, Category, [_category()])
        await _load_issues(connection, district)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return district


def spread(residents: list[Resident], count: int) -> list[Resident]:
    """Choose `count` of them from all over the district, no two from the same part."""
    return residents[:: max(1, len(residents) // count)][:count]


async def _copy(
    connection: asyncpg.Connection, model: type[Model], rows: Iterable[Row]
) -> None:
    """Write rows that all have the same keys; columns that they lack take their defaults."""
    ahead = iter(rows)
    first = next(ahead)
    await connection.copy_records_to_table(
        model.__tablename__,
        records=(tuple(row.values()) for row in chain([first], ahead)),
        columns=list(first),
    )


def _nodes(district: District) -> Iterator[Row]:
    above: list[tuple[Place | None, str]] = [(None, "")]
    for level in Level:
        here: list[tuple[Place | None, str]] = []
        district.places.append([])
        for parent, code in above:
            for number in range(1, (1 if parent is None else CHILDREN[level - 1]) + 1):
                own = f"{code}{number:03}"
                place = Place.of(*[n for n in parent or () if n is not None], new_id())
                here.append((place, own))
                district.places[level].append(place)
                yield _node(place, level, parent, own)
        above = here


def _node(place: Place, level: Level, parent: Place | None, code: str) -> Row:
    is_lane = level is Level.LANE
    return {
        "id": place.node_id,
        "level": level.value,
        "kind": KINDS[level],
        "parent_id": None if parent is None else parent.node_id,
        "code": f"9{code}",
        "name": f"试验{KIND_NAMES[level]}{code[-3:]}",
        "code_prefix": "SY",
        "plate_code": f"P{code}" if is_lane else None,
        "longitude": 114 + int(code[-6:]) / 1_000_000 if is_lane else None,
        "latitude": 23 + int(code[3:9]) / 100_000_000 if is_lane else None,
        "valid_from": date(2020, 1, 1),
        "version": 1,
        **dict(zip(COLUMNS, place, strict=True)),
    }


def _person(number: int, name: str) -> Row:
    return {
        "id": new_id(),
        "name": name,
        "phone": f"15{number:09}",
        "openid": f"bench-{number}",
        "failed_sign_ins": 0,
        "epoch": 0,
        "version": 1,
    }


def _staff(district: District) -> tuple[list[Row], list[Row], list[Row]]:
    """Fill every post; nobody has two."""
    people: list[Row] = []
    appointments: list[Row] = []
    organizations: list[Row] = []

    def appoint(role: Role, place: Place, organization_id: UUID | None = None) -> UUID:
        person = _person(len(people), f"试验员{len(people):05}")
        people.append(person)
        appointments.append(
            {
                "id": new_id(),
                "node_id": place.node_id,
                "role": role.value,
                "person_id": person["id"],
                "duty_phone": f"0752-{len(people):07}",
                "starts_on": date(2025, 1, 1),
                "organization_id": organization_id,
                "version": 1,
            }
        )
        person_id: UUID = person["id"]
        return person_id

    for level, roles in SEATS.items():
        for place in district.places[level]:
            held = [appoint(role, place) for role in roles]
            if level is Level.LANE:
                district.chiefs[place.node_id] = held[0]
    for street in district.places[Level.STREET]:
        for name in DEPARTMENTS:
            body: Row = {"id": new_id(), "node_id": street.node_id, "name": name}
            organizations.append(body)
            appoint(Role.DEPARTMENT_OFFICER, street, body["id"])
    return people, appointments, organizations


def _households(district: District) -> list[Row]:
    return [
        {"id": new_id(), "address": f"{door}号", **columns_of(lane)}
        for door in range(1, DOORS + 1)
        for lane in district.places[Level.LANE]
    ]


def _residents(district: District, count: int) -> Iterator[Row]:
    first = sum(len(places) for places in district.places) * 10  # phones after those of staff
    for number, lane in enumerate(islice(cycle(district.places[Level.LANE]), count)):
        person = _person(first + number, f"居民{number:06}")
        district.residents.append(Resident(person["id"], lane))
        yield person


def _residences(district: District, doors: list[Row]) -> Iterator[Row]:
    now = datetime.now(UTC)
    for resident, door in zip(district.residents, cycle(doors), strict=False):
        yield {
            "person_id": resident.person_id,
            "address": door["address"],
            "stated_at": now,
            "household_id": door["id"],
            "version": 1,
            **columns_of(resident.home),
        }


def _category() -> Row:
    return {
        "code": CATEGORY,
        "name": "垃圾清运",
        "group_code": "env",
        "group_name": "环境卫生",
        "respond_minutes": 120,
        "resolve_minutes": 1440,
        "position": 1,
        "photo_required": False,
        "active": True,
    }


async def _load_issues(connection: asyncpg.Connection, district: District) -> None:
    cases = list(_cases(district))
    await _copy(connection, Case, cases)
    await _copy(connection, Issue, (_issue(case) for case in cases))
    await _copy(connection, Hand, (_hand(case) for case in cases))
    lives = zip(cases, cycle(LIVES), strict=False)
    await _copy(
        connection, Entry, (row for case, life in lives for row in _entries(case, life))
    )


def _cases(district: District) -> Iterator[Row]:
    """Spread the issues over a year, and those of each reporter too."""
    begin = datetime.now(UTC) - timedelta(days=365)
    apart = timedelta(days=364) / district.issues
    turns = zip(cycle(district.reporters), cycle(LIVES), strict=False)
    for number, (reporter, life) in enumerate(islice(turns, district.issues)):
        opened_at = begin + number * apart
        chief = district.chiefs[reporter.home.node_id]
        done_at = opened_at + timedelta(hours=20) if Move.RESOLVE in life else None
        yield {
            "id": new_id(),
            "kind": "issue",
            "code": f"SY{opened_at:%y%m%d}-{number:06}",
            "state": STATES[life[-1]].value,
            "reported_by_id": reporter.person_id,
            "opened_at": opened_at,
            "respond_due_at": opened_at + timedelta(hours=2),
            "resolve_due_at": opened_at + timedelta(hours=24),
            "respond_minutes": 120,
            "hand_level": Level.LANE.value,
            "hand_node_id": reporter.home.node_id,
            "hand_role": Role.LANE_CHIEF.value,
            "reporter_id": reporter.person_id,
            "hand_person_id": chief,
            "first_responded_at": done_at,
            "resolved_at": done_at,
            "closed_at": done_at,
            "times_reopened": 0,
            "times_passed_up": 0,
            "version": len(life),
            **columns_of(reporter.home),
        }


def _issue(case: Row) -> Row:
    closed = case["closed_at"] is not None
    return {
        "case_id": case["id"],
        "category_code": CATEGORY,
        "text": "巷口垃圾桶满了两天没人清,有异味,路过的人都绕着走,请尽快处理。",
        "location": "3号门口",
        "photo_ids": [],
        "anonymous": False,
        "rating": 5 if closed else None,
        "rated_at": case["closed_at"],
    }


def _hand(case: Row) -> Row:
    return {
        "id": new_id(),
        "case_id": case["id"],
        "node_id": case["hand_node_id"],
        "role": case["hand_role"],
        "held_from": case["opened_at"],
        "person_id": case["hand_person_id"],
    }


def _entries(case: Row, life: tuple[Move, ...]) -> Iterator[Row]:
    before: State | None = None
    for number, move in enumerate(life):
        staff = move in {Move.ACCEPT, Move.RESOLVE}
        yield {
            "id": new_id(),
            "case_id": case["id"],
            "move": move.value,
            "by": "staff" if staff else "reporter",
            "to_state": STATES[move].value,
            "recorded_at": case["opened_at"] + number * timedelta(hours=5),
            "from_state": None if before is None else before.value,
            "person_id": case["hand_person_id" if staff else "reporter_id"],
            "role": case["hand_role"] if staff else None,
            "text": "垃圾已清运,桶已消毒。" if staff else None,
            "internal": False,
            "file_ids": [],
        }
        before = STATES[move]
