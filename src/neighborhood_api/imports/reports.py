"""The report of an import: every row as it was read, with what would happen and why not."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from neighborhood_api.imports.books import Book, Sheet
from neighborhood_api.imports.outcomes import KIND_NAMES, OUTCOME_NAMES, WARNING, Outcome
from neighborhood_api.imports.planning import Plan
from neighborhood_api.imports.reading.tables import Kind
from neighborhood_api.kit.sealing import seals
from neighborhood_api.kit.sheets import harmless
from neighborhood_api.registers.masking import masked_name

AT_ONCE = 5_000
_ABOUT = {"fault": "错误", WARNING: "提醒", "changed": "", "new": ""}
_ROWS = """
SELECT r.sheet, r.line, r.cells, COALESCE(o.outcome, 'fault') AS outcome, f.said
FROM staged_row r
LEFT JOIN (
    SELECT n, (ARRAY['unchanged', 'new', 'changed', 'fault'])[max(
        array_position(ARRAY['unchanged', 'new', 'changed', 'fault'], outcome))] AS outcome
    FROM settled GROUP BY n
) o USING (n)
LEFT JOIN (
    SELECT n, array_agg(DISTINCT about || '|' || said ORDER BY about || '|' || said) AS said
    FROM staged_finding GROUP BY n
) f USING (n)
ORDER BY r.n
"""
_MISSING = "SELECT kind, node_id, name, address FROM staged_missing"


async def write_report(connection: asyncpg.Connection, plan: Plan, path: Path) -> None:
    """Write the report of a plan whose transaction is still open."""
    book = Book(path)
    try:
        await asyncio.to_thread(_write_summary, book, plan)
        await _write_rows(connection, plan, book)
        await _write_missing(connection, plan, book)
    finally:
        await asyncio.to_thread(book.close)  # it has files of its own open


def _write_summary(book: Book, plan: Plan) -> None:
    heads = ("类别", "新增", "修改", "不变", "有误", "提醒", "文件中没有")
    sheet = book.sheet("汇总", [(head, 14) for head in heads])
    keys = (*(outcome.value for outcome in Outcome), WARNING, "missing")
    for kind, name in KIND_NAMES.items():
        counted = plan.totals.get(kind.value)
        if counted is not None:
            sheet.add([(name, *(counted.get(key, 0) for key in keys))])
    staged = plan.staged
    told = [f"{one.sheet}：{one.message}" for one in staged.skipped] + staged.notes
    if told:
        notes = book.sheet("说明", [("没有读取的内容", 100)])
        notes.add((harmless(text),) for text in told)


async def _write_rows(connection: asyncpg.Connection, plan: Plan, book: Book) -> None:
    sheet: Sheet | None = None
    current = -1
    rows: list[Sequence[str | int]] = []
    async for row in connection.cursor(_ROWS, prefetch=AT_ONCE):
        if row["sheet"] != current or len(rows) >= AT_ONCE:
            if sheet is not None:
                await asyncio.to_thread(sheet.add, rows)
            rows = []
        if row["sheet"] != current:
            current = row["sheet"]
            head = plan.staged.sheets[current]
            columns = [(harmless(text), 16) for text in head.heads]
            sheet = book.sheet(head.name, [("行号", 8), ("结果", 8), ("说明", 60), *columns])
        rows.append(_line(row))
    if sheet is not None:
        await asyncio.to_thread(sheet.add, rows)


def _line(row: Any) -> Sequence[str | int]:  # noqa: ANN401  (a record)
    told = []
    for one in row["said"] or ():
        about, _, words = one.partition("|")
        mark = _ABOUT.get(about, "")
        told.append(f"{mark}：{words}" if mark else words)
    name = OUTCOME_NAMES[Outcome(row["outcome"])]
    return row["line"], name, harmless("；".join(told)), *(harmless(c) for c in row["cells"])


async def _write_missing(connection: asyncpg.Connection, plan: Plan, book: Book) -> None:
    """List what the register has and the file has not; nothing of it is deleted."""
    sheet: Sheet | None = None
    rows: list[Sequence[str]] = []
    unseal = seals().open
    async for row in connection.cursor(_MISSING, prefetch=AT_ONCE):
        if sheet is None:
            heads = (("类别", 8), ("所在地点", 24), ("姓名或名称", 24), ("门牌", 24))
            sheet = book.sheet("不在文件中（不会删除）", heads)
        spot = plan.tree.by_id.get(row["node_id"])
        door = "" if row["address"] is None else unseal(row["address"], "address")
        where = "" if spot is None else f"{spot.name} {spot.code}"
        name = row["name"]
        if row["kind"] == Kind.PEOPLE.value and not plan.scope.sees_entries:
            name = masked_name(name)
        told = (KIND_NAMES[Kind(row["kind"])], where, name or "", door)
        rows.append([harmless(text) for text in told])
        if len(rows) >= AT_ONCE:
            await asyncio.to_thread(sheet.add, rows)
            rows = []
    if sheet is not None:
        await asyncio.to_thread(sheet.add, rows)
