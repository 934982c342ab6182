"""Reading the worklist: pages, counts, and nothing that the caller may not see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from neighborhood_api.cases.sight import Sight, sight_of
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.grid.succession import successors_of
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.issues.queries import IssueRow
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.issues.worklists import statements
from neighborhood_api.issues.worklists.boxes import (
    BOX_NAMES,
    Bound,
    Box,
    Draw,
    sources_of,
)
from neighborhood_api.issues.worklists.cursors import end_of, start_of
from neighborhood_api.issues.worklists.schemas import BoxOut, CountOut, FilterIn
from neighborhood_api.issues.worklists.statements import (
    COUNTED,
    PAGE_SIZES,
    WALKED,
    WALKED_TO_COUNT,
    Found,
    Shape,
    name_of,
)
from neighborhood_api.issues.worklists.streams import ANY_OF, STATES
from neighborhood_api.issues.worklists.words import words_query
from neighborhood_api.kit.db import Source
from neighborhood_api.kit.ids import first_id_at
from neighborhood_api.kit.schema import SHOWN_ZONE

_BEFORE_ITS_ID = timedelta(days=1)
"""An issue's id is made when it is reported; clocks may differ, but not by so much."""


@dataclass(frozen=True)
class Wanted:
    """What a caller asks for, ready to be asked of the database."""

    shape: Shape
    values: dict[str, Any]
    words: str | None = None
    """What is searched for, without the streets that it is searched in."""
    nothing_there: bool = False
    """Whether the caller has no post that could have any."""


async def list_issues(
    source: Source,
    actor: Actor,
    wish: FilterIn,
    after: str | None,
    limit: int,
    *,
    now: datetime,
) -> tuple[list[IssueRow], str | None]:
    """Return one page of the caller's worklist, and the cursor of the next.

    Raises: Forbidden for callers without a post, NodeNotFound, BadCursor.
    """
    wanted = await prepare(source, actor, wish, now=now)
    return await read_page(source, wanted, after, limit)


async def prepare(source: Source, actor: Actor, wish: FilterIn, *, now: datetime) -> Wanted:
    """Find out from where the caller's posts draw what she asks for.

    Raises: Forbidden for callers without a post, NodeNotFound.
    """
    require_post(actor)
    box = Box.NODE if wish.assigned_to_me else wish.box
    bound = sources_of(actor, box)
    values = _moments(now) | {"me": actor.person_id} | _filters(wish)
    words = words_query(wish.text or "")
    places: dict[UUID, Place] = {}
    if words is not None or wish.node_id is not None:
        places = await _places(source, actor, wish.node_id, now=now)
    if wish.node_id is not None:
        nodes = await _asked(source, wish.node_id, places, now=now)
        narrowed = (one for node in nodes for one in _narrowed(bound, node, places))
        bound = list(dict.fromkeys(narrowed))
        values |= _at(nodes)
    names = [name for name in values if name not in _ALWAYS_THERE]
    values |= {name_of(number): where for number, (_, where) in enumerate(bound)}
    if words is not None:
        values["words"] = words
        values["indexed_words"] = words_query(
            wish.text or "", street_ids=_streets(bound, places)
        )
    shape = Shape(box, tuple(one for one, _ in bound), tuple(sorted(names)))
    return Wanted(shape, values, words, nothing_there=not bound)


async def read_page(
    source: Source, wanted: Wanted, after: str | None, limit: int
) -> tuple[list[IssueRow], str | None]:
    """Return one page, and the cursor of the next.

    Raises: BadCursor.
    """
    found = await _find(source, wanted, after, limit + 1)
    shown = found[:limit]
    rows = await rows_of(source, [one.id for one in shown])
    more = len(found) > limit
    return rows, end_of(wanted.shape.box, shown[-1]) if more else None


async def rows_of(source: Source, ids: Sequence[UUID]) -> list[IssueRow]:
    """Return the rows of a page in its order."""
    if not ids:
        return []
    rows = {row.id: row for row in await statements.ROWS.all(source, ids=ids)}
    return [rows[one] for one in ids if one in rows]


async def count_issues(
    source: Source, wanted: Wanted, *, most: int = COUNTED, walked: int = WALKED_TO_COUNT
) -> statements.Counted:
    """Count what is wanted, up to `most`, at a bounded cost."""
    if wanted.nothing_there:
        return statements.Counted(0, 0)
    values = _from(wanted, None)
    if wanted.words is not None:
        query = statements.searched_count_of(wanted.shape)
        walked = most
    else:
        query = statements.count_of(wanted.shape)
        if not wanted.shape.filters:
            walked = most
    counted = await query.first(source, **values | {"walked": walked})
    return counted or statements.Counted(0, 0)


async def count_filter(
    source: Source, actor: Actor, wish: FilterIn, *, now: datetime
) -> CountOut:
    """Count what a filter finds, as boxes are counted.

    Of a filter that no index answers the first some thousand cases are looked at.

    Raises: Forbidden, NodeNotFound.
    """
    counted = await count_issues(source, await prepare(source, actor, wish, now=now))
    return CountOut(**_shown(counted.found, cut=counted.looked_at >= WALKED_TO_COUNT))


async def count_boxes(source: Source, actor: Actor, *, now: datetime) -> list[BoxOut]:
    """Count what lies in each box of the caller.

    Raises: Forbidden.
    """
    require_post(actor)
    bound = {box: sources_of(actor, box) for box in Box}
    flat = [(box, one, where) for box, sources in bound.items() for one, where in sources]
    query = statements.box_counts_of(tuple((box, one) for box, one, _ in flat))
    values = {name_of(number): where for number, (_, _, where) in enumerate(flat)}
    counts = {
        row.box: row.found
        for row in await query.all(source, **values | _moments(now) | {"me": actor.person_id})
    }
    return [
        BoxOut(box=box, name=BOX_NAMES[box], **_shown(counts.get(box.value, 0)))
        for box in Box
        if bound[box]
    ]


async def _find(source: Source, wanted: Wanted, after: str | None, count: int) -> list[Found]:
    values = _from(wanted, after)
    if wanted.nothing_there:
        return []
    most = next(size for size in PAGE_SIZES if size >= count)
    shape = wanted.shape._replace(most=most)
    if wanted.words is None:
        return (await statements.page_of(shape).all(source, **values))[:count]
    walked = await statements.walked_page_of(shape).all(source, **values)
    found = [Found(one.id, one.due_at) for one in walked if one.id is not None]
    if len(found) >= count or walked[0].looked_at < WALKED:
        return found[:count]
    # Rare words, which their index finds quickly.
    return (await statements.searched_page_of(shape).all(source, **values))[:count]


def _from(wanted: Wanted, after: str | None) -> dict[str, Any]:
    """Return the parameters of what is wanted, from where a page begins.

    Raises: BadCursor.
    """
    begin = start_of(wanted.shape.box, after, day_from=wanted.values["day_from"])
    return wanted.values | begin


def require_post(actor: Actor) -> None:
    """Refuse callers who have no worklist.

    Raises: Forbidden.
    """
    if all(sight_of(ISSUE, post, ISSUE.read) is Sight.NOTHING for post in actor.posts):
        raise Forbidden


def _moments(now: datetime) -> dict[str, Any]:
    """Return now, and the day that it is in China."""
    midnight = now.astimezone(SHOWN_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return {"now": now, "day_from": midnight, "day_until": midnight + timedelta(days=1)}


_ALWAYS_THERE = frozenset({"now", "day_from", "day_until", "me", "made_from"})


def _filters(wish: FilterIn) -> dict[str, Any]:
    given: dict[str, Any] = {
        "category": wish.category or None,
        "group": wish.group or None,
        "urgencies": wish.urgencies or None,
        "opened_from": wish.opened_from,
        "opened_to": wish.opened_to,
    }
    if wish.states:
        given[STATES + " ".join(sorted(set(wish.states)))] = True
    if wish.overdue is not None:
        given["overdue" if wish.overdue else "on_time"] = True
    if wish.opened_from is not None:
        given["made_from"] = first_id_at(wish.opened_from - _BEFORE_ITS_ID)
    return {name: value for name, value in given.items() if value is not None}


async def _places(
    source: Source, actor: Actor, node_id: UUID | None, *, now: datetime
) -> dict[UUID, Place]:
    """Return where the caller's posts lie, and the place that she asks for."""
    ids = {post.node_id for post in actor.posts} | ({node_id} if node_id else set())
    rows = await statements.NODES.all(source, ids=list(ids), day=local_day(now))
    return {row.id: Place.of(*row[2:]) for row in rows}


async def _asked(
    source: Source, node_id: UUID, places: dict[UUID, Place], *, now: datetime
) -> list[Place]:
    """Return the place that is asked for, or all that an old one has become.

    Raises: NodeNotFound.
    """
    if node_id in places:
        return [places[node_id]]
    heirs = [heir.id for heir in await successors_of(source, node_id, now=now)]
    rows = await statements.NODES.all(source, ids=heirs, day=local_day(now))
    if not rows:
        raise NodeNotFound
    return [Place.of(*row[2:]) for row in rows]


def _at(nodes: Sequence[Place]) -> dict[str, Any]:
    """Hold for what lies at one of places of one level, as filters name it."""
    column = COLUMNS[nodes[0].level]
    if len(nodes) == 1:
        return {column: nodes[0].node_id}
    return {column + ANY_OF: [node.node_id for node in nodes]}


def _narrowed(bound: list[Bound], node: Place, places: dict[UUID, Place]) -> list[Bound]:
    """Draw from the index of the place asked for where it lies below a post."""
    narrowed: list[Bound] = []
    for source, where in bound:
        post = places.get(where)
        if source.draw is not Draw.PLACE or post is None:
            narrowed.append((source, where))
        elif node.at(post.level) == where:
            narrowed.append((source._replace(level=node.level), node.node_id))
        elif post.at(node.level) == node.node_id:
            narrowed.append((source, where))
    return narrowed


def _streets(bound: list[Bound], places: dict[UUID, Place]) -> frozenset[UUID] | None:
    """Return the streets in which everything that is drawn lies, None where that is unknown."""
    streets: set[UUID] = set()
    for _, where in bound:
        place = places.get(where)
        street_id = None if place is None else place.at(Level.STREET)
        if street_id is None:
            return None
        streets.add(street_id)
    return frozenset(streets)


def _shown(found: int, *, cut: bool = False) -> dict[str, Any]:
    count = min(found, COUNTED - 1)
    more = cut or found > count
    return {"count": count, "more": more, "shown": f"{count}{'+' * more}"}
