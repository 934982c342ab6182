"""Applying a plan: everything in one transaction, or nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    case,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import array

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import DutyChanged
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.plate_codes import new_plate_code
from neighborhood_api.grid.posts.changes import look_at_posts
from neighborhood_api.grid.posts.handovers import hand_over_work
from neighborhood_api.grid.succession import Succession
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.identity.revocations import revoke_people
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.reorganisation.audiences import widen_audiences
from neighborhood_api.reorganisation.boundaries import move_boundaries
from neighborhood_api.reorganisation.counting import counts_of, table
from neighborhood_api.reorganisation.deciding import Survey, survey
from neighborhood_api.reorganisation.effects import deepest
from neighborhood_api.reorganisation.events import GridReorganised
from neighborhood_api.reorganisation.hands import settle_hands
from neighborhood_api.reorganisation.locking import pause_writing
from neighborhood_api.reorganisation.models import PlanState, Reorganisation, ReorganisedNode
from neighborhood_api.reorganisation.notices import tell_everybody
from neighborhood_api.reorganisation.offers import settle_offers
from neighborhood_api.reorganisation.placing import (
    MOVED,
    NODE_COLUMNS_KEPT,
    ROW,
    astray,
    begin_moving,
    end_moving,
    move_nodes,
    move_rows,
    place_nodes,
)
from neighborhood_api.reorganisation.posts import (
    in_office_at,
    move_names,
    posts_of,
    turnover_of,
)
from neighborhood_api.reorganisation.problems import (
    DecisionsMissing,
    ReorganisationImpossible,
)

FIGURES = ("residents", "households", "issues", "open_issues", "venues", "appointments")
"""What is noted of each place on the eve."""


async def apply_plan(tx: Tx, plan: Reorganisation, by: UUID, *, now: datetime) -> None:
    """Turn the grid into what a locked plan says; whoever writes meanwhile waits.

    Raises: GridIsBusy, ReorganisationImpossible, DecisionsMissing.
    Emits: GridReorganised, DutyChanged, PostVacant, PostFilled.
    """
    now = await pause_writing(tx, now=now)
    found = await survey(tx, plan, now=now)
    require_possible(found)
    before = await counts_of(tx, _redrawn(found), now=now, only=FIGURES)
    plan.figures = {str(node_id): numbers for node_id, numbers in before.items()}
    await tx.flush()
    await begin_moving(tx)
    await _change_tree(tx, plan, found, now=now)
    await move_rows(tx, plan.id, found)
    await move_names(tx, plan, found, now=now)
    await move_boundaries(tx, plan.id, found)
    await widen_audiences(tx, plan, found, now=now)
    await _note_successors(tx, plan, found)
    closed = list(found.outcome.closed)
    text = f"网格重组「{plan.name}」"
    withdrawn = await settle_offers(tx, plan, now=now)
    came = await settle_hands(tx, plan.id, closed, text, now=now, withdrawn=withdrawn)
    await hand_over_work(tx, await turnover_of(tx, plan.id), now=now)
    await look_at_posts(tx, await posts_of(tx, plan.id), now=now)
    await move_words(tx, plan.id, await streets_of(tx, plan.id))
    wrong = await astray(tx, found)
    if wrong:
        raise RuntimeError(f"rows would be left astray: {wrong}")
    people = await revoke_moved(tx, plan.id, now=now)
    await end_moving(tx)
    plan.state, plan.applied_at, plan.applied_by_id = PlanState.APPLIED.value, now, by
    plan.refusal = []
    plan.version += 1
    emit(tx, GridReorganised(reorganisation_id=plan.id, district_id=plan.district_id))
    for node_id in sorted(changed_posts(found)):
        emit(tx, DutyChanged(node_id=node_id))
    numbers = {str(node_id): dict(one) for node_id, one in before.items()}
    record_act(tx, GridReorganised.name, plan.id, by=by, now=now, before=numbers)
    await tell_everybody(tx, plan, people, came, now=now)


def _redrawn(found: Survey) -> list[tuple[UUID, Level]]:
    """Return the places that will hold something else: those that end, give, or are left."""
    out, nodes = found.outcome, found.ground.nodes
    redrawn = dict(found.leveled([*out.closed, *out.divided]))
    for child in out.parents:
        parent_id = nodes[child].parent_id if child in nodes else None
        if parent_id is not None:
            redrawn[parent_id] = Level(nodes[child].level - 1)
    return list(redrawn.items())


def require_possible(found: Survey) -> None:
    """Refuse a plan that contradicts the grid, or leaves something open.

    Raises: ReorganisationImpossible, DecisionsMissing.
    """
    if found.troubles:
        troubles: list[JsonValue] = [one.plain for one in found.troubles]
        raise ReorganisationImpossible(troubles=troubles)
    if found.missing:
        questions: list[JsonValue] = [
            {"key": one.key, "what": one.what} for one in found.missing
        ]
        raise DecisionsMissing(questions=questions)


def changed_posts(found: Survey) -> set[UUID]:
    """Return the places in whose posts somebody else may act now."""
    moved = {to for to in found.rows.get("appointment", {}).values() if to is not None}
    ended = {
        question.node_id
        for question in found.questions
        if question.key.startswith("appointment:")
    }
    return (moved | ended) - set(found.outcome.closed)


async def _change_tree(tx: Tx, plan: Reorganisation, found: Survey, *, now: datetime) -> None:
    """Note the places as they are; then found, close, rename, recode and move them."""
    out = found.outcome
    day = local_day(now)
    n = table("node")
    await _keep_nodes(tx, plan.id, n.c.id.in_(out.touched))
    if out.closed:
        ended = update(n).where(n.c.id.in_(list(out.closed)))
        await tx.execute(ended.values(valid_until=day, version=n.c.version + 1))
    codes = {node_id: code for node_id, code in out.codes.items() if node_id not in out.new}
    await write_codes(tx, codes)
    if out.names:
        named = update(n).where(n.c.id.in_(list(out.names)))
        await tx.execute(
            named.values(name=case(out.names, value=n.c.id), version=n.c.version + 1)
        )
    await _found_nodes(tx, plan, found, now=now)
    parents = {node_id: to for node_id, to in out.parents.items() if node_id not in out.new}
    if parents:
        put = update(n).where(n.c.id.in_(list(parents)))
        await tx.execute(put.values(parent_id=case(parents, value=n.c.id)))
    await place_nodes(tx, plan.district_id)
    await _keep_nodes(tx, plan.id, n.c.id.in_(select(MOVED.c.id)))
    await move_nodes(tx)


async def write_codes(tx: Tx, codes: Mapping[UUID, str]) -> None:
    """Give places new codes, which two of them may exchange."""
    if not codes:
        return
    n = table("node")
    mine = update(n).where(n.c.id.in_(list(codes)))
    free = literal("~").concat(cast(n.c.id, Text))
    await tx.execute(mine.values(code=free))
    await tx.execute(mine.values(code=case(dict(codes), value=n.c.id), version=n.c.version + 1))


async def _keep_nodes(tx: Tx, plan_id: UUID, which: Any) -> None:  # noqa: ANN401
    """Note places as they are, once, except those that the plan makes."""
    n, kept = table("node"), table("reorganised_node")
    before = func.jsonb_build_object(
        *(part for name in NODE_COLUMNS_KEPT for part in (literal(name), n.c[name]))
    )
    there = select(kept.c.node_id).where(kept.c.reorganisation_id == plan_id)
    noted = select(literal(plan_id), n.c.id, literal(value=False), before)
    into = ["reorganisation_id", "node_id", "made", "before"]
    await tx.execute(insert(kept).from_select(into, noted.where(which, n.c.id.not_in(there))))


async def _found_nodes(tx: Tx, plan: Reorganisation, found: Survey, *, now: datetime) -> None:
    """Write the new places, those above first; where they lie is computed with the rest."""
    district = await tx.get_one(Node, plan.district_id)
    made = sorted(found.outcome.new.items(), key=lambda item: (item[1].level, item[1].code))
    for node_id, wish in made:
        level = Level(wish.level)
        node = Node(
            id=node_id,
            level=level.value,
            kind=wish.kind,
            parent_id=found.outcome.parents[node_id],
            code=wish.code,
            name=wish.name,
            code_prefix=district.code_prefix,
            plate_code=new_plate_code() if level is Level.LANE else None,
            longitude=wish.longitude,
            latitude=wish.latitude,
            valid_from=local_day(now),
            district_id=district.id,
            **{COLUMNS[level]: node_id},  # type: ignore[arg-type]
        )
        tx.add(node)
        await tx.flush()
        tx.add(
            ReorganisedNode(reorganisation_id=plan.id, node_id=node_id, made=True, before={})
        )
    await tx.flush()


async def _note_successors(tx: Tx, plan: Reorganisation, found: Survey) -> None:
    for node_id, heirs in found.outcome.closed.items():
        main = found.defaults.get(("case_file", node_id), heirs[0] if heirs else None)
        for heir in heirs:
            tx.add(
                Succession(
                    from_id=node_id,
                    to_id=heir,
                    reorganisation_id=plan.id,
                    main=heir == main,
                )
            )
    await tx.flush()


async def streets_of(tx: Tx, reorganisation_id: UUID) -> set[UUID]:
    """Return the streets in which the places lie, or lay, that a plan changed."""
    n, kept = table("node"), table("reorganised_node")
    was = cast(kept.c.before.op("->>")("street_id"), Uuid)
    mine = (kept.c.reorganisation_id == reorganisation_id, n.c.id == kept.c.node_id)
    found = union(select(was).where(*mine), select(n.c.street_id).where(*mine))
    return {one for one in await tx.scalars(found) if one is not None}


async def move_words(tx: Tx, reorganisation_id: UUID, streets: set[UUID]) -> None:
    """Let issues be found in the street where they lie now, and in none of the others."""
    involved = sorted(streets)
    if len(involved) < 2:  # noqa: PLR2004  (from one street to another)
        return
    issue, cases = table("issue"), table("case_file")
    old = literal([_street(one) for one in involved], ARRAY(Text))
    here = literal("#").concat(func.replace(cast(cases.c.street_id, Text), "-", ""))
    new = func.array_to_tsvector(cast(array([here]), ARRAY(Text)))
    noted = select(ROW.c.row_id).where(
        ROW.c.reorganisation_id == reorganisation_id, ROW.c.table_name == cases.name
    )
    moved = or_(deepest(cases).in_(select(MOVED.c.id)), cases.c.id.in_(noted))
    words = func.ts_delete(issue.c.words, old).op("||")(new)
    await tx.execute(
        update(issue)
        .values(words=words)
        .where(cases.c.id == issue.c.case_id, cases.c.street_id.in_(involved), moved)
    )


def _street(street_id: UUID) -> str:
    """Return the word of a street among what issues are found by."""
    return f"#{street_id.hex}"


async def revoke_moved(tx: Tx, reorganisation_id: UUID, *, now: datetime) -> set[UUID]:
    """Make the tokens worthless that say where somebody lived, or what she was, before.

    Returns who holds posts at places that changed.
    """
    home, posts = table("residence"), table("appointment")
    mine = ROW.c.reorganisation_id == reorganisation_id
    rows = select(ROW.c.row_id).where(mine)
    elsewhere = select(home.c.person_id).where(deepest(home).in_(select(MOVED.c.id)))
    noted = rows.where(ROW.c.table_name == "residence")
    ids = rows.where(ROW.c.table_name == "appointment")
    held = select(posts.c.person_id).where(posts.c.id.in_(ids))
    stood = select(posts.c.stand_in_id).where(
        posts.c.id.in_(ids), posts.c.stand_in_id.is_not(None)
    )
    touched = await tx.scalars(
        select(MOVED.c.id).union(
            select(ROW.c.to_id).where(mine, ROW.c.table_name == "appointment")
        )
    )
    staff = await in_office_at(tx, [one for one in touched if one is not None])
    staff |= set(await tx.scalars(held.union(stood)))
    everybody = union(elsewhere, noted).subquery()
    people = table("person")
    theirs = select(people.c.id).where(
        or_(people.c.id.in_(select(everybody)), people.c.id.in_(sorted(staff)))
    )
    await revoke_people(tx, theirs, now=now)
    return staff
