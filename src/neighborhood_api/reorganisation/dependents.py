"""What keeps a reorganisation from being taken back: whatever is new at what it made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    cast,
    func,
    or_,
    select,
)

from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import first_id_at
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.effects import PLACEMENTS, deepest
from neighborhood_api.reorganisation.models import PlanState, Reorganisation
from neighborhood_api.reorganisation.placing import ROW
from neighborhood_api.reorganisation.posts import copied_because

NAMES = {
    "case_file": "诉求",
    "residence": "居住信息",
    "registration": "预约",
    "appointment": "任职",
    "organization": "部门",
    "canned_reply": "常用语",
    "handling_rule": "办理规则",
    "shift": "值班安排",
    "layer_cover": "责任区范围",
    "boundary": "边界",
    "node": "下级地点",
    "code": "已另用的编码",
    "reorganisation": "后来的重组方案",
}
_SINCE = {
    "case_file": "opened_at",
    "residence": "stated_at",
    "registration": "created_at",
}
"""When rows came to be; of others their ids tell."""


@dataclass(frozen=True)
class Dependent:
    """New rows of one table that keep a reorganisation from being taken back."""

    table: str
    name: str
    number: int
    example_id: UUID


async def dependents(tx: Tx, plan: Reorganisation) -> list[Dependent]:
    """Find what is new at the places that a plan made, or was redrawn since."""
    kept = table("reorganised_node")
    made = select(kept.c.node_id).where(kept.c.reorganisation_id == plan.id, kept.c.made)
    since = plan.applied_at
    assert since is not None  # noqa: S101  (it was applied)
    found = []
    for placement in PLACEMENTS:
        rows = placement.rows
        key = rows.c[placement.key]
        at_made = and_(deepest(rows).in_(made), key.not_in(_noted(plan, rows)))
        below = or_(*(rows.c[name].in_(made) for name in COLUMNS[1:]))
        which = or_(at_made, and_(below, _is_new(rows, key, since)))
        name = NAMES.get(rows.name, placement.name)
        found.append(await _some(tx, rows, key, which, name))
    for named, its_key, in_force in _named(plan):
        ours = its_key.in_(_noted(plan, named))
        which = and_(named.c.node_id.in_(made), ~ours, in_force)
        found.append(await _some(tx, named, its_key, which, NAMES[named.name]))
    found += [
        await _booked(tx, made, since),
        await _appointed(tx, plan, made, since),
        *await _redrawn(tx, plan, made, since),
    ]
    return [one for one in found if one is not None]


def _noted(plan: Reorganisation, rows: Table) -> Select[UUID]:
    return select(ROW.c.row_id).where(
        ROW.c.reorganisation_id == plan.id, ROW.c.table_name == rows.name
    )


def _named(
    plan: Reorganisation,
) -> list[tuple[Table, ColumnElement[Any], ColumnElement[bool]]]:
    """Give what names a node without lying there: its key, and what of it is in force."""
    names = ("organization", "canned_reply", "handling_rule", "shift", "layer_cover")
    tables = {name: table(name) for name in names}
    rules, shifts, shapes = tables["handling_rule"], tables["shift"], table("boundary")
    own = rules.c.reason.is_distinct_from(copied_because(plan.id))
    in_force = {
        "handling_rule": and_(rules.c.superseded_at.is_(None), own),
        "shift": shifts.c.cancelled_at.is_(None),
        "canned_reply": tables["canned_reply"].c.active,
    }
    found = [
        (rows, rows.c.id, in_force.get(name, rows.c.node_id.is_not(None)))
        for name, rows in tables.items()
    ]
    return [*found, (shapes, shapes.c.node_id, shapes.c.parts > 0)]


async def _booked(tx: Tx, made: Select[UUID], since: datetime) -> Dependent | None:
    booking, resource = table("registration"), table("resource")
    booked = booking.join(resource, resource.c.id == booking.c.resource_id)
    below = or_(*(resource.c[name].in_(made) for name in COLUMNS[1:]))
    new = and_(below, booking.c.created_at > since)
    return await _some(tx, booked, booking.c.id, new, NAMES["registration"], "registration")


async def _appointed(
    tx: Tx, plan: Reorganisation, made: Select[UUID], since: datetime
) -> Dependent | None:
    """Find who came into posts at the new places, or where the plan moved or ended somebody."""
    posts = table("appointment")
    was = cast(ROW.c.before.op("->>")("node_id"), Uuid)
    left = _noted(plan, posts).with_only_columns(was)
    later = and_(posts.c.node_id.in_(left), _is_new(posts, posts.c.id, since))
    which = and_(
        or_(posts.c.node_id.in_(made), later),
        posts.c.id.not_in(_noted(plan, posts)),
        posts.c.ended_at.is_(None),
    )
    return await _some(tx, posts, posts.c.id, which, NAMES["appointment"])


async def _redrawn(
    tx: Tx, plan: Reorganisation, made: Select[UUID], since: datetime
) -> list[Dependent | None]:
    """Find places founded below the new ones or with an old code, and later plans."""
    n, kept = table("node"), table("reorganised_node")
    mine = select(kept.c.node_id).where(kept.c.reorganisation_id == plan.id)
    founded = and_(n.c.parent_id.in_(made), n.c.id.not_in(mine))
    codes = mine.with_only_columns(kept.c.before.op("->>")("code")).where(~kept.c.made)
    taken = and_(n.c.code.in_(codes), n.c.valid_until.is_(None), n.c.id.not_in(mine))
    plans, later = table("reorganisation"), kept.alias("later")
    again = plans.join(later, later.c.reorganisation_id == plans.c.id)
    redrawn = and_(
        later.c.node_id.in_(mine),
        plans.c.state == PlanState.APPLIED.value,
        plans.c.id != plan.id,
        plans.c.applied_at >= since,
    )
    return [
        await _some(tx, n, n.c.id, founded, NAMES["node"]),
        await _some(tx, n, n.c.id, taken, NAMES["code"]),
        await _some(tx, again, plans.c.id, redrawn, NAMES["reorganisation"], "reorganisation"),
    ]


def _is_new(rows: Any, key: Any, since: datetime) -> ColumnElement[bool]:  # noqa: ANN401
    column = _SINCE.get(rows.name)
    if column is not None:
        new: ColumnElement[bool] = rows.c[column] > since
        return new
    later = first_id_at(since + timedelta(milliseconds=1))
    return and_(key >= later, func.substr(cast(key, Text), 15, 1) == "7")


async def _some(
    tx: Tx,
    source: FromClause,
    key: Any,  # noqa: ANN401
    which: ColumnElement[bool],
    name: str,
    called: str | None = None,
) -> Dependent | None:
    number = await tx.scalar(select(func.count()).select_from(source).where(which))
    if not number:
        return None
    query = select(key).select_from(source).where(which).limit(1)
    example: UUID = (await tx.scalars(query)).one()
    return Dependent(called or source.name, name, number, example)  # type: ignore[attr-defined]
