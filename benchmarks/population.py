"""A district of a realistic size, with people in every post, loaded by COPY.

All names are invented; the numbers come from `Size`.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain, cycle, islice
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.indexes import rebuilt
from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.grid.models import Appointment, Household, Node, Organization, Residence
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level, Place, columns_of
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.categories.queries import terms_of
from neighborhood_api.issues.categories.seed import category_rows, rule_rows
from neighborhood_api.issues.publishing.models import Publication, PublicState
from neighborhood_api.issues.worklists.words import words_vector
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import Trail

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
THINGS = (
    "垃圾桶",
    "路灯",
    "井盖",
    "下水道",
    "电梯",
    "充电桩",
    "树枝",
    "消防通道",
    "围墙",
    "水管",
)
FAULTS = ("满了两天没人清", "坏了晚上看不见", "松动有人绊倒", "堵了污水外溢", "停了好几天")
PLACES = ("巷口", "楼下", "门口", "学校旁边", "菜市场后面", "公园里", "停车场")
RARE = ("白蚁", "马蜂窝", "古榕树", "危房")
"""In one issue of a thousand each."""
LIVES: tuple[tuple[Move, ...], ...] = (
    *[(Move.REPORT, Move.ACCEPT, Move.RESOLVE, Move.CONFIRM, Move.RATE)] * 9,
    (Move.REPORT, Move.ACCEPT),
    (Move.REPORT,),
)
"""What has happened to issues: of eleven, nine are closed, in no lane all of them."""
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
    rules: list[Row] = field(default_factory=list)
    """The handling rule of each category."""

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
        district.rules = rule_rows(datetime.now(UTC) - timedelta(days=400))
        await _copy(connection, Category, category_rows())
        await _copy(connection, HandlingRule, district.rules)
        async with rebuilt(connection, "case_file", "issue", "case_entry", "case_timer"):
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
    usual = {
        c.name: c.default.arg
        for c in model.__table__.c
        if c.name not in first and c.default is not None and c.default.is_scalar
    }
    lacking = tuple(usual.values())
    await connection.copy_records_to_table(
        model.__tablename__,
        records=((*row.values(), *lacking) for row in chain([first], ahead)),
        columns=[*first, *usual],
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


async def _load_issues(connection: asyncpg.Connection, district: District) -> None:
    cases = list(_cases(district))
    await _copy(connection, Case, cases)
    rules = cycle(district.rules)
    turns = enumerate(zip(cases, rules, strict=False))
    issues = (_issue(number, case, rule) for number, (case, rule) in turns)
    await _copy_issues(connection, issues)
    await _copy(connection, Hand, (_hand(case) for case in cases))
    await _copy(connection, Timer, (row for case in cases for row in _timers(case)))
    await _copy(connection, Publication, (_publication(case) for case in cases))
    lives = zip(cases, cycle(LIVES), strict=False)
    entries = [row for case, life in lives for row in _entries(case, life)]
    await _copy(connection, Entry, entries)
    await _copy(connection, Trail, (_trail(n, entry) for n, entry in enumerate(entries, 1)))


async def _copy_issues(connection: asyncpg.Connection, issues: Iterator[Row]) -> None:
    """Write issues by way of a table of plain texts: COPY knows no words in binary."""
    await connection.execute("CREATE TEMP TABLE plain (LIKE issue INCLUDING DEFAULTS)")
    await connection.execute(
        "ALTER TABLE plain ALTER words DROP DEFAULT, ALTER words TYPE text"
    )
    first = next(issues)
    names = ", ".join(first)
    await connection.copy_records_to_table(
        "plain",
        records=(tuple(row.values()) for row in chain([first], issues)),
        columns=list(first),
    )
    values = names.replace("words", "words::tsvector")
    insert = f"INSERT INTO issue ({names}) SELECT {values} FROM plain"  # noqa: S608
    await connection.execute(insert)
    await connection.execute("DROP TABLE plain")


def _cases(district: District) -> Iterator[Row]:
    """Spread the issues over a year, and those of each reporter too."""
    begin = datetime.now(UTC) - timedelta(days=365)
    apart = timedelta(days=364) / district.issues
    terms = [terms_of(SimpleNamespace(**rule)).model_dump_json() for rule in district.rules]
    turns = zip(cycle(district.reporters), cycle(LIVES), cycle(terms), strict=False)
    for number, (reporter, life, agreed) in enumerate(islice(turns, district.issues)):
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
            "moved_at": opened_at + (len(life) - 1) * timedelta(hours=5),
            "terms": agreed,
            "respond_due_at": opened_at + timedelta(hours=2),
            "resolve_due_at": opened_at + timedelta(hours=24),
            "confidential": False,
            "adjudicated": False,
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
            "times_returned": 0,
            "times_urged": 0,
            "version": len(life),
            **columns_of(reporter.home),
        }


def _issue(number: int, case: Row, rule: Row) -> Row:
    closed = case["closed_at"] is not None
    words = f"{PLACES[number % 7]}{THINGS[number % 9]}{FAULTS[number % 5]}"
    text = f"{words},路过的人都绕着走,请尽快处理。"
    if number % 1000 < len(RARE):
        text += f"旁边还有{RARE[number % 1000]}。"
    location = f"{number % 30 + 1}号门口"
    street_id = case["street_id"]
    return {
        "case_id": case["id"],
        "category_code": rule["category_code"],
        "rule_id": rule["id"],
        "text": text,
        "words": words_vector(text, location, case["code"], street_id=street_id),
        "location": location,
        "photo_ids": [],
        "anonymous": False,
        "rating": 5 if closed else None,
        "rated_at": case["closed_at"],
    }


def _hand(case: Row) -> Row:
    return {
        "case_id": case["id"],
        "page": 1,
        "node_id": case["hand_node_id"],
        "role": case["hand_role"],
        "held_from": case["opened_at"],
        "person_id": case["hand_person_id"],
        "held_until": case["closed_at"],
        "idle": False,
    }


def _publication(case: Row) -> Row:
    """Let nobody have looked yet at what may be shown."""
    return {
        "case_id": case["id"],
        "category_code": CATEGORY,
        "state": PublicState.PENDING.value,
        **{name: case[name] for name in COLUMNS},
    }


def _trail(position: int, entry: Row) -> Row:
    """Fill the trail as far as its indexes go; its digests mean nothing."""
    return {
        "kind": "case_entry/1",
        "subject_id": entry["id"],
        "digest": os.urandom(32),
        "position": position,
        "seal": os.urandom(32),
    }


def _timers(case: Row) -> Iterator[Row]:
    for purpose, stopped_at in (
        (Purpose.RESPOND, case["first_responded_at"]),
        (Purpose.RESOLVE, case["resolved_at"]),
    ):
        due_at = case[f"{purpose.value}_due_at"]
        limit = due_at - case["opened_at"]
        yield {
            "id": new_id(),
            "case_id": case["id"],
            "purpose": purpose.value,
            "clock": "calendar",
            "amount": limit // timedelta(minutes=1),
            "started_at": case["opened_at"],
            "due_at": due_at,
            "yellow_at": case["opened_at"] + limit * 0.8,
            "provisional": False,
            "extra": 0,
            "rests": purpose is Purpose.RESOLVE,
            "stopped_at": stopped_at,
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
