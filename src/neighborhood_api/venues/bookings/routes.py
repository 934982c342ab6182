"""HTTP operations of bookings."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Query

from neighborhood_api.grid.residences.standing import ResidenceNotConfirmed
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, WriterDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Out
from neighborhood_api.registrations.deciding import HoldRanOut, NotInThatState
from neighborhood_api.registrations.ending import AlreadyEnded, ReasonNeeded, TooLateToCancel
from neighborhood_api.registrations.granting import UnitNotFound
from neighborhood_api.registrations.locking import RegistrationNotFound
from neighborhood_api.registrations.reasons import (
    AlreadyRegistered,
    NothingToApprove,
    OverlapsOwnBooking,
    WishNotPossible,
)
from neighborhood_api.venues.bookings import handling, ringing, service
from neighborhood_api.venues.bookings.queries import MY_BOOKINGS, MY_UPCOMING_BOOKINGS
from neighborhood_api.venues.bookings.schemas import (
    BookingEntryOut,
    BookingIn,
    BookingOut,
    CancelIn,
    HoldConfirmIn,
    HolderPhoneIn,
    HolderPhoneOut,
    HoldIn,
    MoveIn,
    RejectIn,
)
from neighborhood_api.venues.bookings.views import booking_view, booking_views, entry_view
from neighborhood_api.venues.dependencies import ONCE, SIGNED_IN, FirstDay, LastDay
from neighborhood_api.venues.rooms.availability import BadPeriod
from neighborhood_api.venues.rooms.service import RoomNotFound

router = new_router(tags=["预约 bookings"])


class BookingList(Out):
    """Bookings, in the order of their time."""

    items: list[BookingOut]


class HistoryOut(Out):
    """What happened to a booking, from its beginning."""

    items: list[BookingEntryOut]


@router.post(
    "/rooms/{room_id}/bookings",
    summary="预约活动室 · Book a room",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        Forbidden,
        ResidenceNotConfirmed,
        RoomNotFound,
        UnitNotFound,
        *service.REFUSED,
    ),
)
async def book_room(
    room_id: UUID, body: BookingIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """预约活动室的一段时间；违反的规则一次全部列出(`reasons`);满员时可加入候补(`wait`)。

    Reserve a room; `reasons` of a refusal lists every rule that the wish breaks. With `wait`
    the waitlist is joined when nothing is left; where approval is needed, it is pending.
    """
    booking_id = await service.book_room(writer, actor, room_id, body, now=now)
    return await _shown(writer, actor, booking_id)


@router.post(
    "/rooms/{room_id}/holds",
    summary="填写期间保留时段 · Keep a slot while the form is filled",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        ResidenceNotConfirmed,
        RoomNotFound,
        UnitNotFound,
        service.HoldsNotTaken,
        *service.REFUSED,
    ),
)
async def hold_room(
    room_id: UUID, body: HoldIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """先保留时段几分钟(`answer_by`),再用“确认预约”提交。

    Keep a slot until `answer_by`; then confirm it, or it is free again.
    """
    booking_id = await service.hold_room(writer, actor, room_id, body, now=now)
    return await _shown(writer, actor, booking_id)


@router.post(
    "/bookings/{booking_id}/confirm",
    summary="确认保留的预约 · Finish the form of a hold",
    responses=problems(
        *SIGNED_IN, *ONCE, RegistrationNotFound, NotInThatState, HoldRanOut, *service.REFUSED
    ),
)
async def confirm_booking(
    booking_id: UUID, body: HoldConfirmIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """在保留到期前提交人数和用途。Before the hold ends, say how many come and what for."""
    await service.confirm_booking(writer, actor, booking_id, body, now=now)
    return await _shown(writer, actor, booking_id)


@router.get(
    "/me/bookings",
    summary="我的预约和报名 · My bookings",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_my_bookings(
    actor: ActorDep,
    reader: ReaderDep,
    now: NowDep,
    page: paging.PageDep,
    *,
    upcoming: Annotated[
        bool, Query(description="只看未结束的 · Only those still to come or under way.")
    ] = False,
) -> paging.Page[BookingOut]:
    """本人的预约和报名，新的在前。The caller's bookings and enrolments, newest first."""
    wanted = {"person_id": actor.person_id, "below": page.below, "fetch": page.fetch}
    if upcoming:
        rows = await MY_UPCOMING_BOOKINGS.all(reader, **wanted, now=now)
    else:
        rows = await MY_BOOKINGS.all(reader, **wanted)
    views = await booking_views(reader, rows, for_staff=False)
    return page.page(views, lambda view: view)


@router.get(
    "/bookings/{booking_id}",
    summary="一个预约 · One booking",
    responses=problems(*SIGNED_IN, RegistrationNotFound),
)
async def read_booking(booking_id: UUID, actor: ActorDep, reader: ReaderDep) -> BookingOut:
    """预约人本人和场地工作人员可见。For its holder and the venue's staff."""
    row = await handling.read_booking(reader, actor, booking_id)
    return await booking_view(reader, row, for_staff=row.person_id != actor.person_id)


@router.get(
    "/bookings/{booking_id}/history",
    summary="预约的经过 · What happened to a booking",
    responses=problems(*SIGNED_IN, RegistrationNotFound),
)
async def read_booking_history(booking_id: UUID, actor: ActorDep, tx: ReadTxDep) -> HistoryOut:
    """每一次变化，从头到尾。Every change, from the beginning."""
    booking, lines = await handling.read_history(tx, actor, booking_id)
    for_staff = booking.person_id != actor.person_id
    shown = [entry_view(line, booking, for_staff=for_staff) for line in lines]
    return HistoryOut(items=shown)


@router.post(
    "/bookings/{booking_id}/cancel",
    summary="取消预约 · Cancel a booking",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        Forbidden,
        RegistrationNotFound,
        AlreadyEnded,
        TooLateToCancel,
        ReasonNeeded,
    ),
)
async def cancel_booking(
    booking_id: UUID,
    body: Annotated[CancelIn, Body(default_factory=CancelIn)],
    actor: ActorDep,
    writer: WriterDep,
    now: NowDep,
) -> BookingOut:
    """本人在开始前取消，临近取消可能记爽约；工作人员可在结束前取消，须写明原因。

    The holder cancels before the start, and late may be a strike; staff before the end,
    saying why. A freed place goes to who waits.
    """
    await handling.cancel_booking(writer, actor, booking_id, body, now=now)
    return await _shown(writer, actor, booking_id)


@router.post(
    "/bookings/{booking_id}/accept-offer",
    summary="接受候补空位 · Take an offered place",
    responses=problems(
        *SIGNED_IN, *ONCE, RegistrationNotFound, NotInThatState, HoldRanOut, OverlapsOwnBooking
    ),
)
async def accept_offer(
    booking_id: UUID, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """在 `answer_by` 前接受候补到的空位；不要则取消。Take it before `answer_by`, or cancel."""
    await handling.accept_offer(writer, actor, booking_id, now=now)
    return await _shown(writer, actor, booking_id)


STAFF = (*SIGNED_IN, *ONCE, Forbidden, RegistrationNotFound)


@router.post(
    "/bookings/{booking_id}/approve",
    summary="通过预约（工作人员）· Approve a booking",
    responses=problems(
        *STAFF,
        handling.OwnBooking,
        NotInThatState,
        NothingToApprove,
        UnitNotFound,
        OverlapsOwnBooking,
    ),
)
async def approve_booking(
    booking_id: UUID, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """通过待审批的预约；不能审批自己的。Grant what waits for approval, never one's own."""
    await handling.approve_booking(writer, actor, booking_id, now=now)
    return await _shown(writer, actor, booking_id)


@router.post(
    "/bookings/{booking_id}/reject",
    summary="不通过预约（工作人员）· Reject a booking",
    responses=problems(*STAFF, NotInThatState),
)
async def reject_booking(
    booking_id: UUID, body: RejectIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """不通过待审批的预约，写明原因。Refuse what waits for approval, saying why."""
    await handling.reject_booking(writer, actor, booking_id, body, now=now)
    return await _shown(writer, actor, booking_id)


@router.post(
    "/bookings/{booking_id}/move",
    summary="改期或换场地（工作人员）· Move a booking",
    responses=problems(
        *STAFF,
        RoomNotFound,
        UnitNotFound,
        AlreadyEnded,
        HoldRanOut,
        NotInThatState,
        handling.OnlyRoomsMove,
        handling.OwnBooking,
        WishNotPossible,
        service.RoomTaken,
        service.RoomClosed,
        AlreadyRegistered,
        OverlapsOwnBooking,
    ),
)
async def move_booking(
    booking_id: UUID, body: MoveIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """把预约换到另一时间、台位或活动室，通知预约人。Another time, unit or room; she is told."""
    await handling.move_booking(writer, actor, booking_id, body, now=now)
    return await _shown(writer, actor, booking_id)


@router.post(
    "/bookings/{booking_id}/holder-phone",
    summary="查看预约人电话（工作人员）· See the holder's number",
    responses=problems(*STAFF, ringing.HolderHasNoPhone),
)
async def show_holder_phone(
    booking_id: UUID, body: HolderPhoneIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> HolderPhoneOut:
    """完整号码，用于电话通知没有账号的人；写明理由，每次查看都会记录，预约人可查。

    To ring whom the system cannot tell. Say why; each look stands in the booking's history.
    """
    return await ringing.show_holder_phone(writer, actor, booking_id, body, now=now)


@router.get(
    "/rooms/{room_id}/bookings",
    summary="活动室的预约（工作人员）· Who uses a room",
    responses=problems(*SIGNED_IN, Forbidden, RoomNotFound, BadPeriod),
)
async def list_room_bookings(
    room_id: UUID,
    actor: ActorDep,
    reader: ReaderDep,
    now: NowDep,
    since: FirstDay = None,
    until: LastDay = None,
) -> BookingList:
    """活动室的预约、候补和预约人，按时间排列。Bookings with their holders, in order."""
    rows = await handling.list_room_bookings(reader, actor, room_id, since, until, now=now)
    return BookingList(items=await booking_views(reader, rows, for_staff=True))


async def _shown(writer: WriterDep, actor: ActorDep, booking_id: UUID) -> BookingOut:
    row = await handling.read_booking(writer, actor, booking_id)
    return await booking_view(writer, row, for_staff=row.person_id != actor.person_id)
