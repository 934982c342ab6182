"""Bringing and taking out the grid on the command line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from neighborhood_api.cli.operator import find_district, full_code
from neighborhood_api.cli.refusals import Refused
from neighborhood_api.identity.access import Actor, Post, Role
from neighborhood_api.identity.places import Level
from neighborhood_api.imports.applying import write_plan
from neighborhood_api.imports.outcomes import KIND_NAMES
from neighborhood_api.imports.planning import Plan, Scope, make_plan, raw_connection
from neighborhood_api.imports.reading.problems import UnreadableTable
from neighborhood_api.imports.reports import write_report
from neighborhood_api.imports.staging import Source
from neighborhood_api.imports.taking_out import EXPORTED, write_grid
from neighborhood_api.imports.working import limits_of
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Database, ReadTx

NOBODY = UUID(int=0)
"""Whom the audit trail names for what was done on the command line."""
_HEADS = ("new", "changed", "unchanged", "fault", "warning", "missing")
_WORDS = (
    "新增 new",
    "修改 changed",
    "不变 unchanged",
    "有误 faults",
    "提醒 warnings",
    "缺 missing",
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What shall be brought, and how."""

    files: Sequence[Path]
    district: str
    apply: bool
    report: Path | None
    megabytes: int


def progress_on(console: Console) -> Progress:
    """Return a line that shows how many rows are done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


async def bring(url: str, order: Order, console: Console) -> Plan:
    """Try files, and write them as a whole where that is asked for and nothing is wrong.

    Raises: Refused, Problem.
    """
    now = datetime.now(UTC)
    sources = [Source(path.name, path) for path in order.files]
    for source in sources:
        if not source.path.is_file():
            raise Refused(f"There is no file {source.path}. Check its name.")
    async with opened(url) as database, AsyncExitStack() as stack:
        tx = await stack.enter_async_context(database.transaction())
        actor, scope = await operator_of(tx, order.district)
        with progress_on(console) as progress:
            try:
                plan = await make_plan(
                    await raw_connection(tx),
                    scope,
                    sources,
                    now=now,
                    tell=_telling(progress, "读取并核对 Reading"),
                    limits=limits_of(order.megabytes),
                )
            except UnreadableTable as problem:  # its message does not say what exactly
                said = problem.detail or problem.message
                raise Refused(f"{problem.title}. {said}") from problem
        if order.report is not None:
            await write_report(await raw_connection(tx), plan, order.report)
        if order.apply and not plan.faults:
            with console.status("写入 Writing"):
                await write_plan(tx, plan, actor, subject=scope.place.node_id, now=now)
    return plan


async def take_out(url: str, district: str, path: Path, console: Console) -> int:
    """Write a district's grid and people to a workbook; return how many rows.

    Raises: Refused.
    """
    async with opened(url) as database:
        async with database.transaction() as tx:
            _, scope = await operator_of(tx, district)
            node_id, kinds = scope.place.node_id, sorted(kind.value for kind in scope.kinds)
            told = {"node_id": node_id, "kinds": kinds, "command_line": True}
            record_act(tx, EXPORTED, node_id, by=NOBODY, now=datetime.now(UTC), **told)
        with progress_on(console) as progress:
            tell = _telling(progress, "导出 Writing")
            return await write_grid(database, scope, path, tell)


def totals_table(plan: Plan) -> Table:
    """Lay out what becomes of the rows."""
    table = Table()
    table.add_column("")
    for words in _WORDS:
        table.add_column(words, justify="right")
    for kind, name in KIND_NAMES.items():
        counted = plan.totals.get(kind.value)
        if counted is not None:
            table.add_row(name, *(str(counted.get(head, 0)) for head in _HEADS))
    return table


def _telling(progress: Progress, words: str) -> Callable[[int], Awaitable[None]]:
    task = progress.add_task(words, total=None)

    async def tell(rows: int) -> None:
        progress.update(task, completed=rows)
        await asyncio.sleep(0)

    return tell


async def operator_of(tx: ReadTx, code: str) -> tuple[Actor, Scope]:
    """Return who does what the command line does in a district, and where.

    Raises: Refused.
    """
    district = await find_district(tx, code)
    if district is None:
        raise Refused(
            f"There is no district {full_code(code)} yet. "
            "Make it with `neighborhood-api create-operator`."
        )
    post = Post(Role.OPERATOR, Level.DISTRICT, district.id)
    actor = Actor(person_id=NOBODY, sign_in_id=NOBODY, posts=(post,))
    # Whoever has the command line has the database: nothing is hidden from her.
    return actor, replace(Scope.of(actor, district.place), sees_entries=True)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Give connections to a database for a while."""
    database = Database(url, pool_size=2)
    try:
        yield database
    finally:
        await database.close()
