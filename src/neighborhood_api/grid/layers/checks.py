"""What is wrong with a layer: nobody's households and places, vacant posts, wrong sizes."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

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
    parts = [
        part(layer, actor, day).limit(page.fetch)
        for fault, part in _PARTS.items()
        if only in {None, fault}
    ]
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
    fault: LayerFault,
    households: ColumnElement[Any] | None = None,
) -> Findings:
    """Begin a part: the columns of a `_Finding` about a subject."""
    is_household = subject is Household
    return select(
        subject.id.label("id"),
        literal(fault.value).label("fault"),
        (cast(null(), Text) if is_household else subject.code).label("code"),  # type: ignore[union-attr]
        (cast(null(), Text) if is_household else subject.name).label("name"),  # type: ignore[union-attr]
        (LayerNode.level if subject is LayerNode else cast(null(), Integer)).label("level"),
        (cast(null(), Integer) if households is None else households).label("households"),
    )


def _answered(layer: Layer) -> Findings:
    """Select the households of a layer's district, each with the node that answers for it.

    What answers for the household itself goes before its lane, the lane before the grid, and
    so on up.
    """
    places = (Household.lane_id, Household.grid_id, Household.community_id, Household.street_id)
    own = aliased(LayerCover)
    covers = [aliased(LayerCover) for _ in places]
    answers = func.coalesce(own.layer_node_id, *(cover.layer_node_id for cover in covers))
    query = (
        select(Household.id.label("household_id"), answers.label("layer_node_id"))
        .select_from(Household)
        .outerjoin(own, and_(own.household_id == Household.id, own.layer_id == layer.id))
    )
    for cover, place in zip(covers, places, strict=True):
        query = query.outerjoin(cover, and_(cover.node_id == place, cover.layer_id == layer.id))
    here = Household.district_id == layer.district_id
    return query.where(here, Household.ended_on.is_(None))


def _uncovered_households(layer: Layer, actor: Actor, day: ColumnElement[date]) -> Findings:
    del day
    cover = aliased(LayerCover)
    covered = exists().where(
        cover.layer_id == layer.id,
        or_(
            cover.household_id == Household.id,
            cover.node_id.in_(
                [
                    Household.lane_id,
                    Household.grid_id,
                    Household.community_id,
                    Household.street_id,
                ]
            ),
        ),
    )
    return _finding(Household, LayerFault.HOUSEHOLD_UNCOVERED).where(
        Household.district_id == layer.district_id,
        Household.ended_on.is_(None),
        actor.reach(Permission.HOUSEHOLD_READ, Household),
        ~covered,
    )


def _uncovered_places(layer: Layer, actor: Actor, day: ColumnElement[date]) -> Findings:
    cover, inside = aliased(LayerCover), aliased(LayerCover)
    around = [Node.lane_id, Node.grid_id, Node.community_id, Node.street_id]
    covered = exists().where(cover.layer_id == layer.id, cover.node_id.in_(around))
    partly = exists().where(
        inside.layer_id == layer.id,
        inside.household_id == Household.id,
        Household.lane_id == Node.id,
    )
    return _finding(Node, LayerFault.PLACE_UNCOVERED).where(
        Node.district_id == layer.district_id,
        Node.level == Level.LANE.value,
        exists_on(day),
        actor.reach(Permission.HOUSEHOLD_READ, Node),
        ~covered,
        ~partly,
    )


def _wrong_size(layer: Layer, actor: Actor, fault: LayerFault) -> Findings:
    answered = _answered(layer).subquery()
    sizes = (
        select(answered.c.layer_node_id, func.count().label("households"))
        .where(answered.c.layer_node_id.is_not(None))
        .group_by(answered.c.layer_node_id)
        .subquery()
    )
    households = func.coalesce(sizes.c.households, 0)
    few = fault is LayerFault.TOO_FEW
    bound = layer.fewest_households if few else layer.most_households
    limit = cast(literal(bound, Integer), Integer)
    return (
        _finding(LayerNode, fault, households)
        .outerjoin(sizes, sizes.c.layer_node_id == LayerNode.id)
        .where(
            LayerNode.layer_id == layer.id,
            LayerNode.level == len(layer.levels),
            LayerNode.ended_on.is_(None),
            households < limit if few else households > limit,
            visible(actor, layer),
        )
    )


def _too_small(layer: Layer, actor: Actor, day: ColumnElement[date]) -> Findings:
    del day
    return _wrong_size(layer, actor, LayerFault.TOO_FEW)


def _too_large(layer: Layer, actor: Actor, day: ColumnElement[date]) -> Findings:
    del day
    return _wrong_size(layer, actor, LayerFault.TOO_MANY)


def _vacant(layer: Layer, actor: Actor, day: ColumnElement[date]) -> Findings:
    held = exists().where(LayerPost.layer_node_id == LayerNode.id, holds(day))
    return _finding(LayerNode, LayerFault.VACANT).where(
        LayerNode.layer_id == layer.id,
        LayerNode.ended_on.is_(None),
        ~held,
        visible(actor, layer),
    )


_PARTS = {
    LayerFault.HOUSEHOLD_UNCOVERED: _uncovered_households,
    LayerFault.PLACE_UNCOVERED: _uncovered_places,
    LayerFault.TOO_FEW: _too_small,
    LayerFault.TOO_MANY: _too_large,
    LayerFault.VACANT: _vacant,
}


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
