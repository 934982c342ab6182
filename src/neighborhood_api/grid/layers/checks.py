"""What is wrong with a layer: nobody's households and places, vacant posts, wrong sizes."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.chains import holds
from neighborhood_api.grid.layers.models import Layer, LayerCover, LayerNode, LayerPost
from neighborhood_api.grid.layers.rights import find_layer, visible
from neighborhood_api.grid.layers.schemas import LayerFault, LayerFindingOut
from neighborhood_api.grid.models import Household, Node
from neighborhood_api.grid.queries import exists_on
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import Page, PageRequest

Findings = Select[*tuple[Any, ...]]


class _Finding(NamedTuple):
    id: UUID
    fault: str
    code: str | None
    name: str | None
    level: int | None
    households: int | None


async def check_layer(
    tx: ReadTx,
    actor: Actor,
    layer_id: UUID,
    page: PageRequest,
    *,
    only: LayerFault | None,
    now: datetime,
) -> Page[LayerFindingOut]:
    """List what is wrong with a layer, as far as the caller sees it; `only` one kind of fault.

    Each kind is looked for in one statement's part, and gives no more than a page.

    Raises: LayerNotFound.
    """
    layer = await find_layer(tx, actor, layer_id)
    day = literal(local_day(now))
    parts = (part.limit(page.fetch) for part in _parts(layer, actor, day, only))
    paged = [_below(part, page.below) for part in parts]
    found = union_all(*(select(part.subquery()) for part in paged)).subquery("finding")
    shown = select(found.c.id).distinct().order_by(found.c.id.desc()).limit(page.fetch)
    rows = await tx.execute(
        select(found).where(found.c.id.in_(shown)).order_by(found.c.id.desc(), found.c.fault)
    )
    findings = [_Finding(*row) for row in rows]
    doors = await _doors(tx, [one.id for one in findings if one.name is None])
    views = [_view([*group], doors) for _, group in groupby(findings, key=lambda one: one.id)]
    return page.page(views, lambda view: view)


def _below(part: Findings, last: UUID) -> Findings:
    """Take the findings of one kind that come after the last one shown, newest first."""
    subject = part.selected_columns[0]
    return part.where(subject < last).order_by(subject.desc())


def _finding(
    subject: type[Node] | type[LayerNode] | type[Household],
    fault: ColumnElement[str],
    households: ColumnElement[Any] | None = None,
) -> Findings:
    """Begin a part: the columns of a `_Finding` about a subject."""
    is_household = subject is Household
    return select(
        subject.id.label("id"),
        fault.label("fault"),
        (cast(null(), Text) if is_household else subject.code).label("code"),  # type: ignore[union-attr]
        (cast(null(), Text) if is_household else subject.name).label("name"),  # type: ignore[union-attr]
        (LayerNode.level if subject is LayerNode else cast(null(), Integer)).label("level"),
        (cast(null(), Integer) if households is None else households).label("households"),
    )


def _around(lane: type[Node]) -> tuple[InstrumentedAttribute[UUID | None], ...]:
    """Return where a cover may lie that answers for a lane, the nearest first."""
    return (lane.lane_id, lane.grid_id, lane.community_id, lane.street_id)


def _without_cover(layer: Layer, lane: type[Node]) -> ColumnElement[bool]:
    """Hold for lanes that no node of the layer answers for; each level is looked up at once."""
    cover = aliased(LayerCover)
    covered = (
        exists().where(cover.layer_id == layer.id, cover.node_id == place)
        for place in _around(lane)
    )
    return and_(*(~one for one in covered))


def _has_own(layer: Layer) -> ColumnElement[bool]:
    """Hold for households that a node of the layer answers for by themselves."""
    own = aliased(LayerCover)
    return exists().where(own.layer_id == layer.id, own.household_id == Household.id)


def _registered(layer: Layer) -> ColumnElement[bool]:
    """Hold for the dwellings of the layer's district."""
    return and_(Household.district_id == layer.district_id, Household.ended_on.is_(None))


def _uncovered_households(layer: Layer, actor: Actor, day: ColumnElement[date]) -> Findings:
    del day
    lane = aliased(Node)
    alone = select(lane.id).where(
        lane.district_id == layer.district_id,
        lane.level == Level.LANE.value,
        _without_cover(layer, lane),
    )
    return _finding(Household, literal(LayerFault.HOUSEHOLD_UNCOVERED.value)).where(
        _registered(layer),
        actor.reach(Permission.HOUSEHOLD_READ, Household),
        Household.lane_id.in_(alone),
        ~_has_own(layer),
    )


def _uncovered_places(layer: Layer, actor: Actor, day: ColumnElement[date]) -> Findings:
    inside = aliased(LayerCover)
    partly = exists().where(
        inside.layer_id == layer.id,
        inside.household_id == Household.id,
        Household.lane_id == Node.id,
    )
    return _finding(Node, literal(LayerFault.PLACE_UNCOVERED.value)).where(
        Node.district_id == layer.district_id,
        Node.level == Level.LANE.value,
        exists_on(day),
        actor.reach(Permission.HOUSEHOLD_READ, Node),
        _without_cover(layer, Node),
        ~partly,
    )


def _sizes(layer: Layer) -> CTE:
    """Count the households that each node of the lowest level answers for.

    What answers for a household itself goes before its lane, the lane before the grid, and so
    on up. The others are counted by lane first: one asks for the places of lanes then, and
    not for those of every household.
    """
    own = (
        select(LayerCover.layer_node_id, func.count().label("households"))
        .join(Household, Household.id == LayerCover.household_id)
        .where(LayerCover.layer_id == layer.id, _registered(layer))
        .group_by(LayerCover.layer_node_id)
    )
    by_lane = (
        select(Household.lane_id, func.count().label("households"))
        .where(_registered(layer), ~_has_own(layer))
        .group_by(Household.lane_id)
        .subquery("by_lane")
    )
    covers = [aliased(LayerCover) for _ in _around(Node)]
    nearest = func.coalesce(*(cover.layer_node_id for cover in covers))
    others = select(nearest, by_lane.c.households).join(Node, Node.id == by_lane.c.lane_id)
    for cover, place in zip(covers, _around(Node), strict=True):
        here = and_(cover.node_id == place, cover.layer_id == layer.id)
        others = others.outerjoin(cover, here)
    counted = union_all(own, others).subquery("counted")
    node_id, households = counted.c
    total = cast(func.sum(households), Integer).label("households")
    return select(node_id.label("node_id"), total).group_by(node_id).cte("sizes")


def _wrong_sizes(layer: Layer, actor: Actor, *, only: LayerFault | None) -> Findings:
    """Find nodes with too few households and those with too many; they are counted once."""
    sizes = _sizes(layer)
    households = func.coalesce(sizes.c.households, 0)
    fewest = cast(literal(layer.fewest_households, Integer), Integer)
    most = cast(literal(layer.most_households, Integer), Integer)
    few, many = households < fewest, households > most
    wrong = {LayerFault.TOO_FEW: few, LayerFault.TOO_MANY: many, None: or_(few, many)}
    fault = case((few, LayerFault.TOO_FEW.value), else_=LayerFault.TOO_MANY.value)
    return (
        _finding(LayerNode, fault, households)
        .outerjoin(sizes, sizes.c.node_id == LayerNode.id)
        .where(
            LayerNode.layer_id == layer.id,
            LayerNode.level == len(layer.levels),
            LayerNode.ended_on.is_(None),
            wrong[only],
            visible(actor, layer),
        )
    )


def _vacant(layer: Layer, actor: Actor, day: ColumnElement[date]) -> Findings:
    held = exists().where(LayerPost.layer_node_id == LayerNode.id, holds(day))
    return _finding(LayerNode, literal(LayerFault.VACANT.value)).where(
        LayerNode.layer_id == layer.id,
        LayerNode.ended_on.is_(None),
        ~held,
        visible(actor, layer),
    )


_PARTS = {
    LayerFault.HOUSEHOLD_UNCOVERED: _uncovered_households,
    LayerFault.PLACE_UNCOVERED: _uncovered_places,
    LayerFault.VACANT: _vacant,
}
_SIZES = {LayerFault.TOO_FEW, LayerFault.TOO_MANY}


def _parts(
    layer: Layer, actor: Actor, day: ColumnElement[date], only: LayerFault | None
) -> Iterator[Findings]:
    for fault, part in _PARTS.items():
        if only in {None, fault}:
            yield part(layer, actor, day)
    if only is None or only in _SIZES:
        yield _wrong_sizes(layer, actor, only=only)


async def _doors(tx: ReadTx, household_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the doors of households; they are sealed, and so read by themselves."""
    if not household_ids:
        return {}
    query = select(Household.id, Household.address).where(Household.id.in_(household_ids))
    return {row.id: row.address for row in await tx.execute(query)}


def _view(findings: Sequence[_Finding], doors: dict[UUID, str]) -> LayerFindingOut:
    first = findings[0]
    return LayerFindingOut(
        id=first.id,
        faults=[LayerFault(one.fault) for one in findings],
        code=first.code,
        name=first.name or doors.get(first.id, ""),
        level=first.level,
        households=next(
            (one.households for one in findings if one.households is not None), None
        ),
    )
