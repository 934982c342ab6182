"""HTTP operations of the grid domain."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from neighborhood_api.grid import service
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Household
from neighborhood_api.grid.queries import DISTRICTS
from neighborhood_api.grid.schemas import (
    HouseholdOut,
    MyGridOut,
    NodeContactsOut,
    NodePositionOut,
    NodeTodayOut,
    OrganizationList,
    OrganizationOut,
    PlateOut,
)
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep
from neighborhood_api.kit.direct import direct
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Out

router = new_router(tags=["网格 grid"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
CALLER = [Depends(current_actor)]


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
    "/grid/nodes/{node_id}",
    summary="一个地点 · One place of the grid",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.NodeNotFound),
)
async def read_node(node_id: UUID, tx: ReadTxDep, now: NowDep) -> NodeTodayOut:
    """区县、街道、社区、网格或街巷；已调整的地点带承接它的地点。

    A district, street, community, grid or lane; one that is no more says what it has become.
    """
    node, heirs = await service.node_or_successors(tx, node_id, now=now)
    shown = NodeTodayOut.model_validate(node)
    shown.succeeded_by = [NodePositionOut.model_validate(heir) for heir in heirs]
    return shown


@router.get(
    "/grid/nodes/{node_id}/children",
    summary="下一级地点 · The places directly below",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.NodeNotFound),
)
async def list_children(node_id: UUID, reader: ReaderDep, now: NowDep) -> NodeList:
    """下一级的全部地点，按编码排序。All places one level below, by code."""
    rows = await service.children_of(reader, node_id, now=now)
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
        HouseholdOut(
            id=one.id,
            lane_id=one.place.node_id,
            lane_name=lane,
            community_name=community,
            address=one.address,
            residents=residents,
        )
        for one, residents, lane, community in rows
    ]
    return page.page(views, lambda view: view)
