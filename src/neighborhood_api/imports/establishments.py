"""Organisations at places (单位、商户) of an import; known by place, name and door."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from neighborhood_api.grid.service import normal_address
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.imports.defusing import restored
from neighborhood_api.imports.outcomes import Verdict
from neighborhood_api.imports.reading.tables import Field, Kind, Row
from neighborhood_api.imports.tree import Tree, alike, naming_of
from neighborhood_api.imports.wording import Wording
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import seals
from neighborhood_api.registers.models import EstablishmentKind

KINDS: dict[str, EstablishmentKind] = {
    "商户": EstablishmentKind.SHOP,
    "企业": EstablishmentKind.COMPANY,
    "机关事业单位": EstablishmentKind.INSTITUTION,
    "学校": EstablishmentKind.SCHOOL,
    "社会组织": EstablishmentKind.SOCIAL_ORGANIZATION,
    "物业": EstablishmentKind.PROPERTY,
    "其他": EstablishmentKind.OTHER,
}
KIND_WORDS = {kind: word for word, kind in KINDS.items()}
_SYNONYMS = {
    "经营户 个体户 个体工商户 个体 商铺 店铺 门店 商店 餐饮": EstablishmentKind.SHOP,
    "公司 工厂 企业单位": EstablishmentKind.COMPANY,
    "机关 事业单位 机关单位 医院": EstablishmentKind.INSTITUTION,
    "幼儿园 学校幼儿园 培训机构": EstablishmentKind.SCHOOL,
    "社会团体 协会": EstablishmentKind.SOCIAL_ORGANIZATION,
    "物业公司 物业企业 物业服务企业": EstablishmentKind.PROPERTY,
    "其它": EstablishmentKind.OTHER,
}
_KNOWN_AS = KINDS | {word: kind for words, kind in _SYNONYMS.items() for word in words.split()}
_TWICE = "同一单位在文件中出现多次，请只留一行"
_CONTACT = re.compile(r"[0-9][0-9-]{4,16}")
LONGEST_NAME = 60
LONGEST_DOOR = 60
LONGEST_CONTACT = 30
_KNOWN = """
SELECT id, COALESCE(lane_id, grid_id) AS node_id, name, kind, address, contact_name,
    contact_phone, verified_on, version
FROM establishment
WHERE ended_on IS NULL AND COALESCE(lane_id, grid_id) = ANY($1) ORDER BY id
"""


@dataclass(slots=True)
class Entry:
    """An organisation, there or to be registered."""

    id: UUID
    place: Place
    name: str
    kind: str
    address: str
    contact_name: str | None
    contact_phone: str | None
    verified_on: date | None
    version: int = 1


class EstablishmentPlan:
    """What becomes of the organisations of a file."""

    def __init__(self, tree: Tree, wording: Wording, today: date) -> None:
        """Compare with the register of the places of `tree`."""
        self.tree = tree
        self.wording = wording
        self.today = today
        self.verdicts: list[Verdict] = []
        self.new: list[Entry] = []
        self.changed: list[Entry] = []
        self._known: dict[tuple[UUID, str], list[Entry]] = {}
        self._matched: dict[UUID, int] = {}
        self._places: set[UUID] = set()
        self._rows: list[tuple[Verdict, Row, Entry]] = []

    async def compare(
        self, connection: asyncpg.Connection, rows: Iterable[tuple[int, Row]]
    ) -> None:
        """Compare every row."""
        await asyncio.to_thread(self._read_all, rows)
        for row in await connection.fetch(_KNOWN, list(self._places)):
            entry = self._opened(row)
            self._known.setdefault(_key(entry), []).append(entry)
        await asyncio.to_thread(self._judge_all)

    def missing(self) -> list[Entry]:
        """Return what the register has at the places of the file, and the file has not."""
        there = [one for entries in self._known.values() for one in entries]
        return [one for one in there if one.id not in self._matched]

    def _opened(self, row: asyncpg.Record) -> Entry:
        unseal = seals().open
        phone = row["contact_phone"]
        return Entry(
            row["id"],
            self.tree.by_id[row["node_id"]].place,
            row["name"],
            row["kind"],
            unseal(row["address"], "address"),
            row["contact_name"],
            None if phone is None else unseal(phone, "phone"),
            row["verified_on"],
            row["version"],
        )

    def _read_all(self, rows: Iterable[tuple[int, Row]]) -> None:
        for n, row in rows:
            verdict = Verdict(n, Kind.ESTABLISHMENTS)
            self.verdicts.append(verdict)
            found = self.tree.find(naming_of(row))
            for warning in found.warnings:
                verdict.warn(warning)
            if found.spot is None:
                verdict.fault(found.fault)
            elif found.spot.level < Level.GRID:
                *_, grid, lane = self.wording.levels
                verdict.fault(f"单位要登记在{lane}或{grid}，请核对地点；承办部门请填在“部门”表")
            elif wrong := self._wrong(row):
                verdict.fault(wrong)
            else:
                self._places.add(found.spot.id)
                self._rows.append((verdict, row, _entry(row, found.spot.place)))

    def _wrong(self, row: Row) -> str:
        """Return what is wrong with a row by itself."""
        name = row.get(Field.NAME)
        kind = row.get(Field.ORGANIZATION_KIND)
        if name is None or len(name) > LONGEST_NAME:
            return f"缺少单位名称，或超过 {LONGEST_NAME} 字"
        door = _door(row)
        if not door or len(door) > LONGEST_DOOR:
            return f"缺少单位地址，或超过 {LONGEST_DOOR} 字"
        if kind is not None and kind not in _KNOWN_AS:
            return f"单位类型只能是{'、'.join(KINDS)}"
        return self._wrong_contact(row)

    def _wrong_contact(self, row: Row) -> str:
        phone = row.get(Field.PHONE)
        if len(row.get(Field.CONTACT) or "") > LONGEST_CONTACT:
            return f"联系人超过 {LONGEST_CONTACT} 字，请缩短"
        if phone is not None and not _CONTACT.fullmatch(phone):
            return "联系电话应为 5 至 17 位数字，可用短横线"
        verified_on = row.day(Field.VERIFIED_ON) or self.today
        return "核实日期不能晚于今天" if verified_on > self.today else ""

    def _judge_all(self) -> None:
        """Match those of the same door first, and then the one that moved to another."""
        moved = []
        for verdict, row, entry in self._rows:
            same = [one for one in self._alike(entry) if one.address == entry.address]
            free = [one for one in same if one.id not in self._matched]
            if not same:
                moved.append((verdict, row, entry))
            elif not free:
                verdict.fault(_TWICE)
            else:
                self._compare(verdict, row, entry, free[0])
        wanted = Counter(_key(entry) for _, _, entry in moved)
        added: set[tuple[tuple[UUID, str], str]] = set()
        for verdict, row, entry in moved:
            key = _key(entry)
            free = [one for one in self._alike(entry) if one.id not in self._matched]
            if (key, entry.address) in added:
                verdict.fault(_TWICE)
            elif len(free) == 1 and wanted[key] == 1:
                self._compare(verdict, row, entry, free[0])
            else:
                added.add((key, entry.address))
                self._add(verdict, row, entry)

    def _alike(self, entry: Entry) -> list[Entry]:
        return self._known.get(_key(entry), [])

    def _add(self, verdict: Verdict, row: Row, entry: Entry) -> None:
        if row.get(Field.ORGANIZATION_KIND) is None:
            verdict.warn("没有填单位类型，登记为其他")
        if self._alike(entry):
            verdict.warn("本地点已登记同名单位，地址不同，请核对是否同一家")
        verdict.add()
        self.new.append(entry)

    def _compare(self, verdict: Verdict, row: Row, entry: Entry, known: Entry) -> None:
        self._matched[known.id] = verdict.number
        different = []
        if row.get(Field.ORGANIZATION_KIND) is not None and entry.kind != known.kind:
            known.kind = entry.kind
            different.append("单位类型")
        for name, words in _COMPARED.items():
            value = getattr(entry, name)
            if value is not None and value != getattr(known, name):
                setattr(known, name, value)
                different.append(words)
        if different:
            verdict.change(f"修改{'、'.join(different)}")
            self.changed.append(known)


_COMPARED = {
    "address": "地址",
    "contact_name": "联系人",
    "contact_phone": "联系电话",
    "verified_on": "核实日期",
}


def _entry(row: Row, place: Place) -> Entry:
    contact = row.get(Field.CONTACT)
    kind = _KNOWN_AS.get(row.get(Field.ORGANIZATION_KIND) or "", EstablishmentKind.OTHER)
    return Entry(
        new_id(),
        place,
        restored(row.get(Field.NAME) or ""),
        kind.value,
        _door(row),
        None if contact is None else restored(contact),
        row.get(Field.PHONE),
        row.day(Field.VERIFIED_ON),
    )


def _key(entry: Entry) -> tuple[UUID, str]:
    return entry.place.node_id, alike(entry.name)


def _door(row: Row) -> str:
    return normal_address(restored(row.get(Field.ADDRESS) or ""))


_CHANGED = """
UPDATE establishment SET kind = g.kind, address = g.address, contact_name = g.contact_name,
    contact_phone = g.contact_phone, verified_on = g.verified_on,
    version = establishment.version + 1
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::int[])
    AS g (id, kind, address, contact_name, contact_phone, verified_on, version)
WHERE establishment.id = g.id AND establishment.version = g.version
    AND establishment.ended_on IS NULL
"""


async def write_changed(connection: asyncpg.Connection, entries: list[Entry]) -> int:
    """Write what is different of organisations; return how many were found as they were."""
    if not entries:
        return 0
    seal = seals().seal
    phones = [one.contact_phone for one in entries]
    done = await connection.execute(
        _CHANGED,
        [one.id for one in entries],
        [one.kind for one in entries],
        [seal(one.address, "address") for one in entries],
        [one.contact_name for one in entries],
        [None if phone is None else seal(phone, "phone") for phone in phones],
        [one.verified_on for one in entries],
        [one.version for one in entries],
    )
    return int(done.rsplit(maxsplit=1)[-1])


def rows_of(entries: list[Entry]) -> list[dict[str, object]]:
    """Return new organisations as rows of their table."""
    return [
        {
            "id": one.id,
            "name": one.name,
            "kind": one.kind,
            "address": one.address,
            "contact_name": one.contact_name,
            "contact_phone": one.contact_phone,
            "verified_on": one.verified_on,
        }
        | dict(zip(COLUMNS, one.place, strict=True))
        for one in entries
    ]
