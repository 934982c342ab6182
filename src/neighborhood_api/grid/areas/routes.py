"""HTTP operations of where places lie: boundaries, their import and coverage, positions."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from neighborhood_api.grid import service
from neighborhood_api.grid.areas import boundaries, coverage, importing, locating
from neighborhood_api.grid.areas.coordinates import CoordinateSystem, Point
from neighborhood_api.grid.areas.schemas import (
    BoundaryImportIn,
    BoundaryImportOut,
    BoundaryIn,
    BoundaryOut,
    CoverageOut,
    LocatedOut,
)
from neighborhood_api.grid.areas.shapes import ShapeUnusable
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["网格 grid"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
CALLER = [Depends(current_actor)]


@router.get(
    "/grid/locate",
    summary="定位到街巷 · The lane of a position",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, locating.NoLaneNearby),
)
async def locate(
    longitude: Annotated[float, Query(ge=-180, le=180, description="经度 · Degrees east.")],
    latitude: Annotated[float, Query(ge=-90, le=90, description="纬度 · Degrees north.")],
    reader: ReaderDep,
    now: NowDep,
    coordinate_system: Annotated[
        CoordinateSystem, Query(description="坐标系 · How it was measured.")
    ] = CoordinateSystem.GCJ02,
) -> LocatedOut:
    """按位置找街巷：先看边界；落在空隙里时建议 500 米内最近的街巷，并给出所在的最小地点。

    Find the lane of a position by boundaries. In a gap the nearest lane within 500 metres is
    a suggestion, and the smallest place around the position is told as well.
    """
    point = Point(longitude, latitude)
    return await locating.locate(reader, point, coordinate_system, now=now)


@router.get(
    "/grid/nodes/{node_id}/boundary",
    summary="地点的边界 · Where a place ends",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.NodeNotFound),
)
async def read_boundary(node_id: UUID, tx: ReadTxDep, now: NowDep) -> BoundaryOut:
    """地点的边界（WGS-84）。The shape of a place, for maps."""
    return await boundaries.read_boundary(tx, node_id, now=now)


@router.put(
    "/grid/nodes/{node_id}/boundary",
    summary="划定边界 · Say where a place ends",
    responses=problems(
        *SIGNED_IN, Forbidden, service.NodeNotFound, StaleVersion, ShapeUnusable
    ),
)
async def state_boundary(
    node_id: UUID, body: BoundaryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> BoundaryOut:
    """划定或删除地点的边界；之后按位置找街巷先看边界。

    State or remove the boundary of a place; positions are then located by it first.
    """
    return await boundaries.state_boundary(tx, actor, node_id, body, now=now)


@router.post(
    "/grid/nodes/{node_id}/boundary-imports",
    summary="批量导入边界 · Import boundaries from GeoJSON",
    responses=problems(*SIGNED_IN, Forbidden, service.NodeNotFound, importing.BoundariesFaulty),
)
async def import_boundaries(
    node_id: UUID, body: BoundaryImportIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> BoundaryImportOut:
    """导入本地点及以下各地点的边界：先检查，再一次保存；有一处错误则都不保存。

    Take the boundaries of a place and of those below it from a FeatureCollection, found by
    code. Look first (`apply` false), then keep all of them or none.
    """
    return await importing.import_boundaries(
        tx, actor, node_id, body.features, body.coordinate_system, apply=body.apply, now=now
    )


@router.get(
    "/grid/nodes/{node_id}/coverage",
    summary="边界核查 · Gaps and overlaps between the parts of a place",
    responses=problems(*SIGNED_IN, Forbidden, service.NodeNotFound),
)
async def read_coverage(
    node_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    least_square_metres: Annotated[
        int, Query(ge=1, le=1_000_000, description="忽略更小的 · Smaller ones are passed over.")
    ] = 100,
) -> CoverageOut:
    """下一级地点的边界是否无缝、不重叠、不越界（系统管理员）。

    Whether the places directly below leave gaps, overlap or reach beyond; for operators.
    """
    return await coverage.read_coverage(tx, actor, node_id, least_square_metres, now=now)
