"""Figures before and after a reorganisation, over the same ground.

The past of a place that was split is that of the lanes which were its own: everything that
lies at a lane moves with it, so each issue counts once, wherever its lane belongs today.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, and_, func, or_, select

from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.reorganisation.counting import OPEN_STATES, table
from neighborhood_api.reorganisation.effects import deepest
from neighborhood_api.reorganisation.models import Reorganisation
from neighborhood_api.reorganisation.placing import ROW
from neighborhood_api.reorganisation.schemas import (
    ComparedPartOut,
    ComparedPlaceOut,
    ReorganisationComparisonOut,
)

DAYS = 90
"""Days before and after that are compared."""
_COUNTED = {"residence": "person_id", "household": "id", "case_file": "id"}


async def compare(tx: ReadTx, plan: Reorganisation) -> ReorganisationComparisonOut:
    """Compare an applied plan's old places with the same ground today."""
    applied_at = plan.applied_at
    assert applied_at is not None  # noqa: S101  (the caller has looked)
    n = table("node")
    ids = [UUID(node_id) for node_id in plan.figures]
    olds = select(n.c.id, n.c.level, n.c.code, n.c.name).where(n.c.id.in_(ids))
    places = []
    for old in await tx.execute(olds.order_by(n.c.level, n.c.code)):
        parts = await _parts(tx, plan, old, applied_at)
        places.append(
            ComparedPlaceOut(
                node_id=old.id,
                code=old.code,
                name=old.name,
                before=plan.figures[str(old.id)],
                now=_sum(parts.values()),
                parts=await _shown(tx, parts),
            )
        )
    return ReorganisationComparisonOut(applied_at=applied_at, days=DAYS, places=places)


async def _parts(
    tx: ReadTx, plan: Reorganisation, old: Row[Any, Any, Any, Any], applied_at: datetime
) -> dict[UUID, dict[str, int]]:
    """Count what lies on the ground of an old place, by the place of its level today."""
    found: dict[UUID, dict[str, int]] = {}
    column = COLUMNS[Level(old.level)]
    for name, key in _COUNTED.items():
        rows = table(name)
        here = _on_the_ground_of(plan, old.id, column, rows, key)
        for measure, counts in _measures(name, applied_at).items():
            today = rows.c[column]
            query = select(today, func.count()).where(here, *counts).group_by(today)
            for node_id, number in await tx.execute(query):
                found.setdefault(node_id, {})[measure] = number
    return found


def _on_the_ground_of(
    plan: Reorganisation, old_id: UUID, column: str, rows: Table, key: str
) -> ColumnElement[bool]:
    kept, n = table("reorganised_node"), table("node")
    was = kept.c.before.op("->>")(column) == str(old_id)
    left = select(kept.c.node_id).where(kept.c.reorganisation_id == plan.id, was)
    stayed = select(n.c.id).where(n.c[column] == old_id, n.c.valid_until.is_(None))
    went = select(ROW.c.row_id).where(
        ROW.c.reorganisation_id == plan.id,
        ROW.c.table_name == rows.name,
        ROW.c.before.op("->>")(column) == str(old_id),
    )
    return or_(deepest(rows).in_(left.union(stayed)), rows.c[key].in_(went))


def _measures(name: str, applied_at: datetime) -> dict[str, tuple[ColumnElement[bool], ...]]:
    """Give what is counted of a table: by name, the conditions."""
    rows = table(name)
    if name == "residence":
        return {"residents": ()}
    if name == "household":
        return {"households": (rows.c.ended_on.is_(None),)}
    window = timedelta(days=DAYS)
    opened = rows.c.opened_at
    earlier = and_(opened >= applied_at - window, opened < applied_at)
    later = and_(opened >= applied_at, opened < applied_at + window)
    return {
        "issues": (),
        "open_issues": (rows.c.state.in_(OPEN_STATES),),
        "opened_before": (earlier,),
        "opened_after": (later,),
        "resolved_before": (earlier, rows.c.resolved_at.is_not(None)),
        "resolved_after": (later, rows.c.resolved_at.is_not(None)),
    }


def _sum(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total


async def _shown(tx: ReadTx, parts: dict[UUID, dict[str, int]]) -> list[ComparedPartOut]:
    n = table("node")
    names = select(n.c.id, n.c.code, n.c.name).where(n.c.id.in_(list(parts)))
    return [
        ComparedPartOut(node_id=row.id, code=row.code, name=row.name, figures=parts[row.id])
        for row in await tx.execute(names.order_by(n.c.code))
    ]
