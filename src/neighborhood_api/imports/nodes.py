"""Nodes of an import: which are there, which would be new, and what would be different."""

import asyncio
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

import asyncpg

from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.imports.node_rows import (
    CODE,
    DIGITS,
    code_above,
    described,
    level_of,
    parent_naming,
    point_of,
    same_point,
    stem,
    wrong_text,
)
from neighborhood_api.imports.outcomes import Outcome, Verdict
from neighborhood_api.imports.plates import Plates, differs
from neighborhood_api.imports.reading.tables import Field, Kind, Row
from neighborhood_api.imports.tree import NOT_HERE, SEVERAL, SPELLED, Naming, Spot, Tree, alike
from neighborhood_api.imports.wording import Wording
from neighborhood_api.kit.ids import new_id

_MOST_CHILDREN = 999
_OWN = (
    *("id", "kind", "code", "name", "parent_id", "code_prefix", "longitude", "latitude"),
    *("version", "valid_from", "plate_code"),
)
_COLUMNS = f"level, {', '.join((*_OWN, *COLUMNS))}"
_NODES = f"""
SELECT {_COLUMNS} FROM node WHERE {{}} = $1 AND valid_until IS NULL ORDER BY level, code
"""  # noqa: S608  (only our own words)
_ABOVE = f"SELECT {_COLUMNS} FROM node WHERE id = ANY($1) ORDER BY level"  # noqa: S608
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


class Seated(NamedTuple):
    """A row of places that names who holds posts there."""

    number: int
    row: Row
    spot: Spot


class NodePlan:
    """What becomes of the nodes of a file; the new ones are added to the tree."""

    def __init__(self, tree: Tree, wording: Wording, today: date) -> None:
        """Compare with the nodes of `tree`."""
        self.tree = tree
        self.wording = wording
        self.today = today
        self.verdicts: list[Verdict] = []
        self.new: list[Spot] = []
        self.changed: list[Spot] = []
        self.parents: set[UUID] = set()
        """Where the file lists nodes; what it leaves out there is told."""
        self.mentioned: dict[UUID, int] = {}
        self.seated: list[Seated] = []
        self._new_rows: dict[UUID, Verdict] = {}
        self._plates = Plates()
        self._tried: dict[UUID, int] = {}
        """How far the codes below a place are given out."""

    async def compare(
        self, connection: asyncpg.Connection, rows: Iterable[tuple[int, Row]]
    ) -> None:
        """Compare every row, from the district down, in whatever order they stand."""
        await asyncio.to_thread(self._compare_all, rows)
        await self._refuse_taken_codes(connection)
        await self._plates.refuse_taken(connection)
        self._find_twins()

    def _compare_all(self, rows: Iterable[tuple[int, Row]]) -> None:
        waiting = [(Verdict(n, Kind.NODES), row) for n, row in rows]
        self.verdicts = [verdict for verdict, _ in waiting]
        for level in Level:
            waiting = [one for one in waiting if not self._take(level, *one, last=False)]
        for verdict, row in waiting:
            self._take(None, verdict, row, last=True)

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
        name, code, naming = described(row)
        kind = self.wording.kinds.get(word or "")
        if word is not None and kind is None:
            verdict.fault(f"类型只能是{'、'.join(self.wording.known_kinds)}")
            return True
        spot = self.tree.by_code.get(code) if code else None
        own = kind[1] if kind else spot.level if spot else level_of(code, row)
        if own is None and not last and level is not None:
            parent = self._parent(row, naming, None)
            own = Level(parent.level + 1) if parent and parent.level < Level.LANE else None
        if own != level and not last:
            return False
        if own is None:
            verdict.fault("看不出是哪一级，请填写类型或编码")
        elif name is None and spot is None:
            verdict.fault("缺少名称，请填写")
        elif wrong := wrong_text(row, name, self.today):
            verdict.fault(wrong)
        else:
            self._judge(verdict, row, own, name, code, spot)
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
        naming = described(row)[2]
        parent = self._parent(row, naming, level)
        if known is None and code is None and name is not None:
            same = self._same_name(
                level, name, parent, alone=parent_naming(row, naming, level).is_empty
            )
            if len(same) > 1:
                verdict.fault(SEVERAL.format(name))
                return
            known = same[0] if same else None
        if known is not None:
            self._compare(verdict, row, known, parent, name, level)
        elif level == Level.DISTRICT:
            words = self.wording.levels[level]
            verdict.fault(f"{words}编码与导入的{words}不同，请核对")
        elif self.tree.root.level >= level:
            verdict.fault(NOT_HERE.format(name or code))
        elif parent is None:
            shown = parent_naming(row, naming, level).shown()
            verdict.fault(f"没有找到上级“{shown}”，请核对上级名称或编码，或先列出上级")
        else:
            known = self._add(verdict, row, level, name or "", code, parent)
        if known is not None and row.seats and verdict.outcome is not Outcome.FAULT:
            self.seated.append(Seated(verdict.number, row, known))

    def _same_name(
        self, level: Level, name: str, parent: Spot | None, *, alone: bool
    ) -> list[Spot]:
        """Return the nodes of a name: below the one above, or anywhere where none is named."""
        if parent is not None:
            return self.tree.child(parent, name)
        return self.tree.named(level, name) if alone else []

    def _parent(self, row: Row, naming: Naming, level: Level | None) -> Spot | None:
        """Find the node above, by its code or its names."""
        wanted = parent_naming(row, naming, level)
        if wanted.is_empty:
            code = row.get(Field.CODE)
            return self._parent_by_code(code, level) if code and level else None
        spot = self.tree.find(wanted).spot
        if spot is None or (level is not None and spot.level != level - 1):
            return None
        return spot

    def _parent_by_code(self, code: str, level: Level) -> Spot | None:
        """Find the node above by what a code begins with."""
        if not CODE.fullmatch(code) or level == Level.DISTRICT:
            return None
        spot = self.tree.by_code.get(code_above(code, level))
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
            if not row.seats or self._differs(row, known, name):
                verdict.fault("同一地点在文件中出现多次，请只留一行")
            return  # another row of the same place, for another holder
        self.mentioned[known.id] = verdict.number
        if known.parent_id is not None and known.id != self.tree.root.id:
            self.parents.add(known.parent_id)
        if level != known.level:
            words = self.wording.levels[known.level]
            verdict.fault(f"登记的层级是{words}，导入不能改变层级")
            return
        naming = parent_naming(row, described(row)[2], level)
        if not naming.is_empty and known.id != self.tree.root.id:
            if parent is None:
                verdict.fault(NOT_HERE.format(naming.shown()))
                return
            if parent.id != known.parent_id:
                verdict.fault("上级与登记不同；调整归属请用网格重组，不能导入")
                return
        self._note_changes(verdict, row, known, name)

    def _kind(self, row: Row, usual: str) -> str:
        return self.wording.kinds.get(row.get(Field.NODE_KIND) or "", (usual,))[0]

    def _refuse_kind(self, verdict: Verdict, kind: str, level: Level) -> bool:
        """Refuse a kind that the district does not have at a level; tell whether it was."""
        if self.wording.allows(kind, level):
            return False
        allowed = (self.wording.allowed or ((),))[level]
        words = "、".join(self.wording.kind_word(one) for one in allowed)
        verdict.fault(f"本区县的{self.wording.levels[level]}，类型只能是{words}，请修改类型")
        return True

    def _differs(self, row: Row, known: Spot, name: str | None) -> bool:
        """Tell whether a row says of its place what another row has not said."""
        point = point_of(row)
        return (
            (name is not None and alike(name) != alike(known.name))
            or self._kind(row, known.kind) != known.kind
            or (row.get(Field.CODE_PREFIX) or known.code_prefix) != known.code_prefix
            or (point is not None and not same_point(point, (known.longitude, known.latitude)))
            or differs(row, known)
        )

    def _note_name(self, verdict: Verdict, known: Spot, name: str | None) -> bool:
        """Note another name; tell whether there is one."""
        if name is None or name == known.name:
            return False
        if alike(name) == alike(known.name):
            verdict.warn(SPELLED.format(known.name))
            return False
        verdict.change(f"名称由“{known.name}”改为“{name}”")
        self.tree.rename(known, name)
        return True

    def _note_changes(self, verdict: Verdict, row: Row, known: Spot, name: str | None) -> None:
        kind = self._kind(row, known.kind)
        if kind != known.kind and self._refuse_kind(verdict, kind, known.level):
            return
        changed = self._note_name(verdict, known, name)
        if kind != known.kind:
            was, becomes = (self.wording.kind_word(one) for one in (known.kind, kind))
            verdict.change(f"类型由{was}改为{becomes}")
            known.kind, changed = kind, True
        prefix = row.get(Field.CODE_PREFIX)
        if prefix is not None and prefix != known.code_prefix:
            verdict.change(f"编号前缀由 {known.code_prefix} 改为 {prefix}")
            known.code_prefix, changed = prefix, True
        point = point_of(row)
        if point is not None and not same_point(point, (known.longitude, known.latitude)):
            verdict.change("坐标有变")
            (known.longitude, known.latitude), changed = point, True
        if self._note_plate(verdict, row, known):
            verdict.change(f"公示牌编号设为 {known.plate_code}")
            changed = True
        if (row.day(Field.VALID_FROM) or known.valid_from) != known.valid_from:
            verdict.warn(f"启用日期登记为 {known.valid_from}，不随表修改")
        if changed:
            self.changed.append(known)

    def _note_plate(self, verdict: Verdict, row: Row, spot: Spot) -> bool:
        """Give a lane the code of its plate, where the row has one; tell whether it got it."""
        return self._plates.note(verdict, row, spot, self.wording.lanes)

    def _add(
        self,
        verdict: Verdict,
        row: Row,
        level: Level,
        name: str,
        code: str | None,
        parent: Spot,
    ) -> Spot | None:
        code = self._new_code(verdict, level, code, parent)
        kind = self._kind(row, self.wording.usual_kind(level))
        if code is None or self._refuse_kind(verdict, kind, level):
            return None
        spot_id = new_id()
        point = point_of(row) or (None, None)
        spot = Spot(
            id=spot_id,
            level=level,
            kind=kind,
            code=code,
            name=name,
            parent_id=parent.id,
            place=Place.of(*parent.place[:level], spot_id),
            code_prefix=row.get(Field.CODE_PREFIX) or parent.code_prefix,
            longitude=point[0],
            latitude=point[1],
            valid_from=row.day(Field.VALID_FROM),
            is_new=True,
        )
        self._note_plate(verdict, row, spot)
        verdict.add()
        self.tree.add(spot)
        self.new.append(spot)
        self.parents.add(parent.id)
        self.mentioned[spot.id] = verdict.number
        self._new_rows[spot.id] = verdict
        return spot

    def _new_code(
        self, verdict: Verdict, level: Level, code: str | None, parent: Spot
    ) -> str | None:
        """Return the code of a new node, or say why it has none."""
        if code is None and level < Level.GRID:
            verdict.fault("缺少国家统一编码（12 位），请填写")
        elif code is None:
            code = self._free_code(parent)
            if code is None:
                verdict.fault(f"“{parent.name}”下的编码已用完，请填写编码")
            else:
                verdict.add(f"编码自动编为 {code}")
        elif not CODE.fullmatch(code) or len(code) != DIGITS[level]:
            words = self.wording.levels[level]
            verdict.fault(f"{words}编码应为 {DIGITS[level]} 位数字，请修改")
            return None
        elif not code.startswith(stem(parent)):
            verdict.warn("编码与上级编码不相连，请核对")
        return code

    def _free_code(self, parent: Spot) -> str | None:
        for number in range(self._tried.get(parent.id, 1), _MOST_CHILDREN + 1):
            self._tried[parent.id] = number
            code = f"{parent.code}{number:03}"
            if code not in self.tree.by_code:
                return code
        return None

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
