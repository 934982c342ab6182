"""Rows of files on their way into the database: read once, copied, and compared there.

What is few (nodes, departments, posts) stays in memory; households and people are copied into
temporary tables of the transaction, phones and addresses sealed as they lie in the register.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from neighborhood_api.grid.models import Occupancy
from neighborhood_api.grid.service import normal_address
from neighborhood_api.imports.defusing import restored
from neighborhood_api.imports.reading.book import read_tables
from neighborhood_api.imports.reading.problems import TooManyRows, UnreadableTable
from neighborhood_api.imports.reading.tables import (
    Column,
    Field,
    Kind,
    Limits,
    Row,
    Skipped,
    Table,
)
from neighborhood_api.imports.tree import PLACES_NAMED, Naming, naming_of
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import seals

Tell = Callable[[int], Awaitable[None]]
"""Told how many rows are done."""
AT_ONCE = 5_000
MOST_ROWS = 5_000_000
MOST_HELD = 200_000
"""Nodes, posts or organisations of one import, as they are compared in memory."""
MOST_PLACES = 200_000
"""Different ways of naming the places of households and people; a county has 60,000 lanes."""
LONGEST_DOOR, LONGEST_NAME, LONGEST_NOTE, LONGEST_RELATION = 60, 30, 200, 20
HEAD_OF_HOUSEHOLD = "户主"
CALLED_HEAD = frozenset({HEAD_OF_HOUSEHOLD, "本人", "户主本人"})
_USES = {
    "自住 自有 自用 自住房": Occupancy.OWNED,
    "出租 租住 出租屋 出租房 租赁 承租 租房": Occupancy.RENTED,
    "空置 空房 闲置 空关 无人居住": Occupancy.VACANT,
    "其他 其它 商用 商住 办公 经营": Occupancy.OTHER,
    "未知 不详": Occupancy.UNKNOWN,
}
OCCUPANCIES = {word: use for words, use in _USES.items() for word in words.split()}
OCCUPANCY_NAMES = {
    Occupancy.OWNED: "自住",
    Occupancy.RENTED: "出租",
    Occupancy.VACANT: "空置",
    Occupancy.OTHER: "其他",
    Occupancy.UNKNOWN: "未知",
}

TABLES = {
    "staged_row": "n int, sheet int, line int, kind text, cells text[]",
    "staged_outcome": "n int, kind text, outcome text, part int DEFAULT 0",
    "staged_finding": "n int, about text, said text",
    "staged_place": "place int, lane_id uuid, district_id uuid, street_id uuid,"
    " community_id uuid, grid_id uuid, fault text, warning text",
    "staged_household": "n int, place int, address text, id uuid, occupancy text, note text,"
    " verified_on date",
    "staged_resident": "n int, place int, address text, id uuid, name text, phone text,"
    " birth_year int, relation text, is_head bool, moved_in_on date, verified_on date,"
    " of_household bool",
    "staged_missing": "kind text, node_id uuid, name text, address text",
    "resealed": "was text, sealed text",
}
DERIVED = ("known_household", "known_resident", "planned_household", "planned_resident", "door")
"""Temporary tables that the comparison makes of these."""


class Source(NamedTuple):
    """A file to read."""

    name: str
    path: Path


class SheetHead(NamedTuple):
    """A sheet that was read, as the report shows it."""

    name: str
    kind: Kind
    heads: tuple[str, ...]


@dataclass
class Staged:
    """What was read, save for what lies in the temporary tables."""

    today: date
    sheets: list[SheetHead] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    held: dict[Kind, list[tuple[int, Row]]] = field(default_factory=dict)
    """Nodes, departments and posts, with their numbers."""
    places: dict[Naming, int] = field(default_factory=dict)
    """Each way in which households and people name a place."""
    _seen: dict[tuple[object, ...], int] = field(default_factory=dict)

    def place(self, row: Row) -> int:
        """Return the number of the way in which a row names its place."""
        values = row.values
        key = tuple([(one, values[one]) for one in PLACES_NAMED if one in values])
        number = self._seen.get(key)  # most rows name a place as the one before does
        if number is None:
            number = self.places.setdefault(naming_of(row), len(self.places))
            if number >= MOST_PLACES:
                raise TooManyRows(f"地点写法超过 {MOST_PLACES} 种，请分社区或街道导入")
            self._seen[key] = number
        return number


async def make_tables(connection: asyncpg.Connection) -> None:
    """Make the temporary tables anew; they are gone with the transaction."""
    for name in (*DERIVED, *TABLES):
        await connection.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    for name, columns in TABLES.items():
        await connection.execute(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP")


async def read_sources(
    connection: asyncpg.Connection,
    sources: Sequence[Source],
    limits: Limits,
    tell: Tell,
    *,
    today: date,
    titles: Collection[str] = (),
) -> Staged:
    """Read every sheet of every file into the temporary tables.

    Raises: UnreadableTable.
    """
    staged = Staged(today)
    for number, source in enumerate(sources, start=1):
        name = f"{source.name} · " if len(sources) > 1 else ""
        try:
            with await asyncio.to_thread(source.path.open, "rb") as file:
                tables = read_tables(file, source.name, limits=limits, titles=titles)
                while (table := await asyncio.to_thread(next, tables, None)) is not None:
                    if isinstance(table, Skipped):
                        staged.skipped.append(table)
                    else:
                        await _read_table(connection, staged, table, name + table.sheet, tell)
        except UnreadableTable as problem:
            if len(sources) == 1:
                raise
            said = problem.detail or problem.message
            raise type(problem)(f"第 {number} 个文件：{said}") from problem
    return staged


async def _read_table(
    connection: asyncpg.Connection, staged: Staged, table: Table, name: str, tell: Tell
) -> None:
    heads = tuple(column.head for column in table.columns)
    staged.sheets.append(SheetHead(name, table.kind, heads))
    number = len(staged.sheets) - 1
    while True:
        batch = await asyncio.to_thread(_next_batch, staged, table)
        for into, records in batch.items():
            if into == "staged_row":
                records = [(n, number, *rest) for n, *rest in records]  # noqa: PLW2901
            await connection.copy_records_to_table(into, records=records)
        if not batch:
            break
        await tell(staged.rows)
    staged.notes += [f"{name}：{note}" for note in table.notes]


Batch = dict[str, list[tuple[Any, ...]]]


def _next_batch(staged: Staged, table: Table) -> Batch:
    """Read some rows, in a thread of its own; an empty batch is the end."""
    batch: Batch = {}
    kind = table.kind
    for row in islice(table.rows, AT_ONCE):
        n = staged.rows
        staged.rows += 1
        if staged.rows > MOST_ROWS:
            raise TooManyRows
        cells = _cells(row, table.columns)
        batch.setdefault("staged_row", []).append((n, row.number, kind.value, cells))
        if row.faults:
            findings = batch.setdefault("staged_finding", [])
            findings += [
                (n, "fault", _worded(fault.column, fault.message)) for fault in row.faults
            ]
            batch.setdefault("staged_outcome", []).append((n, kind.value, "fault", 0))
        else:
            _stage(staged, batch, kind, n, row)
    return batch


def _worded(column: str, message: str) -> str:
    return f"{column}：{message}" if column else message


def _cells(row: Row, columns: Sequence[Column]) -> list[str]:
    """Return a line as it was read, for the report."""
    values = row.values
    if not row.faults and not row.seats:
        return [values.get(one.field, "") if one.seat is None else "" for one in columns]
    held = {seat.number: seat.values for seat in row.seats}
    wrong = {(one.seat, one.field): one.value for one in row.faults}
    cells = []
    for one in columns:
        told = values if one.seat is None else held.get(one.seat, {})
        cells.append(told.get(one.field) or wrong.get((one.seat, one.field), ""))
    return cells


def _stage(staged: Staged, batch: Batch, kind: Kind, n: int, row: Row) -> None:
    match kind:
        case Kind.HOUSEHOLDS:
            _stage_household(staged, batch, n, row)
        case Kind.PEOPLE:
            _stage_resident(staged, batch, n, row)
        case _:
            held = staged.held.setdefault(kind, [])
            held.append((n, row))
            if len(held) > MOST_HELD:
                raise TooManyRows


def _refuse(batch: Batch, kind: Kind, n: int, words: str) -> None:
    batch.setdefault("staged_finding", []).append((n, "fault", words))
    batch.setdefault("staged_outcome", []).append((n, kind.value, "fault", 0))


def _text(row: Row, wanted: Field) -> str | None:
    text = row.get(wanted)
    return None if text is None else restored(text)


def _door(row: Row) -> str | None:
    """Return the door as the register writes it."""
    parts = (_text(row, one) for one in (Field.ADDRESS, Field.UNIT, Field.ROOM))
    return normal_address("".join(part for part in parts if part)) or None


def _wrong_household(staged: Staged, row: Row, door: str | None) -> str:
    """Return what is wrong with the row of a household by itself."""
    use = row.get(Field.HOUSE_USE)
    if door is None or len(door) > LONGEST_DOOR:
        return "缺少门牌，请填写" if door is None else f"门牌超过 {LONGEST_DOOR} 字，请缩短"
    if use is not None and use not in OCCUPANCIES:
        return f"房屋用途只能是{'、'.join(OCCUPANCY_NAMES.values())}"
    if len(row.get(Field.NOTE) or "") > LONGEST_NOTE:
        return f"备注超过 {LONGEST_NOTE} 字，请缩短"
    if len(row.get(Field.HEAD) or "") > LONGEST_NAME:
        return f"户主姓名超过 {LONGEST_NAME} 字，请核对"
    return _future(row, Field.VERIFIED_ON, "核实日期", staged.today)


def _wrong_resident(staged: Staged, row: Row, door: str | None, name: str | None) -> str:
    """Return what is wrong with the row of a person by itself."""
    if door is None or name is None:
        return f"缺少{'姓名' if name is None else '门牌'}，请填写"
    lengths = (
        *((door, "门牌", LONGEST_DOOR), (name, "姓名", LONGEST_NAME)),
        (row.get(Field.RELATION) or "", "与户主关系", LONGEST_RELATION),
    )
    for text, words, longest in lengths:
        if len(text) > longest:
            return f"{words}超过 {longest} 字，请缩短"
    if row.get(Field.MOVED_OUT_ON) is not None:
        return "已迁出的人员不导入，请在登记册中办理迁出后删去此行"
    return (
        _future(row, Field.VERIFIED_ON, "核实日期", staged.today)
        or _future(row, Field.MOVED_IN_ON, "迁入日期", staged.today)
        or _future(row, Field.BORN_ON, "出生日期", staged.today)
    )


def _future(row: Row, wanted: Field, words: str, today: date) -> str:
    day = row.day(wanted)
    return "" if day is None or day <= today else f"{words}不能晚于今天，请核对"


def _stage_household(staged: Staged, batch: Batch, n: int, row: Row) -> None:
    door = _door(row)
    use = row.get(Field.HOUSE_USE)
    wrong = _wrong_household(staged, row, door)
    if wrong or door is None:
        _refuse(batch, Kind.HOUSEHOLDS, n, wrong)
        return
    occupancy = None if use is None else OCCUPANCIES[use].value
    place, address = staged.place(row), seals().seal(door, "address")
    batch.setdefault("staged_household", []).append(
        (
            *(n, place, address, new_id()),
            *(occupancy, _text(row, Field.NOTE), row.day(Field.VERIFIED_ON)),
        )
    )
    head = _text(row, Field.HEAD)
    if head is not None:
        phone = row.get(Field.PHONE)
        sealed = None if phone is None else seals().seal(phone, "phone")
        batch.setdefault("staged_resident", []).append(
            (
                *(n, place, address, new_id(), head, sealed, None, HEAD_OF_HOUSEHOLD),
                *(True, None, row.day(Field.VERIFIED_ON), True),
            )
        )


def _stage_resident(staged: Staged, batch: Batch, n: int, row: Row) -> None:
    door, name = _door(row), _text(row, Field.NAME)
    wrong = _wrong_resident(staged, row, door, name)
    if wrong or door is None:
        _refuse(batch, Kind.PEOPLE, n, wrong)
        return
    phone, born = row.get(Field.PHONE), row.day(Field.BORN_ON)
    relation = _text(row, Field.RELATION)
    is_head = None if relation is None else relation in CALLED_HEAD
    if relation is None and name == _text(row, Field.HEAD):
        is_head = True
    if row.get(Field.CARE) is not None:
        words = (n, "warning", "关爱对象标识不随表导入，请由有权限的岗位在登记册中填写")
        batch.setdefault("staged_finding", []).append(words)
    batch.setdefault("staged_resident", []).append(
        (
            *(n, staged.place(row), seals().seal(door, "address"), new_id(), name),
            None if phone is None else seals().seal(phone, "phone"),
            None if born is None else born.year,
            relation,
            is_head,
            *(row.day(Field.MOVED_IN_ON), row.day(Field.VERIFIED_ON), False),
        )
    )
