"""What boundaries and positions look like to callers."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.areas.shapes import ShapeKind
from neighborhood_api.grid.schemas import NodeOut, NodePositionOut
from neighborhood_api.kit.schema import In, Out

_SQUARE: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [
        [[114.281, 23.171], [114.289, 23.171], [114.289, 23.176], [114.281, 23.171]]
    ],
}
_NODE_ID = "0198c0de-0000-7000-8000-000000000001"
MOST_FEATURES = 2000
"""Of one request; whoever has more sends them street by street, or uses the command."""


class GeometryIn(In):
    """A GeoJSON geometry (RFC 7946); further members such as `bbox` are not needed."""

    type: ShapeKind
    """Polygon 或 MultiPolygon · The kind of geometry."""
    coordinates: Annotated[list[Any], Field(min_length=1)]
    """GeoJSON 坐标：[经度, 纬度]，面内可有空洞 · Positions, holes after the outer ring."""


class BoundaryIn(In):
    """Where a place ends."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"geometry": _SQUARE, "coordinate_system": "gcj02", "version": 0}]
        }
    )
    geometry: GeometryIn | None
    """边界图形；空则删除 · Its shape; null removes it."""
    coordinate_system: CoordinateSystem = CoordinateSystem.GCJ02
    """坐标系 · How it was measured."""
    version: int
    """读到的边界版本号，尚无边界为 0 · The version that was read, 0 while none is known."""


class GeometryOut(Out):
    """A GeoJSON geometry."""

    type: ShapeKind
    coordinates: list[Any]
    """[经度, 纬度]（WGS-84）· Positions, WGS-84."""


class BoundaryOut(Out):
    """Where a place ends."""

    node_id: UUID
    geometry: GeometryOut | None
    """边界图形（WGS-84），空为未划定 · Its shape, WGS-84; null while none is known."""
    version: int
    """边界版本号，修改时带上；尚无边界为 0 · Send it back with a change; 0 while none is."""


def own_members(cls: type[BaseModel], given: object) -> object:
    """Pass over the members that map programs add; RFC 7946 lets them (§6.1)."""
    if not isinstance(given, dict):
        return given
    return {name: value for name, value in given.items() if name in cls.model_fields}


class AnyGeometryIn(In):
    """A geometry as map programs export it; what has no inside is told as a fault."""

    type: Annotated[str, Field(max_length=40)]
    """Polygon 或 MultiPolygon，其他类型会报错 · Others are told as a fault."""
    coordinates: list[Any] = Field(default_factory=list)
    """GeoJSON 坐标：[经度, 纬度]，高程不使用 · Positions; heights are not used."""
    _own = model_validator(mode="before")(own_members)


class FeatureIn(In):
    """One place's shape, as map programs export it; members of their own are passed over."""

    type: Literal["Feature"] = "Feature"
    """GeoJSON 固定值 · Always this."""
    id: Any = None
    """地图软件的编号，不使用 · The map program's own; not used."""
    bbox: list[float] | None = None
    """外框，不使用 · Not used."""
    geometry: AnyGeometryIn | None
    """图形 · The shape."""
    properties: dict[str, Any] | None = None
    """属性，其中 code（或“编码”等）为地点编码 · One of them names the place by its code."""
    _own = model_validator(mode="before")(own_members)


class BoundaryImportIn(In):
    """Shapes of many places below one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "FeatureCollection",
                    "features": [{"geometry": _SQUARE, "properties": {"code": "441322001001"}}],
                    "coordinate_system": "gcj02",
                    "apply": False,
                }
            ]
        },
    )
    type: Literal["FeatureCollection"] = "FeatureCollection"
    """GeoJSON 固定值 · Always this."""
    name: str | None = None
    """地图软件所加的图层名，不使用 · The map program's own; not used."""
    crs: dict[str, Any] | None = None
    """地图软件所加，不使用；坐标系以 coordinate_system 为准 · Not used."""
    bbox: list[float] | None = None
    """外框，不使用 · Not used."""
    features: Annotated[list[FeatureIn], Field(min_length=1, max_length=MOST_FEATURES)]
    """GeoJSON FeatureCollection 的 features · The features of a FeatureCollection."""
    coordinate_system: CoordinateSystem = CoordinateSystem.GCJ02
    """坐标系 · How they were measured."""
    apply: bool = False
    """false 只检查；true 全部无误时保存 · Whether to keep them, if nothing is wrong."""


class BoundaryFeatureOut(Out):
    """What becomes of one feature."""

    number: int
    """第几个图形，从 1 起 · Its place in the file, from 1."""
    code: str | None
    """所写的编码 · The code that it gives."""
    node: NodeOut | None
    """对应的地点 · The place that it belongs to."""
    change: str
    """new 新增 / changed 修改 / unchanged 不变 / fault 有误 · What it would do."""
    fault: str | None = None
    """有误时的说明 · What is wrong with it."""
    at: list[float] | None = None
    """出错位置 [经度, 纬度] · Where it is wrong."""


class BoundaryImportOut(Out):
    """What an import of boundaries does, or would do."""

    applied: bool
    new: int
    changed: int
    unchanged: int
    faults: int
    items: list[BoundaryFeatureOut]


class SpotOut(Out):
    """A position to look at."""

    longitude: float
    latitude: float


class GapOut(Out):
    """Ground of a place that belongs to none of its parts."""

    square_metres: int
    around: SpotOut
    """其中一点（WGS-84）· A position inside it."""


class OverlapOut(Out):
    """Ground that belongs to two siblings."""

    first: NodeOut
    second: NodeOut
    square_metres: int
    around: SpotOut


class OutsideOut(Out):
    """Ground of a part that lies outside the whole."""

    node: NodeOut
    square_metres: int
    around: SpotOut


class CoverageOut(Out):
    """Whether the parts of a place cover it without gap or overlap."""

    node: NodeOut
    parts: int
    """下一级地点数 · How many places lie directly below."""
    without_boundary: list[NodeOut]
    """尚未划定边界的 · Those whose boundary is not known."""
    gaps: list[GapOut] | None
    """空隙；本级未划定边界时为空值 · Gaps; null while the place's own boundary is unknown."""
    overlaps: list[OverlapOut]
    """重叠 · Overlaps."""
    outside: list[OutsideOut]
    """越界 · What lies outside."""


class LocatedOut(Out):
    """Where a position lies."""

    lane: NodePositionOut | None
    """所在的街巷，或建议的最近街巷 · The lane that it lies in, or the nearest one."""
    by_boundary: bool
    """是否由街巷边界确定；否则为按距离建议，请居民确认 · Else the lane is a suggestion."""
    metres: int | None
    """与街巷的距离（米），在边界内为 0 · Distance to the lane; 0 inside its boundary."""
    inside: NodePositionOut | None
    """边界包含该位置的最小地点 · The smallest place whose boundary holds the position."""
