"""What an import would change: every row compared with what is there; nothing is written."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

import asyncpg

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.imports.departments import DepartmentPlan
from neighborhood_api.imports.doors import compare_doors
from neighborhood_api.imports.establishments import EstablishmentPlan
from neighborhood_api.imports.nodes import NodePlan, tree_of
from neighborhood_api.imports.outcomes import WARNING, Outcome, Verdict
from neighborhood_api.imports.posts import PostPlan
from neighborhood_api.imports.reading.tables import DEFAULT_LIMITS, Kind, Limits
from neighborhood_api.imports.staging import Source, Staged, make_tables, read_sources
from neighborhood_api.imports.tree import Tree
from neighborhood_api.imports.wording import Wording, wording_of
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.sealing import seals

PEOPLE_KINDS = frozenset({Kind.HOUSEHOLDS, Kind.PEOPLE, Kind.ESTABLISHMENTS})
EVERY_KIND = frozenset(Kind)
_SETTLED = """
CREATE TEMPORARY TABLE settled ON COMMIT DROP AS
SELECT n, kind, part, (ARRAY['unchanged', 'new', 'changed', 'fault'])[max(
    array_position(ARRAY['unchanged', 'new', 'changed', 'fault'], outcome))] AS outcome
FROM staged_outcome GROUP BY n, kind, part
"""
_TOTALS = "SELECT kind, outcome, count(*) AS rows FROM settled GROUP BY kind, outcome"
_WARNED = """
SELECT s.kind, count(DISTINCT f.n) AS rows FROM staged_finding f
JOIN settled s USING (n) WHERE f.about = 'warning' GROUP BY s.kind
"""
_MISSED = "SELECT kind, count(*) AS rows FROM staged_missing GROUP BY kind"
_DIGEST = """
SELECT concat_ws('-', count(*), sum(hashtextextended(said, 0)::numeric)) FROM (
    SELECT concat_ws('|', n, kind, part, outcome) AS said FROM settled
    WHERE outcome <> 'unchanged'
    UNION ALL
    SELECT concat_ws('|', n, about, said) FROM staged_finding WHERE about <> 'warning'
) AS planned
"""


@dataclass(frozen=True)
class Scope:
    """For which place rows are taken, and of which kinds."""

    place: Place
    kinds: frozenset[Kind]
    sees_entries: bool = False
    """Whether whole entries of the registers are shown there, and not only masked ones."""

    @property
    def taken_out(self) -> "Scope":
        """Return what leaves as a file: people for nobody to whom no single entry is shown."""
        if self.sees_entries:
            return self
        return replace(self, kinds=self.kinds - PEOPLE_KINDS)

    @property
    def district_id(self) -> UUID:
        """In which district it lies."""
        return self.place.up_to(Level.DISTRICT).node_id

    @classmethod
    def of(cls, actor: Actor, place: Place) -> "Scope":
        """Return what somebody may bring for a place; nothing, if nothing."""
        grid = actor.may(Permission.GRID_MANAGE, at=place)
        posts = actor.may(Permission.APPOINTMENT_MANAGE, at=place)
        people = actor.may(Permission.HOUSEHOLD_IMPORT, at=place)
        if place.level > Level.COMMUNITY:
            return cls(place, frozenset())
        kinds: set[Kind] = {Kind.NODES, Kind.ORGANIZATIONS} if grid else set()
        kinds |= {Kind.POSTS} if grid and posts else set()
        kinds |= PEOPLE_KINDS if people else set()
        sees = actor.may(Permission.REGISTER_MANAGE, at=place)
        return cls(place, frozenset(kinds), sees)


@dataclass
class Plan:
    """What would happen; the rows lie in temporary tables of the transaction."""

    scope: Scope
    staged: Staged
    tree: Tree
    nodes: NodePlan
    departments: DepartmentPlan
    posts: PostPlan
    establishments: EstablishmentPlan
    wording: Wording
    totals: dict[str, dict[str, int]]
    """Rows by kind and outcome; `warning` and `missing` besides."""
    digest: str

    @property
    def faults(self) -> int:
        """How many rows, or sheets, cannot be taken."""
        sheets = sum(1 for one in self.staged.skipped if one.wrong)
        return sheets + sum(one.get(Outcome.FAULT.value, 0) for one in self.totals.values())

    @property
    def changes(self) -> int:
        """How many rows would change something."""
        kept = (Outcome.NEW.value, Outcome.CHANGED.value)
        return sum(one.get(name, 0) for one in self.totals.values() for name in kept)


async def raw_connection(tx: ReadTx) -> asyncpg.Connection:
    """Return the connection on which a transaction runs, for COPY; it is begun for certain."""
    connection = await tx.connection()
    _ = await connection.exec_driver_sql("SELECT 1")
    found: Any = (await connection.get_raw_connection()).driver_connection
    return found


async def _nobody_listens(_: int) -> None:
    return


async def make_plan(
    connection: asyncpg.Connection,
    scope: Scope,
    sources: Sequence[Source],
    *,
    now: datetime,
    tell: Callable[[int], Awaitable[None]] = _nobody_listens,
    limits: Limits = DEFAULT_LIMITS,
) -> Plan:
    """Read files and compare every row with what is there.

    Raises: UnreadableTable.
    """
    await make_tables(connection)
    await connection.execute("DROP TABLE IF EXISTS pg_temp.settled")
    wording = await wording_of(connection, scope.district_id)
    today = local_day(now)
    staged = await read_sources(
        connection, sources, limits, tell, today=today, titles=wording.titles
    )
    tree = await tree_of(connection, scope.place)
    nodes, departments = NodePlan(tree, wording, today), DepartmentPlan(tree, wording)
    posts = PostPlan(tree, departments, wording, now)
    establishments = EstablishmentPlan(tree, wording, today)
    refused = _refuse_kinds(staged, scope, wording)
    await nodes.compare(connection, staged.held.get(Kind.NODES, ()))
    await departments.load(connection)
    departments.compare(staged.held.get(Kind.ORGANIZATIONS, ()))
    refused += _refuse_posts(nodes, scope)
    await posts.compare(connection, staged.held.get(Kind.POSTS, ()), nodes.seated)
    await establishments.compare(connection, staged.held.get(Kind.ESTABLISHMENTS, ()))
    verdicts = (part.verdicts for part in (nodes, departments, posts, establishments))
    await _copy_verdicts(connection, [*refused, *chain.from_iterable(verdicts)])
    await _copy_missing(connection, nodes, departments, posts, establishments)
    places = await asyncio.to_thread(_places, staged, tree, wording.lanes)
    await connection.copy_records_to_table("staged_place", records=places)
    await compare_doors(connection)
    await connection.execute(_SETTLED)
    await connection.execute("ANALYZE settled")
    totals = await _totals(connection)
    digest: str = await connection.fetchval(_DIGEST)
    return Plan(
        *(scope, staged, tree, nodes, departments, posts, establishments, wording),
        totals=totals,
        digest=digest,
    )


def _refuse_kinds(staged: Staged, scope: Scope, wording: Wording) -> list[Verdict]:
    """Refuse the rows of kinds that the caller may not bring."""
    refused: list[Verdict] = []
    for kind in staged.held.keys() - scope.kinds:
        for n, _ in staged.held.pop(kind):
            verdict = Verdict(n, kind)
            who = wording.title(Role.OPERATOR)
            verdict.fault(f"您只能导入住户、人员和单位，请由{who}导入此表")
            refused.append(verdict)
    return refused


def _refuse_posts(nodes: NodePlan, scope: Scope) -> list[Verdict]:
    """Refuse the posts beside places where the caller may bring places and no posts."""
    if Kind.POSTS in scope.kinds:
        return []
    refused = [Verdict(one.number, Kind.POSTS) for one in nodes.seated]
    nodes.seated.clear()
    for verdict in refused:
        verdict.fault("您不能导入任职，请删去岗位各列")
    return refused


async def _copy_verdicts(connection: asyncpg.Connection, verdicts: Iterable[Verdict]) -> None:
    outcomes, findings = [], []
    for one in verdicts:
        outcomes.append((one.number, one.kind.value, one.outcome.value, one.part))
        findings += [(one.number, about, words) for about, words in one.said]
    await connection.copy_records_to_table("staged_outcome", records=outcomes)
    await connection.copy_records_to_table("staged_finding", records=findings)


async def _copy_missing(
    connection: asyncpg.Connection,
    nodes: NodePlan,
    departments: DepartmentPlan,
    posts: PostPlan,
    establishments: EstablishmentPlan,
) -> None:
    rows: list[tuple[str, UUID | None, str, str | None]] = [
        (Kind.NODES.value, spot.parent_id, spot.name, None) for spot in nodes.missing()
    ]
    rows += [
        (Kind.ORGANIZATIONS.value, one.node_id, one.name, None) for one in departments.missing()
    ]
    rows += [
        (
            Kind.POSTS.value,
            h.node_id,
            f"{posts.wording.title(Role(h.role))} {h.name or ''}",
            None,
        )
        for h in posts.missing()
    ]
    seal = seals().seal
    rows += [
        (Kind.ESTABLISHMENTS.value, one.place.node_id, one.name, seal(one.address, "address"))
        for one in establishments.missing()
    ]
    await connection.copy_records_to_table("staged_missing", records=rows)


def _places(staged: Staged, tree: Tree, lanes: str) -> list[tuple[Any, ...]]:
    """Find the lane of each way in which households and people name one."""
    rows: list[tuple[Any, ...]] = []
    for naming, number in staged.places.items():
        found = tree.find(naming)
        spot, fault = found.spot, found.fault or None
        if spot is not None and spot.level != Level.LANE:
            fault = f"“{spot.name}”不是{lanes}，住户要登记在{lanes}"
            spot = None
        warning = "；".join(found.warnings) or None
        if spot is None:
            rows.append((number, *[None] * len(COLUMNS), fault, warning))
        else:
            *above, lane_id = spot.place
            rows.append((number, lane_id, *above, None, warning))
    return rows


async def _totals(connection: asyncpg.Connection) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for row in await connection.fetch(_TOTALS):
        totals.setdefault(row["kind"], {})[row["outcome"]] = row["rows"]
    for name, sql in ((WARNING, _WARNED), ("missing", _MISSED)):
        for row in await connection.fetch(sql):
            totals.setdefault(row["kind"], {})[name] = row["rows"]
    return totals
