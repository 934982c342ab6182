"""The grid and its people as a workbook that can be imported again."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import asyncpg

from neighborhood_api.grid.models import Occupancy
from neighborhood_api.grid.posts.choosing import SelectionKind
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import COLUMNS, Place
from neighborhood_api.imports.books import Book
from neighborhood_api.imports.choices import HOW_WORDS
from neighborhood_api.imports.defusing import defused
from neighborhood_api.imports.establishments import KIND_WORDS as ESTABLISHMENT_WORDS
from neighborhood_api.imports.planning import Scope
from neighborhood_api.imports.reading.heads import SHEET_NAMES
from neighborhood_api.imports.reading.tables import Kind
from neighborhood_api.imports.staging import CALLED_HEAD, HEAD_OF_HOUSEHOLD, OCCUPANCY_NAMES
from neighborhood_api.imports.wording import Wording, wording_of
from neighborhood_api.kit.sealing import seals
from neighborhood_api.registers.models import EstablishmentKind

Cells = Sequence[str | float | None]
Tell = Callable[[int], Awaitable[None]]
AT_ONCE = 5_000
_NUMBERS = re.compile(r"\d+")
HEADS: dict[Kind, tuple[tuple[str, int], ...]] = {
    Kind.NODES: (
        *(("编码", 20), ("名称", 24), ("类型", 8), ("上级编码", 18), ("上级", 24)),
        *(("编号前缀", 10), ("经度", 14), ("纬度", 14), ("启用日期", 12)),
        ("公示牌编号", 16),
    ),
    Kind.ORGANIZATIONS: (("区域编码", 20), ("区域", 20), ("部门名称", 24)),
    Kind.POSTS: (
        *(("区域编码", 20), ("区域", 20), ("职务", 14), ("姓名", 12), ("联系电话", 14)),
        *(("值班电话", 14), ("任职时间", 12), ("结束日期", 12), ("部门", 20)),
        *(("主责网格员", 10), ("产生方式", 10), ("产生日期", 12), ("赞成票", 8)),
        *(("实到票数", 8), ("应到票数", 8), ("提名或任命单位", 20), ("文号", 20)),
        ("产生说明", 20),
    ),
    Kind.HOUSEHOLDS: (
        *(("街巷编码", 20), ("街巷", 20), ("门牌", 20), ("房屋用途", 10)),
        *(("备注", 30), ("核实日期", 12)),
    ),
    Kind.PEOPLE: (
        *(("街巷编码", 20), ("街巷", 20), ("门牌", 20), ("姓名", 12), ("与户主关系", 12)),
        *(("联系电话", 14), ("出生日期", 12), ("迁入日期", 12), ("核实日期", 12)),
    ),
    Kind.ESTABLISHMENTS: (
        *(("区域编码", 20), ("区域", 20), ("单位地址", 20), ("单位名称", 24)),
        *(("单位类型", 14), ("联系人", 12), ("联系电话", 14), ("核实日期", 12)),
    ),
}
_SQL = {
    Kind.NODES: """
SELECT n.code, n.name, n.kind, p.code AS above_code, p.name AS above, n.code_prefix,
    n.longitude, n.latitude, n.valid_from, n.plate_code
FROM node n LEFT JOIN node p ON p.id = n.parent_id
WHERE n.{scope} = $1 AND n.valid_until IS NULL ORDER BY n.level, n.code
""",
    Kind.ORGANIZATIONS: """
SELECT n.code, n.name, o.name AS body FROM organization o JOIN node n ON n.id = o.node_id
WHERE n.{scope} = $1 AND n.valid_until IS NULL ORDER BY n.code, o.name
""",
    Kind.POSTS: """
SELECT n.code, n.name, a.role, p.name AS holder, p.phone, a.duty_phone, a.starts_on, a.ends_on,
    o.name AS body, a.is_primary, s.kind AS how, s.decided_on, s.votes_for, s.votes_cast,
    s.votes_eligible, s.nominated_by, s.document_number, s.note AS selection_note
FROM appointment a JOIN node n ON n.id = a.node_id JOIN person p ON p.id = a.person_id
LEFT JOIN organization o ON o.id = a.organization_id
LEFT JOIN appointment_selection s ON s.appointment_id = a.id
WHERE n.{scope} = $1 AND n.valid_until IS NULL AND a.ended_at IS NULL
    AND a.role <> 'chief_operator' AND p.phone IS NOT NULL
ORDER BY n.level, n.code, a.role, a.starts_on, p.phone
""",
    Kind.HOUSEHOLDS: """
SELECT n.code, n.name, h.address, h.occupancy, h.note, h.verified_on
FROM household h JOIN node n ON n.id = h.lane_id
WHERE h.{scope} = $1 AND n.valid_until IS NULL AND h.ended_on IS NULL ORDER BY n.code
""",
    Kind.PEOPLE: """
SELECT n.code, n.name, h.address, r.name AS who, r.relation, r.is_head, r.phone, r.birth_year,
    r.moved_in_on, r.verified_on
FROM resident r JOIN household h ON h.id = r.household_id JOIN node n ON n.id = h.lane_id
WHERE h.{scope} = $1 AND n.valid_until IS NULL AND h.ended_on IS NULL
    AND r.moved_out_on IS NULL
ORDER BY n.code
""",
    Kind.ESTABLISHMENTS: """
SELECT n.code, n.name, e.address, e.name AS called, e.kind, e.contact_name, e.contact_phone,
    e.verified_on
FROM establishment e JOIN node n ON n.id = COALESCE(e.lane_id, e.grid_id)
WHERE e.{scope} = $1 AND n.valid_until IS NULL AND e.ended_on IS NULL ORDER BY n.code
""",
}


async def write_workbook(
    connection: asyncpg.Connection, scope: Scope, path: Path, tell: Tell
) -> int:
    """Write what the scope shows, as it is at one moment; return how many rows.

    The transaction should be repeatable, or rows that change meanwhile may not fit together.
    """
    written = 0
    wording = await wording_of(connection, scope.district_id)
    book = Book(path)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, book.close)
        for kind, heads in HEADS.items():
            if kind not in scope.kinds:
                continue
            sheet = book.sheet(SHEET_NAMES[kind], heads)
            async for lines in _lines(connection, kind, scope.place, wording):
                await asyncio.to_thread(sheet.add, lines)
                written += len(lines)
                await tell(written)
    return written


async def _lines(
    connection: asyncpg.Connection, kind: Kind, place: Place, wording: Wording
) -> AsyncIterator[list[Cells]]:
    """Give the lines of a kind, some at a time and never half a lane."""
    sql = _SQL[kind].format(scope=COLUMNS[place.level])
    waiting: list[Any] = []
    async for row in connection.cursor(sql, place.node_id, prefetch=AT_ONCE):
        if len(waiting) >= AT_ONCE and waiting[-1]["code"] != row["code"]:
            yield await asyncio.to_thread(_shown, kind, waiting, wording)
            waiting = []
        waiting.append(row)
    if waiting:
        yield await asyncio.to_thread(_shown, kind, waiting, wording)


def _shown(kind: Kind, rows: Iterable[Any], wording: Wording) -> list[Cells]:
    """Write rows as cells; doors stand in their natural order."""
    show = _SHOWN[kind]
    if kind not in _WITH_DOORS:
        return [show(row, wording) for row in rows]
    lines: list[Cells] = []
    for _, lane in groupby(rows, key=itemgetter("code")):
        lines += sorted((show(row, wording) for row in lane), key=_natural)
    return lines


def _natural(line: Cells) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sort 2号 before 10号."""
    door = _NUMBERS.sub(lambda found: found[0].zfill(10), str(line[2]))
    return (door,), tuple(str(cell or "") for cell in line)


def _node(row: Any, wording: Wording) -> Cells:  # noqa: ANN401  (like the next ones)
    kind = wording.kind_word(row["kind"])
    texts = (row["code"], row["name"], kind, row["above_code"], row["above"])
    return (
        *map(_text, texts),
        *(row["code_prefix"], row["longitude"], row["latitude"]),
        *(_text(row["valid_from"]), _text(row["plate_code"])),
    )


def _organization(row: Any, _: Wording) -> Cells:  # noqa: ANN401
    return tuple(_text(row[name]) for name in ("code", "name", "body"))


def _post(row: Any, wording: Wording) -> Cells:  # noqa: ANN401
    role = Role(row["role"])
    return (
        *map(_text, (row["code"], row["name"], wording.title(role), row["holder"])),
        seals().open(row["phone"], "phone"),
        *map(_text, (row["duty_phone"], row["starts_on"], row["ends_on"], row["body"])),
        ("是" if row["is_primary"] else "否") if role is Role.GRID_WORKER else "",
        "" if row["how"] is None else HOW_WORDS[SelectionKind(row["how"])],
        *(_text(row[name]) for name in _SELECTION),
    )


def _household(row: Any, _: Wording) -> Cells:  # noqa: ANN401
    use = OCCUPANCY_NAMES[Occupancy(row["occupancy"])]
    door = seals().open(row["address"], "address")
    shown = "" if row["occupancy"] == Occupancy.UNKNOWN else use
    texts = (row["code"], row["name"], door, shown, row["note"], row["verified_on"])
    return tuple(map(_text, texts))


def _resident(row: Any, _: Wording) -> Cells:  # noqa: ANN401
    phone = None if row["phone"] is None else seals().open(row["phone"], "phone")
    born = None if row["birth_year"] is None else f"{row['birth_year']}-01-01"
    relation = HEAD_OF_HOUSEHOLD if row["is_head"] else row["relation"]
    if relation in CALLED_HEAD and not row["is_head"]:
        relation = ""  # somebody else is the head by now
    door = seals().open(row["address"], "address")
    texts = (row["code"], row["name"], door, row["who"], relation, phone, born)
    return tuple(map(_text, (*texts, row["moved_in_on"], row["verified_on"])))


def _establishment(row: Any, _: Wording) -> Cells:  # noqa: ANN401
    phone = row["contact_phone"]
    door = seals().open(row["address"], "address")
    kind = ESTABLISHMENT_WORDS[EstablishmentKind(row["kind"])]
    texts = (row["code"], row["name"], door, row["called"], kind, row["contact_name"])
    number = None if phone is None else seals().open(phone, "phone")
    return tuple(map(_text, (*texts, number, row["verified_on"])))


def _text(value: object) -> str:
    """Write a value as a text that comes back as it was."""
    return "" if value is None else defused(str(value))


_WITH_DOORS = frozenset({Kind.HOUSEHOLDS, Kind.PEOPLE, Kind.ESTABLISHMENTS})
_SELECTION = (
    *("decided_on", "votes_for", "votes_cast", "votes_eligible", "nominated_by"),
    *("document_number", "selection_note"),
)
_SHOWN: dict[Kind, Callable[[Any, Wording], Cells]] = {
    Kind.NODES: _node,
    Kind.ORGANIZATIONS: _organization,
    Kind.POSTS: _post,
    Kind.HOUSEHOLDS: _household,
    Kind.PEOPLE: _resident,
    Kind.ESTABLISHMENTS: _establishment,
}
