"""Writing what a plan says: all of it, in the transaction in which it was made, or nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import Text, column, func, insert, select, table, type_coerce
from sqlalchemy.exc import IntegrityError

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Household, Node, Organization
from neighborhood_api.grid.posts.appointments import (
    appointed_rows,
    note_amended,
    replace_holder,
)
from neighborhood_api.grid.posts.changes import Changes
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level, columns_of
from neighborhood_api.imports.nodes import NodePlan
from neighborhood_api.imports.planning import Plan, raw_connection
from neighborhood_api.imports.posts import Wanted, sorted_by_node
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.copying import Row, copy_rows
from neighborhood_api.kit.db import Model, Tx, save
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.sealing import seals
from neighborhood_api.registers.models import Resident

APPLIED = "imports.import_applied"
MATCH_JOB = "registers.match_district"
T = TypeVar("T")
SAVED_AT_ONCE = 1_000
"""Rows of one statement; PostgreSQL takes 32,767 parameters."""
POSTS_AT_ONCE = 2_000
"""Appointments that are settled together."""


class GroundChanged(Problem):
    """Something was changed since the dry run, so that something else would happen now."""

    title = "The grid was changed since the dry run; check again"
    message = "核对之后登记内容有变，请重新核对再导入"


class FaultsRemain(Problem):
    """Rows cannot be taken as they are; `faults` says how many."""

    title = "Some rows have faults; nothing was changed"
    message = "还有行有误，请按报告修改后重新上传"


_planned_household = table(
    "planned_household",
    *(column(name) for name in ("id", *COLUMNS, "address", "is_new", "nth")),
    *(column(name) for name in ("occupancy", "note", "verified_on")),
)
_planned_resident = table(
    "planned_resident",
    *(column(name) for name in ("resident_id", *COLUMNS, "household_id", "name", "phone")),
    *(column(name) for name in ("birth_year", "relation", "is_head", "moved_in_on")),
    *(column(name) for name in ("verified_on", "is_new", "nth")),
)
_RENAMED = """
UPDATE node SET name = g.name, kind = g.kind, code_prefix = g.code_prefix,
    longitude = g.longitude, latitude = g.latitude, version = node.version + 1
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[],
    $7::int[]) AS g (id, name, kind, code_prefix, longitude, latitude, version)
WHERE node.id = g.id AND node.version = g.version AND node.valid_until IS NULL
"""
_HOUSEHOLDS_CHANGED = """
UPDATE household SET occupancy = COALESCE(p.occupancy, household.occupancy),
    note = COALESCE(p.note, household.note),
    verified_on = COALESCE(p.verified_on, household.verified_on),
    version = household.version + 1
FROM planned_household p
WHERE p.id = household.id AND p.nth = 1 AND p.differs IS NOT NULL
    AND household.version = p.was_version AND household.ended_on IS NULL
"""
_HEADS_RESIGNED = """
UPDATE resident SET is_head = false FROM planned_resident p
WHERE p.resident_id = resident.id AND NOT p.is_new AND p.nth = 1 AND p.is_head = false
    AND resident.is_head AND resident.version = p.was_version
"""
_RESIDENTS_CHANGED = """
UPDATE resident SET phone = COALESCE(p.phone, resident.phone),
    birth_year = COALESCE(p.birth_year, resident.birth_year),
    relation = COALESCE(p.relation, resident.relation),
    is_head = COALESCE(p.is_head, resident.is_head),
    moved_in_on = COALESCE(p.moved_in_on, resident.moved_in_on),
    verified_on = COALESCE(p.verified_on, resident.verified_on),
    version = resident.version + 1
FROM planned_resident p
WHERE p.resident_id = resident.id AND NOT p.is_new AND p.nth = 1 AND p.differs IS NOT NULL
    AND resident.version = p.was_version AND resident.moved_out_on IS NULL
"""
_DIFFERENT = {
    "household": "SELECT count(*) FROM planned_household WHERE nth = 1 AND differs IS NOT NULL",
    "resident": "SELECT count(*) FROM planned_resident WHERE nth = 1 AND NOT is_new"
    " AND differs IS NOT NULL",
}
_GATHERED = """
UPDATE residence SET household_id = p.id, version = residence.version + 1
FROM planned_household p LEFT JOIN resealed r ON r.sealed = p.address
WHERE p.is_new AND p.nth = 1 AND residence.lane_id = p.lane_id
    AND residence.household_id IS NULL AND residence.address IN (p.address, r.was)
"""
"""Those belong to a household who said its door before it was registered."""
_LOCKED = """
SELECT id, version FROM appointment WHERE id = ANY($1) AND ended_at IS NULL
ORDER BY id FOR NO KEY UPDATE
"""


async def write_plan(tx: Tx, plan: Plan, actor: Actor, *, subject: UUID, now: datetime) -> None:
    """Write everything that is new or different.

    Raises: FaultsRemain, GroundChanged.
    Emits: AppointmentMade, AppointmentEnded, PostVacant, PostFilled.
    """
    if plan.faults:
        raise FaultsRemain(faults=plan.faults)
    if not plan.changes:
        return
    connection = await raw_connection(tx)
    try:
        await _write_nodes(connection, plan.nodes)
        departments = [one._asdict() for one in plan.departments.new]
        await copy_rows(connection, Organization, departments)
        await _write_doors(tx, connection)
        await _write_posts(tx, connection, plan, actor, now=now)
    except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as exc:
        raise GroundChanged from exc  # others wrote the same meanwhile
    district_id = str(plan.scope.place[Level.DISTRICT])
    await enqueue(tx, MATCH_JOB, district_id=district_id)  # numbers confirm who lives there
    record_act(
        tx,
        APPLIED,
        subject,
        by=actor.person_id,
        now=now,
        node_id=plan.scope.place.node_id,
        totals=plan.totals,
    )
    await tx.flush()


async def _write_nodes(connection: asyncpg.Connection, plan: NodePlan) -> None:
    rows: list[Row] = [
        {
            "id": spot.id,
            "level": int(spot.level),
            "kind": spot.kind,
            "parent_id": spot.parent_id,
            "code": spot.code,
            "name": spot.name,
            "code_prefix": spot.code_prefix,
            "longitude": spot.longitude,
            "latitude": spot.latitude,
        }
        | dict.fromkeys(COLUMNS)
        | columns_of(spot.place)
        for spot in plan.new
    ]
    await copy_rows(connection, Node, rows)
    spots = [spot for spot in plan.changed if not spot.is_new]
    if spots:
        columns = ("id", "name", "kind", "code_prefix", "longitude", "latitude", "version")
        values = ([getattr(spot, name) for spot in spots] for name in columns)
        done = await connection.execute(_RENAMED, *values)
        _require(done, len(spots))


def _require(done: str, rows: int) -> None:
    """Refuse when others changed what was compared.

    Raises: GroundChanged.
    """
    if int(done.rsplit(maxsplit=1)[-1]) != rows:
        raise GroundChanged


async def _write_doors(tx: Tx, connection: asyncpg.Connection) -> None:
    """Write households and people; new ones go from table to table."""
    changes = (("household", _HOUSEHOLDS_CHANGED), ("resident", _RESIDENTS_CHANGED))
    wanted = {name: await connection.fetchval(_DIFFERENT[name]) for name, _ in changes}
    await connection.execute(_HEADS_RESIGNED)
    for name, sql in changes:
        if wanted[name]:
            _require(await connection.execute(sql), wanted[name])
    h, r = _planned_household.c, _planned_resident.c
    households = select(
        *(h.id, *(h[name] for name in COLUMNS), h.address),
        *_given(Household, h, "occupancy", "note"),
        h.verified_on,
    ).where(h.is_new, h.nth == 1)
    doors = ["id", *COLUMNS, "address", "occupancy", "note", "verified_on"]
    await tx.execute(insert(Household).from_select(doors, households))
    await connection.execute(_GATHERED)
    residents = select(
        *(r.resident_id, *(r[name] for name in COLUMNS), r.household_id, r.name, r.phone),
        r.birth_year,
        *_given(Resident, r, "relation", "is_head"),
        *(r.moved_in_on, r.verified_on),
    ).where(r.is_new, r.nth == 1)
    people = [
        *("id", *COLUMNS, "household_id", "name", "phone", "birth_year", "relation"),
        *("is_head", "moved_in_on", "verified_on"),
    ]
    await tx.execute(insert(Resident).from_select(people, residents))


def _given(model: Any, columns: Any, *names: str) -> list[Any]:  # noqa: ANN401
    """Take a column's default where the file says nothing."""
    table_ = model.__table__
    return [func.coalesce(columns[name], table_.c[name].default.arg) for name in names]


async def _write_posts(
    tx: Tx, connection: asyncpg.Connection, plan: Plan, actor: Actor, *, now: datetime
) -> None:
    """Make, change and end appointments by the rules of posts, some at a time.

    Each is settled with the one that it replaces; places are locked in their order.
    """
    wanted = sorted_by_node(plan.posts.to_write)
    await _lock(connection, wanted)
    for some in batched(wanted, POSTS_AT_ONCE):
        changes = Changes()
        for one in some:
            if one.replaces is not None:
                await replace_holder(tx, changes, actor, one.replaces.id, now=now)
            if one.held is not None:
                await _amend(tx, changes, actor, one, now=now)
            await tx.flush()  # she has left her seat, and the trail has told what changed
        made = [one for one in some if one.held is None]
        await _appoint(tx, changes, actor, made, now=now)
        await changes.settle(tx, now=now)
        await tx.flush()
        tx.expunge_all()  # or every flush looks at all that was written before


async def _lock(connection: asyncpg.Connection, wanted: Sequence[Wanted]) -> None:
    """Keep the appointments that change from changing otherwise.

    Raises: GroundChanged.
    """
    touched = [held for one in wanted if (held := one.held or one.replaces) is not None]
    seen = {held.id: held.version for held in touched}
    found = {row["id"]: row["version"] for row in await connection.fetch(_LOCKED, list(seen))}
    if found != seen:
        raise GroundChanged


async def _amend(tx: Tx, changes: Changes, actor: Actor, one: Wanted, *, now: datetime) -> None:
    if one.held is None:
        return
    appointment = await tx.get_one(Appointment, one.held.id)
    appointment.duty_phone = one.duty_phone or appointment.duty_phone
    appointment.starts_on = one.starts_on or appointment.starts_on
    appointment.ends_on = one.ends_on or appointment.ends_on
    appointment.version += 1
    note_amended(tx, actor, appointment, now=now)
    changes.note(appointment)


async def _appoint(
    tx: Tx, changes: Changes, actor: Actor, wanted: Sequence[Wanted], *, now: datetime
) -> None:
    people = await _people_of(tx, wanted)
    covered = await _with_workers(tx, wanted)
    day = local_day(now)
    rows: list[Model] = []
    for one in wanted:
        first = one.role is Role.GRID_WORKER and one.spot.id not in covered
        if first:
            covered.add(one.spot.id)
        row = Appointment(
            node_id=one.spot.id,
            role=one.role.value,
            person_id=people[one.phone].id,
            duty_phone=one.duty_phone or "",
            starts_on=one.starts_on or day,
            ends_on=one.ends_on,
            organization_id=None if one.department is None else one.department.id,
            awaits_start=one.starts_on is not None and one.starts_on > day,
            is_primary=first,
        )
        rows += appointed_rows(actor, row, now=now)
        changes.note(row)
        if len(rows) >= SAVED_AT_ONCE:
            await save(tx, *rows)
            rows = []
    await save(tx, *rows)


async def _with_workers(tx: Tx, wanted: Sequence[Wanted]) -> set[UUID]:
    """Return the grids that have a worker: the first one is responsible for hers."""
    nodes = {one.spot.id for one in wanted if one.role is Role.GRID_WORKER}
    held = select(Appointment.node_id).where(
        Appointment.node_id.in_(nodes),
        Appointment.role == Role.GRID_WORKER.value,
        Appointment.ended_at.is_(None),
    )
    return set(await tx.scalars(held))


async def _people_of(tx: Tx, wanted: Sequence[Wanted]) -> dict[str, Person]:
    """Find people by phone, or register them; known ones stay who they are until `tx` ends."""
    names = {one.phone: one.name for one in wanted}
    people: dict[str, Person] = {}
    sealed = [text for phone in sorted(names) for text in seals().every(phone, "phone")]
    known = select(Person).where(type_coerce(Person.phone, Text).in_(sealed))
    for person in await tx.scalars(known.with_for_update(read=True, key_share=True)):
        phone = person.phone or ""
        people[phone] = person
        person.name = person.name or names[phone]
    new = {
        phone: Person(name=name, phone=phone)
        for phone, name in names.items()
        if phone not in people
    }
    for some in batched(list(new.values()), SAVED_AT_ONCE):
        await save(tx, *some)
    return people | new


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
