"""Rewriting where things lie, in few statements for any number of rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    MetaData,
    Table,
    Uuid,
    and_,
    case,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.db import Tx
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.deciding import Survey
from neighborhood_api.reorganisation.effects import (
    PLACEMENTS,
    Placement,
    deepest,
    lies_at,
)
from neighborhood_api.reorganisation.models import ReorganisedRow

MOVED = Table(
    "reorganisation_moved",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    *(Column(name, Uuid) for name in COLUMNS),
)
"""Places that lie elsewhere now, with all that they lie in; for one transaction."""
ROW = ReorganisedRow.metadata.tables["reorganised_row"]
NODE_COLUMNS_KEPT = (
    *COLUMNS,
    "parent_id",
    "code",
    "name",
    "valid_until",
)
"""What of a node a reorganisation may change."""

_EMPTY = (
    "CREATE TEMP TABLE IF NOT EXISTS reorganisation_moved (id uuid PRIMARY KEY,"
    " district_id uuid, street_id uuid, community_id uuid, grid_id uuid, lane_id uuid)"
    " ON COMMIT DROP"
)


async def begin_moving(tx: Tx) -> None:
    """Tell the guards of the tables that places are being moved, and note none yet."""
    await tx.execute(text("SET LOCAL neighborhood.reorganising = 'on'"))
    await tx.execute(text(_EMPTY))
    await tx.execute(text("DELETE FROM reorganisation_moved"))


async def end_moving(tx: Tx) -> None:
    """Let the guards watch again."""
    await tx.execute(text("SET LOCAL neighborhood.reorganising = ''"))


async def place_nodes(tx: Tx, district_id: UUID) -> None:
    """Note which places lie elsewhere by their parents than their columns say."""
    n = table("node")
    live = and_(n.c.district_id == district_id, n.c.valid_until.is_(None))
    tree = (
        select(n.c.id, *(n.c[name].label(name) for name in COLUMNS))
        .where(n.c.id == district_id)
        .cte("tree", recursive=True)
    )
    child = n.alias("child")
    below = [
        case((child.c.level == level, child.c.id), else_=tree.c[name])
        for level, name in enumerate(COLUMNS)
    ]
    tree = tree.union_all(
        select(child.c.id, *below).where(
            child.c.parent_id == tree.c.id, child.c.valid_until.is_(None)
        )
    )
    differs = _differ(n, tree)
    found = select(tree.c.id, *(tree.c[name] for name in COLUMNS)).join(n, n.c.id == tree.c.id)
    await tx.execute(insert(MOVED).from_select(["id", *COLUMNS], found.where(live, differs)))


async def move_nodes(tx: Tx) -> None:
    """Write into the places that moved where they lie now."""
    n = table("node")
    values = {name: MOVED.c[name] for name in COLUMNS} | {"version": n.c.version + 1}
    await tx.execute(update(n).values(values).where(n.c.id == MOVED.c.id))


async def move_rows(tx: Tx, reorganisation_id: UUID, found: Survey) -> None:
    """Put every row of every placed table where it lies now.

    Rows at a place that ended, or that were decided one by one, are noted as they were; what
    is at a place that moved goes with it, and comes back with it.
    """
    closed = found.leveled(found.outcome.closed)
    for placement in PLACEMENTS:
        rows = placement.rows
        leaving = lies_at(rows, closed)
        single = [key for key, to in found.rows.get(rows.name, {}).items() if to]
        if single and (placement.each or rows.name == "household"):
            leaving = or_(leaving, rows.c[placement.key].in_(single))
        to = found.target(placement, rows)
        if placement.along is not None:
            leaving, to = _along(placement, rows, leaving, to, reorganisation_id)
        await keep_rows(tx, reorganisation_id, rows, placement.key, COLUMNS, leaving, to)
        await _put_there(tx, reorganisation_id, placement)
        await move_along(tx, placement, found.ground.district_id)


def _along(
    placement: Placement,
    rows: Table,
    leaving: ColumnElement[bool],
    to: ColumnElement[UUID],
    reorganisation_id: UUID,
) -> tuple[ColumnElement[bool], ColumnElement[UUID]]:
    """Let rows go where the row goes that they belong to."""
    if placement.along is None:
        return leaving, to
    owner = table(placement.along.table).alias("owner")
    mine = rows.c[placement.along.column]
    kept = select(ROW.c.to_id).where(
        ROW.c.reorganisation_id == reorganisation_id,
        ROW.c.table_name == owner.element.name,  # type: ignore[attr-defined]
        ROW.c.row_id == mine,
    )
    goes = kept.correlate(rows).scalar_subquery()
    return or_(leaving, goes.is_not(None)), func.coalesce(goes, to)


async def keep_rows(
    tx: Tx,
    reorganisation_id: UUID,
    rows: Table,
    key: str,
    columns: tuple[str, ...],
    which: ColumnElement[bool],
    to: ColumnElement[UUID] | ColumnElement[None],
) -> None:
    """Note rows as they are, before they are changed; what was noted earlier stays."""
    before = func.jsonb_build_object(
        *(part for name in columns for part in (literal(name), rows.c[name]))
    )
    noted = select(
        literal(reorganisation_id), literal(rows.name), rows.c[key], before, to
    ).where(which)
    into = ["reorganisation_id", "table_name", "row_id", "before", "to_id"]
    keeping = upsert(ROW).from_select(into, noted)
    earlier = keeping.excluded.before.op("||")(ROW.c.before)
    await tx.execute(
        keeping.on_conflict_do_update(
            index_elements=["reorganisation_id", "table_name", "row_id"],
            set_={"before": earlier},
        )
    )


async def _put_there(tx: Tx, reorganisation_id: UUID, placement: Placement) -> None:
    rows, n = placement.rows, table("node")
    await tx.execute(
        update(rows)
        .values({name: n.c[name] for name in COLUMNS})
        .where(
            ROW.c.reorganisation_id == reorganisation_id,
            ROW.c.table_name == rows.name,
            ROW.c.row_id == rows.c[placement.key],
            n.c.id == ROW.c.to_id,
        )
    )


async def move_along(tx: Tx, placement: Placement, district_id: UUID) -> None:
    """Put the rows at places that moved where these lie now."""
    rows = placement.rows
    await tx.execute(
        update(rows)
        .values({name: MOVED.c[name] for name in COLUMNS})
        .where(
            rows.c.district_id == district_id,
            MOVED.c.id == deepest(rows),
            _differ(rows, MOVED),
        )
    )


async def put_back(tx: Tx, reorganisation_id: UUID, placement: Placement) -> None:
    """Put rows back that were noted, unless they went elsewhere meanwhile."""
    rows = placement.rows
    await tx.execute(
        update(rows)
        .values({name: was(rows, name) for name in COLUMNS})
        .where(
            ROW.c.reorganisation_id == reorganisation_id,
            ROW.c.table_name == rows.name,
            ROW.c.row_id == rows.c[placement.key],
            deepest(rows) == ROW.c.to_id,
            ROW.c.before.has_key("district_id"),
        )
    )


MOMENTS = frozenset({"ended_at", "ends_at", "cancelled_at", "filled_at", "over_at"})
"""Columns that say since when something is over."""


async def restore(
    tx: Tx,
    reorganisation_id: UUID,
    rows: Table,
    key: str,
    columns: tuple[str, ...],
    *unless: ColumnElement[bool],
    since: datetime | None = None,
) -> None:
    """Give columns of noted rows the values that they had.

    With `since`, when the plan was applied: what was over at another moment stays over.
    """
    values: dict[str, ColumnElement[object]] = {}
    for name in columns:
        before = was(rows, name)
        if since is not None and name in MOMENTS:
            before = case((rows.c[name] == since, before), else_=rows.c[name])
        values[name] = before
    await tx.execute(
        update(rows)
        .values(values)
        .where(
            ROW.c.reorganisation_id == reorganisation_id,
            ROW.c.table_name == rows.name,
            ROW.c.row_id == rows.c[key],
            *unless,
        )
    )


def was(rows: Table, name: str) -> ColumnElement[object]:
    """Return the value of a noted row's column, or the present one where it was not noted."""
    noted = cast(ROW.c.before.op("->>")(name), rows.c[name].type)
    return case((ROW.c.before.has_key(name), noted), else_=rows.c[name])


async def astray(tx: Tx, found: Survey) -> dict[str, int]:
    """Count the rows that lie at a place that ended, or not where their place lies."""
    closed = found.leveled(found.outcome.closed)
    wrong: dict[str, int] = {}
    for placement in PLACEMENTS:
        rows = placement.rows
        left = select(func.count()).select_from(rows).where(lies_at(rows, closed))
        beside = (
            select(func.count())
            .select_from(rows.join(MOVED, MOVED.c.id == deepest(rows)))
            .where(_differ(rows, MOVED))
        )
        number = (await tx.scalar(left) or 0) + (await tx.scalar(beside) or 0)
        if number:
            wrong[rows.name] = number
    return wrong


def _differ(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return tuple_(*(one.c[name] for name in COLUMNS)).is_distinct_from(
        tuple_(*(other.c[name] for name in COLUMNS))
    )
