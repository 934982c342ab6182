"""The grid of a population, with somebody in every post and residents in every lane."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import cycle, islice
from typing import Any
from uuid import UUID

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import COLUMNS, Level, Place, columns_of
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


@dataclass(frozen=True)
class Resident:
    """Somebody who lives at a lane."""

    person_id: UUID
    home: Place


@dataclass
class District:
    """What was loaded, as far as a run needs it."""

    children: tuple[int, int, int, int] = CHILDREN
    places: list[list[Place]] = field(default_factory=list)
    """By level."""
    chiefs: dict[UUID, UUID] = field(default_factory=dict)
    """Who answers for each lane."""
    residents: list[Resident] = field(default_factory=list)
    departments: dict[UUID | None, UUID] = field(default_factory=dict)
    """One of each street."""
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

    def department(self, place: Place) -> UUID:
        """Return a department of the street of a place."""
        return self.departments[place.at(Level.STREET)]


def nodes(district: District) -> Iterator[Row]:
    """Give the nodes from the district down, and note their places."""
    above: list[tuple[Place | None, str]] = [(None, "")]
    for level in Level:
        here: list[tuple[Place | None, str]] = []
        district.places.append([])
        for parent, code in above:
            for number in range(1, (1 if parent is None else district.children[level - 1]) + 1):
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


def staff(district: District) -> tuple[list[Row], list[Row], list[Row]]:
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
            district.departments[street.node_id] = body["id"]
    return people, appointments, organizations


def households(district: District) -> list[Row]:
    """Return the doors of every lane, those of all lanes with the same number together."""
    return [
        {"id": new_id(), "address": f"{door}号", **columns_of(lane)}
        for door in range(1, DOORS + 1)
        for lane in district.places[Level.LANE]
    ]


def residents_of(district: District, count: int) -> Iterator[Row]:
    """Give the residents, lane after lane, and note them."""
    first = sum(len(places) for places in district.places) * 10  # phones after those of staff
    for number, lane in enumerate(islice(cycle(district.places[Level.LANE]), count)):
        person = _person(first + number, f"居民{number:06}")
        district.residents.append(Resident(person["id"], lane))
        yield person


def residences(district: District, doors: list[Row]) -> Iterator[Row]:
    """Give where everybody lives."""
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
