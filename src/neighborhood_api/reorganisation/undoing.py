"""Taking a reorganisation back while nothing new depends on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import DutyChanged
from neighborhood_api.grid.succession import Succession
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import first_id_at
from neighborhood_api.kit.outbox import emit
from neighborhood_api.reorganisation.applying import (
    move_words,
    revoke_moved,
    streets_of,
    write_codes,
)
from neighborhood_api.reorganisation.audiences import narrow_audiences
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.effects import PLACEMENTS, deepest
from neighborhood_api.reorganisation.events import ReorganisationUndone
from neighborhood_api.reorganisation.hands import give_back, settle_hands
from neighborhood_api.reorganisation.locking import pause_writing
from neighborhood_api.reorganisation.models import PlanState, Reorganisation
from neighborhood_api.reorganisation.notices import tell_everybody
from neighborhood_api.reorganisation.placing import (
    MOVED,
    ROW,
    begin_moving,
    end_moving,
    move_along,
    move_nodes,
    put_back,
)
from neighborhood_api.reorganisation.posts import restore_names
from neighborhood_api.reorganisation.problems import NewThingsDepend

NAMES = {
    "case_file": "诉求",
    "residence": "居住信息",
    "registration": "预约",
    "appointment": "任职",
    "node": "下级地点",
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


async def undo_plan(tx: Tx, plan: Reorganisation, by: UUID, *, now: datetime) -> None:
    """Put everything back where it lay before a locked plan was applied.

    Raises: GridIsBusy, NewThingsDepend.
    Emits: ReorganisationUndone, DutyChanged.
    """
    await pause_writing(tx)
    depending = await dependents(tx, plan)
    if depending:
        raise NewThingsDepend(
            dependents=[
                {
                    "table": one.table,
                    "name": one.name,
                    "number": one.number,
                    "example_id": str(one.example_id),
                }
                for one in depending
            ]
        )
    since = plan.applied_at or now
    await begin_moving(tx)
    streets = await streets_of(tx, plan.id)
    made = await _restore_tree(tx, plan, now=now)
    for placement in PLACEMENTS:
        await put_back(tx, plan.id, placement)
        await move_along(tx, placement, plan.district_id)
    await restore_names(tx, plan, now=now, by=by)
    await narrow_audiences(tx, plan)
    await tx.execute(delete(Succession).where(Succession.reorganisation_id == plan.id))
    back = await give_back(tx, plan.id, since=since, now=now)
    text = f"网格重组「{plan.name}」已撤销"
    came = await settle_hands(tx, plan.id, made, text, now=now, back=back)
    await move_words(tx, plan.id, streets)
    people = await revoke_moved(tx, plan.id, now=now)
    await end_moving(tx)
    plan.state, plan.undone_at = PlanState.UNDONE.value, now
    plan.version += 1
    undone = ReorganisationUndone(reorganisation_id=plan.id, district_id=plan.district_id)
    emit(tx, undone)
    for node_id in sorted(await _posts_of(tx, plan.id)):
        emit(tx, DutyChanged(node_id=node_id))
    record_act(tx, undone.name, plan.id, by=by, now=now)
    await tell_everybody(tx, plan, people, came, now=now, undone=True)


async def dependents(tx: Tx, plan: Reorganisation) -> list[Dependent]:
    """Find what is new at the places that a plan made, or was redrawn since."""
    kept = table("reorganised_node")
    mine = kept.c.reorganisation_id == plan.id
    made = select(kept.c.node_id).where(mine, kept.c.made)
    since = plan.applied_at
    assert since is not None  # noqa: S101  (it was applied)
    found = []
    for placement in PLACEMENTS:
        rows = placement.rows
        noted = select(ROW.c.row_id).where(
            ROW.c.reorganisation_id == plan.id, ROW.c.table_name == rows.name
        )
        at_made = and_(deepest(rows).in_(made), rows.c[placement.key].not_in(noted))
        below = or_(*(rows.c[name].in_(made) for name in COLUMNS[1:]))
        is_new = _is_new(rows, rows.c[placement.key], since)
        which = or_(at_made, and_(below, is_new))
        name = NAMES.get(rows.name, placement.name)
        found.append(await _some(tx, rows, rows.c[placement.key], which, name))
    found += await _others(tx, plan, made, since)
    return [one for one in found if one is not None]


async def _others(
    tx: Tx, plan: Reorganisation, made: Select[UUID], since: datetime
) -> list[Dependent | None]:
    booking, resource = table("registration"), table("resource")
    booked = booking.join(resource, resource.c.id == booking.c.resource_id)
    below = or_(*(resource.c[name].in_(made) for name in COLUMNS[1:]))
    new = and_(below, booking.c.created_at > since)
    posts, n, kept = table("appointment"), table("node"), table("reorganised_node")
    noted = select(ROW.c.row_id).where(
        ROW.c.reorganisation_id == plan.id, ROW.c.table_name == posts.name
    )
    appointed = and_(posts.c.node_id.in_(made), posts.c.id.not_in(noted))
    mine = select(kept.c.node_id).where(kept.c.reorganisation_id == plan.id)
    founded = and_(n.c.parent_id.in_(made), n.c.id.not_in(mine))
    later, plans = kept.alias("later"), table("reorganisation")
    again = plans.join(later, later.c.reorganisation_id == plans.c.id)
    redrawn = and_(
        later.c.node_id.in_(mine),
        plans.c.state == PlanState.APPLIED.value,
        plans.c.id != plan.id,
        plans.c.applied_at >= since,
    )
    return [
        await _some(tx, booked, booking.c.id, new, NAMES["registration"], "registration"),
        await _some(tx, posts, posts.c.id, appointed, NAMES["appointment"]),
        await _some(tx, n, n.c.id, founded, NAMES["node"]),
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


async def _restore_tree(tx: Tx, plan: Reorganisation, *, now: datetime) -> list[UUID]:
    """Close the places that the plan made, and have all others be as they were."""
    n, kept = table("node"), table("reorganised_node")
    mine = and_(kept.c.reorganisation_id == plan.id, kept.c.node_id == n.c.id)
    made = list(
        await tx.scalars(
            select(kept.c.node_id).where(kept.c.reorganisation_id == plan.id, kept.c.made)
        )
    )
    ended = update(n).where(n.c.id.in_(made))
    await tx.execute(ended.values(valid_until=local_day(now), version=n.c.version + 1))

    def was(name: str) -> ColumnElement[Any]:
        return cast(kept.c.before.op("->>")(name), n.c[name].type)

    codes = select(n.c.id, was("code")).where(mine, ~kept.c.made, was("code") != n.c.code)
    await write_codes(tx, {row.id: row[1] for row in await tx.execute(codes)})
    same = ("parent_id", "name", "valid_until")
    await tx.execute(
        update(n)
        .values({name: was(name) for name in same} | {"version": n.c.version + 1})
        .where(mine, ~kept.c.made)
    )
    places = tuple_(*(was(name) for name in COLUMNS))
    moved = select(n.c.id, *(was(name) for name in COLUMNS)).where(
        mine, ~kept.c.made, tuple_(*(n.c[name] for name in COLUMNS)).is_distinct_from(places)
    )
    await tx.execute(insert(MOVED).from_select(["id", *COLUMNS], moved))
    await move_nodes(tx)
    return made


async def _posts_of(tx: Tx, reorganisation_id: UUID) -> set[UUID]:
    posts = table("appointment")
    mine = select(posts.c.node_id).where(
        posts.c.id == ROW.c.row_id,
        ROW.c.table_name == posts.name,
        ROW.c.reorganisation_id == reorganisation_id,
    )
    return set(await tx.scalars(mine))
