"""Nodes of an import: which are there, which would be new, and what would be different."""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.imports.defusing import restored
from neighborhood_api.imports.kinds import KIND_WORDS, KINDS
from neighborhood_api.imports.outcomes import Verdict
from neighborhood_api.imports.reading.tables import Field, Kind, Row
from neighborhood_api.imports.tree import (
    NOT_HERE,
    SEVERAL,
    SPELLED,
    Naming,
    Spot,
    Tree,
    alike,
    naming_of,
)
from neighborhood_api.kit.ids import new_id

LEVEL_WORDS = ("区县", "街道", "社区", "网格", "街巷")
_USUAL = ("district", "street", "community", "grid", "lane")
_DIGITS = {
    Level.DISTRICT: 12,
    Level.STREET: 12,
    Level.COMMUNITY: 12,
    Level.GRID: 15,
    Level.LANE: 18,
}
_CODE = re.compile(r"[0-9]{12}(?:[0-9]{3}){0,2}")
_PREFIX = re.compile(r"[A-Z]{2,4}")
_MOST_CHILDREN = 999
_SAME_POINT = 1e-7
"""Degrees: a centimetre, less than a file's digits say."""

_OWN = (
    *("id", "kind", "code", "name", "parent_id", "code_prefix", "longitude", "latitude"),
    "version",
)
_NODES = """
SELECT id, level, kind, code, name, parent_id, code_prefix, longitude, latitude, version,
    district_id, street_id, community_id, grid_id, lane_id
FROM node WHERE {} = $1 AND valid_until IS NULL ORDER BY level, code
"""
_ABOVE = """
SELECT id, level, kind, code, name, parent_id, code_prefix, longitude, latitude, version,
    district_id, street_id, community_id, grid_id, lane_id
FROM node WHERE id = ANY($1) ORDER BY level
"""
_TAKEN = "SELECT code FROM node WHERE code = ANY($1) AND valid_until IS NULL"


async def tree_of(connection: asyncpg.Connection, root: Place) -> Tree:
    """Load the nodes of a place."""
    sql = _NODES.format(COLUMNS[root.level])
    spots = [_spot(row) for row in await connection.fetch(sql, root.node_id)]
    tree = Tree(next(spot for spot in spots if spot.id == root.node_id))
    for spot in spots:
        tree.add(spot)
    higher = [one for one in root if one is not None and one != root.node_id]
    for row in await connection.fetch(_ABOVE, higher):
        tree.above[row["id"]] = _spot(row)
    return tree


def _spot(row: asyncpg.Record) -> Spot:
    place = Place.of(*(row[name] for name in COLUMNS))
    kept = {name: row[name] for name in _OWN}
    return Spot(level=Level(row["level"]), place=place, **kept)


class NodePlan:
    """What becomes of the nodes of a file; the new ones are added to the tree."""

    def __init__(self, tree: Tree) -> None:
        """Compare with the nodes of `tree`."""
        self.tree = tree
        self.verdicts: list[Verdict] = []
        self.new: list[Spot] = []
        self.changed: list[Spot] = []
        self.parents: set[UUID] = set()
        """Where the file lists nodes; what it leaves out there is told."""
        self.mentioned: dict[UUID, int] = {}
        self._new_rows: dict[UUID, Verdict] = {}

    async def compare(
        self, connection: asyncpg.Connection, rows: Iterable[tuple[int, Row]]
    ) -> None:
        """Compare every row, from the district down, in whatever order they stand."""
        waiting = [(Verdict(n, Kind.NODES), row) for n, row in rows]
        self.verdicts = [verdict for verdict, _ in waiting]
        for level in Level:
            waiting = [one for one in waiting if not self._take(level, *one, last=False)]
        for verdict, row in waiting:
            self._take(None, verdict, row, last=True)
        await self._refuse_taken_codes(connection)
        self._find_twins()

    def missing(self) -> list[Spot]:
        """Return the nodes that the file leaves out, where it lists others beside them."""
        return [
            spot
            for parent_id in sorted(self.parents)
            for spot in self.tree.below(self.tree.by_id[parent_id])
            if spot.id not in self.mentioned
        ]

    def _take(self, level: Level | None, verdict: Verdict, row: Row, *, last: bool) -> bool:
        """Compare a row if it is of this level; tell whether it was."""
        word = row.get(Field.NODE_KIND)
        name, code, naming = _described(row)
        kind = KINDS.get(word or "")
        if word is not None and kind is None:
            verdict.fault(f"类型只能是{'、'.join(KIND_WORDS.values())}")
            return True
        known = self.tree.by_code.get(code) if code else None
        own = kind[1] if kind else known.level if known else _level_of(code, row)
        if own is None and not last and level is not None:
            parent = self._parent(row, naming, None)
            own = Level(parent.level + 1) if parent and parent.level < Level.LANE else None
        if own != level and not last:
            return False
        if own is None:
            verdict.fault("看不出是哪一级，请填写类型或编码")
        elif name is None and known is None:
            verdict.fault("缺少名称，请填写")
        else:
            self._judge(verdict, row, own, name, code, known)
        return True

    def _judge(
        self,
        verdict: Verdict,
        row: Row,
        level: Level,
        name: str | None,
        code: str | None,
        known: Spot | None,
    ) -> None:
        naming = _described(row)[2]
        parent = self._parent(row, naming, level)
        if row.get(Field.VALID_UNTIL) is not None:
            verdict.fault("停用地点请用网格重组，不能导入；请清空停用日期或删去此行")
            return
        if known is None and code is None and parent is not None and name is not None:
            same = self.tree.child(parent, name)
            if len(same) > 1:
                verdict.fault(SEVERAL.format(name))
                return
            known = same[0] if same else None
        if known is not None:
            self._compare(verdict, row, known, parent, name, level)
        elif level == Level.DISTRICT:
            verdict.fault("区县编码与导入的区县不同，请核对")
        elif self.tree.root.level >= level:
            verdict.fault(NOT_HERE.format(name or code))
        elif parent is None:
            shown = _parent_naming(row, naming, level).shown()
            verdict.fault(f"没有找到上级“{shown}”，请核对上级名称或编码，或先列出上级")
        else:
            self._add(verdict, row, level, name or "", code, parent)

    def _parent(self, row: Row, naming: Naming, level: Level | None) -> Spot | None:
        """Find the node above, by its code or its names."""
        wanted = _parent_naming(row, naming, level)
        if wanted.is_empty:
            code = row.get(Field.CODE)
            return self._parent_by_code(code, level) if code and level else None
        spot = self.tree.find(wanted).spot
        if spot is None or (level is not None and spot.level != level - 1):
            return None
        return spot

    def _parent_by_code(self, code: str, level: Level) -> Spot | None:
        """Find the node above by what a code begins with."""
        if not _CODE.fullmatch(code) or level == Level.DISTRICT:
            return None
        above = {
            Level.STREET: code[:6] + "0" * 6,
            Level.COMMUNITY: code[:9] + "0" * 3,
            Level.GRID: code[:12],
            Level.LANE: code[:15],
        }[level]
        spot = self.tree.by_code.get(above)
        return spot if spot is not None and spot.level == level - 1 else None

    def _compare(
        self,
        verdict: Verdict,
        row: Row,
        known: Spot,
        parent: Spot | None,
        name: str | None,
        level: Level,
    ) -> None:
        if known.id in self.mentioned:
            verdict.fault("同一地点在文件中出现多次，请只留一行")
            return
        self.mentioned[known.id] = verdict.number
        if known.parent_id is not None and known.id != self.tree.root.id:
            self.parents.add(known.parent_id)
        if level != known.level:
            verdict.fault(f"登记的层级是{LEVEL_WORDS[known.level]}，导入不能改变层级")
            return
        naming = _parent_naming(row, _described(row)[2], level)
        if not naming.is_empty and known.id != self.tree.root.id:
            if parent is None:
                verdict.fault(NOT_HERE.format(naming.shown()))
                return
            if parent.id != known.parent_id:
                verdict.fault("上级与登记不同；调整归属请用网格重组，不能导入")
                return
        self._note_changes(verdict, row, known, name)

    def _note_changes(self, verdict: Verdict, row: Row, known: Spot, name: str | None) -> None:
        changed = False
        if name is not None and name != known.name:
            if alike(name) == alike(known.name):
                verdict.warn(SPELLED.format(known.name))
            else:
                verdict.change(f"名称由“{known.name}”改为“{name}”")
                known.name, changed = name, True
        kind = KINDS.get(row.get(Field.NODE_KIND) or "", (known.kind,))[0]
        if kind != known.kind:
            verdict.change(
                f"类型由{KIND_WORDS.get(known.kind, known.kind)}改为{KIND_WORDS[kind]}"
            )
            known.kind, changed = kind, True
        prefix = row.get(Field.CODE_PREFIX)
        if prefix is not None and prefix != known.code_prefix:
            if not _PREFIX.fullmatch(prefix):
                verdict.fault("编号前缀为 2 至 4 个大写字母，请修改")
                return
            verdict.change(f"编号前缀由 {known.code_prefix} 改为 {prefix}")
            known.code_prefix, changed = prefix, True
        point = _point(row)
        if point is not None and not _same_point(point, (known.longitude, known.latitude)):
            verdict.change("坐标有变")
            (known.longitude, known.latitude), changed = point, True
        if changed:
            self.changed.append(known)

    def _add(
        self,
        verdict: Verdict,
        row: Row,
        level: Level,
        name: str,
        code: str | None,
        parent: Spot,
    ) -> None:
        if code is None and level < Level.GRID:
            verdict.fault("缺少国家统一编码（12 位），请填写")
            return
        if code is not None and (not _CODE.fullmatch(code) or len(code) != _DIGITS[level]):
            verdict.fault(f"{LEVEL_WORDS[level]}编码应为 {_DIGITS[level]} 位数字，请修改")
            return
        if code is None:
            code = self._next_code(parent)
            if code is None:
                verdict.fault(f"“{parent.name}”下的编码已用完，请填写编码")
                return
            verdict.add(f"编码自动编为 {code}")
        elif not code.startswith(_stem(parent)):
            verdict.warn("编码与上级编码不相连，请核对")
        prefix = row.get(Field.CODE_PREFIX)
        if prefix is not None and not _PREFIX.fullmatch(prefix):
            verdict.fault("编号前缀为 2 至 4 个大写字母，请修改")
            return
        spot_id = new_id()
        point = _point(row) or (None, None)
        kind = KINDS.get(row.get(Field.NODE_KIND) or "", (_USUAL[level],))[0]
        place = Place.of(*parent.place[:level], spot_id)
        spot = Spot(
            id=spot_id,
            level=level,
            kind=kind,
            code=code,
            name=name,
            parent_id=parent.id,
            place=place,
            code_prefix=prefix or parent.code_prefix,
            longitude=point[0],
            latitude=point[1],
            is_new=True,
        )
        verdict.add()
        self.tree.add(spot)
        self.new.append(spot)
        self.parents.add(parent.id)
        self.mentioned[spot.id] = verdict.number
        self._new_rows[spot.id] = verdict

    def _next_code(self, parent: Spot) -> str | None:
        taken = {one.code for one in self.tree.below(parent)}
        codes = (f"{parent.code}{number:03}" for number in range(1, _MOST_CHILDREN + 1))
        return next((code for code in codes if code not in taken), None)

    async def _refuse_taken_codes(self, connection: asyncpg.Connection) -> None:
        """Refuse new codes that places have which the tree does not show."""
        codes = [spot.code for spot in self.new]
        taken = (
            {row["code"] for row in await connection.fetch(_TAKEN, codes)} if codes else set()
        )
        for spot in self.new:
            if spot.code in taken:
                self._new_rows[spot.id].fault(f"编码 {spot.code} 已被其他地点使用，请核对")

    def _find_twins(self) -> None:
        """Warn about new nodes beside others of the same name."""
        for spot in self.new:
            parent = None if spot.parent_id is None else self.tree.by_id.get(spot.parent_id)
            if parent is not None and len(self.tree.child(parent, spot.name)) > 1:
                self._new_rows[spot.id].warn(f"“{parent.name}”下已有同名地点，请核对")


def _described(row: Row) -> tuple[str | None, str | None, Naming]:
    """Return the name and the code of the node that a row describes, and what names others.

    Where no column is the node's own, the deepest level named is the node itself.
    """
    name, code, naming = row.get(Field.NAME), row.get(Field.CODE), naming_of(row)
    if name is None and code is None:
        for level in reversed(Level):
            its_name, its_code = naming.levels[level]
            if its_name or its_code:
                name, code, naming = its_name, its_code, naming.upto(level)
                break
    return None if name is None else restored(name), code, naming


def _parent_naming(row: Row, naming: Naming, level: Level | None) -> Naming:
    above = naming if level is None else naming.upto(level)
    name = row.get(Field.PARENT) or above.place
    return Naming(above.levels, name, row.get(Field.PARENT_CODE) or above.code)


def _level_of(code: str | None, row: Row) -> Level | None:
    """Tell the level from a national code, or from the columns that are filled."""
    if code is not None and _CODE.fullmatch(code):
        if len(code) > _DIGITS[Level.COMMUNITY]:
            return Level.GRID if len(code) == _DIGITS[Level.GRID] else Level.LANE
        zeros = len(code) - len(code.rstrip("0"))
        return Level.DISTRICT if zeros >= 6 else Level.STREET if zeros >= 3 else Level.COMMUNITY  # noqa: PLR2004
    if row.get(Field.NAME) is None and row.get(Field.CODE) is None:
        levels = naming_of(row).levels
        deepest = [level for level in Level if levels[level] != (None, None)]
        return deepest[-1] if deepest else None
    return None


def _stem(parent: Spot) -> str:
    """Return what the codes below a node begin with."""
    return (
        parent.code[:6]
        if parent.level == Level.DISTRICT
        else (parent.code[:9] if parent.level == Level.STREET else parent.code)
    )


def _point(row: Row) -> tuple[float, float] | None:
    longitude, latitude = row.degrees(Field.LONGITUDE), row.degrees(Field.LATITUDE)
    if longitude is None or latitude is None:
        return None
    return float(longitude), float(latitude)


def _same_point(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    return all(
        b is not None and a is not None and abs(a - b) < _SAME_POINT
        for a, b in zip(one, other, strict=True)
    )
