"""Taking a reorganisation back while nothing new depends on it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, delete, insert, select, tuple_, update

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import DutyChanged
from neighborhood_api.grid.posts.changes import look_at_posts
from neighborhood_api.grid.posts.handovers import hand_over_work
from neighborhood_api.grid.succession import Succession
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.reorganisation.applying import (
    move_words,
    revoke_moved,
    streets_of,
    write_codes,
)
from neighborhood_api.reorganisation.audiences import narrow_audiences
from neighborhood_api.reorganisation.boundaries import part_boundaries
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.dependents import dependents
from neighborhood_api.reorganisation.effects import PLACEMENTS
from neighborhood_api.reorganisation.events import ReorganisationUndone
from neighborhood_api.reorganisation.ground import operations_of
from neighborhood_api.reorganisation.hands import give_back, settle_hands
from neighborhood_api.reorganisation.locking import pause_writing
from neighborhood_api.reorganisation.models import PlanState, Reorganisation
from neighborhood_api.reorganisation.notices import tell_everybody
from neighborhood_api.reorganisation.offers import (
    reopen_offers,
    settle_offers,
    settle_parties,
)
from neighborhood_api.reorganisation.operations import RecodePlaceIn, RenamePlaceIn
from neighborhood_api.reorganisation.placing import (
    MOVED,
    ROW,
    begin_moving,
    end_moving,
    move_along,
    move_nodes,
    put_back,
)
from neighborhood_api.reorganisation.posts import (
    end_alarms,
    posts_of,
    restore_names,
    turnover_of,
)
from neighborhood_api.reorganisation.problems import NewThingsDepend


async def undo_plan(tx: Tx, plan: Reorganisation, by: UUID, *, now: datetime) -> None:
    """Put everything back where it lay before a locked plan was applied.

    Raises: GridIsBusy, NewThingsDepend.
    Emits: ReorganisationUndone, DutyChanged, PostVacant, PostFilled.
    """
    now = await pause_writing(tx, now=now)
    await _require_nothing_new(tx, plan)
    since = plan.applied_at or now
    await begin_moving(tx)
    streets = await streets_of(tx, plan.id)
    made = await _restore_tree(tx, plan, now=now)
    for placement in PLACEMENTS:
        await put_back(tx, plan.id, placement)
        await move_along(tx, placement, plan.district_id)
    turnover = await turnover_of(tx, plan.id)
    await restore_names(tx, plan, now=now, by=by)
    await part_boundaries(tx, plan.id)
    await narrow_audiences(tx, plan)
    await tx.execute(delete(Succession).where(Succession.reorganisation_id == plan.id))
    reopened = await reopen_offers(tx, plan)
    back = await give_back(tx, plan.id, since=since, now=now)
    text = f"网格重组「{plan.name}」已撤销"
    withdrawn = await settle_offers(tx, plan, now=now)
    came = await settle_hands(tx, plan.id, made, text, now=now, back=back, withdrawn=withdrawn)
    await settle_parties(tx, reopened)
    await hand_over_work(tx, turnover, now=now)
    await end_alarms(tx, made, now=now)
    await look_at_posts(tx, await posts_of(tx, plan.id), now=now)
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


async def _require_nothing_new(tx: Tx, plan: Reorganisation) -> None:
    """Refuse to take back what something new depends on.

    Raises: NewThingsDepend.
    """
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


async def _restore_tree(tx: Tx, plan: Reorganisation, *, now: datetime) -> list[UUID]:
    """Close the places that the plan made, and have all others be as they were.

    Names and codes that somebody corrected since stay corrected.
    """
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

    operations = operations_of(plan)
    coded = [(one.node, one.code) for one in operations if isinstance(one, RecodePlaceIn)]
    named = [(one.node, one.name) for one in operations if isinstance(one, RenamePlaceIn)]
    still = tuple_(n.c.id, n.c.code).in_(coded)
    codes = select(n.c.id, was("code")).where(mine, ~kept.c.made, still)
    await write_codes(tx, {row.id: row[1] for row in await tx.execute(codes)})
    still = tuple_(n.c.id, n.c.name).in_(named)
    await tx.execute(update(n).values(name=was("name")).where(mine, ~kept.c.made, still))
    same = ("parent_id", "valid_until")
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
