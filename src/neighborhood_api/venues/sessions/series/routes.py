"""HTTP operations of weekly series."""

from uuid import UUID

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.registrations.promoting import SeatsInUse
from neighborhood_api.venues.dependencies import ONCE, SIGNED_IN
from neighborhood_api.venues.rooms.service import RoomNotFound
from neighborhood_api.venues.service import VenueGone, VenueNotFound
from neighborhood_api.venues.sessions.grounds import (
    SessionNotFound,
    SessionOver,
    TeacherNotFound,
)
from neighborhood_api.venues.sessions.keeping import DrawnPlacesNotHeld
from neighborhood_api.venues.sessions.occupying import PlaceOrTeacherTaken
from neighborhood_api.venues.sessions.series import changing, service
from neighborhood_api.venues.sessions.series.schemas import (
    SeriesCancelIn,
    SeriesChangeIn,
    SeriesIn,
    SeriesOut,
    SeriesResultOut,
)
from neighborhood_api.venues.sessions.staffing import TooFewHelpers, TwoLeads

router = new_router(tags=["系列课程 series"])

SHAPING = (
    Forbidden,
    VenueGone,
    RoomNotFound,
    TeacherNotFound,
    TooFewHelpers,
    TwoLeads,
    DrawnPlacesNotHeld,
    service.SeriesTooLong,
    service.SeriesClashes,
    PlaceOrTeacherTaken,
)
PART = (service.SeriesNotFound, StaleVersion, SessionNotFound, SessionOver)


@router.post(
    "/venues/{venue_id}/series",
    summary="新增每周系列（工作人员）· Make a weekly series",
    responses=problems(*SIGNED_IN, *ONCE, VenueNotFound, service.NoDatesLeft, *SHAPING),
)
async def add_series(
    venue_id: UUID, body: SeriesIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SeriesResultOut:
    """按每周几、起止日期排课，可跳过法定节假日；有冲突的日期全部列出，或跳过并说明原因。

    Every weekday between two days. Dates on which the room or a teacher is taken, or it is not
    open (`outside_hours` sets the
    ordinary hours aside), refuse all of it, each named, or are left out (`on_clash`) and told
    in `skipped`.
    """
    return await service.add_series(tx, actor, venue_id, body, now=now)


@router.get(
    "/series/{series_id}",
    summary="一个系列（工作人员）· One series",
    responses=problems(*SIGNED_IN, Forbidden, service.SeriesNotFound),
)
async def read_series(series_id: UUID, actor: ActorDep, tx: ReadTxDep) -> SeriesOut:
    """系列的安排和各场。A series with its sessions."""
    return await service.read_series(tx, actor, series_id)


@router.put(
    "/series/{series_id}",
    summary="修改系列（工作人员）· Change a series",
    responses=problems(*SIGNED_IN, *PART, *SHAPING, SeatsInUse, changing.SeriesDatesEnrolled),
)
async def change_series(
    series_id: UUID, body: SeriesChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SeriesResultOut:
    """修改某场及以后，或全部未开始的；只改一场请修改那一场。改一部分时，这部分成为新系列。

    This and following, or all to come; one alone is changed by itself and keeps that change.
    Enrolments stay with their session and are told of another time or room. A date that falls
    away must have nobody enrolled. A change of a part makes it a series of its own.
    """
    return await changing.change_series(tx, actor, series_id, body, now=now)


@router.post(
    "/series/{series_id}/cancel",
    summary="取消系列（工作人员）· Call a series off",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, *PART),
)
async def cancel_series(
    series_id: UUID, body: SeriesCancelIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SeriesOut:
    """取消某场及以后，或全部未开始的；写明原因，通知所有人。Say why; everybody is told."""
    return await changing.cancel_series(tx, actor, series_id, body, now=now)
