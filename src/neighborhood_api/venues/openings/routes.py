"""HTTP operations of when venues are open; those of rooms are the same."""

from uuid import UUID

from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.registrations.ending import ReasonNeeded
from neighborhood_api.schedules.openings.schemas import RevokeIn
from neighborhood_api.schedules.openings.service import (
    ClosureLifted,
    ClosureNotFound,
    ExceptionNotFound,
    ExceptionWithdrawn,
    NothingAbove,
    OverAlready,
)
from neighborhood_api.venues.dependencies import CALLER, ONCE, SIGNED_IN, FirstDay, LastDay
from neighborhood_api.venues.openings import closing, service
from neighborhood_api.venues.openings.hits import BookingsInTheWay
from neighborhood_api.venues.openings.schemas import (
    AddClosureIn,
    AddExceptionIn,
    ChangeHolidaysIn,
    ChangeRulesIn,
    CloseVenueIn,
    HitsOut,
    OpeningChangeOut,
    OpeningViewOut,
    VenueClosingOut,
    WithdrawExceptionIn,
)
from neighborhood_api.venues.openings.sites import Subject
from neighborhood_api.venues.rooms.availability import BadPeriod, days_shown
from neighborhood_api.venues.service import VenueGone, VenueNotFound

router = new_router(tags=["开放时间 openings"])

_CHANGING = (*SIGNED_IN, Forbidden, VenueGone, StaleVersion, BookingsInTheWay)


@router.get(
    "/venues/{venue_id}/opening",
    summary="场地开放时间 · When a venue is open",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, VenueNotFound, BadPeriod),
)
async def read_venue_opening(
    venue_id: UUID, tx: ReadTxDep, now: NowDep, since: FirstDay = None, until: LastDay = None
) -> OpeningViewOut:
    """场地每周开放时间、例外、停用、节假日，以及逐日的实际开放时间。

    Weekly hours, exceptions, closures, the rule for holidays, and what comes of them by day.
    """
    shown = days_shown(since, until, now)
    return await service.read_opening(tx, Subject(venue_id=venue_id), shown, now=now)


@router.put(
    "/venues/{venue_id}/opening/rules",
    summary="设置场地每周开放时间（工作人员）· Replace a venue's weekly hours",
    responses=problems(*_CHANGING, VenueNotFound, ReasonNeeded),
)
async def replace_venue_rules(
    venue_id: UUID, body: ChangeRulesIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OpeningChangeOut:
    """整体替换；列出因此落在开放时间外的预约，默认保留，也可一并取消。

    Replace all; what now lies outside is listed and kept, unless it is to be cancelled.
    Rooms without hours of their own follow their venue's.
    """
    return await service.replace_rules(tx, actor, Subject(venue_id=venue_id), body, now=now)


@router.put(
    "/venues/{venue_id}/opening/holidays",
    summary="设置场地法定节假日（工作人员）· Set a venue's rule for public holidays",
    responses=problems(*_CHANGING, VenueNotFound, NothingAbove, ReasonNeeded),
)
async def set_venue_holidays(
    venue_id: UUID, body: ChangeHolidaysIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OpeningChangeOut:
    """照常、关闭或按星期日；受影响的预约列出，默认保留。

    Open, closed or as on Sundays; what is hit is listed, and kept unless it is to be cancelled.
    """
    return await service.set_holidays(tx, actor, Subject(venue_id=venue_id), body, now=now)


@router.post(
    "/venues/{venue_id}/opening/exceptions",
    summary="调整场地某些天的开放时间（工作人员）· Give a venue other hours on some days",
    responses=problems(*_CHANGING, *ONCE, VenueNotFound, OverAlready),
)
async def add_venue_exception(
    venue_id: UUID, body: AddExceptionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OpeningChangeOut:
    """先用 `preview` 看受影响的预约，再带 `hits_seen` 确认，名单内的取消并通知。

    Look with `preview` at what is hit, then confirm with `hits_seen`: it is cancelled, and its
    holders are told. When somebody books in between, the new list is shown.
    """
    return await service.add_exception(tx, actor, Subject(venue_id=venue_id), body, now=now)


@router.post(
    "/venues/{venue_id}/opening/exceptions/{exception_id}/withdraw",
    summary="撤销场地的调整（工作人员）· Withdraw an exception of a venue",
    responses=problems(
        *_CHANGING,
        *ONCE,
        VenueNotFound,
        ExceptionNotFound,
        ExceptionWithdrawn,
        OverAlready,
        ReasonNeeded,
    ),
)
async def withdraw_venue_exception(
    venue_id: UUID,
    exception_id: UUID,
    body: WithdrawExceptionIn,
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
) -> OpeningChangeOut:
    """恢复每周开放时间；受影响的预约列出，默认保留。

    Weekly hours hold again; what is hit is listed, and kept unless it is to be cancelled.
    """
    return await service.withdraw_exception(
        tx, actor, Subject(venue_id=venue_id), exception_id, body, now=now
    )


@router.post(
    "/venues/{venue_id}/opening/closures",
    summary="停用场地一段时间（工作人员）· Take a venue out of use for a while",
    responses=problems(*_CHANGING, *ONCE, VenueNotFound, OverAlready),
)
async def add_venue_closure(
    venue_id: UUID, body: AddClosureIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OpeningChangeOut:
    """先用 `preview` 看受影响的预约和课程，再带 `hits_seen` 确认，名单内的取消并通知。

    Look with `preview` at the bookings and sessions it hits, then confirm with `hits_seen`:
    they are cancelled, and everybody is told why.
    """
    return await service.add_closure(tx, actor, Subject(venue_id=venue_id), body, now=now)


@router.post(
    "/venues/{venue_id}/opening/closures/{closure_id}/lift",
    summary="提前解除场地停用（工作人员）· Lift a closure of a venue",
    responses=problems(
        *_CHANGING, *ONCE, VenueNotFound, ClosureNotFound, ClosureLifted, OverAlready
    ),
)
async def lift_venue_closure(
    venue_id: UUID,
    closure_id: UUID,
    body: RevokeIn,
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
) -> OpeningChangeOut:
    """提前恢复使用；已取消的预约不会恢复。

    It can be used again at once; what was cancelled stays cancelled.
    """
    return await service.lift_closure(
        tx, actor, Subject(venue_id=venue_id), closure_id, body, now=now
    )


@router.get(
    "/venues/{venue_id}/bookings-outside-hours",
    summary="开放时间外的预约（工作人员）· Bookings outside of the opening hours",
    responses=problems(*SIGNED_IN, Forbidden, VenueNotFound),
)
async def list_outside(venue_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep) -> HitsOut:
    """每周开放时间或放假安排改变后，仍保留在开放时间外的预约和课程。

    What was kept although it is not open then any more, e.g. since the calendar was changed.
    """
    return await service.list_outside(tx, actor, Subject(venue_id=venue_id), now=now)


@router.post(
    "/venues/{venue_id}/close",
    summary="停办场地（工作人员）· Close a venue for good",
    responses=problems(*_CHANGING, *ONCE, VenueNotFound),
)
async def close_venue(
    venue_id: UUID, body: CloseVenueIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> VenueClosingOut:
    """不再接受预约；先用 `preview` 看已有预约，再带 `hits_seen` 确认，全部取消并通知。

    Nothing new is booked; look with `preview` at what is, then confirm with `hits_seen`: it is
    cancelled, and everybody is told why.
    """
    return await closing.close_venue(tx, actor, venue_id, body, now=now)
