"""Writing what a plan says: all of it, in the transaction in which it was made, or nothing."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import column, func, insert, select, table
from sqlalchemy.exc import DBAPIError, IntegrityError

from neighborhood_api.grid.models import Household, Node, Organization
from neighborhood_api.grid.plate_codes import new_plate_code
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.places import COLUMNS, Level, columns_of
from neighborhood_api.imports.establishments import rows_of, write_changed
from neighborhood_api.imports.nodes import NodePlan
from neighborhood_api.imports.planning import Plan, raw_connection
from neighborhood_api.imports.posting import SAVED_AT_ONCE, batched, write_posts
from neighborhood_api.imports.refusals import FaultsRemain, GroundChanged
from neighborhood_api.imports.tree import Spot
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.copying import Row, copy_rows
from neighborhood_api.kit.db import Tx, constraint_of
from neighborhood_api.kit.http import OUTDATED
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.registers.claims.matching import unlink_number
from neighborhood_api.registers.models import Establishment, Resident

APPLIED = "imports.import_applied"
MATCH_JOB = "registers.match_district"

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
_SINCE: date = Node.__table__.c.valid_from.default.arg
_RENAMED = """
UPDATE node SET name = g.name, kind = g.kind, code_prefix = g.code_prefix,
    longitude = g.longitude, latitude = g.latitude, plate_code = g.plate_code,
    version = node.version + 1
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[],
    $7::text[], $8::int[])
    AS g (id, name, kind, code_prefix, longitude, latitude, plate_code, version)
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
    verified_on = CASE WHEN p.of_household THEN GREATEST(p.verified_on, resident.verified_on)
        ELSE COALESCE(p.verified_on, resident.verified_on) END,
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
_RENUMBERED = """
SELECT o.id FROM planned_resident p JOIN known_resident k ON k.id = p.resident_id
JOIN resident o ON o.id = k.id
WHERE NOT p.is_new AND p.nth = 1 AND p.phone IS NOT NULL
    AND p.phone IS DISTINCT FROM k.phone AND o.person_id IS NOT NULL
"""
_GATHERED = """
UPDATE residence SET household_id = p.id, version = residence.version + 1
FROM planned_household p LEFT JOIN resealed r ON r.sealed = p.address
WHERE p.is_new AND p.nth = 1 AND residence.lane_id = p.lane_id
    AND residence.household_id IS NULL AND residence.address IN (p.address, r.was)
"""
"""Those belong to a household who said its door before it was registered."""


async def write_plan(tx: Tx, plan: Plan, actor: Actor, *, subject: UUID, now: datetime) -> None:
    """Write everything that is new or different.

    Raises: FaultsRemain, GroundChanged.
    Emits: AppointmentMade, AppointmentAmended, AppointmentEnded, PostVacant, PostFilled,
        RosterChanged.
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
        await copy_rows(connection, Establishment, rows_of(plan.establishments.new))
        changed = plan.establishments.changed
        if await write_changed(connection, changed) != len(changed):
            raise GroundChanged
        await write_posts(tx, connection, plan.posts, actor, now=now)
    except (DBAPIError, asyncpg.PostgresError) as exc:
        if not _came_too_late(exc):
            raise
        raise GroundChanged from exc
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


def _came_too_late(exc: DBAPIError | asyncpg.PostgresError) -> bool:
    """Tell whether others wrote the same meanwhile, or redrew the grid, or left their posts."""
    twice = isinstance(exc, IntegrityError | asyncpg.IntegrityConstraintViolationError)
    return twice or constraint_of(exc) in OUTDATED


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
            "valid_from": spot.valid_from or _SINCE,
            "plate_code": _plate_code(spot),
        }
        | dict.fromkeys(COLUMNS)
        | columns_of(spot.place)
        for spot in plan.new
    ]
    await copy_rows(connection, Node, rows)
    spots = [spot for spot in plan.changed if not spot.is_new]
    if spots:
        columns = ("id", "name", "kind", "code_prefix", "longitude", "latitude", "plate_code")
        values = ([getattr(spot, name) for spot in spots] for name in (*columns, "version"))
        done = await connection.execute(_RENAMED, *values)
        _require(done, len(spots))


def _plate_code(spot: Spot) -> str | None:
    """Return the code of a lane's plate: the one that the file gives it, or a new one."""
    return spot.plate_code or (new_plate_code() if spot.level == Level.LANE else None)


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
    await _unlink_numbers(tx, connection)
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


async def _unlink_numbers(tx: Tx, connection: asyncpg.Connection) -> None:
    """Note which entries are not of the accounts any more that their former numbers named."""
    renumbered = [row["id"] for row in await connection.fetch(_RENUMBERED)]
    for some in batched(renumbered, SAVED_AT_ONCE):
        entries = select(Resident).where(Resident.id.in_(some))
        fresh = entries.execution_options(populate_existing=True)
        for resident in (await tx.scalars(fresh)).all():
            await unlink_number(tx, resident)
    await tx.flush()


def _given(model: Any, columns: Any, *names: str) -> list[Any]:  # noqa: ANN401
    """Take a column's default where the file says nothing."""
    table_ = model.__table__
    return [func.coalesce(columns[name], table_.c[name].default.arg) for name in names]
