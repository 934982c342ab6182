"""HTTP operations of when rooms are open: the same as those of venues."""

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
from neighborhood_api.venues.openings import service
from neighborhood_api.venues.openings.hits import BookingsInTheWay
from neighborhood_api.venues.openings.schemas import (
    AddClosureIn,
    AddExceptionIn,
    ChangeHolidaysIn,
    ChangeRulesIn,
    OpeningChangeOut,
    OpeningViewOut,
    WithdrawExceptionIn,
)
from neighborhood_api.venues.openings.sites import Subject
from neighborhood_api.venues.rooms.availability import BadPeriod, days_shown
from neighborhood_api.venues.rooms.service import RoomNotFound
from neighborhood_api.venues.service import VenueGone

router = new_router(tags=["开放时间 openings"])

_CHANGING = (*SIGNED_IN, Forbidden, VenueGone, StaleVersion, BookingsInTheWay)


@router.get(
    "/rooms/{room_id}/opening",
    summary="活动室开放时间 · When a room is open",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, RoomNotFound, BadPeriod),
)
async def read_room_opening(
    room_id: UUID, tx: ReadTxDep, now: NowDep, since: FirstDay = None, until: LastDay = None
) -> OpeningViewOut:
    """活动室每周开放时间、例外、停用、节假日，以及逐日的实际开放时间。

    Weekly hours, exceptions, closures, the rule for holidays, and what comes of them by day.
    """
    shown = days_shown(since, until, now)
    return await service.read_opening(tx, Subject(room_id=room_id), shown, now=now)


@router.put(
    "/rooms/{room_id}/opening/rules",
    summary="设置活动室每周开放时间（工作人员）· Replace a room's weekly hours",
    responses=problems(*_CHANGING, RoomNotFound, ReasonNeeded),
)
async def replace_room_rules(
    room_id: UUID, body: ChangeRulesIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OpeningChangeOut:
    """整体替换；列出因此落在开放时间外的预约，默认保留，也可一并取消。

    Replace all; what now lies outside is listed and kept, unless it is to be cancelled.
    """
    return await service.replace_rules(tx, actor, Subject(room_id=room_id), body, now=now)


@router.put(
    "/rooms/{room_id}/opening/holidays",
    summary="设置活动室法定节假日（工作人员）· Set a room's rule for public holidays",
    responses=problems(*_CHANGING, RoomNotFound, NothingAbove, ReasonNeeded),
)
async def set_room_holidays(
    room_id: UUID, body: ChangeHolidaysIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OpeningChangeOut:
    """照常、关闭或按星期日；受影响的预约列出，默认保留。

    Open, closed or as on Sundays; what is hit is listed, and kept unless it is to be cancelled.
    """
    return await service.set_holidays(tx, actor, Subject(room_id=room_id), body, now=now)


@router.post(
    "/rooms/{room_id}/opening/exceptions",
    summary="调整活动室某些天的开放时间（工作人员）· Give a room other hours on some days",
    responses=problems(*_CHANGING, *ONCE, RoomNotFound, OverAlready),
)
async def add_room_exception(
    room_id: UUID, body: AddExceptionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OpeningChangeOut:
    """先用 `preview` 看受影响的预约，再带 `hits_seen` 确认，名单内的取消并通知。

    Look with `preview` at what is hit, then confirm with `hits_seen`: it is cancelled, and its
    holders are told. When somebody books in between, the new list is shown.
    """
    return await service.add_exception(tx, actor, Subject(room_id=room_id), body, now=now)


@router.post(
    "/rooms/{room_id}/opening/exceptions/{exception_id}/withdraw",
    summary="撤销活动室的调整（工作人员）· Withdraw an exception of a room",
    responses=problems(
        *_CHANGING,
        *ONCE,
        RoomNotFound,
        ExceptionNotFound,
        ExceptionWithdrawn,
        OverAlready,
        ReasonNeeded,
    ),
)
async def withdraw_room_exception(
    room_id: UUID,
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
        tx, actor, Subject(room_id=room_id), exception_id, body, now=now
    )


@router.post(
    "/rooms/{room_id}/opening/closures",
    summary="停用活动室一段时间（工作人员）· Take a room out of use for a while",
    responses=problems(*_CHANGING, *ONCE, RoomNotFound, OverAlready),
)
async def add_room_closure(
    room_id: UUID, body: AddClosureIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> OpeningChangeOut:
    """先用 `preview` 看受影响的预约和课程，再带 `hits_seen` 确认，名单内的取消并通知。

    Look with `preview` at the bookings and sessions it hits, then confirm with `hits_seen`:
    they are cancelled, and everybody is told why.
    """
    return await service.add_closure(tx, actor, Subject(room_id=room_id), body, now=now)


@router.post(
    "/rooms/{room_id}/opening/closures/{closure_id}/lift",
    summary="提前解除活动室停用（工作人员）· Lift a closure of a room",
    responses=problems(
        *_CHANGING, *ONCE, RoomNotFound, ClosureNotFound, ClosureLifted, OverAlready
    ),
)
async def lift_room_closure(
    room_id: UUID,
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
        tx, actor, Subject(room_id=room_id), closure_id, body, now=now
    )
