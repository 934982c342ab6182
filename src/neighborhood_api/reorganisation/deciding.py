"""What a plan leaves open: what lies at a place that ends, and has more than one way to go."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, case, func, or_, select

from neighborhood_api.grid.layers.profiles import role_names_of
from neighborhood_api.grid.models import SINGLE_SEAT, Appointment
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.effects import (
    PLACEMENTS,
    Placement,
    deepest,
    lies_at,
)
from neighborhood_api.reorganisation.ground import Ground, ground_of, operations_of
from neighborhood_api.reorganisation.models import Reorganisation
from neighborhood_api.reorganisation.planning import Outcome, Trouble, outcome_of


@dataclass(frozen=True)
class Question:
    """Something that goes to one of several places, or ends."""

    key: str
    """The table, and the id of the row, or of the place where all rows of the table go."""
    what: str
    """In Chinese."""
    node_id: UUID
    """Where it is now."""
    options: tuple[UUID, ...]
    may_end: bool = False
    number: int = 1
    """How many rows it is about."""


@dataclass
class Survey:
    """A plan as today's grid shows it."""

    ground: Ground
    outcome: Outcome
    questions: list[Question] = field(default_factory=list)
    missing: list[Question] = field(default_factory=list)
    """Those not answered yet."""
    troubles: list[Trouble] = field(default_factory=list)
    defaults: dict[tuple[str, UUID], UUID] = field(default_factory=dict)
    """Where the rows of a table at a place go that are not named one by one."""
    rows: dict[str, dict[UUID, UUID | None]] = field(default_factory=dict)
    """Where single rows of a table go; None for what ends."""

    def level(self, node_id: UUID) -> Level:
        """Return the level of a place of today's grid."""
        return self.ground.nodes[node_id].level

    def leveled(self, nodes: Iterable[UUID]) -> list[tuple[UUID, Level]]:
        """Return places of today's grid with their levels."""
        return [(node_id, self.level(node_id)) for node_id in nodes]

    def target(self, placement: Placement, rows: Table) -> ColumnElement[UUID]:
        """Return where a row at a place that ends goes, as far as it was decided."""
        mine = {
            node_id: to for (name, node_id), to in self.defaults.items() if name == rows.name
        }
        at = deepest(rows)
        usual = case(mine, value=at, else_=at) if mine else at
        single = {key: to for key, to in self.rows.get(rows.name, {}).items() if to}
        return case(single, value=rows.c[placement.key], else_=usual) if single else usual


async def survey(tx: ReadTx, plan: Reorganisation, *, now: datetime) -> Survey:
    """Look at a plan on today's grid: what it comes to, and what it leaves open."""
    operations = operations_of(plan)
    ground = await ground_of(tx, plan, operations, now=now)
    outcome = outcome_of(ground, operations, plan.new_ids)
    found = Survey(ground, outcome, troubles=list(outcome.troubles))
    if found.troubles:
        return found
    asker = _Asker(tx, plan, found)
    for placement in PLACEMENTS:
        await asker.ask_about(placement)
    await asker.ask_followers(now)
    await asker.ask_organizations()
    await asker.ask_appointments()
    await _find_doubled_doors(tx, found)
    return found


class _Asker:
    def __init__(self, tx: ReadTx, plan: Reorganisation, found: Survey) -> None:
        self.tx = tx
        self.decisions = plan.decisions
        self.found = found
        closed = found.outcome.closed
        self.one = {node_id: heirs[0] for node_id, heirs in closed.items() if len(heirs) == 1}
        self.several = {node_id: heirs for node_id, heirs in closed.items() if len(heirs) > 1}
        self.none = [node_id for node_id, heirs in closed.items() if not heirs]

    def answer(self, question: Question) -> UUID | None:
        """Note a question; return what was decided, or its first option."""
        self.found.questions.append(question)
        if question.key in self.decisions:
            text = self.decisions[question.key]
            to = None if text is None else UUID(text)
            if to in question.options or (to is None and question.may_end):
                return to
        self.found.missing.append(question)
        return question.options[0] if question.options else None

    async def ask_about(self, placement: Placement) -> None:
        """Find where the rows of a placed table go."""
        rows = placement.rows
        name = rows.name
        for node_id, heirs in self.found.outcome.closed.items():
            if heirs:
                self.found.defaults[name, node_id] = heirs[0]
        if name == "household":
            self.found.rows[name] = dict(self.found.outcome.households)
        if self.none:
            await self._require_empty(rows)
        if placement.each:
            await self._ask_each(placement, rows)
        elif self.several:
            await self._ask_by_place(placement, rows)

    async def _require_empty(self, rows: Table) -> None:
        here = lies_at(rows, self.found.leveled(self.none))
        for node_id in await self.tx.scalars(select(deepest(rows)).where(here).distinct()):
            self._trouble("not_empty", node_id)

    def _trouble(self, code: str, node_id: UUID, subject: str = "") -> None:
        shown = subject or self.found.outcome.shown[node_id]
        self.found.troubles.append(Trouble(code, node_id, shown))

    async def _ask_each(self, placement: Placement, rows: Table) -> None:
        heirs = self.several | self.found.outcome.divided
        if not heirs:
            return
        at = deepest(rows).label("at")
        query = select(rows.c[placement.key], rows.c.name, at).where(
            lies_at(rows, self.found.leveled(heirs)), _alive(placement, rows)
        )
        decided = self.found.rows.setdefault(rows.name, {})
        for row_id, name, node_id in await self.tx.execute(query.order_by(at, rows.c.name)):
            what = f"{placement.name}「{name}」"
            asked = Question(f"{rows.name}:{row_id}", what, node_id, heirs[node_id])
            decided[row_id] = self.answer(asked)

    async def _ask_by_place(self, placement: Placement, rows: Table) -> None:
        at = deepest(rows).label("at")
        open_ones = [lies_at(rows, self.found.leveled(self.several)), _alive(placement, rows)]
        if placement.along is not None:
            open_ones.append(rows.c[placement.along.column].is_(None))
        named = self.found.rows.get(rows.name)
        if named:
            open_ones.append(rows.c[placement.key].not_in(named))
        query = select(at, func.count()).where(*open_ones).group_by(at)
        for node_id, number in await self.tx.execute(query):
            key = f"{rows.name}:{node_id}"
            asked = Question(key, placement.name, node_id, self.several[node_id], number=number)
            self.found.defaults[rows.name, node_id] = self.answer(asked) or node_id

    async def ask_followers(self, now: datetime) -> None:
        """Find where words at hand go, and the shifts that are still to come."""
        replies, shifts = table("canned_reply"), table("shift")
        to_come = and_(shifts.c.cancelled_at.is_(None), shifts.c.ends_at > now)
        await self._ask_follower(replies, "常用语", replies.c.active)
        await self._ask_follower(shifts, "值班安排", to_come)

    async def _ask_follower(self, rows: Table, what: str, counts: ColumnElement[bool]) -> None:
        for node_id, heirs in self.found.outcome.closed.items():
            if heirs:
                self.found.defaults[rows.name, node_id] = heirs[0]
        used = (
            select(rows.c.node_id, func.count())
            .where(rows.c.node_id.in_(self.several), counts)
            .group_by(rows.c.node_id)
        )
        for node_id, number in await self.tx.execute(used):
            key = f"{rows.name}:{node_id}"
            asked = Question(key, what, node_id, self.several[node_id], number=number)
            self.found.defaults[rows.name, node_id] = self.answer(asked) or node_id

    async def ask_organizations(self) -> None:
        """Find where the departments of a place go."""
        bodies = table("organization")
        here = select(bodies.c.id, bodies.c.name, bodies.c.node_id).where(
            bodies.c.node_id.in_(self.found.outcome.closed)
        )
        decided = self.found.rows.setdefault("organization", {})
        for body_id, name, node_id in await self.tx.execute(here.order_by(bodies.c.name)):
            heirs = self.found.outcome.closed[node_id]
            if not heirs:
                self._trouble("not_empty", node_id)
            elif len(heirs) == 1:
                decided[body_id] = heirs[0]
            else:
                key = f"organization:{body_id}"
                decided[body_id] = self.answer(Question(key, f"部门「{name}」", node_id, heirs))

    async def ask_appointments(self) -> None:
        """Find where people in office go; a post that one person holds takes one."""
        closed = self.found.outcome.closed
        found = await self._in_office()
        claims: dict[tuple[UUID, str], int] = defaultdict(int)
        for row in found:
            for place in closed.get(row.node_id, (row.node_id,)):
                claims[place, row.role] += 1
        seats: dict[tuple[UUID, str], list[str]] = defaultdict(list)
        called = await role_names_of(self.tx, self.found.ground.district_id) if found else {}
        for row in found:
            what = f"{called[Role(row.role)]}{row.name or ''}"
            to = self._goes(row, what, claims)
            if to is not None and row.role in _SINGLE:
                seats[to, row.role].append(what)
        if not self.found.missing:
            self._find_doubled_posts(seats)

    async def _in_office(self) -> Sequence[Any]:
        """Load who holds posts at places that end, or take something over."""
        closed = self.found.outcome.closed
        heirs = {heir for several in closed.values() for heir in several}
        a = Appointment
        query = (
            select(a.id, a.role, a.node_id, a.organization_id, Person.name)
            .join(Person, Person.id == a.person_id)
            .where(a.ended_at.is_(None), or_(a.node_id.in_(closed), a.node_id.in_(heirs)))
        )
        return (await self.tx.execute(query.order_by(a.node_id, a.role, a.id))).all()

    def _goes(
        self,
        row: Any,  # noqa: ANN401  (a row)
        what: str,
        claims: dict[tuple[UUID, str], int],
    ) -> UUID | None:
        """Return where somebody in office goes, or stays."""
        decided = self.found.rows.setdefault("appointment", {})
        if row.node_id in self.found.outcome.closed:
            decided[row.id] = self._appointment(row, what, claims)
        elif row.role in _SINGLE and claims[row.node_id, row.role] > 1:
            asked = (f"appointment:{row.id}", what, row.node_id, (row.node_id,))
            decided[row.id] = self.answer(Question(*asked, may_end=True))
        return decided.get(row.id, row.node_id)

    def _find_doubled_posts(self, seats: dict[tuple[UUID, str], list[str]]) -> None:
        for (node_id, _), holders in seats.items():
            if len(holders) > 1:
                shown = self.found.outcome.shown[node_id]
                self._trouble("post_twice", node_id, f"{shown}（{'、'.join(holders)}）")

    def _appointment(
        self,
        row: Any,  # noqa: ANN401  (a row)
        what: str,
        claims: dict[tuple[UUID, str], int],
    ) -> UUID | None:
        heirs = self.found.outcome.closed[row.node_id]
        if not heirs:
            return None
        with_department = self.found.rows["organization"].get(row.organization_id)
        if with_department is not None:
            return with_department
        contested = row.role in _SINGLE and claims[heirs[0], row.role] > 1
        if len(heirs) == 1 and not contested:
            return heirs[0]
        key = f"appointment:{row.id}"
        return self.answer(Question(key, what, row.node_id, heirs, may_end=True))


_SINGLE = {role.value for role in SINGLE_SEAT}


def _alive(placement: Placement, rows: Table) -> ColumnElement[bool]:
    if placement.over is None:
        return rows.c[placement.key].is_not(None)
    return rows.c[placement.over].is_(None)


async def _find_doubled_doors(tx: ReadTx, found: Survey) -> None:
    """Find lanes in which two dwellings would have the same door."""
    lanes = [one for one in found.outcome.closed if found.level(one) is Level.LANE]
    if not lanes:
        return
    rows = table("household")
    (placement,) = (one for one in PLACEMENTS if one.table == "household")
    heirs = {heir for lane in lanes for heir in found.outcome.closed[lane]}
    to = found.target(placement, rows).label("to")
    doubled = (
        select(to)
        .where(rows.c.lane_id.in_([*lanes, *heirs]), rows.c.ended_on.is_(None))
        .group_by(to, rows.c.address)
        .having(func.count() > 1)
    )
    numbers: dict[UUID, int] = defaultdict(int)
    for node_id in await tx.scalars(doubled):
        numbers[node_id] += 1
    for node_id, number in numbers.items():
        shown = f"{found.outcome.shown[node_id]}（{number} 个）"
        found.troubles.append(Trouble("doors_twice", node_id, shown))
