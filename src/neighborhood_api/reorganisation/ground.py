"""What a plan stands on: the places that it names, with those directly above and below."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import literal, or_, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Household, Node
from neighborhood_api.grid.queries import exists_on
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.reorganisation.models import PlanState, Reorganisation
from neighborhood_api.reorganisation.operations import (
    OPERATIONS,
    CreatePlaceIn,
    Operation,
    RecodePlaceIn,
    mentioned,
    touched,
)


class Known(NamedTuple):
    """A place of today's grid."""

    id: UUID
    level: Level
    name: str
    code: str
    parent_id: UUID | None
    code_prefix: str


@dataclass(frozen=True)
class Ground:
    """What there is today, as far as a plan is concerned with it."""

    district_id: UUID
    nodes: dict[UUID, Known]
    children: dict[UUID, tuple[UUID, ...]]
    codes: dict[str, UUID]
    """Who has the codes that the plan wants."""
    households: dict[UUID, UUID] = field(default_factory=dict)
    """The lane of each dwelling that the plan names."""
    rivals: dict[UUID, str] = field(default_factory=dict)
    """Places that another scheduled plan changes, with its name."""


def operations_of(plan: Reorganisation) -> tuple[Operation, ...]:
    """Return what a plan consists of."""
    return OPERATIONS.validate_python(plan.operations)


async def ground_of(
    tx: ReadTx, plan: Reorganisation, operations: Iterable[Operation], *, now: datetime
) -> Ground:
    """Read what a plan stands on."""
    operations = tuple(operations)
    named = {UUID(ref) for one in operations for ref in mentioned(one) if len(ref) == 36}  # noqa: PLR2004  (an id's length)
    changed = {node_id for one in operations for node_id in touched(one)}
    live = exists_on(literal(local_day(now)))
    columns = (Node.id, Node.level, Node.name, Node.code, Node.parent_id, Node.code_prefix)
    found = select(*columns).where(
        live,
        Node.district_id == plan.district_id,
        or_(Node.id.in_(named | {plan.district_id}), Node.parent_id.in_(changed)),
    )
    nodes = {
        row.id: Known(row.id, Level(row.level), *row[2:]) for row in await tx.execute(found)
    }
    children: dict[UUID, list[UUID]] = {}
    for node in sorted(nodes.values(), key=lambda one: one.code):
        if node.parent_id in changed:
            children.setdefault(node.parent_id, []).append(node.id)
    wanted = {one.code for one in operations if isinstance(one, CreatePlaceIn | RecodePlaceIn)}
    taken = select(Node.code, Node.id).where(Node.code.in_(wanted), Node.valid_until.is_(None))
    return Ground(
        plan.district_id,
        nodes,
        {parent: tuple(ids) for parent, ids in children.items()},
        {row.code: row.id for row in await tx.execute(taken)},
        await _lanes_of(tx, operations),
        await _rivals(tx, plan, changed),
    )


async def _lanes_of(tx: ReadTx, operations: tuple[Operation, ...]) -> dict[UUID, UUID]:
    named = {
        household
        for one in operations
        if one.do == "split"
        for part in one.into
        for household in part.households
    }
    if not named:
        return {}
    lanes = select(Household.id, Household.lane_id).where(Household.id.in_(named))
    return {row.id: row.lane_id for row in await tx.execute(lanes)}


async def _rivals(tx: ReadTx, plan: Reorganisation, changed: set[UUID]) -> dict[UUID, str]:
    """Find what other plans are about to change, too."""
    others = select(Reorganisation).where(
        Reorganisation.district_id == plan.district_id,
        Reorganisation.id != plan.id,
        Reorganisation.state == PlanState.SCHEDULED.value,
    )
    return {
        node_id: other.name
        for other in await tx.scalars(others)
        for one in operations_of(other)
        for node_id in touched(one) & changed
    }
