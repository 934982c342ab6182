"""What a plan comes to, worked out without the database: new places, parents, successors."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from neighborhood_api.identity.places import Level
from neighborhood_api.reorganisation.ground import Ground, Known
from neighborhood_api.reorganisation.operations import (
    ClosePlaceIn,
    CreatePlaceIn,
    MergePlacesIn,
    MovePlaceIn,
    Operation,
    RecodePlaceIn,
    RenamePlaceIn,
    SplitPlaceIn,
)

TROUBLES = {
    "node_unknown": "地点不存在或已撤销，请重新选择",
    "key_unknown": "方案内没有这个代号，请先新设",
    "key_twice": "代号在方案内重复，请换一个",
    "wrong_level": "层级不符，请选择正确层级的地点",
    "cycle": "不能划到自己或自己的下级之下",
    "district_stays": "最上一级只能更名或换码",
    "node_twice": "同一地点在方案中被调整两次，请合并为一项",
    "child_twice": "同一下级地点被划给两处，请只保留一处",
    "not_a_child": "不是该地点的下级，请重新选择",
    "children_left": "还有下级地点没有去向，请逐一划入",
    "household_unknown": "住户不在该地点，请重新选择",
    "household_twice": "同一住户被划给两处，请只保留一处",
    "successor_ends": "承接的地点在本方案中也被撤销，请另选",
    "parent_ends": "上级在本方案中被撤销，请另选上级",
    "code_taken": "编码已被使用，请换一个",
    "plans_overlap": "另一个已排期的方案也调整这个地点，请先取消其中一个",
    "not_empty": "还有住户或业务，请选择承接的地点",
    "doors_twice": "合并后门牌重复，请先在户册中改正门牌",
    "post_twice": "同一岗位只能一人，请让其中一人转岗或结束任职",
}


@dataclass(frozen=True)
class Trouble:
    """What makes a plan impossible."""

    code: str
    node_id: UUID | None = None
    subject: str = ""
    """The name or key that it is about."""

    @property
    def message(self) -> str:
        """What the operator is shown."""
        return f"{self.subject}：{TROUBLES[self.code]}" if self.subject else TROUBLES[self.code]

    @property
    def plain(self) -> dict[str, JsonValue]:
        """As JSON."""
        node_id = None if self.node_id is None else str(self.node_id)
        return {"code": self.code, "node_id": node_id, "message": self.message}


@dataclass
class Outcome:
    """What a plan comes to."""

    new: dict[UUID, CreatePlaceIn] = field(default_factory=dict)
    parents: dict[UUID, UUID] = field(default_factory=dict)
    """The parents of new places, and of those that get another one."""
    closed: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    """Places that end, with their successors."""
    divided: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    """Places that go on and give parts away, with all who have parts of them then."""
    names: dict[UUID, str] = field(default_factory=dict)
    codes: dict[UUID, str] = field(default_factory=dict)
    households: dict[UUID, UUID] = field(default_factory=dict)
    """The lanes of dwellings whose lane is split."""
    shown: dict[UUID, str] = field(default_factory=dict)
    """What the places are called, new ones included."""
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def touched(self) -> list[UUID]:
        """Places of today's grid that the plan changes."""
        changed = [*self.closed, *self.divided, *self.parents, *self.names, *self.codes]
        return [node_id for node_id in dict.fromkeys(changed) if node_id not in self.new]


class _Planner:
    def __init__(self, ground: Ground, new_ids: dict[str, str]) -> None:
        self.ground = ground
        self.ids = {key: UUID(node_id) for key, node_id in new_ids.items()}
        self.levels = {node.id: node.level for node in ground.nodes.values()}
        self.out = Outcome(shown={node.id: node.name for node in ground.nodes.values()})
        self.fates: set[UUID] = set()

    def trouble(self, code: str, node_id: UUID | None = None, subject: str = "") -> None:
        subject = subject or (self.out.shown.get(node_id, "") if node_id else "")
        self.out.troubles.append(Trouble(code, node_id, subject))

    def known(self, node_id: UUID) -> Known | None:
        node = self.ground.nodes.get(node_id)
        if node is None:
            self.trouble("node_unknown", node_id)
        return node

    def place(self, ref: str) -> UUID | None:
        """Return the place that is meant, if there is or will be one."""
        if ref in self.ids and self.ids[ref] in self.out.new:
            return self.ids[ref]
        if len(ref) == 36 and UUID(ref) in self.levels:  # noqa: PLR2004  (an id's length)
            return UUID(ref)
        self.trouble("node_unknown" if len(ref) == 36 else "key_unknown", None, ref)  # noqa: PLR2004
        return None

    def changed_once(self, node_id: UUID) -> Known | None:
        """Return a place whose fate is decided here and nowhere else in the plan."""
        node = self.known(node_id)
        if node is None:
            return None
        if node.level is Level.DISTRICT:
            self.trouble("district_stays", node_id)
            return None
        if node_id in self.fates:
            self.trouble("node_twice", node_id)
            return None
        self.fates.add(node_id)
        return node

    def create(self, wish: CreatePlaceIn) -> None:
        node_id = self.ids[wish.key]
        if node_id in self.out.new:
            self.trouble("key_twice", None, wish.key)
            return
        self.out.new[node_id] = wish
        self.out.shown[node_id] = wish.name
        self.levels[node_id] = Level(wish.level)
        self.out.codes[node_id] = wish.code

    def put(self, child: UUID, parent: UUID | None) -> None:
        """Give a place a parent one level above it."""
        if parent is None:
            return
        if child in self.out.parents and self.out.parents[child] != parent:
            self.trouble("child_twice", child)
        elif parent == child or self._lies_below(parent, child):
            self.trouble("cycle", child)
        elif self.levels[parent] != self.levels[child] - 1:
            self.trouble("wrong_level", child)
        else:
            self.out.parents[child] = parent

    def _lies_below(self, node_id: UUID, above: UUID) -> bool:
        at: UUID | None = node_id
        seen: set[UUID] = set()
        while at is not None and at not in seen:
            seen.add(at)
            node = self.ground.nodes.get(at)
            at = self.out.parents.get(at) or (None if node is None else node.parent_id)
            if at == above:
                return True
        return False

    def successor(self, ref: str, level: Level) -> UUID | None:
        to = self.place(ref)
        if to is not None and self.levels[to] is not level:
            self.trouble("wrong_level", to)
            return None
        return to

    def split(self, wish: SplitPlaceIn) -> None:
        node = self.changed_once(wish.node)
        if node is None:
            return
        below = set(self.ground.children.get(node.id, ()))
        heirs: list[UUID] = []
        given: set[UUID] = set()
        for part in wish.into:
            to = self.successor(part.to, node.level)
            if to is None:
                continue
            heirs.append(to)
            for child in part.children:
                self._give_child(node, to, child, below, given)
            self._give_households(node, to, part.households)
        fates = self.out.divided if node.id in heirs else self.out.closed
        fates[node.id] = tuple(dict.fromkeys(heirs))

    def _give_child(
        self, node: Known, to: UUID, child: UUID, below: set[UUID], given: set[UUID]
    ) -> None:
        if child not in below:
            self.trouble("not_a_child", child)
        elif child in given:
            self.trouble("child_twice", child)
        elif to != node.id:
            self.put(child, to)
        given.add(child)

    def _give_households(self, node: Known, to: UUID, households: Iterable[UUID]) -> None:
        for household in households:
            if node.level is not Level.LANE or self.ground.households.get(household) != node.id:
                self.trouble("household_unknown", node.id)
            elif self.out.households.get(household, to) != to:
                self.trouble("household_twice", node.id)
            else:
                self.out.households[household] = to

    def merge(self, wish: MergePlacesIn) -> None:
        nodes = [node for one in wish.nodes if (node := self.changed_once(one)) is not None]
        if not nodes:
            return
        to = self.successor(wish.into, nodes[0].level)
        for node in nodes:
            if node.level is not nodes[0].level:
                self.trouble("wrong_level", node.id)
            elif to is not None and node.id != to:
                self.out.closed[node.id] = (to,)

    def close(self, wish: ClosePlaceIn) -> None:
        node = self.changed_once(wish.node)
        if node is None:
            return
        to = None if wish.successor is None else self.successor(wish.successor, node.level)
        self.out.closed[node.id] = () if to is None else (to,)

    def move(self, wish: MovePlaceIn) -> None:
        node = self.known(wish.node)
        if node is None:
            return
        if node.level is Level.DISTRICT:
            self.trouble("district_stays", node.id)
            return
        self.put(node.id, self.place(wish.under))

    def follow(self, operation: Operation) -> None:
        """Work out what one operation comes to; what is created was seen to before."""
        match operation:
            case SplitPlaceIn():
                self.split(operation)
            case MergePlacesIn():
                self.merge(operation)
            case ClosePlaceIn():
                self.close(operation)
            case MovePlaceIn():
                self.move(operation)
            case RenamePlaceIn() if self.known(operation.node):
                self.out.names[operation.node] = operation.name
            case RecodePlaceIn() if self.known(operation.node):
                self.out.codes[operation.node] = operation.code

    def settle(self) -> None:
        """See to what only the whole plan shows."""
        for node_id, heirs in self.out.closed.items():
            for heir in heirs:
                if heir in self.out.closed:
                    self.trouble("successor_ends", node_id)
            self._give_rest(node_id, heirs)
        for child, parent in self.out.parents.items():
            if parent in self.out.closed:
                self.trouble("parent_ends", child)
        for node_id, rival in self.ground.rivals.items():
            self.trouble("plans_overlap", node_id, f"{self.out.shown[node_id]}（{rival}）")
        self._settle_codes()

    def _give_rest(self, node_id: UUID, heirs: tuple[UUID, ...]) -> None:
        """Let what lies below a place that ends go with it; it must be clear where to."""
        left = [
            child
            for child in self.ground.children.get(node_id, ())
            if child not in self.out.parents and child not in self.out.closed
        ]
        if len(heirs) == 1 and heirs[0] not in self.out.closed:
            for child in left:
                self.put(child, heirs[0])
        elif left:
            names = "、".join(self.out.shown[child] for child in left[:5])
            self.trouble("children_left", node_id, f"{self.out.shown[node_id]}（{names}）")

    def _settle_codes(self) -> None:
        wanted: dict[str, UUID] = {}
        for node_id, code in self.out.codes.items():
            holder = self.ground.codes.get(code)
            free = holder is None or holder in self.out.closed or holder == node_id
            if holder in self.out.codes:
                free = True  # it gets another one
            if code in wanted or not free:
                self.trouble("code_taken", node_id, code)
            wanted[code] = node_id


def outcome_of(
    ground: Ground, operations: Iterable[Operation], new_ids: dict[str, str]
) -> Outcome:
    """Work out what operations come to, and what makes them impossible."""
    planner = _Planner(ground, new_ids)
    operations = tuple(operations)
    made = [one for one in operations if isinstance(one, CreatePlaceIn)]
    for wish in made:
        planner.create(wish)
    for wish in made:
        planner.put(planner.ids[wish.key], planner.place(wish.parent))
    for one in operations:
        planner.follow(one)
    planner.settle()
    return planner.out
