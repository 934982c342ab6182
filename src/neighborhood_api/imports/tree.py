"""The tree of a place in memory: finding nodes by code or by names, those of the file included.

A district has some ten thousand nodes, and a file names the same ones again and again.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.identity.places import Level, Place
from neighborhood_api.imports.reading.tables import Field, Row

NOT_HERE = "没有找到“{}”，或不在导入范围内，请核对名称或编码"
SEVERAL = "“{}”有多处同名，请填写编码或补全上级名称"
SPELLED = "名称写法与登记不同，登记为“{}”"
FEW = 8
"""Places of one name are looked through one by one; more are looked up by where they lie."""

_NAMED: tuple[tuple[Level, Field, Field], ...] = (
    (Level.DISTRICT, Field.DISTRICT, Field.DISTRICT_CODE),
    (Level.STREET, Field.STREET, Field.STREET_CODE),
    (Level.COMMUNITY, Field.COMMUNITY, Field.COMMUNITY_CODE),
    (Level.GRID, Field.GRID, Field.GRID_CODE),
    (Level.LANE, Field.LANE, Field.LANE_CODE),
)

PLACES_NAMED = (
    *(one for _, name, code in _NAMED for one in (name, code)),
    *(Field.PLACE, Field.PLACE_CODE),
)
"""Everything by which a row may name a place."""


@lru_cache(maxsize=10_000)
def alike(text: str) -> str:
    """Return what spellings of one name share: width, spaces and case do not count."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


@dataclass(slots=True, eq=False)
class Spot:
    """A node of the grid, or one that the file would add."""

    id: UUID
    level: Level
    kind: str
    code: str
    name: str
    parent_id: UUID | None
    place: Place
    code_prefix: str = "NH"
    longitude: float | None = None
    latitude: float | None = None
    version: int = 1
    valid_from: date | None = None
    plate_code: str | None = None
    is_new: bool = False
    former: str = ""
    """What it was called before the file named it otherwise."""


class Naming(NamedTuple):
    """How a row names a place: pairs of name and code by level, and a place without level."""

    levels: tuple[tuple[str | None, str | None], ...]
    place: str | None = None
    code: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the row names no place at all."""
        return not (self.place or self.code or any(n or c for n, c in self.levels))

    def shown(self) -> str:
        """Return it as the office wrote it."""
        names = [name or code or "" for name, code in self.levels]
        return "/".join(text for text in (*names, self.place or self.code or "") if text)

    def upto(self, level: int) -> "Naming":
        """Return the part above a level."""
        kept = [pair if at < level else (None, None) for at, pair in enumerate(self.levels)]
        return Naming(tuple(kept), self.place, self.code)


def naming_of(row: Row) -> Naming:
    """Return how a row names its place."""
    levels = tuple((row.get(name), row.get(code)) for _, name, code in _NAMED)
    return Naming(levels, row.get(Field.PLACE), row.get(Field.PLACE_CODE))


@dataclass
class Found:
    """What a naming leads to: a node, or why to none."""

    spot: Spot | None
    fault: str = ""
    warnings: tuple[str, ...] = ()


@dataclass
class Tree:
    """The nodes of a place, and of the file."""

    root: Spot
    """What the import is for; everything lies in it."""
    by_id: dict[UUID, Spot] = field(default_factory=dict)
    by_code: dict[str, Spot] = field(default_factory=dict)
    _named: dict[tuple[Level, str], list[Spot]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _below: dict[UUID, list[Spot]] = field(default_factory=lambda: defaultdict(list))
    _children: dict[tuple[UUID, str], list[Spot]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _within: dict[tuple[Level, str], dict[UUID, list[Spot]]] = field(default_factory=dict)
    """By the places above, for names that many places have; made when first asked for."""
    above: dict[UUID, Spot] = field(default_factory=dict)
    """The nodes above the root, whose names rows may give; nothing lies at them."""

    def add(self, spot: Spot) -> None:
        """Let a node be found."""
        self.by_id[spot.id] = spot
        self.by_code[spot.code] = spot
        self._name(spot)
        if spot.parent_id is not None:
            self._below[spot.parent_id].append(spot)

    def rename(self, spot: Spot, name: str) -> None:
        """Let a node be found by its new name, and still by the one it had."""
        spot.former, spot.name = spot.name, name
        self._name(spot)

    def _name(self, spot: Spot) -> None:
        key = spot.level, alike(spot.name)
        self._named[key].append(spot)
        if key in self._within:
            _put(self._within[key], spot)
        if spot.parent_id is not None:
            self._children[spot.parent_id, key[1]].append(spot)

    def below(self, spot: Spot) -> list[Spot]:
        """Return the nodes one level below."""
        return self._below[spot.id]

    def child(self, parent: Spot, name: str) -> list[Spot]:
        """Return the nodes with a name directly below another."""
        wanted = alike(name)
        named = self._children.get((parent.id, wanted), [])
        return [one for one in named if alike(one.name) == wanted]

    def named(self, level: Level, name: str) -> list[Spot]:
        """Return some nodes of a name at a level: one, if there is no other."""
        return self._named.get((level, alike(name)), [])[:2]

    def find(self, naming: Naming) -> Found:
        """Find the node that a naming means: by its code, else by its names."""
        code = naming.code or next((c for _, c in reversed(naming.levels) if c), None)
        deepest = max((at for at, (n, c) in enumerate(naming.levels) if n or c), default=-1)
        if code is not None and (naming.code or naming.levels[deepest][1] == code):
            spot = self.by_code.get(code)
            if spot is None:
                return Found(None, NOT_HERE.format(code))
            name = naming.place if naming.code else naming.levels[deepest][0]
            return self._checked(spot, name)
        candidates = [*islice(self._candidates(naming, deepest), 2)]
        if len(candidates) == 1:
            return self._checked(candidates[0], naming.place or naming.levels[deepest][0])
        return Found(None, (SEVERAL if candidates else NOT_HERE).format(naming.shown()))

    def _candidates(self, naming: Naming, deepest: int) -> Iterator[Spot]:
        """Give the nodes of that name that lie below all the others that are named."""
        for spot in self._sought(naming, deepest):
            if all(self._fits(spot, at, pair) for at, pair in enumerate(naming.levels)):
                yield spot

    def _sought(self, naming: Naming, deepest: int) -> Iterator[Spot]:
        """Give the nodes of that name, where many have it only those of the place above."""
        if not naming.place and deepest < 0:
            yield self.root
            return
        name = alike(naming.place or naming.levels[deepest][0] or "")
        levels = [*Level] if naming.place else [Level(deepest)]
        end = len(naming.levels) if naming.place else deepest
        above = max((at for at, (n, c) in enumerate(naming.levels[:end]) if n or c), default=-1)
        for level in levels:
            named = self._named.get((level, name), [])
            if len(named) <= FEW or not self.root.level < above < level:
                yield from named
            else:
                within = self._index(level, name)
                for spot in self._at(naming, above):
                    yield from within.get(spot.id, ())

    def _at(self, naming: Naming, level: int) -> Iterable[Spot]:
        """Give the nodes that the names down to a level mean."""
        code = naming.levels[level][1]
        if code is not None:
            spot = self.by_code.get(code)
            return [] if spot is None else [spot]
        blank = [(None, None)] * (len(naming.levels) - level - 1)
        return self._candidates(Naming((*naming.levels[: level + 1], *blank)), level)

    def _index(self, level: Level, name: str) -> dict[UUID, list[Spot]]:
        """Return the nodes of a name by each place in which they lie."""
        within = self._within.get((level, name))
        if within is None:
            within = self._within[level, name] = {}
            for spot in self._named[level, name]:
                _put(within, spot)
        return within

    def _fits(self, spot: Spot, level: int, pair: tuple[str | None, str | None]) -> bool:
        name, code = pair
        if not (name or code):
            return True
        node_id = spot.place.at(Level(level))
        there = None if node_id is None else self.by_id.get(node_id) or self.above.get(node_id)
        if there is None:
            return False
        if code:
            return there.code == code
        wanted = alike(name or "")
        return wanted == alike(there.name) or wanted == alike(there.former)

    @staticmethod
    def _checked(spot: Spot, name: str | None) -> Found:
        """Warn where a name is written in another way than the register does."""
        if name is None or name in {spot.name, spot.former}:
            return Found(spot)
        return Found(spot, warnings=(SPELLED.format(spot.name),))


def _put(within: dict[UUID, list[Spot]], spot: Spot) -> None:
    for node_id in spot.place[: spot.level]:
        if node_id is not None:
            within.setdefault(node_id, []).append(spot)
