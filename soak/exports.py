"""Workers are killed in the middle of exports: the next one begins anew, and each is done once.

Meanwhile the API is asked how far they are, and must never say more than is true.
"""

import asyncio
import re
from dataclasses import dataclass, field
from io import BytesIO
from time import monotonic
from typing import Any
from uuid import UUID
from zipfile import BadZipFile, ZipFile

from soak import checks
from soak.ground import Ground
from soak.plots import Street
from soak.processes import verify_trail
from soak.report import Report
from soak.town import Somebody
from soak.world import Run, World, pause, world

ISSUES = 12_000
"""Enough for an export to take some seconds."""
EXPORTERS = (
    "operator",
    "street_dispatcher",
    "street_secretary",
    "community_worker",
    "grid_leader",
    "lane_chief",
)
_ROW = re.compile(rb"<row ")
_CODE = re.compile(rb"SK\d{6}-\d+")
_SHEET = "xl/worksheets/sheet1.xml"
_COLUMNS = """
SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
WHERE table_name = $1 AND is_generated = 'NEVER' AND NOT (column_name = ANY($2))
"""
_UNDER_WAY = """
SELECT id, rows_done FROM issue_export
WHERE state = 'running' AND rows_done BETWEEN 1 AND rows_total - 1
"""
_ENDED = """
SELECT e.id::text AS id, e.state, e.rows_done, e.rows_total, e.problem, j.attempts
FROM issue_export AS e JOIN procrastinate_jobs AS j
    ON j.task_name = 'issues.export_issues' AND j.args->>'export_id' = e.id::text
"""


@dataclass
class Watched:
    """What was seen of the exports of a run."""

    files: int = 0
    bytes: int = 0
    looks: int = 0
    asked: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


async def exports(run: Run) -> Report:
    """Kill workers in the middle of exports."""
    watched = Watched()
    async with world(run) as on:
        run.tell(f"writing {ISSUES:,} issues")
        codes = await copy_issues(on, ISSUES)
        until = monotonic() + run.seconds
        run.tell(f"killing workers for {run.seconds:.0f} seconds")
        async with asyncio.TaskGroup() as group:
            for role in EXPORTERS:
                who = on.town.staff[role]
                group.create_task(_export(on, who, codes, watched, until))
            group.create_task(_kill_in_the_middle(on, until))
        left = await on.until_quiet()
        return await _report(on, watched, left)


async def copy_issues(on: Ground, count: int) -> set[bytes]:
    """Report one issue, and write it again and again; return the codes of all."""
    first = await Street(on, on.town.residents[0]).report()
    case = (await on.sql(_COLUMNS, "case_file", ["id", "code"]))[0][0]
    issue = (await on.sql(_COLUMNS, "issue", ["case_id"]))[0][0]
    copy = f"""
        WITH new AS (
            SELECT gen_random_uuid() AS id, 'SK000000-' || n AS code
            FROM generate_series(1, $2::int) AS n),
        cases AS (
            INSERT INTO case_file (id, code, {case})
            SELECT new.id, new.code, {_of("c", case)} FROM new, case_file AS c WHERE c.id = $1)
        INSERT INTO issue (case_id, {issue})
        SELECT new.id, {_of("i", issue)} FROM new, issue AS i WHERE i.case_id = $1
    """  # noqa: S608  (names of columns from the catalogue)
    await on.sql(copy, first, count - 1)
    rows = await on.sql("SELECT code FROM case_file")
    await on.sql("ANALYZE case_file, issue")
    return {row["code"].encode() for row in rows}


def _of(table: str, columns: str) -> str:
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


async def _export(
    on: World, who: Somebody, codes: set[bytes], watched: Watched, until: float
) -> None:
    """Ask for one export after another, watch each, and look into its file."""
    while monotonic() < until:
        export = await on.clients.post(who, "/staff/exports")
        watched.asked.append(export["id"])
        while export["state"] not in {"done", "failed"}:
            await pause(on.run.random, 0.5, 1)
            export = await on.clients.get(who, f"/staff/exports/{export['id']}")
            watched.looks += 1
            watched.violations += dishonest(export, len(codes))
        if export["state"] == "done":
            content = await on.clients.download(export["url"])
            watched.files += 1
            watched.bytes += len(content)
            wrong = await asyncio.to_thread(incomplete, content, codes)
            watched.violations += [f"export {export['id']}: {one}" for one in wrong]


def dishonest(export: dict[str, Any], total: int) -> list[str]:
    """Say what an export claims that cannot be."""
    done, state = export["rows_done"], export["state"]
    whole = state == "done"
    claims = {
        "more rows than there are": done > total or export["rows_total"] != total,
        "finished before it is done": (export["percent"] == 100) != whole,  # noqa: PLR2004
        "a file before it is done": (export["url"] is not None) != whole,
        "done without all rows": whole and done != total,
        "rows while it waits": state == "queued" and done > 0,
        "failed": state == "failed",
    }
    return [f"{what}: {export}" for what, so in claims.items() if so]


def incomplete(content: bytes, codes: set[bytes]) -> list[str]:
    """Say what is wrong with a file: it is to have a head, and each issue once."""
    try:
        with ZipFile(BytesIO(content)) as book:
            broken = book.testzip()
            sheet = book.read(_SHEET)
    except BadZipFile as exc:
        return [f"the file is broken: {exc}"]
    rows, found = len(_ROW.findall(sheet)), _CODE.findall(sheet)
    wrong = [] if broken is None else [f"{broken} is broken"]
    if rows != len(codes) + 1:
        wrong.append(f"{rows} rows instead of {len(codes) + 1}")
    if len(found) != len(codes) or set(found) != codes:
        wrong.append(f"{len(found)} codes, {len(codes - set(found))} are missing")
    return wrong


async def _kill_in_the_middle(on: World, until: float) -> None:
    """Wait until an export goes on, kill the worker, and start it anew."""
    victim = on.workers[0]
    before: dict[UUID, int] = {}
    while monotonic() < until:
        await pause(on.run.random, 0.02, 0.3)
        now = {row["id"]: row["rows_done"] for row in await on.sql(_UNDER_WAY)}
        goes_on = any(before.get(one, rows) != rows for one, rows in now.items())
        before = now
        if goes_on:  # and is not what an earlier kill has left
            victim.kill()
            victim.start()


async def _report(on: World, watched: Watched, left: str | None) -> Report:
    report = Report("exports: workers are killed in the middle")
    ended = await on.sql(_ENDED)
    report.figures |= {
        "issues in each file": ISSUES,
        "workers killed": on.workers[0].kills,
        "exports": len(ended),
        "exports that were cut off": sum(row["attempts"] > 1 for row in ended),
        "most often begun": max((row["attempts"] for row in ended), default=0),
        "files looked into": watched.files,
        "megabytes": watched.bytes // 1_000_000,
        "looks at progress": watched.looks,
    }
    report.require("everything was done in the end", [left] if left else [])
    undone = [str(dict(row)) for row in ended if row["state"] != "done"]
    report.require("every export was done", undone)
    report.require("each was asked for by one job", _jobs(watched, [r["id"] for r in ended]))
    report.require("files are whole, and progress is honest", watched.violations)
    found = await checks.broken(on.url)
    for name in (
        "each export was announced once",
        "no job failed",
        "every event was delivered",
    ):
        report.require(name, found[name])
    whole, said = await verify_trail(on.run.home, on.url)
    report.require("the audit trail verifies", [] if whole else [said])
    report.require("the API answered as documented", on.clients.seen.violations)
    return report


def _jobs(watched: Watched, jobs: list[str]) -> list[str]:
    return [] if sorted(jobs) == sorted(watched.asked) else [f"{watched.asked} but {jobs}"]
