"""HTTP operations of the grid domain."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from neighborhood_api.grid import residences, service
from neighborhood_api.grid.areas import boundaries
from neighborhood_api.grid.areas.coordinates import CoordinateSystem, Point
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.grid.queries import CHILDREN, DISTRICTS
from neighborhood_api.grid.schemas import (
    BoundaryIn,
    BoundaryOut,
    HouseholdOut,
    LocatedOut,
    MyGridOut,
    NodeContactsOut,
    NodePositionOut,
    OrganizationList,
    OrganizationOut,
    PlateOut,
    ResidenceIn,
)
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.direct import direct
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Out

router = new_router(tags=["网格 grid"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
CALLER = [Depends(current_actor)]


class ResidenceOut(Out):
    """Where the caller lives."""

    lane_id: UUID
    address: str
    """门牌（已规范书写）· Door, as the register writes it."""
    household_id: UUID | None
    """与登记册一致时的户号 · The register's household, when the door is one of it."""
    version: int


class NodeList(Out):
    """Places of the grid, by code."""

    items: list[NodePositionOut]


@router.get(
    "/me/grid",
    summary="我的网格 · Who is responsible where I live",
    responses=problems(*SIGNED_IN, service.ResidenceUnknown),
)
@direct
async def read_my_grid(actor: ActorDep, reader: ReaderDep, now: NowDep) -> MyGridOut:
    """我的巷长、网格长、社区和街道负责人及值班电话。

    The caller's lane, grid, community and street with everyone in office and duty phones.
    """
    return await service.read_my_grid(reader, actor, now=now)


@router.put(
    "/me/residence",
    summary="填写住址 · Say where I live",
    responses=problems(*SIGNED_IN, service.NodeNotFound, service.NotALane, StaleVersion),
)
async def state_residence(
    body: ResidenceIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ResidenceOut:
    """填写或修改居住的街巷和门牌；刷新令牌后新令牌带上新地点。

    State or change the residence; a refreshed access token then carries the new place.
    """
    home: Residence = await residences.state_residence(tx, actor, body, now=now)
    return ResidenceOut.model_validate(home)


@router.get(
    "/grid/plates/{code}",
    summary="扫公示牌 · What a lane plate shows",
    responses=problems(service.PlateNotFound),
)
async def read_plate(
    code: Annotated[str, Path(max_length=32)], reader: ReaderDep, now: NowDep
) -> PlateOut:
    """扫街巷公示牌二维码看到的内容，无需登录。

    What the QR code of a lane's plate opens; needs no sign-in.
    """
    return await service.read_plate(reader, code, now=now)


@router.get(
    "/grid/districts",
    summary="区县列表 · Districts",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN),
)
async def list_districts(reader: ReaderDep, now: NowDep) -> NodeList:
    """本系统服务的区县，选择住址从这里开始。The roots of the tree, to start choosing from."""
    rows = await DISTRICTS.all(reader, day=local_day(now))
    return NodeList(items=[NodePositionOut.model_validate(row) for row in rows])


@router.get(
    "/grid/locate",
    summary="定位到街巷 · The lane nearest to a position",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.NoLaneNearby),
)
async def locate(
    longitude: Annotated[float, Query(ge=-180, le=180, description="经度 · Degrees east.")],
    latitude: Annotated[float, Query(ge=-90, le=90, description="纬度 · Degrees north.")],
    tx: ReadTxDep,
    now: NowDep,
    coordinate_system: Annotated[
        CoordinateSystem, Query(description="坐标系 · How it was measured.")
    ] = CoordinateSystem.GCJ02,
) -> LocatedOut:
    """按位置找街巷：先看边界，再找 500 米内最近的。

    Find the lane of a position: by boundaries where they are known, else the nearest one
    within 500 metres.
    """
    point = Point(longitude, latitude)
    lane, metres = await service.nearest_lane(tx, point, coordinate_system, now=now)
    return LocatedOut(lane=NodePositionOut.model_validate(lane), metres=metres)


@router.get(
    "/grid/nodes/{node_id}",
    summary="一个地点 · One place of the grid",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.NodeNotFound),
)
async def read_node(node_id: UUID, tx: ReadTxDep, now: NowDep) -> NodePositionOut:
    """区县、街道、社区、网格或街巷。A district, street, community, grid or lane."""
    return NodePositionOut.model_validate(await service.current_node(tx, node_id, now=now))


@router.get(
    "/grid/nodes/{node_id}/boundary",
    summary="地点的边界 · Where a place ends",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.NodeNotFound),
)
async def read_boundary(node_id: UUID, tx: ReadTxDep, now: NowDep) -> BoundaryOut:
    """地点的边界（WGS-84）。The ring around a place, for maps."""
    return await boundaries.read_boundary(tx, node_id, now=now)


@router.put(
    "/grid/nodes/{node_id}/boundary",
    summary="划定边界 · Say where a place ends",
    responses=problems(*SIGNED_IN, Forbidden, service.NodeNotFound, StaleVersion),
)
async def state_boundary(
    node_id: UUID, body: BoundaryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> BoundaryOut:
    """划定或删除地点的边界；之后按位置找街巷先看边界。

    State or remove the boundary of a place; positions are then located by it first.
    """
    return await boundaries.state_boundary(tx, actor, node_id, body, now=now)


@router.get(
    "/grid/nodes/{node_id}/children",
    summary="下一级地点 · The places directly below",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN),
)
async def list_children(node_id: UUID, reader: ReaderDep, now: NowDep) -> NodeList:
    """下一级的全部地点，按编码排序。All places one level below, by code."""
    rows = await CHILDREN.all(reader, node_id=node_id, day=local_day(now))
    return NodeList(items=[NodePositionOut.model_validate(row) for row in rows])


@router.get(
    "/grid/nodes/{node_id}/contacts",
    summary="地点的负责人 · Who is in office at a place",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.NodeNotFound),
)
async def read_node_contacts(node_id: UUID, reader: ReaderDep, now: NowDep) -> NodeContactsOut:
    """在岗人员和公开的值班电话。Everyone in office, with public duty phones."""
    return await service.read_node_contacts(reader, node_id, now=now)


@router.get(
    "/grid/nodes/{node_id}/organizations",
    summary="可派遣的部门 · Departments of a place",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.NodeNotFound),
)
async def list_organizations(node_id: UUID, tx: ReadTxDep, now: NowDep) -> OrganizationList:
    """本地及上级的部门，派遣诉求时选择。Departments here and above, to dispatch issues to."""
    node = await service.current_node(tx, node_id, now=now)
    rows = await tx.scalars(service.organizations_at(node))
    return OrganizationList(items=[OrganizationOut.model_validate(row) for row in rows])


@router.get(
    "/grid/nodes/{node_id}/households",
    summary="住户登记 · Register of dwellings",
    responses=problems(*SIGNED_IN, Forbidden, service.NodeNotFound, paging.BadCursor),
)
async def list_households(
    node_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> paging.Page[HouseholdOut]:
    """本辖区的住户（工作人员）。The dwellings of a place and below, for its staff."""
    node = await service.current_node(tx, node_id, now=now)
    query = service.households_at(actor, node).where(Household.id < page.below)
    rows = await tx.execute(query.order_by(Household.id.desc()).limit(page.fetch))
    views = [
        HouseholdOut(id=h.id, lane_id=h.place.node_id, address=h.address, residents=n)
        for h, n in rows
    ]
    return page.page(views, lambda view: view)
