"""HTTP operations of the working calendar."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.schedules import service
from neighborhood_api.schedules.schemas import (
    OfficeHoursIn,
    OfficeHoursList,
    WorkingCalendarOut,
    WorkingYearIn,
    WorkingYearOut,
)

router = new_router(tags=["工作日历 calendar"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
CALLER = [Depends(current_actor)]

Year = Annotated[
    int, Path(ge=service.FIRST_YEAR, le=service.LAST_YEAR, description="年份 · Year.")
]
DistrictId = Annotated[UUID, Query(description="区县 · The district.")]


@router.get(
    "/working-calendar",
    summary="工作日历 · Which days are worked",
    responses=problems(
        *SIGNED_IN, NodeNotFound, service.NotADistrict, service.BadCalendarPeriod
    ),
)
async def read_working_calendar(
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    since: Annotated[
        date | None,
        Query(alias="from", description="首日，不填为今天 · First day; today when left out."),
    ] = None,
    until: Annotated[
        date | None,
        Query(
            alias="to",
            description="末日，最多366天，不填为31天 · Last day, 366 at most; 31 by default.",
        ),
    ] = None,
    district_id: Annotated[
        UUID | None,
        Query(
            description="区县，不填为本人所在 · The district; the caller's own when left out."
        ),
    ] = None,
) -> WorkingCalendarOut:
    """工作日、节假日、调休上班和办公时间；未发布的年份按星期推算并注明。

    Workdays, holidays, make-up workdays and office hours, on which deadlines are counted.
    """
    return await service.read_working_calendar(tx, actor, district_id, since, until, now=now)


@router.get(
    "/working-calendar/years/{year}",
    summary="一年的放假安排 · The special days of a year",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, NodeNotFound, service.NotADistrict),
)
async def read_year(
    year: Year, district_id: DistrictId, tx: ReadTxDep, now: NowDep
) -> WorkingYearOut:
    """全国或本区县设定的放假和调休。Holidays and make-up workdays, with their source."""
    return await service.read_year(tx, year, district_id, now=now)


@router.put(
    "/working-calendar/years/{year}",
    summary="发布一年的放假安排 · Publish the special days of a year",
    responses=problems(
        *SIGNED_IN,
        Forbidden,
        NodeNotFound,
        service.NotADistrict,
        service.NoticeNotOut,
        service.DayOutsideYear,
        service.DayNamedTwice,
        service.AlreadyWorkday,
        StaleVersion,
    ),
)
async def publish_year(
    year: Year, body: WorkingYearIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> WorkingYearOut:
    """设定本区县全年的放假和调休，取代全国安排；各项期限随之重新计算。

    Set a district's whole year, in place of the country's; deadlines are computed anew.
    """
    return await service.publish_year(tx, actor, year, body, now=now)


@router.get(
    "/working-calendar/office-hours",
    summary="办公时间 · Office hours",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, NodeNotFound, service.NotADistrict),
)
async def list_office_hours(
    district_id: DistrictId, tx: ReadTxDep, now: NowDep
) -> OfficeHoursList:
    """默认的和各次调整后的办公时间。The usual hours, and each change with its first day."""
    return await service.list_office_hours(tx, district_id, now=now)


@router.put(
    "/working-calendar/office-hours",
    summary="设定办公时间 · Set office hours",
    responses=problems(
        *SIGNED_IN,
        Forbidden,
        NodeNotFound,
        service.NotADistrict,
        service.BadOfficeHours,
        service.HoursInThePast,
        StaleVersion,
    ),
)
async def set_office_hours(
    body: OfficeHoursIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OfficeHoursList:
    """设定某天起的办公时间；按工作时计算的期限随之重新计算。

    Set the hours from a day on; deadlines in office hours are computed anew.
    """
    return await service.set_office_hours(tx, actor, body, now=now)
