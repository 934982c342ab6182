"""A small town: one district, two streets, enough lanes to have neighbours everywhere."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from neighborhood_api.grid.models import Appointment, Household, Node, Organization
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level, Place, columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id

KINDS = ("district", "street", "community", "grid", "lane")
WORDS = ("县", "街道", "社区", "网格", "巷")


@dataclass
class Town:
    """Nodes by their number path, e.g. `lane(1, 1, 1, 2)` is the first grid's second lane."""

    nodes: dict[tuple[int, ...], Node] = field(default_factory=dict)
    staff: dict[tuple[Role, UUID], Person] = field(default_factory=dict)
    organizations: list[Organization] = field(default_factory=list)

    def at(self, *path: int) -> Node:
        """The node below the district at `path`; the district itself without arguments."""
        return self.nodes[path]

    def place(self, *path: int) -> Place:
        return self.at(*path).place


def new_node(parent: Node | None, number: int) -> Node:
    level = Level.DISTRICT if parent is None else Level(parent.level + 1)
    node_id = new_id()
    above = {} if parent is None else columns_of(parent.place)
    place = above | {COLUMNS[level]: node_id}
    code = f"{'990' if parent is None else parent.code.rstrip('0') or '9'}{number:03}"
    return Node(
        id=node_id,
        level=level.value,
        kind=KINDS[level],
        parent_id=None if parent is None else parent.id,
        code=f"{code}-{node_id.hex[-6:]}",
        name=f"{number}号{WORDS[level]}",
        code_prefix="TS",
        plate_code=f"P{node_id.hex[-7:].upper()}" if level is Level.LANE else None,
        longitude=114.28 + number * 0.01 if level is Level.LANE else None,
        latitude=23.17 if level is Level.LANE else None,
        **place,  # type: ignore[arg-type]
    )


async def build_town(tx: Tx, *, now: datetime) -> Town:
    """District → streets 1, 2 → communities 1, 2 → grids 1, 2 → lanes 1, 2, with staff."""
    town = Town()
    _grow(town, None, (), 1)
    tx.add_all(town.nodes.values())
    await tx.flush()
    for path, node in town.nodes.items():
        if len(path) == Level.LANE:
            lane_place = columns_of(node.place)
            for door in ("1号", "2号"):
                tx.add(Household(id=new_id(), address=door, **lane_place))  # type: ignore[arg-type]
    street = town.at(1)
    for name in ("城管办", "派出所"):
        organization = Organization(node_id=street.id, name=name)
        tx.add(organization)
        town.organizations.append(organization)
    await tx.flush()
    await _staff(tx, town, now)
    return town


def _grow(town: Town, parent: Node | None, path: tuple[int, ...], number: int) -> None:
    node = new_node(parent, number)
    town.nodes[path] = node
    if node.level < Level.LANE:
        for child in (1, 2):
            _grow(town, node, (*path, child), child)


POSTS = {
    Level.DISTRICT: (Role.OPERATOR,),
    Level.STREET: (Role.STREET_DISPATCHER, Role.STREET_SECRETARY),
    Level.COMMUNITY: (Role.COMMUNITY_WORKER, Role.COMMUNITY_SECRETARY),
    Level.GRID: (Role.GRID_LEADER, Role.GRID_WORKER),
    Level.LANE: (Role.LANE_CHIEF,),
}


async def _staff(tx: Tx, town: Town, now: datetime) -> None:
    """Fill every post of the town; every person has one."""
    del now
    seats: list[tuple[Role, Node, Organization | None]] = [
        (role, node, None) for node in town.nodes.values() for role in POSTS[Level(node.level)]
    ]
    street = town.at(1)
    seats += [(Role.DEPARTMENT_OFFICER, street, body) for body in town.organizations]
    first = new_id().int % 10**6 * 100  # so that one database takes several towns
    people = [
        Person(name=f"{role.value} {number}", phone=f"154{first + number:08}")
        for number, (role, _, _) in enumerate(seats)
    ]
    tx.add_all(people)
    await tx.flush()
    for number, (person, (role, node, body)) in enumerate(zip(people, seats, strict=True)):
        tx.add(
            Appointment(
                node_id=node.id,
                role=role.value,
                person_id=person.id,
                duty_phone=f"0752-90{number:05}",
                starts_on=date(2025, 1, 1),
                organization_id=None if body is None else body.id,
            )
        )
        town.staff[role, node.id if body is None else body.id] = person
    await tx.flush()
