"""HTTP operations of coming and leaving."""

from uuid import UUID

from neighborhood_api.grid.residences.standing import ResidenceNotConfirmed
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, WriterDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Out
from neighborhood_api.registrations.checking_in import (
    CheckInReused,
    TooEarlyToCheckIn,
    TooLateToCheckIn,
)
from neighborhood_api.registrations.deciding import NotInThatState
from neighborhood_api.registrations.granting import UnitNotFound
from neighborhood_api.registrations.locking import RegistrationNotFound
from neighborhood_api.venues.bookings.handling import (
    OwnBooking,
    reads_bookings,
    shown_booking,
)
from neighborhood_api.venues.bookings.schemas import BookingOut
from neighborhood_api.venues.bookings.service import REFUSED
from neighborhood_api.venues.bookings.views import booking_view
from neighborhood_api.venues.check_ins import service
from neighborhood_api.venues.check_ins.schemas import (
    CheckOutIn,
    PresenceIn,
    ScanIn,
    WalkInIn,
)
from neighborhood_api.venues.check_ins.signs import read_sign, renew_sign
from neighborhood_api.venues.dependencies import ONCE, SIGNED_IN
from neighborhood_api.venues.rooms.service import RoomNotFound
from neighborhood_api.venues.sessions.pick_ups import PickUpNotAllowed

router = new_router(tags=["签到 check-ins"])

TENDING = (*SIGNED_IN, *ONCE, RegistrationNotFound, NotInThatState)


class CheckedInOut(Out):
    """What the caller was checked in to."""

    items: list[BookingOut]


class SignOut(Out):
    """What the sign at a room's door must say."""

    room_id: UUID
    code: str
    """二维码的内容 · The content of the QR code."""


@router.post(
    "/check-ins",
    summary="扫码签到 · Check in by the sign at the door",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        service.SignUnknown,
        service.NothingToCheckIn,
        NotInThatState,
        TooEarlyToCheckIn,
        TooLateToCheckIn,
        CheckInReused,
    ),
)
async def check_in_by_sign(
    body: ScanIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> CheckedInOut:
    """扫活动室门口的二维码，签到本人在这里最近的预约；位置异常只作标记。

    Check in to what the caller has in this room next; a strange position is only flagged.
    """
    ids = await service.check_in_by_sign(writer, actor, body, now=now)
    shown = [await shown_booking(writer, one) for one in ids]
    return CheckedInOut(
        items=[await booking_view(writer, row, for_staff=False) for row in shown]
    )


@router.post(
    "/walk-ins",
    summary="现场登记使用 · Use a free room without a booking",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        service.SignUnknown,
        ResidenceNotConfirmed,
        service.ApprovalNeeded,
        service.NotOpenNow,
        UnitNotFound,
        CheckInReused,
        *REFUSED,
    ),
)
async def walk_in(
    body: WalkInIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """扫码后如有空位，从现在用到本格结束，并直接签到。

    Use a free unit from now to the end of the slot; one is checked in at once.
    """
    booking_id = await service.walk_in(writer, actor, body, now=now)
    row = await shown_booking(writer, booking_id)
    return await booking_view(writer, row, for_staff=False)


@router.post(
    "/bookings/{booking_id}/check-in",
    summary="代为签到（工作人员、老师）· Check somebody in",
    responses=problems(
        *TENDING, OwnBooking, TooEarlyToCheckIn, TooLateToCheckIn, CheckInReused
    ),
)
async def check_in_booking(
    booking_id: UUID, body: PresenceIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """工作人员或授课老师为到场的人签到，不能为自己签。Staff or a teacher, never for oneself."""
    await service.check_in_booking(writer, actor, booking_id, body, now=now)
    return await _shown(writer, actor, booking_id)


@router.post(
    "/bookings/{booking_id}/check-out",
    summary="签退 · Check out",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        RegistrationNotFound,
        service.PickUpNeeded,
        PickUpNotAllowed,
        NotInThatState,
        CheckInReused,
    ),
)
async def check_out_booking(
    booking_id: UUID, body: CheckOutIn, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """本人离开时签退，剩余时间让给别人；孩子由老师签退并登记接送人。

    Leave early and the rest is free again; a child is checked out by the teacher.
    """
    await service.check_out_booking(writer, actor, booking_id, body, now=now)
    return await _shown(writer, actor, booking_id)


@router.post(
    "/bookings/{booking_id}/mark-no-show",
    summary="登记未到（工作人员、老师）· Nobody came",
    responses=problems(*TENDING),
)
async def mark_no_show(
    booking_id: UUID, actor: ActorDep, writer: WriterDep, now: NowDep
) -> BookingOut:
    """开始后登记未到场，释放剩余时间。After the start: nobody came, the rest is free again."""
    await service.mark_no_show(writer, actor, booking_id, now=now)
    return await _shown(writer, actor, booking_id)


@router.get(
    "/rooms/{room_id}/sign",
    summary="门口二维码（工作人员）· The sign at the door",
    responses=problems(*SIGNED_IN, Forbidden, RoomNotFound),
)
async def read_room_sign(room_id: UUID, actor: ActorDep, reader: ReaderDep) -> SignOut:
    """打印在活动室门口的签到二维码内容。What to print for the door."""
    return SignOut(room_id=room_id, code=await read_sign(reader, actor, room_id))


@router.post(
    "/rooms/{room_id}/sign/renew",
    summary="更换门口二维码（工作人员）· Renew the sign",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, RoomNotFound),
)
async def renew_room_sign(
    room_id: UUID, actor: ActorDep, writer: WriterDep, now: NowDep
) -> SignOut:
    """换一个新码，旧码立即失效。A new code; the old one is worthless at once."""
    return SignOut(room_id=room_id, code=await renew_sign(writer, actor, room_id, now=now))


async def _shown(writer: WriterDep, actor: ActorDep, booking_id: UUID) -> BookingOut:
    """Show a booking; to a teacher without its holder, whose number is not on her roster."""
    row = await shown_booking(writer, booking_id)
    own = row.person_id == actor.person_id
    shown = await booking_view(writer, row, for_staff=not own)
    if own or await reads_bookings(writer, actor, row.venue_id):
        return shown
    return shown.model_copy(update={"holder": None})
