"""Boundaries of many places from one GeoJSON file: looked at first, then all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import literal, select

from neighborhood_api.grid.areas.boundaries import draw, lock_nodes, shapes_of
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.areas.schemas import (
    BoundaryFeatureOut,
    BoundaryImportOut,
    FeatureIn,
)
from neighborhood_api.grid.areas.shapes import Shape, ShapeUnusable, read_shape
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.queries import exists_on
from neighborhood_api.grid.schemas import NodeOut
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem

CODE_NAMES = ("code", "编码", "网格编码", "网格代码", "区划代码", "地点编码", "CODE", "id")
"""How the property is called that holds a place's code, in this order."""


class BoundariesFaulty(Problem):
    """Nothing was kept: `items` says what is wrong with which feature."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Some of the boundaries cannot be used; none was kept"
    message = "部分图形有误，未保存任何边界，请按说明修改后重新提交"


@dataclass(frozen=True)
class _Feature:
    """One feature, as far as it could be read."""

    number: int
    code: str | None
    node: Node | None
    shape: Shape | None
    fault: ShapeUnusable | str | None = None


async def import_boundaries(
    tx: Tx,
    actor: Actor,
    node_id: UUID,
    features: Sequence[FeatureIn],
    system: CoordinateSystem,
    *,
    apply: bool,
    now: datetime,
) -> BoundaryImportOut:
    """Say what the shapes of places below a node would change; `apply` keeps them.

    Raises: NodeNotFound, Forbidden, BoundariesFaulty.
    """
    top = await current_node(tx, node_id, now=now)
    actor.require(Permission.GRID_MANAGE, at=top.place)
    codes = [_code_of(feature) for feature in features]
    nodes = await _below(tx, top, [code for code in codes if code], now=now)
    read = [
        _read(number, feature, code, nodes, codes, system)
        for number, (feature, code) in enumerate(zip(features, codes, strict=True), start=1)
    ]
    good = {one.node.id: one.shape for one in read if one.node and one.shape}
    if apply:
        await lock_nodes(tx, good)
    known = await shapes_of(tx, good)
    items = [_told(one, known) for one in read]
    count = {
        kind: sum(item.change == kind for item in items)
        for kind in ("new", "changed", "unchanged")
    }
    faults = len(items) - sum(count.values())
    report = BoundaryImportOut(
        applied=apply and not faults, faults=faults, items=items, **count
    )
    if apply and faults:
        wrong: list[JsonValue] = [
            one.model_dump(mode="json") for one in items if one.change == "fault"
        ]
        raise BoundariesFaulty(items=wrong)
    if apply:
        await draw(tx, {n: shape for n, shape in good.items() if known.get(n) != shape})
        record_act(tx, "grid.boundaries_imported", top.id, by=actor.person_id, now=now, **count)
    return report


async def _below(
    tx: ReadTx, top: Node, codes: Sequence[str], *, now: datetime
) -> dict[str, Node]:
    """Find today's places below a node by their codes."""
    here = getattr(Node, COLUMNS[top.level]) == top.id
    day = literal(local_day(now))
    found = await tx.scalars(select(Node).where(Node.code.in_(codes), here, exists_on(day)))
    return {node.code: node for node in found}


def _read(
    number: int,
    feature: FeatureIn,
    code: str | None,
    nodes: dict[str, Node],
    codes: Sequence[str | None],
    system: CoordinateSystem,
) -> _Feature:
    node = nodes.get(code or "")
    fault: ShapeUnusable | str | None = None
    shape = None
    if code is None:
        fault = f"属性里没有地点编码，请用 {CODE_NAMES[0]} 或 {CODE_NAMES[1]} 写明"
    elif node is None:
        fault = "辖区内没有这个编码的地点，请核对编码"
    elif codes.count(code) > 1:
        fault = "同一编码有多个图形，请合并为一个 MultiPolygon"
    elif feature.geometry is None:
        fault = "没有图形"
    else:
        try:
            shape = read_shape(feature.geometry.type, feature.geometry.coordinates, system)
        except ShapeUnusable as problem:
            fault = problem
    return _Feature(number, code, node, shape, fault)


def _code_of(feature: FeatureIn) -> str | None:
    """Return the code that a feature gives, also where a map program made it a number."""
    given = feature.properties or {}
    for name in CODE_NAMES:
        value = given.get(name)
        if type(value) in {int, str} and str(value).strip():
            return str(value).strip()
    return None


def _told(one: _Feature, known: dict[UUID, Shape]) -> BoundaryFeatureOut:
    node = None if one.node is None else NodeOut.model_validate(one.node)
    if one.fault is not None or one.node is None:
        unusable = one.fault if isinstance(one.fault, ShapeUnusable) else None
        return BoundaryFeatureOut(
            number=one.number,
            code=one.code,
            node=node,
            change="fault",
            fault=unusable.why if unusable else str(one.fault),
            at=None if unusable is None else unusable.at,
        )
    before = known.get(one.node.id)
    change = "new" if before is None else "unchanged" if before == one.shape else "changed"
    return BoundaryFeatureOut(number=one.number, code=one.code, node=node, change=change)
