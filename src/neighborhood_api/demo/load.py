"""Loads the demonstration district: the real tree, invented people, and issues that lived.

Nothing is written past the rules: every issue goes through the same use cases that serve the
API, at the moments its script names, so that clocks, hands and timelines are true.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.demo.acting import acting_as
from neighborhood_api.demo.arrangements import (
    draw_boundaries,
    draw_layer,
    fill_rosters,
    publish_texts,
)
from neighborhood_api.demo.place import DemoPlace, PostRow, load_place
from neighborhood_api.demo.records import load_records
from neighborhood_api.demo.registers import days_ago, load_registers, state_rules
from neighborhood_api.demo.rules import load_replies, load_rules
from neighborhood_api.demo.scenes.scene import Cast
from neighborhood_api.demo.stories import tell_issues
from neighborhood_api.demo.venues import load_venues
from neighborhood_api.files.store import store_from
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import (
    Appointment,
    Household,
    Node,
    Organization,
    Residence,
)
from neighborhood_api.grid.posts.choosing import SelectionKind
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.grid.service import normal_address
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.passwords import hash_password
from neighborhood_api.identity.places import COLUMNS, Level, columns_of
from neighborhood_api.issues.watching.warnings import raise_warnings
from neighborhood_api.kit.auditing import take_changes
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.settings import Settings

DISTRICT_CODE = "441322000000"
STREET_CODE = "441322001000"
DRAWN_CODE = "441322001005"
"""The community whose boundaries are known."""
OPERATOR_KEY = "operator-01"
CHIEF_OPERATOR_KEY = "chief-operator-01"
DEMO_PASSWORD = "Demo-2026"  # noqa: S105  (printed by the demo, and of no use elsewhere)
IN_OFFICE_SINCE = date(2025, 1, 1)
ELECTED_ON = date(2024, 12, 20)


async def load_demo(
    database: Database,
    settings: Settings,
    *,
    now: datetime,
    progress: Callable[[str], None],
) -> bool:
    """Load the district in one transaction, all or nothing; False when it is there already."""
    async with database.transaction() as tx:
        if await tx.scalar(select(Node.id).where(Node.code == DISTRICT_CODE)) is not None:
            return False
        place, records = load_place(), load_records()
        progress("载入区县、社区、网格和街巷 · the tree")
        nodes = await _load_nodes(tx, place)
        progress("载入岗位、住户和居民 · posts, households, residents")
        staff, organizations = await _load_staff(tx, place, nodes, now)
        homes = await _load_households(tx, place, nodes, now)
        residents = await _load_residents(tx, place, homes, now)
        persons = staff | residents
        take_changes(tx)  # nobody decided what was there before the program
        progress("载入登记册、值班表、责任体系和边界 · registers, rosters, layers, boundaries")
        await load_registers(tx, place, records, nodes, homes, persons, now)
        await state_rules(tx, persons[OPERATOR_KEY], nodes[DISTRICT_CODE], now)
        await publish_texts(tx, records, persons, persons[CHIEF_OPERATOR_KEY], now)
        operator = await acting_as(tx, persons[OPERATOR_KEY], now)
        await draw_layer(tx, place, records, nodes, operator, now)
        await fill_rosters(tx, records, nodes, persons, operator, now)
        await draw_boundaries(tx, records, nodes[DRAWN_CODE], operator, now)
        progress("载入活动室和辅导课 · rooms and sessions")
        by_openid = {row.openid: residents[row.key] for row in place.residents}
        await load_venues(tx, place, nodes, by_openid, now)
        take_changes(tx)
        await load_rules(tx, place, nodes[DISTRICT_CODE].id, now)
        await load_replies(tx, place, staff[OPERATOR_KEY], now)
        progress("载入诉求 · issues and their stories")
        cast = Cast(organizations, nodes, issues={})
        store = store_from(settings)
        await tell_issues(tx, store, place.stories, cast, persons, now=now)
    await raise_warnings(database, now=now)
    return True


async def _load_nodes(tx: Tx, place: DemoPlace) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for row in place.nodes:
        parent = nodes.get(row.parent_code or "")
        level = Level[row.level.upper()]
        node_id = new_id()
        above = {} if parent is None else columns_of(parent.place)
        node = Node(
            id=node_id,
            level=level.value,
            kind=row.kind,
            parent_id=None if parent is None else parent.id,
            code=row.code,
            name=row.name,
            code_prefix="LY" if row.code.startswith(STREET_CODE[:9]) else "BL",
            plate_code=row.plate_code,
            longitude=row.longitude,
            latitude=row.latitude,
            **(above | {COLUMNS[level]: node_id}),  # type: ignore[arg-type]
        )
        nodes[row.code] = node
        tx.add(node)
        if level < Level.LANE:
            await tx.flush()  # parents before children
    await tx.flush()
    return nodes


async def _load_staff(
    tx: Tx, place: DemoPlace, nodes: dict[str, Node], now: datetime
) -> tuple[dict[str, UUID], dict[str, UUID]]:
    """Return staff by key and departments by name; all have one password, hashed once."""
    password = await hash_password(DEMO_PASSWORD)
    people = {
        row.key: Person(name=row.name, phone=row.phone, password_hash=password)
        for row in place.people
    }
    tx.add_all(people.values())
    organizations: dict[tuple[str, str], Organization] = {}
    for post in place.posts:
        key = (post.node_code, post.organization or "")
        if Role(post.role) is Role.DEPARTMENT_OFFICER and key not in organizations:
            organizations[key] = Organization(
                node_id=nodes[post.node_code].id, name=post.organization or ""
            )
    tx.add_all(organizations.values())
    await tx.flush()
    held = []
    for post in place.posts:
        officer = Role(post.role) is Role.DEPARTMENT_OFFICER
        body = organizations[post.node_code, post.organization or ""] if officer else None
        stand_in = people.get(post.stand_in_key or "")
        appointment = Appointment(
            node_id=nodes[post.node_code].id,
            role=post.role,
            person_id=people[post.person_key].id,
            duty_phone=post.duty_phone,
            starts_on=IN_OFFICE_SINCE,
            ends_on=_last_day(post, now),
            organization_id=None if body is None else body.id,
            stand_in_id=None if stand_in is None else stand_in.id,
            stand_in_phone=None if stand_in is None else stand_in.phone,
            is_primary=Role(post.role) is Role.GRID_WORKER,
        )
        held.append((appointment, post))
    tx.add_all([appointment for appointment, _ in held])
    await tx.flush()
    tx.add_all([_elected(*one, now) for one in held if one[1].votes_for is not None])
    await tx.flush()
    named = {name: one.id for (_, name), one in organizations.items()}
    return {key: person.id for key, person in people.items()}, named


def _last_day(post: PostRow, now: datetime) -> date | None:
    if post.ends_in_days is None:
        return None
    return local_day(now) + timedelta(days=post.ends_in_days)


def _elected(appointment: Appointment, post: PostRow, now: datetime) -> Selection:
    return Selection(
        appointment_id=appointment.id,
        kind=SelectionKind.ELECTED.value,
        decided_on=ELECTED_ON,
        recorded_at=now,
        votes_for=post.votes_for,
        votes_cast=post.votes_cast,
        votes_eligible=post.votes_eligible,
        note="演示用推选记录",
    )


async def _load_households(
    tx: Tx, place: DemoPlace, nodes: Mapping[str, Node], now: datetime
) -> dict[str, Household]:
    today = local_day(now)
    homes = {
        row.key: Household(
            id=new_id(),
            address=normal_address(row.address),
            occupancy=row.occupancy,
            verified_on=days_ago(today, row.verified_days_ago),
            **columns_of(nodes[row.lane_code].place),  # type: ignore[arg-type]
        )
        for row in place.households
    }
    tx.add_all(homes.values())
    await tx.flush()
    return homes


async def _load_residents(
    tx: Tx, place: DemoPlace, homes: Mapping[str, Household], now: datetime
) -> dict[str, UUID]:
    residents = {
        row.key: Person(name=row.name, phone=row.phone, openid=row.openid)
        for row in place.residents
    }
    tx.add_all(residents.values())
    await tx.flush()
    for row in place.residents:
        home = homes.get(row.household_key or "")
        if home is not None:
            tx.add(
                Residence(
                    person_id=residents[row.key].id,
                    address=home.address,
                    stated_at=now,
                    household_id=home.id,
                    **columns_of(home.place),  # type: ignore[arg-type]
                )
            )
    await tx.flush()
    return {key: person.id for key, person in residents.items()}
