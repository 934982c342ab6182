"""A small invented street with somebody in every post, and what may be reported there."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from neighborhood_api.grid.models import (
    Appointment,
    Household,
    Node,
    Organization,
    Residence,
)
from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level, Place, columns_of
from neighborhood_api.identity.tokens import Standing
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trail_of

KINDS = ("district", "street", "community", "grid", "lane")
WORDS = ("县", "街道", "社区", "网格", "巷")
LANES = 2
DEPARTMENTS = ("城管办", "派出所")
SEATS: dict[Level, tuple[Role, ...]] = {
    Level.DISTRICT: (Role.OPERATOR,),
    Level.STREET: (Role.STREET_DISPATCHER, Role.STREET_SECRETARY),
    Level.COMMUNITY: (Role.COMMUNITY_WORKER, Role.COMMUNITY_SECRETARY),
    Level.GRID: (Role.GRID_LEADER, Role.GRID_WORKER),
    Level.LANE: (Role.LANE_CHIEF,),
}
RESIDENTS = 16
PLAIN, CHECKED = "soak.plain", "soak.checked"
"""Categories; what is reported under the second is looked at by a third person."""
LONG_MINUTES = 7 * 24 * 60
"""A limit that ends only when a scenario says so."""
RULE: dict[str, Any] = {
    "version": 1,
    "first_level": Level.LANE.value,
    "accept_minutes": LONG_MINUTES,
    "respond_clock": "calendar",
    "respond_amount": LONG_MINUTES,
    "resolve_clock": "calendar",
    "resolve_amount": LONG_MINUTES,
    "check_in_minutes": LONG_MINUTES,
    "verify_clock": "calendar",
    "verify_amount": LONG_MINUTES,
    "urgency": "ordinary",
    "evidence": [],
    "publicity": "at_once",
    "confidential": False,
    "reopen_days": 7,
    "silence_days": 7,
    "reopen_by": ["reporter"],
    "returns_allowed": 2,
    "extension_amount": LONG_MINUTES,
}


@dataclass(frozen=True)
class Somebody:
    """A person as a token names her."""

    person_id: UUID
    standing: Standing


@dataclass
class Town:
    """The people of the street, and where they are."""

    nodes: dict[Level, Node] = field(default_factory=dict)
    """The first of each level."""
    lanes: list[Node] = field(default_factory=list)
    staff: dict[str, Somebody] = field(default_factory=dict)
    """By role; `lane_chief` is that of the first lane, `officer-0` of the first department."""
    departments: list[UUID] = field(default_factory=list)
    residents: list[Somebody] = field(default_factory=list)
    """All live at the first lane."""


async def found_town(database: Database) -> Town:
    """Write a town with its categories into a migrated database."""
    now = datetime.now(UTC)
    people: dict[str, UUID] = {}
    town = Town()
    async with database.transaction() as tx:
        await _build(tx, town)
        await _staff(tx, town, people)
        residents = [await _resident(tx, town, number, now) for number in range(RESIDENTS)]
        await _categories(tx, now)
    async with database.transaction() as tx:
        for name, person_id in people.items():
            town.staff[name] = Somebody(person_id, await standing_of(tx, person_id, now))
        for person_id in residents:
            town.residents.append(Somebody(person_id, await standing_of(tx, person_id, now)))
    return town


async def _build(tx: Tx, town: Town) -> None:
    above: Node | None = None
    for level in Level:
        numbers = range(1, LANES + 1) if level is Level.LANE else (1,)
        for number in numbers:
            node = _node(above, level, number)
            tx.add(node)
            await tx.flush()
            town.nodes.setdefault(level, node)
            if level is Level.LANE:
                town.lanes.append(node)
                door = Household(id=new_id(), address="1号", **columns_of(node.place))  # type: ignore[arg-type]
                tx.add(door)
        above = town.nodes[level]
    for name in DEPARTMENTS:
        department = Organization(node_id=town.nodes[Level.STREET].id, name=name)
        tx.add(department)
        await tx.flush()
        town.departments.append(department.id)


def _node(above: Node | None, level: Level, number: int) -> Node:
    node_id = new_id()
    place: Any = {} if above is None else columns_of(above.place)
    lane = level is Level.LANE
    return Node(
        id=node_id,
        level=level.value,
        kind=KINDS[level],
        parent_id=None if above is None else above.id,
        code=f"9{'001' * level}{number:03}",
        name=f"{number}号{WORDS[level]}",
        code_prefix="SK",
        plate_code=f"P9{number:03}" if lane else None,
        longitude=114.28 + number * 0.01 if lane else None,
        latitude=23.17 if lane else None,
        **place | {COLUMNS[level]: node_id},
    )


async def _staff(tx: Tx, town: Town, people: dict[str, UUID]) -> None:
    seats: list[tuple[str, Role, Node, UUID | None]] = [
        (role.value, role, town.nodes[level], None)
        for level, roles in SEATS.items()
        for role in roles
    ]
    seats += [("neighbour", Role.LANE_CHIEF, lane, None) for lane in town.lanes[1:]]
    seats += [
        (f"officer-{number}", Role.DEPARTMENT_OFFICER, town.nodes[Level.STREET], department)
        for number, department in enumerate(town.departments)
    ]
    for number, (name, role, node, department) in enumerate(seats):
        person = Person(name=f"试验员{number}", phone=f"1540000{number:04}")
        tx.add(person)
        await tx.flush()
        seat = Appointment(
            node_id=node.id,
            role=role.value,
            person_id=person.id,
            duty_phone=f"0752-90{number:05}",
            starts_on=date(2025, 1, 1),
            organization_id=department,
        )
        tx.add(seat)
        people[name] = person.id
    await tx.flush()


async def _resident(tx: Tx, town: Town, number: int, now: datetime) -> UUID:
    person = Person(name=f"居民{number}", openid=f"soak-{number}")
    tx.add(person)
    await tx.flush()
    home: Place = town.lanes[0].place
    tx.add(
        Residence(
            person_id=person.id,
            address="1号",
            stated_at=now,
            **columns_of(home),  # type: ignore[arg-type]
        )
    )
    return person.id


async def _categories(tx: Tx, now: datetime) -> None:
    for position, code in enumerate((PLAIN, CHECKED)):
        category = Category(
            code=code,
            name=code,
            group_code="soak",
            group_name="soak",
            position=position,
            active=True,
        )
        tx.add(category)
        await tx.flush()
        rule = HandlingRule(
            category_code=code, created_at=now, verification=code == CHECKED, **RULE
        )
        tx.add_all((rule, trail_of(rule)))
    await tx.flush()
