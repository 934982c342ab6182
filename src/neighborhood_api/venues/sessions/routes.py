"""HTTP operations of sessions."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Query
from sqlalchemy import true

from neighborhood_api.grid.residences.standing import ResidenceNotConfirmed
from neighborhood_api.grid.service import NodeNotFound, ResidenceUnknown
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit import paging
from neighborhood_api.kit.asking import asked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep, WriterDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.registrations.promoting import SeatsInUse
from neighborhood_api.registrations.reasons import (
    AlreadyRegistered,
    NotForYou,
    NothingFree,
    NotOpen,
    OverlapsOwnBooking,
    QuotaExceeded,
    Suspended,
    WishNotPossible,
)
from neighborhood_api.venues.bookings.handling import shown_booking
from neighborhood_api.venues.bookings.schemas import BookingOut
from neighborhood_api.venues.bookings.service import NotForYourPlace
from neighborhood_api.venues.bookings.views import booking_view
from neighborhood_api.venues.children.service import ChildNotFound, ConsentNeeded
from neighborhood_api.venues.dependencies import CALLER, ONCE, SIGNED_IN, NodeFilter
from neighborhood_api.venues.rooms.service import RoomNotFound
from neighborhood_api.venues.service import VenueGone, VenueNotFound, nearby
from neighborhood_api.venues.sessions import drawn, dropping, enrolling, keeping, service
from neighborhood_api.venues.sessions.grounds import (
    SessionNotFound,
    SessionOver,
    TeacherNotFound,
)
from neighborhood_api.venues.sessions.lots import DrawOut
from neighborhood_api.venues.sessions.occupying import PlaceOrTeacherTaken
from neighborhood_api.venues.sessions.schemas import (
    CallOffIn,
    DropOutIn,
    EnrolIn,
    SessionChangeIn,
    SessionDetailOut,
    SessionIn,
    SessionOut,
)
from neighborhood_api.venues.sessions.staffing import TooFewHelpers, TwoLeads
from neighborhood_api.venues.sessions.views import session_view

router = new_router(tags=["课程和活动 sessions"])

SessionPage = paging.Page[SessionOut]
SHAPING = (
    Forbidden,
    VenueGone,
    RoomNotFound,
    TeacherNotFound,
    TooFewHelpers,
    TwoLeads,
    keeping.SessionInThePast,
    keeping.DrawnPlacesNotHeld,
    PlaceOrTeacherTaken,
)
ENROLLING = (
    SessionNotFound,
    enrolling.ChildNeeded,
    enrolling.NotForChildren,
    enrolling.GuardianMustEnrol,
    ChildNotFound,
    ConsentNeeded,
    NotForYou,
    NotForYourPlace,
    enrolling.EnrolmentNotOpen,
    enrolling.EnrolmentOver,
    NotOpen,
    Suspended,
    AlreadyRegistered,
    OverlapsOwnBooking,
    QuotaExceeded,
    NothingFree,
    WishNotPossible,
)


@router.get(
    "/sessions",
    summary="志愿辅导和活动 · Tutoring sessions and activities",
    responses=problems(*SIGNED_IN, NodeNotFound, ResidenceUnknown, paging.BadCursor),
)
async def list_sessions(
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    wanted: Annotated[service.Sessions, Depends(asked(service.Sessions))],
    node_id: NodeFilter = None,
) -> SessionPage:
    """还没结束的志愿辅导和活动，最近的在前；指定服务中心时不看住址。

    Those not over yet, soonest first; of one venue, wherever the caller lives.
    """
    anywhere = wanted.venue_id is not None and node_id is None
    where = true() if anywhere else await nearby(tx, actor, node_id, now)
    rows = await service.upcoming_sessions(tx, where, wanted, page, now=now)
    return page.page(rows, SessionOut.model_validate)


@router.get(
    "/sessions/{session_id}",
    summary="一个课程或活动 · One session",
    responses=problems(*SIGNED_IN, SessionNotFound, ChildNotFound),
)
async def read_session(
    session_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    child_id: Annotated[
        UUID | None, Query(description="为哪个孩子看能否报名 · For which child of the caller.")
    ] = None,
) -> SessionDetailOut:
    """剩余名额、候补人数、本人和孩子的报名；`reasons` 说明现在不能报名的原因，与报名时一致。

    Seats left, who waits, what the caller has; `reasons` by the same rules that enrolling has.
    """
    return await session_view(tx, actor, session_id, child_id, now=now)


@router.get(
    "/sessions/{session_id}/draw",
    summary="抽签结果 · The draw of a session",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, SessionNotFound, drawn.NoDraw),
)
async def read_draw(session_id: UUID, reader: ReaderDep) -> DrawOut:
    """从一开始公布种子的指纹；抽签后公布种子和顺序，任何人都可以验证。

    What was promised and, once it is drawn, the seed and the order: anybody can recompute it.
    """
    return await drawn.read_draw(reader, session_id)


@router.post(
    "/sessions/{session_id}/bookings",
    summary="报名 · Enrol in a session",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, ResidenceNotConfirmed, *ENROLLING),
)
async def enrol_in_session(
    session_id: UUID,
    body: Annotated[EnrolIn, Body(default_factory=EnrolIn)],
    actor: ActorDep,
    writer: WriterDep,
    now: NowDep,
) -> BookingOut:
    """为本人或孩子报名；违反的规则一次全部列出(`reasons`)；满员时可加入候补(`wait`)，抽签的先登记。

    Enrol oneself or one's child; `reasons` of a refusal lists every rule that is broken. With
    `wait` the waitlist is joined when it is full; where there is a draw, one enters it.
    """
    booking_id = await enrolling.enrol_in_session(writer, actor, session_id, body, now=now)
    row = await shown_booking(writer, booking_id)
    return await booking_view(writer, row, for_staff=row.person_id != actor.person_id)


@router.post(
    "/venues/{venue_id}/sessions",
    summary="新增课程或活动（工作人员）· Add a session",
    responses=problems(*SIGNED_IN, *ONCE, VenueNotFound, *SHAPING),
)
async def add_session(
    venue_id: UUID, body: SessionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SessionDetailOut:
    """新增一场；活动室和老师在这个时段不能另有安排，冲突的逐一列出(`clashes`)。

    The room and the teachers must be free, and the room, or else the venue, open; `clashes` of
    a refusal says why not. `outside_hours` sets the ordinary hours aside, never a closure.
    """
    session_id = await keeping.add_session(tx, actor, venue_id, body, now=now)
    return await session_view(tx, actor, session_id, now=now)


@router.put(
    "/sessions/{session_id}",
    summary="修改课程或活动（工作人员）· Change a session",
    responses=problems(
        *SIGNED_IN,
        *SHAPING,
        SessionNotFound,
        StaleVersion,
        SessionOver,
        SeatsInUse,
        keeping.ParticipantsElsewhere,
    ),
)
async def change_session(
    session_id: UUID, body: SessionChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SessionDetailOut:
    """开始前修改；改时间、地点时报名保留并通知，减少名额时后报的退回候补。

    Before it begins. With another time or room enrolments stay and are told; with fewer seats
    the latest go back to the waitlist.
    """
    await keeping.change_session(tx, actor, session_id, body, now=now)
    return await session_view(tx, actor, session_id, now=now)


@router.post(
    "/sessions/{session_id}/cancel",
    summary="取消课程或活动（工作人员）· Call a session off",
    responses=problems(
        *SIGNED_IN, *ONCE, Forbidden, SessionNotFound, SessionOver, StaleVersion
    ),
)
async def cancel_session(
    session_id: UUID, body: CallOffIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SessionDetailOut:
    """写明原因，通知所有报名、候补的人和老师。

    Say why; whoever enrolled, waits or teaches is told.
    """
    await keeping.cancel_session(tx, actor, session_id, body, now=now)
    return await session_view(tx, actor, session_id, now=now)


@router.post(
    "/sessions/{session_id}/drop-out",
    summary="老师不能来、安排代课 · A teacher cannot come",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        Forbidden,
        SessionNotFound,
        TeacherNotFound,
        SessionOver,
        PlaceOrTeacherTaken,
    ),
)
async def drop_out(
    session_id: UUID, body: DropOutIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SessionDetailOut:
    """老师本人或工作人员登记不能来；工作人员可同时指定代课。已报名的人不受影响，人手不足会提示。

    By the teacher, or by staff, who may say who comes instead. Enrolments stay as they are.
    """
    await dropping.drop_out(tx, actor, session_id, body, now=now)
    return await session_view(tx, actor, session_id, now=now)
