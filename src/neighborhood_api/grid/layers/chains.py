"""What other statements read of profiles and layers, without a round trip of their own."""

import json
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    Text,
    and_,
    any_,
    case,
    cast,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from neighborhood_api.grid.layers.models import (
    Layer,
    LayerCover,
    LayerNode,
    LayerPost,
    Profile,
)
from neighborhood_api.grid.models import Residence
from neighborhood_api.identity.models import Person

Shown = dict[str, Any]
"""A part of an answer, before the answer's model has read it."""


def called(
    role: SQLColumnExpression[str | None], district_id: SQLColumnExpression[UUID]
) -> ColumnElement[Any]:
    """Return, for a statement that asks anyway, what a district calls a post; None as usual."""
    own = func.jsonb_extract_path_text(Profile.role_names, role)
    return select(own).where(Profile.district_id == district_id).scalar_subquery()


def all_called(district_id: SQLColumnExpression[UUID]) -> ColumnElement[Any]:
    """Return the same for every post by role, where the statement does not know of which."""
    own = select(Profile.role_names).where(Profile.district_id == district_id)
    return own.scalar_subquery()


def in_force(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Hold for layers that exist on `day`."""
    return and_(
        Layer.valid_from <= day, or_(Layer.valid_until.is_(None), Layer.valid_until > day)
    )


def holds(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Hold for posts of layers whose term covers `day`."""
    return and_(
        LayerPost.ended_at.is_(None),
        LayerPost.starts_on <= day,
        or_(LayerPost.ends_on.is_(None), LayerPost.ends_on >= day),
    )


def has_layers(
    district_id: SQLColumnExpression[UUID], day: ColumnElement[date]
) -> ColumnElement[bool]:
    """Return, for a statement that asks anyway, whether a district has layers on `day`."""
    return exists().where(Layer.district_id == district_id, in_force(day))


def chains_of_home(day: ColumnElement[date]) -> ColumnElement[Any]:
    """Return, beside a `Residence`, the chains of its layers as one JSON text; None without.

    What answers for the household goes before what answers for the lane, the lane before the
    grid, and so on up. A claim that was refused shows what the lane shows.
    """
    cover = aliased(LayerCover)
    household = case((Residence.refused_at.is_(None), Residence.household_id), else_=None)
    places = (
        Residence.lane_id,
        Residence.grid_id,
        Residence.community_id,
        Residence.street_id,
    )
    nearest = case(
        (cover.household_id.is_not(None), 0),
        *((cover.node_id == place, rank) for rank, place in enumerate(places, start=1)),
        else_=len(places) + 1,
    )
    covered = (
        select(cover.layer_id, cover.layer_node_id)
        .ext(distinct_on(cover.layer_id))
        .where(or_(cover.household_id == household, cover.node_id.in_(places)))
        .order_by(cover.layer_id, nearest)
        .correlate(Residence)
        .subquery("covered")
    )
    leaf, link = aliased(LayerNode), aliased(LayerNode)
    level = Layer.levels[link.level - 1]
    line = func.jsonb_build_array(
        Layer.code,
        link.level,
        cast(Layer.id, Text),
        Layer.name,
        link.name,
        level["name"],
        level["post"],
        Person.name,
        LayerPost.duty_phone,
    )
    lines = (
        select(cast(func.jsonb_agg(line), Text))
        .select_from(covered)
        .join(Layer, and_(Layer.id == covered.c.layer_id, in_force(day)))
        .join(leaf, leaf.id == covered.c.layer_node_id)
        .join(link, link.id == any_(leaf.way))
        .outerjoin(LayerPost, and_(LayerPost.layer_node_id == link.id, holds(day)))
        .outerjoin(Person, Person.id == LayerPost.person_id)
    )
    return lines.correlate(Residence).scalar_subquery()


def shown_chains(text: str | None) -> list[Shown]:
    """Show what `chains_of_home` returned: the layers by code, each from the top down."""
    if text is None:
        return []
    lines = sorted(json.loads(text), key=itemgetter(0, 1))
    return [_chain([*links]) for _, links in groupby(lines, key=itemgetter(0))]


def _chain(lines: list[list[Any]]) -> Shown:
    code, _, layer_id, name, *_ = lines[0]
    links = ("name", "level_name", "post", "holder", "duty_phone")
    return {
        "layer_id": layer_id,
        "layer_code": code,
        "layer_name": name,
        "chain": [dict(zip(links, line[4:], strict=True)) for line in lines],
    }
