"""`python -m benchmarks imports`: how long a county waits until its grid and people are in.

One workbook has the whole tree, a chief in every lane, households and people. It is tried (with
the report), written, and brought once more, when everything is there already; then it is taken
out. Each step is what the worker does, on one connection.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.table import Table

from benchmarks.ground import durable_database, folder
from benchmarks.load import LoadFailed
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor, Post, Role
from neighborhood_api.identity.places import Level
from neighborhood_api.imports.applying import write_plan
from neighborhood_api.imports.books import Book
from neighborhood_api.imports.exporting import HEADS
from neighborhood_api.imports.planning import Plan, Scope, make_plan, raw_connection
from neighborhood_api.imports.reading.heads import SHEET_NAMES
from neighborhood_api.imports.reading.tables import Kind
from neighborhood_api.imports.reports import write_report
from neighborhood_api.imports.staging import Source
from neighborhood_api.imports.taking_out import write_grid
from neighborhood_api.imports.working import limits_of
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.migrate import migrate

STEM = "990001"
STREETS, COMMUNITIES, GRIDS = 20, 25, 20
DOORS = 9
"""Households of a lane."""
LANES = 6
"""Lanes of a grid."""
ALLOWED_MINUTES = 10


@dataclass(frozen=True)
class Step:
    """What was done with so many rows, and how long it took."""

    name: str
    rows: int
    seconds: float

    @property
    def per_second(self) -> int:
        """Rows in a second."""
        return round(self.rows / self.seconds)


@dataclass(frozen=True)
class Taken:
    """What came out."""

    households: int
    megabytes: float
    steps: list[Step]


def measure(households: int, tell: Callable[[str], None]) -> Taken:
    """Write a workbook, and bring it.

    Raises: LoadFailed.
    """
    with ExitStack() as stack:
        home = stack.enter_context(folder())
        url = stack.enter_context(durable_database(home))
        migrate(url)
        path = home / "county.xlsx"
        tell(f"writing a workbook with {households:,} households")
        _write_workbook(path, households)
        steps = asyncio.run(_bring(url, path, tell))
        return Taken(households, path.stat().st_size / 1024**2, steps)


def table(taken: Taken) -> Table:
    """Lay the figures out."""
    title = f"A county with {taken.households:,} households, {taken.megabytes:.0f} MB"
    made = Table(title=title)
    for head in ("step", "rows", "seconds", "rows a second"):
        made.add_column(head, justify="left" if head == "step" else "right")
    for step in taken.steps:
        cells = (f"{step.rows:,}", f"{step.seconds:.0f}", f"{step.per_second:,}")
        made.add_row(step.name, *cells)
    made.caption = f"allowed: {ALLOWED_MINUTES} minutes for trying and writing together"
    return made


def figures(taken: Taken) -> dict[str, Any]:
    """Return the figures as they are kept."""
    waited = sum(step.seconds for step in taken.steps[:2])
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "households": taken.households,
        "megabytes": round(taken.megabytes),
        "steps": {
            step.name: {
                "rows": step.rows,
                "seconds": round(step.seconds, 1),
                "rows_per_second": step.per_second,
            }
            for step in taken.steps
        },
        "allowed_minutes": ALLOWED_MINUTES,
        "reached": waited <= ALLOWED_MINUTES * 60,
    }


def _lanes(households: int) -> Iterator[str]:
    """Give the codes of as many lanes as the households need."""
    wanted = -(-households // DOORS)
    for number in range(wanted):
        grid, lane = divmod(number, LANES)
        yield f"{_grid_code(grid)}{lane + 1:03}"


def _grid_code(number: int) -> str:
    rest, grid = divmod(number, GRIDS)
    street, community = divmod(rest, COMMUNITIES)
    return f"{STEM}{street + 1:03}{community + 1:03}{grid + 1:03}"


def _nodes(lanes: list[str]) -> Iterator[tuple[str, ...]]:
    grids = sorted({lane[:15] for lane in lanes})
    communities = sorted({grid[:12] for grid in grids})
    for street in sorted({community[:9] for community in communities}):
        yield f"{street}000", f"试验街道{street[-3:]}", "街道", f"{STEM}000000"
    for community in communities:
        yield community, f"试验社区{community[-3:]}", "社区", f"{community[:9]}000"
    for grid in grids:
        yield grid, f"第{int(grid[-3:])}网格", "网格", grid[:12]
    for lane in lanes:
        yield lane, f"试验巷{lane[-3:]}", "街巷", lane[:15]


def _write_workbook(path: Path, households: int) -> None:
    lanes = list(_lanes(households))
    doors = [(lane, "", f"{n + 1}号") for lane in lanes for n in range(DOORS)][:households]
    people = (
        (*door, f"试验人{n:06}", "户主", f"15{n:09}", f"{1940 + n % 60}-01-01")
        for n, door in enumerate(doors)
    )
    posts = (
        (lane, "", "巷长", f"试验巷长{n:05}", f"154{n:08}", f"0752-{6000000 + n}")
        for n, lane in enumerate(lanes)
    )
    book = Book(path)
    rows: dict[Kind, Any] = {
        Kind.PEOPLE: people,
        Kind.HOUSEHOLDS: ((*door, "自住") for door in doors),
        Kind.POSTS: posts,
        Kind.NODES: _nodes(lanes),
    }
    for kind, lines in rows.items():
        book.sheet(SHEET_NAMES[kind], HEADS[kind]).add(lines)
    book.close()


async def _bring(url: str, path: Path, tell: Callable[[str], None]) -> list[Step]:
    database = Database(url, pool_size=3)
    await database.open()
    try:
        actor, scope = await _operator(database)
        steps = []
        for name, writes in (("try", False), ("write", True), ("bring again", False)):
            tell(f"{name}: reading")
            begun = perf_counter()
            plan = await _step(database, actor, scope, path, tell, writes=writes)
            steps.append(Step(name, plan.staged.rows, perf_counter() - begun))
            if plan.faults or (name == "bring again") != (plan.changes == 0):
                raise LoadFailed(f"{name} found {plan.totals}")

        async def count(rows: int) -> None:
            tell(f"take out: {rows:,} rows")

        begun = perf_counter()
        rows = await write_grid(database, scope, path.with_name("out.xlsx"), count)
        return [*steps, Step("take out", rows, perf_counter() - begun)]
    finally:
        await database.close()


async def _step(
    database: Database,
    actor: Actor,
    scope: Scope,
    path: Path,
    tell: Callable[[str], None],
    *,
    writes: bool,
) -> Plan:
    now = datetime.now(UTC)

    async def count(rows: int) -> None:
        tell(f"{rows:,} rows read")

    async with database.transaction() as tx:
        connection = await raw_connection(tx)
        sources = [Source(path.name, path)]
        limits = limits_of(512)
        plan = await make_plan(connection, scope, sources, now=now, tell=count, limits=limits)
        if writes:
            tell("writing")
            await write_plan(tx, plan, actor, subject=new_id(), now=now)
        else:
            tell("writing the report")
            await write_report(connection, plan, path.with_name("report.xlsx"))
    return plan


async def _operator(database: Database) -> tuple[Actor, Scope]:
    district_id = new_id()
    district = Node(
        id=district_id,
        level=0,
        kind="district",
        parent_id=None,
        code=f"{STEM}000000",
        name="试验县",
        district_id=district_id,
    )
    async with database.transaction() as tx:
        tx.add(district)
    post = Post(Role.OPERATOR, Level.DISTRICT, district_id)
    actor = Actor(new_id(), new_id(), (post,))
    return actor, Scope.of(actor, district.place)
