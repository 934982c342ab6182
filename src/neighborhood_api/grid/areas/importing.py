"""Boundaries of many places from one GeoJSON file: looked at first, then all or nothing."""

import asyncio
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import ARRAY, Text, any_, literal, select

from neighborhood_api.grid.areas.boundaries import draw, lock_nodes, shapes_of
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.areas.schemas import (
    BoundaryFeatureOut,
    BoundaryImportOut,
    FeatureIn,
)
from neighborhood_api.grid.areas.shapes import Shape, ShapeKind, ShapeUnusable, read_shape
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
_KINDS = {kind.value for kind in ShapeKind}


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
    shape: Shape | None
    fault: ShapeUnusable | str | None
    node: Node | None = None


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
    drawn = await asyncio.to_thread(
        _read_all, features, system
    )  # others are answered meanwhile
    nodes = await _below(tx, top, [one.code for one in drawn if one.code], now=now)
    read = [_placed(one, nodes) for one in drawn]
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
    named = Node.code == any_(literal([*codes], ARRAY(Text)))
    found = await tx.scalars(select(Node).where(named, here, exists_on(day)))
    return {node.code: node for node in found}


def _read_all(features: Sequence[FeatureIn], system: CoordinateSystem) -> list[_Feature]:
    """Read the codes and shapes; a large file takes its time, so this runs in a thread."""
    codes = [_code_of(feature) for feature in features]
    times = Counter(codes)
    return [
        _read(number, feature, code, system, twice=times[code] > 1)
        for number, (feature, code) in enumerate(zip(features, codes, strict=True), start=1)
    ]


def _read(
    number: int, feature: FeatureIn, code: str | None, system: CoordinateSystem, *, twice: bool
) -> _Feature:
    given = feature.geometry
    fault: ShapeUnusable | str | None = None
    shape = None
    if code is None:
        fault = f"属性里没有地点编码，请用 {CODE_NAMES[0]} 或 {CODE_NAMES[1]} 写明"
    elif twice:
        fault = "同一编码有多个图形，请合并为一个 MultiPolygon"
    elif given is None:
        fault = "没有图形"
    elif given.type not in _KINDS:
        fault = f"图形是 {given.type}，只能是面（Polygon 或 MultiPolygon），请改为面或删去"
    else:
        try:
            shape = read_shape(ShapeKind(given.type), given.coordinates, system)
        except ShapeUnusable as problem:
            fault = problem
    return _Feature(number, code, shape, fault)


def _placed(one: _Feature, nodes: Mapping[str, Node]) -> _Feature:
    """Add the place that a feature is about."""
    node = nodes.get(one.code or "")
    fault = one.fault
    if one.code is not None and node is None:
        fault = "辖区内没有这个编码的地点，请核对编码"
    return replace(one, node=node, fault=fault)


def _code_of(feature: FeatureIn) -> str | None:
    """Return the code that a feature gives, also where a map program made it a number."""
    given = feature.properties or {}
    for name in CODE_NAMES:
        value = given.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) in {int, str} and str(value).strip():
            return unicodedata.normalize("NFKC", str(value)).strip()
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
