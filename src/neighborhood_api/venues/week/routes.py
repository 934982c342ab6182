"""HTTP operations of a venue's week."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.venues.dependencies import SIGNED_IN
from neighborhood_api.venues.rooms.availability import BadPeriod
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.week import service
from neighborhood_api.venues.week.schemas import VenueWeekOut

router = new_router(tags=["场地 venues"])


@router.get(
    "/venues/{venue_id}/week",
    summary="场地一周安排（工作人员）· A venue's week",
    responses=problems(*SIGNED_IN, Forbidden, VenueNotFound, BadPeriod),
)
async def read_venue_week(
    venue_id: UUID,
    actor: ActorDep,
    reader: ReaderDep,
    now: NowDep,
    since: Annotated[
        date | None,
        Query(alias="from", description="首日，不填为本周一 · First day; Monday if left out."),
    ] = None,
) -> VenueWeekOut:
    """逐日列出各活动室、台位的预约、课程、停用和空闲时间。

    Day by day who has what of each room and unit, sessions, closures, and what is free.
    """
    return await service.read_venue_week(reader, actor, venue_id, since, now=now)
