"""HTTP operations of venues."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from neighborhood_api.files.handles import LinksDep
from neighborhood_api.files.service import FilesNotUsable
from neighborhood_api.grid.areas.coordinates import CoordinateSystem, Point, to_wgs84
from neighborhood_api.grid.service import NodeNotFound, ResidenceUnknown
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import Problem, problems
from neighborhood_api.venues import equipment, service
from neighborhood_api.venues.dependencies import CALLER, ONCE, SIGNED_IN, NodeFilter
from neighborhood_api.venues.models import VenueKind
from neighborhood_api.venues.schemas import (
    EquipmentGapOut,
    EquipmentIn,
    VenueChangeIn,
    VenueDetailOut,
    VenueIn,
    VenueOut,
)
from neighborhood_api.venues.service import Sought
from neighborhood_api.venues.views import detail_view, venue_views

router = new_router(tags=["场地 venues"])

GapPage = paging.Page[EquipmentGapOut]


class HalfAPosition(Problem):
    """A position is a longitude and a latitude."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Give both longitude and latitude"
    message = "位置不完整，请重新定位"


async def position_asked(
    longitude: Annotated[
        float | None,
        Query(ge=-180, le=180, description="经度，按距离排序 · From where the nearest come."),
    ] = None,
    latitude: Annotated[
        float | None, Query(ge=-90, le=90, description="纬度 · Degrees north.")
    ] = None,
    coordinate_system: Annotated[
        CoordinateSystem, Query(description="坐标系 · How the position was measured.")
    ] = CoordinateSystem.GCJ02,
) -> Point | None:
    """Return the position that is asked for, in WGS-84 degrees.

    Raises: HalfAPosition.
    """
    if longitude is None and latitude is None:
        return None
    if longitude is None or latitude is None:
        raise HalfAPosition
    return to_wgs84(Point(longitude, latitude), coordinate_system)


HereDep = Annotated[Point | None, Depends(position_asked)]


@router.get(
    "/venues",
    summary="服务中心、驿站等列表 · Service centres, stations and other venues",
    responses=problems(
        *SIGNED_IN, NodeNotFound, ResidenceUnknown, HalfAPosition, paging.BadCursor
    ),
)
async def list_venues(
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    links: LinksDep,
    here: HereDep,
    *,
    node_id: NodeFilter = None,
    kind: Annotated[
        VenueKind | None, Query(description="种类，不填为全部 · All kinds when left out.")
    ] = None,
    open_now: Annotated[
        bool, Query(description="只看现在开放的 · Only those open at this moment.")
    ] = False,
) -> paging.Page[VenueOut]:
    """服务我住址的、或指定地点及其下的场地；给出位置则由近到远，不限住址(50 公里内)。

    Those that serve where the caller lives, or that serve a place or lie in it. With a
    position, nearest first: of all within 50 km, or of those of the place.
    """
    sought = Sought(node_id, kind, open_now, here)
    found = await service.find_venues(tx, actor, sought, page, now=now)
    shown = {view.id: view for view in await venue_views(tx, links, found, now=now)}
    return page.page(found, lambda one: shown[one.id])


@router.get(
    "/venues/{venue_id}",
    summary="一个场地 · One venue with its rooms",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.VenueNotFound),
)
async def read_venue(
    venue_id: UUID, tx: ReadTxDep, now: NowDep, links: LinksDep
) -> VenueDetailOut:
    """场地的设施、活动室、预约规则和开放时间。A venue, its checklist, rooms and their rules."""
    found = await service.read_venue_with_plan(tx, venue_id, now=now)
    return await detail_view(tx, links, found, now=now)


@router.post(
    "/venues",
    summary="新增场地（工作人员）· Add a venue",
    responses=problems(*SIGNED_IN, *ONCE, NodeNotFound, Forbidden, FilesNotUsable),
)
async def add_venue(
    body: VenueIn, actor: ActorDep, tx: TxDep, now: NowDep, links: LinksDep
) -> VenueDetailOut:
    """在网格的任何一级新增场地；设置开放时间后开放。

    Add a venue at any level of the grid; it opens once it has hours.
    """
    venue = await service.add_venue(tx, actor, body, now=now)
    found = await service.read_venue_with_plan(tx, venue.id, now=now)
    return await detail_view(tx, links, found, now=now)


@router.put(
    "/venues/{venue_id}",
    summary="修改场地（工作人员）· Change a venue",
    responses=problems(
        *SIGNED_IN,
        service.VenueNotFound,
        service.VenueGone,
        Forbidden,
        StaleVersion,
        FilesNotUsable,
    ),
)
async def change_venue(
    venue_id: UUID,
    body: VenueChangeIn,
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
    links: LinksDep,
) -> VenueDetailOut:
    """修改名称、地址、位置、照片等，立即生效。Change what a venue is like, at once."""
    await service.change_venue(tx, actor, venue_id, body, now=now)
    found = await service.read_venue_with_plan(tx, venue_id, now=now)
    return await detail_view(tx, links, found, now=now)


@router.put(
    "/venues/{venue_id}/equipment",
    summary="登记“八有”设施检查（工作人员）· Note what was found of a venue's equipment",
    responses=problems(*SIGNED_IN, service.VenueNotFound, service.VenueGone, Forbidden),
)
async def check_equipment(
    venue_id: UUID, body: EquipmentIn, actor: ActorDep, tx: TxDep, now: NowDep, links: LinksDep
) -> VenueDetailOut:
    """登记查看过的设施：有、缺、坏；没有列出的不变。

    What was found of the items that were looked at; the others stay as they were.
    """
    await equipment.check_equipment(tx, actor, venue_id, body, now=now)
    found = await service.read_venue_with_plan(tx, venue_id, now=now)
    return await detail_view(tx, links, found, now=now)


@router.get(
    "/staff/venue-equipment",
    summary="缺少或损坏的设施（工作人员）· Equipment that is missing or broken",
    responses=problems(*SIGNED_IN, Forbidden, paging.BadCursor),
)
async def list_equipment_gaps(actor: ActorDep, tx: ReadTxDep, page: paging.PageDep) -> GapPage:
    """本人管理的场地中缺少或损坏的“八有”设施。What is to be put right at one's venues."""
    gaps = await equipment.list_gaps(tx, actor, page)
    return page.page(gaps, EquipmentGapOut.model_validate)
