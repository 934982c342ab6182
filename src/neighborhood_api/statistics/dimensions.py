"""By what numbers are broken down, and what each part is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, Subquery, Text, cast, func, select
from typing_extensions import override

from neighborhood_api.cases.models import Case, Hand
from neighborhood_api.grid.layers.chains import all_called
from neighborhood_api.grid.models import Node, Organization
from neighborhood_api.grid.names import post_name
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.problems import InvalidRequest
from neighborhood_api.statistics.scope import Scope

NOWHERE = "none"
"""The key of what lies above the level that was asked for."""
_ZONE = "Asia/Shanghai"


class Dimension(StrEnum):
    """By what numbers are broken down."""

    CATEGORY = "category"
    GROUP = "group"
    NODE = "node"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    HANDLER = "handler"
    HAND = "hand"


PERIODS = frozenset({Dimension.DAY, Dimension.WEEK, Dimension.MONTH})
HELD = frozenset({Dimension.HANDLER, Dimension.HAND})
"""An issue counts in each part whose hands it went through."""


@dataclass(frozen=True)
class Breakdown:
    """A dimension, with its level where it is a place."""

    dimension: Dimension
    level: Level | None = None

    def key(self, facts: Subquery) -> ColumnElement[Any]:
        """Return the column of `facts` by which issues are grouped."""
        match self.dimension:
            case Dimension.CATEGORY:
                return facts.c.category_code
            case Dimension.GROUP:
                return facts.c.group_code
            case Dimension.NODE:
                return facts.c[COLUMNS[self._level]]
            case _:
                local = func.timezone(_ZONE, facts.c.opened_at)
                return cast(func.date_trunc(self.dimension.value, local), Date)

    def parse(self, text: str) -> Any:  # noqa: ANN401  (as the dimension has it)
        """Read a key as links carry it.

        Raises: InvalidRequest.
        """
        try:
            if self.dimension is Dimension.NODE:
                return None if text == NOWHERE else UUID(text)
            if self.dimension is Dimension.HANDLER:
                return UUID(text)
            if self.dimension is Dimension.HAND:
                return HandKey.parse(text)
            return date.fromisoformat(text) if self.dimension in PERIODS else text
        except ValueError as exc:
            raise InvalidRequest(f"key: {exc}") from exc

    @property
    def _level(self) -> Level:
        if self.level is None:
            raise ValueError("a breakdown by place has a level")
        return self.level


def breakdown_of(scope: Scope, dimension: Dimension, level: Level | None) -> Breakdown:
    """Return the breakdown asked for; by place it goes one level down unless one is named.

    Raises: InvalidRequest, Forbidden.
    """
    if dimension is Dimension.HANDLER:
        _ = scope.persons
    if dimension is not Dimension.NODE:
        return Breakdown(dimension)
    own = Level.DISTRICT if scope.node is None else Level(scope.node.level)
    return Breakdown(dimension, level or Level(min(own + 1, Level.LANE)))


@dataclass(frozen=True)
class HandKey:
    """Whose hands: a node with a role, or a department at it."""

    node_id: UUID
    role: Role
    organization_id: UUID | None = None

    @classmethod
    def parse(cls, text: str) -> "HandKey":
        """Read `node.role` or `node.role.organization`.

        Raises: ValueError.
        """
        node, role, *organization = text.split(".")
        if len(organization) > 1:
            raise ValueError("node.role or node.role.organization")
        return cls(UUID(node), Role(role), *map(UUID, organization))

    @override
    def __str__(self) -> str:
        """Write it as links carry it."""
        parts = (self.node_id, self.role.value, self.organization_id)
        return ".".join(str(part) for part in parts if part is not None)


def pages(scope: Scope, by: Dimension, wanted: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Select whose hands the wanted issues went through.

    Which posts had them everybody may know who counts them; which people, only whoever has the
    right at their place.

    Raises: Forbidden.
    """
    held = (
        select(Hand.case_id, Hand.person_id, Hand.node_id, Hand.role, Hand.organization_id)
        .where(~Hand.idle)
        .where(Hand.case_id.in_(select(Case.id).where(wanted).correlate(None)))
    )
    if by is not Dimension.HANDLER:
        return held
    known = select(Node.id).where(scope.persons)
    return held.where(Hand.person_id.is_not(None), Hand.node_id.in_(known))


def held_by(
    scope: Scope,
    by: Dimension,
    key: Any,  # noqa: ANN401  (as the dimension has it)
    wanted: ColumnElement[bool],
) -> Select[UUID]:
    """Select the ids of issues that went through the hands of a person, or of a post.

    Raises: Forbidden.
    """
    mine = pages(scope, by, wanted)
    if isinstance(key, HandKey):
        mine = mine.where(
            Hand.node_id == key.node_id,
            Hand.role == key.role.value,
            Hand.organization_id.is_not_distinct_from(key.organization_id),
        )
    else:
        mine = mine.where(Hand.person_id == key)
    return mine.with_only_columns(Hand.case_id)


async def names_of(tx: ReadTx, dimension: Dimension, keys: Sequence[Any]) -> dict[Any, str]:
    """Return what the parts are called."""
    if dimension in PERIODS:
        return {key: key.isoformat() for key in keys}
    if dimension is Dimension.HAND:
        return await _hand_names(tx, keys)
    column, name = {
        Dimension.CATEGORY: (Category.code, Category.name),
        Dimension.GROUP: (Category.group_code, Category.group_name),
        Dimension.NODE: (Node.id, Node.name),
        Dimension.HANDLER: (Person.id, Person.name),
    }[dimension]
    known = [key for key in keys if key is not None]
    found = await tx.execute(select(column, cast(name, Text)).where(column.in_(known)))
    return {None: "未落到该级", **{key: shown or "" for key, shown in found}}


async def _hand_names(tx: ReadTx, keys: Sequence[HandKey]) -> dict[Any, str]:
    called = all_called(Node.district_id)
    at = select(Node.id, Node.name, called).where(Node.id.in_({key.node_id for key in keys}))
    places = {node_id: (name, own or {}) for node_id, name, own in await tx.execute(at)}
    known = [key.organization_id for key in keys if key.organization_id is not None]
    found = await tx.execute(
        select(Organization.id, Organization.name).where(Organization.id.in_(known))
    )
    bodies: dict[UUID | None, str] = dict(iter(found))
    names = {}
    for key in keys:
        place, own = places[key.node_id]
        post = post_name(key.role, own.get(key.role.value))
        names[key] = f"{place} {bodies.get(key.organization_id, post)}"
    return names
