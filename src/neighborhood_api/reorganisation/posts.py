"""What names a place that ends: people in office, departments, rules, words at hand, orders."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Table,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    update,
)

from neighborhood_api.grid.posts.duty import ANSWERING
from neighborhood_api.grid.posts.handovers import Turnover
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.issues.categories.models import HandlingRule
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.trail import trail_of
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.deciding import Survey
from neighborhood_api.reorganisation.models import Reorganisation
from neighborhood_api.reorganisation.placing import ROW, keep_rows, restore
from neighborhood_api.reorganisation.rosters import move_covers, move_rosters, remove_covers

CHANGED = {
    "appointment": ("node_id", "ended_at", "is_primary", "version"),
    "organization": ("node_id",),
    "canned_reply": ("node_id",),
    "vacancy": ("filled_at",),
    "case_offer": ("node_id",),
    "shift": ("node_id", "ends_at", "cancelled_at", "version"),
    "roster_alarm": ("over_at",),
    "layer_cover": ("node_id",),
    "issue_order": ("from_node_id",),
    "case_call": ("from_node_id",),
}
"""The columns that name a place, and what else changes with them."""
_OVER = {"issue_order": "settled_at", "case_call": "released_at"}


async def move_names(tx: Tx, plan: Reorganisation, found: Survey, *, now: datetime) -> None:
    """Have everything that named a place which ends name a successor, or end with it."""
    closed = list(found.outcome.closed)
    for name in ("appointment", "organization"):
        await _move_decided(tx, plan.id, table(name), found.rows.get(name, {}), now=now)
    replies = {
        node_id: to for (name, node_id), to in found.defaults.items() if name == "canned_reply"
    }
    await _rename(tx, plan.id, table("canned_reply"), replies)
    await _end_vacancies(tx, plan.id, closed, now=now)
    await _move_offers(tx, plan.id, closed)
    for name in _OVER:
        await _move_with_case(tx, plan.id, table(name), closed, found)
    await _copy_rules(tx, plan, found, now=now)
    await move_rosters(tx, plan.id, found, now=now)
    await move_covers(tx, plan.id, found)


async def _move_decided(
    tx: Tx, plan_id: UUID, rows: Table, decided: dict[UUID, UUID | None], *, now: datetime
) -> None:
    """End or move rows one by one, as it was decided; first what ends, to make room."""
    if not decided:
        return
    which = rows.c.id.in_(decided)
    going = {row_id: to for row_id, to in decided.items() if to is not None}
    ending = [row_id for row_id, to in decided.items() if to is None]
    to = case(going, value=rows.c.id, else_=null()) if going else null()
    await keep_rows(tx, plan_id, rows, "id", CHANGED[rows.name], which, to)
    version = {"version": rows.c.version + 1} if "version" in rows.c else {}
    if ending:
        values: dict[str, Any] = {"ended_at": now} | version
        await tx.execute(update(rows).values(values).where(rows.c.id.in_(ending)))
    if going:
        if rows.name == "appointment":
            await _help_primaries(tx, rows, going)
        values = {"node_id": case(going, value=rows.c.id)} | version
        await tx.execute(update(rows).values(values).where(rows.c.id.in_(going)))


async def _help_primaries(tx: Tx, rows: Table, going: Mapping[UUID, UUID]) -> None:
    """Let workers who come to a grid that has its primary one help her: each grid has one."""
    primary = and_(rows.c.is_primary, rows.c.ended_at.is_(None))
    there = select(rows.c.node_id).where(primary, rows.c.node_id.in_(set(going.values())))
    taken = set(await tx.scalars(there.where(rows.c.id.not_in(going))))
    coming = select(rows.c.id).where(primary, rows.c.id.in_(going))
    helping = []
    for row_id in await tx.scalars(coming.order_by(rows.c.starts_on, rows.c.id)):
        if going[row_id] in taken:
            helping.append(row_id)
        taken.add(going[row_id])
    if helping:
        await tx.execute(update(rows).values(is_primary=False).where(rows.c.id.in_(helping)))


async def _rename(tx: Tx, plan_id: UUID, rows: Table, going: dict[UUID, UUID]) -> None:
    if not going:
        return
    to = case(going, value=rows.c.node_id)
    which = rows.c.node_id.in_(going)
    await keep_rows(tx, plan_id, rows, "id", CHANGED[rows.name], which, to)
    await tx.execute(update(rows).values(node_id=to).where(which))


async def _end_vacancies(tx: Tx, plan_id: UUID, closed: list[UUID], *, now: datetime) -> None:
    rows = table("vacancy")
    which = rows.c.node_id.in_(closed) & rows.c.filled_at.is_(None)
    await keep_rows(tx, plan_id, rows, "id", CHANGED["vacancy"], which, null())
    await end_alarms(tx, closed, now=now)


async def end_alarms(tx: Tx, nodes: list[UUID], *, now: datetime) -> None:
    """Call off the alarms of vacant posts at places that end."""
    rows = table("vacancy")
    which = rows.c.node_id.in_(nodes) & rows.c.filled_at.is_(None)
    await tx.execute(update(rows).values(filled_at=now).where(which))


async def _move_offers(tx: Tx, plan_id: UUID, closed: list[UUID]) -> None:
    """Offer open cases at the place where the offer lies now."""
    rows = table("case_offer")
    which = rows.c.node_id.in_(closed) & rows.c.answered_at.is_(None)
    to = func.coalesce(*(rows.c[name] for name in reversed(COLUMNS)))
    await keep_rows(tx, plan_id, rows, "id", CHANGED["case_offer"], which, to)
    await tx.execute(update(rows).values(node_id=to).where(which))


async def _move_with_case(
    tx: Tx, plan_id: UUID, rows: Table, closed: list[UUID], found: Survey
) -> None:
    """Let the place that gave an order be the one of that level where the case lies now."""
    cases = table("case_file")
    which = rows.c.from_node_id.in_(closed) & rows.c[_OVER[rows.name]].is_(None)
    place = case(
        *((rows.c.from_level == level, cases.c[name]) for level, name in enumerate(COLUMNS))
    )
    usual = {node_id: heirs[0] for node_id, heirs in found.outcome.closed.items() if heirs}
    if not usual:
        return
    there = (
        select(func.coalesce(place, case(usual, value=rows.c.from_node_id)))
        .where(cases.c.id == rows.c.case_id)
        .correlate(rows)
        .scalar_subquery()
    )
    await keep_rows(tx, plan_id, rows, "id", CHANGED[rows.name], which, there)
    await tx.execute(update(rows).values(from_node_id=there).where(which))


async def _copy_rules(tx: Tx, plan: Reorganisation, found: Survey, *, now: datetime) -> None:
    """Let every successor handle issues as the place did, unless it has a rule of its own."""
    heirs = {node_id: set(to) for node_id, to in found.outcome.closed.items() if to}
    wanted = {*heirs, *(heir for several in heirs.values() for heir in several)}
    in_force = HandlingRule.superseded_at.is_(None)
    query = select(HandlingRule).where(HandlingRule.node_id.in_(wanted), in_force)
    rules = (await tx.scalars(query.order_by(HandlingRule.id))).all()
    has = {(rule.node_id, rule.category_code) for rule in rules}
    numbers = await tx.execute(_NEWEST, {"nodes": list(wanted)})
    newest: dict[str, int] = {row[0]: row[1] for row in numbers}
    for rule in [one for one in rules if one.node_id in heirs]:
        for heir in sorted(heirs[rule.node_id]):  # type: ignore[index]
            if (heir, rule.category_code) in has:
                continue
            has.add((heir, rule.category_code))
            number = newest.get(f"{heir} {rule.category_code}", 0)
            copy = _copied(rule, heir, number + 1, plan, now)
            tx.add_all((copy, trail_of(copy)))
    await tx.flush()


_NEWEST = (
    select(
        func.concat(HandlingRule.node_id, literal(" "), HandlingRule.category_code),
        func.max(HandlingRule.version),
    )
    .where(HandlingRule.node_id == any_(bindparam("nodes")))
    .group_by(HandlingRule.node_id, HandlingRule.category_code)
)
_FIXED = {
    "id",
    "version",
    "node_id",
    "created_at",
    "created_by",
    "reason",
    "superseded_at",
    "superseded_by",
    "withdrawn_reason",
}


def _copied(
    rule: HandlingRule, heir: UUID, version: int, plan: Reorganisation, now: datetime
) -> HandlingRule:
    same = {
        column.name: getattr(rule, column.name)
        for column in table("handling_rule").c
        if column.name not in _FIXED
    }
    return HandlingRule(
        **same,
        version=version,
        node_id=heir,
        created_at=now,
        created_by=plan.created_by_id,
        reason=copied_because(plan.id),
    )


def copied_because(reorganisation_id: UUID) -> str:
    """Return the reason that marks the rules which a plan brought to successors."""
    return f"网格重组：沿用原地点的规则（{reorganisation_id}）"


async def restore_names(tx: Tx, plan: Reorganisation, *, now: datetime, by: UUID) -> None:
    """Have everything name the places again that it named before.

    What went elsewhere comes back first, which makes room for what was ended. What somebody
    ended or cancelled since stays so.
    """
    await remove_covers(tx, plan.id)
    for name, columns in CHANGED.items():
        rows = table(name)
        where = "from_node_id" if "from_node_id" in columns else "node_id"
        kept = tuple(column for column in columns if column != "version")
        for still in (rows.c[where] == ROW.c.to_id, ROW.c.to_id.is_(None)):
            await restore(tx, plan.id, rows, "id", kept, still, since=plan.applied_at)
        if "version" in columns:
            mine = select(ROW.c.row_id).where(
                ROW.c.reorganisation_id == plan.id, ROW.c.table_name == name
            )
            again = update(rows).where(rows.c.id.in_(mine))
            await tx.execute(again.values(version=rows.c.version + 1))
    rules = table("handling_rule")
    copies = rules.c.reason == copied_because(plan.id)
    withdrawn = update(rules).where(copies, rules.c.superseded_at.is_(None))
    await tx.execute(
        withdrawn.values(superseded_at=now, superseded_by=by, withdrawn_reason="网格重组撤销")
    )


async def in_office_at(tx: Tx, nodes: Iterable[UUID]) -> set[UUID]:
    """Return who holds or stands in for posts at places, now or on leave's days."""
    a, leave = table("appointment"), table("leave")
    here = a.c.node_id.in_(list(nodes)) & a.c.ended_at.is_(None)
    holders = await tx.execute(select(a.c.person_id, a.c.stand_in_id).where(here))
    people = {person for row in holders for person in row if person is not None}
    stands = (
        select(leave.c.stand_in_id)
        .join(a, a.c.id == leave.c.appointment_id)
        .where(here, leave.c.ended_at.is_(None), leave.c.stand_in_id.is_not(None))
    )
    return people | set(await tx.scalars(stands))


async def turnover_of(tx: Tx, plan_id: UUID) -> Turnover:
    """Return where somebody else acts since a plan moved or ended posts, and who."""
    rows = table("appointment")
    noted = and_(ROW.c.reorganisation_id == plan_id, ROW.c.table_name == rows.name)
    was = cast(ROW.c.before.op("->>")("node_id"), Uuid)
    query = select(rows.c.person_id, rows.c.stand_in_id, rows.c.node_id, was)
    nodes: set[UUID] = set()
    people: set[UUID | None] = set()
    for person_id, stand_in_id, *places in await tx.execute(
        query.join(ROW, and_(noted, ROW.c.row_id == rows.c.id))
    ):
        nodes.update(places)
        people |= {person_id, stand_in_id}
    there = frozenset(one for one in people if one is not None)
    return Turnover(frozenset(nodes), frozenset(), there)


async def posts_of(tx: Tx, plan_id: UUID) -> set[tuple[UUID, str]]:
    """Return the posts of today's grid in which somebody or nobody may act since a plan.

    Those that it moved or ended somebody from or to, and all that answer at new places.
    """
    rows, n, kept = table("appointment"), table("node"), table("reorganised_node")
    noted = and_(ROW.c.reorganisation_id == plan_id, ROW.c.table_name == rows.name)
    was = cast(ROW.c.before.op("->>")("node_id"), Uuid)
    moved = select(rows.c.role, rows.c.node_id, was).where(noted, ROW.c.row_id == rows.c.id)
    posts = {(node_id, role) for role, *nodes in await tx.execute(moved) for node_id in nodes}
    made = select(n.c.id, n.c.level).where(
        kept.c.reorganisation_id == plan_id, kept.c.made, kept.c.node_id == n.c.id
    )
    posts |= {
        (node_id, role.value)
        for node_id, level in await tx.execute(made)
        for role in ANSWERING.get(Level(level), ())
    }
    live = select(n.c.id).where(
        n.c.id.in_({node_id for node_id, _ in posts}), n.c.valid_until.is_(None)
    )
    there = set(await tx.scalars(live))
    return {post for post in posts if post[0] in there}
