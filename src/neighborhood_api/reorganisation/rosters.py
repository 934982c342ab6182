"""Rosters and second layers of responsibility at a place that ends."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, case, delete, exists, func, insert, null, or_, select, update

from neighborhood_api.grid.posts.releases import release_shifts
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.deciding import Survey
from neighborhood_api.reorganisation.placing import ROW, keep_rows

SHIFT = ("node_id", "ends_at", "cancelled_at")


async def move_rosters(tx: Tx, plan_id: UUID, found: Survey, *, now: datetime) -> None:
    """Have shifts to come stand on a successor's roster, and release who left her post.

    Of two that would be on call at once, the one that comes from elsewhere is cancelled.
    """
    rows = table("shift")
    going = {node_id: to for (name, node_id), to in found.defaults.items() if name == rows.name}
    people = await _people(tx, found)
    to_come = and_(rows.c.ends_at > now, rows.c.cancelled_at.is_(None))
    to = case(going, value=rows.c.node_id, else_=rows.c.node_id) if going else rows.c.node_id
    concerned = or_(rows.c.node_id.in_(going), rows.c.person_id.in_(people))
    await keep_rows(tx, plan_id, rows, "id", SHIFT, and_(concerned, to_come), to)
    if going:
        other = rows.alias("other")
        theirs = case(going, value=other.c.node_id, else_=other.c.node_id)
        earlier = or_(other.c.node_id.not_in(going), other.c.node_id < rows.c.node_id)
        clash = exists().where(
            other.c.id != rows.c.id,
            other.c.cancelled_at.is_(None),
            theirs == to,
            other.c.starts_at < rows.c.ends_at,
            other.c.ends_at > rows.c.starts_at,
            earlier,
        )
        leaving = and_(rows.c.node_id.in_(going), to_come)
        cancelled = case((clash, now), else_=rows.c.cancelled_at)
        values = {"node_id": to, "cancelled_at": cancelled, "version": rows.c.version + 1}
        await tx.execute(update(rows).values(values).where(leaving))
    await release_shifts(tx, people, now=now)
    alarms = table("roster_alarm")
    over = and_(alarms.c.node_id.in_(found.outcome.closed), alarms.c.over_at.is_(None))
    await keep_rows(tx, plan_id, alarms, "id", ("over_at",), over, null())
    await tx.execute(update(alarms).values(over_at=now).where(over))


async def _people(tx: Tx, found: Survey) -> list[UUID]:
    """Return who got another post, or none."""
    decided = found.rows.get("appointment", {})
    posts = table("appointment")
    query = select(posts.c.person_id, posts.c.stand_in_id).where(posts.c.id.in_(decided))
    rows = await tx.execute(query)
    return sorted({person for row in rows for person in row if person is not None})


async def move_covers(tx: Tx, plan_id: UUID, found: Survey) -> None:
    """Have every successor answered for, in each other layer, by who answered for the place.

    The successors that are covered already stay so.
    """
    rows = table("layer_cover")
    closed = found.outcome.closed
    heirs = {heir for several in closed.values() for heir in several}
    query = select(rows.c.id, rows.c.layer_id, rows.c.layer_node_id, rows.c.node_id)
    there = (await tx.execute(query.where(rows.c.node_id.in_([*closed, *heirs])))).all()
    covered = {(row.layer_id, row.node_id) for row in there}
    going: dict[UUID, UUID] = {}
    made = []
    wanted: dict[UUID, list[UUID]] = defaultdict(list)
    for row in sorted(there, key=lambda one: one.id):
        for heir in closed.get(row.node_id, ()):
            if (row.layer_id, heir) not in covered:
                covered.add((row.layer_id, heir))
                wanted[row.id].append(heir)
        if wanted[row.id]:
            going[row.id] = wanted[row.id][0]
        for heir in wanted[row.id][1:]:
            same = {"layer_id": row.layer_id, "layer_node_id": row.layer_node_id}
            made.append({"id": new_id(), "node_id": heir, **same})
    if going:
        to = case(going, value=rows.c.id)
        which = rows.c.id.in_(going)
        await keep_rows(tx, plan_id, rows, "id", ("node_id",), which, to)
        await tx.execute(update(rows).values(node_id=to).where(which))
    if made:
        await tx.execute(insert(rows), made)
        new = rows.c.id.in_([one["id"] for one in made])
        nothing: tuple[str, ...] = ()
        await keep_rows(tx, plan_id, rows, "id", nothing, new, rows.c.node_id)


async def remove_covers(tx: Tx, plan_id: UUID) -> None:
    """Take away what `move_covers` made."""
    rows = table("layer_cover")
    made = select(ROW.c.row_id).where(
        ROW.c.reorganisation_id == plan_id,
        ROW.c.table_name == rows.name,
        ROW.c.before == func.jsonb_build_object(),
    )
    await tx.execute(delete(rows).where(rows.c.id.in_(made)))
