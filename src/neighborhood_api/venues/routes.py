"""HTTP operations of the venues domain."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Query

from neighborhood_api.grid.coordinates import CoordinateSystem, Point, to_gcj02
from neighborhood_api.grid.schemas import PositionOut
from neighborhood_api.grid.service import NodeNotFound, ResidenceUnknown
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.service import StaleVersion, masked
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.idempotency import BadIdempotencyKey, IdempotencyKeyReused
from neighborhood_api.kit.problems import problems
from neighborhood_api.kit.schema import Out
from neighborhood_api.venues import bookings, service, upkeep
from neighborhood_api.venues.models import OpeningRule, Room, SessionKind, Venue
from neighborhood_api.venues.queries import MY_BOOKINGS, MY_UPCOMING_BOOKINGS, BookingRow
from neighborhood_api.venues.schemas import (
    AvailabilityOut,
    BookingIn,
    BookingOut,
    BookingState,
    CancelIn,
    HolderOut,
    OpeningRuleOut,
    OpeningRulesIn,
    RoomChangeIn,
    RoomIn,
    RoomOut,
    SessionOut,
    VenueDetailOut,
    VenueOut,
)

router = new_router(tags=["场地 venues"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
ONCE = (BadIdempotencyKey, IdempotencyKeyReused)
CALLER = [Depends(current_actor)]

NodeFilter = Annotated[
    UUID | None,
    Query(
        description="地点；不填为本人住址和所管辖区 · A place; the caller's own when left out."
    ),
]
FirstDay = Annotated[
    date | None,
    Query(alias="from", description="首日，不填为今天 · First day; today when left out."),
]
LastDay = Annotated[
    date | None,
    Query(
        alias="to",
        description="末日，最多14天，不填为7天 · Last day, 14 at most; 7 days when left out.",
    ),
]


class BookingList(Out):
    """Bookings of a room, in the order of their time."""

    items: list[BookingOut]


@router.get(
    "/rooms/{room_id}/availability",
    summary="活动室空闲时段 · When a room can be had",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.RoomNotFound, service.BadPeriod),
)
async def read_availability(
    room_id: UUID,
    reader: ReaderDep,
    now: NowDep,
    since: FirstDay = None,
    until: LastDay = None,
) -> AvailabilityOut:
    """按天列出每一格能否预约，不能时说明原因；与预约时的检查一致。

    Every slot of each day with its state, by the same rules that booking applies.
    """
    return await service.read_availability(reader, room_id, since, until, now=now)


@router.post(
    "/rooms/{room_id}/bookings",
    summary="预约活动室 · Book a room",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        service.RoomNotFound,
        bookings.NotForYourPlace,
        bookings.TimesNotBookable,
        bookings.RoomTaken,
        bookings.OverlapsOwnBooking,
    ),
)
async def book_room(
    room_id: UUID, body: BookingIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> BookingOut:
    """预约活动室的一段时间；违反的规则一次全部列出(`reasons`)。

    Reserve a room; `reasons` of a refusal lists every rule that the wish breaks.
    """
    return _booking(await bookings.book_room(tx, actor, room_id, body, now=now))


@router.get(
    "/me/bookings",
    summary="我的预约 · My bookings",
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
    """本人的预约，新的在前。The caller's bookings, newest first."""
    wanted = {"person_id": actor.person_id, "below": page.below, "fetch": page.fetch}
    if upcoming:
        rows = await MY_UPCOMING_BOOKINGS.all(reader, **wanted, now=now)
    else:
        rows = await MY_BOOKINGS.all(reader, **wanted)
    return page.page(rows, _booking)


@router.get(
    "/bookings/{booking_id}",
    summary="一个预约 · One booking",
    responses=problems(*SIGNED_IN, bookings.BookingNotFound),
)
async def read_booking(booking_id: UUID, actor: ActorDep, tx: ReadTxDep) -> BookingOut:
    """预约人本人和场地工作人员可见。For its holder and the venue's staff."""
    row = await bookings.read_booking(tx, actor, booking_id)
    return _booking(row) if row.person_id == actor.person_id else _booking_for_staff(row)


@router.post(
    "/bookings/{booking_id}/cancel",
    summary="取消预约 · Cancel a booking",
    responses=problems(
        *SIGNED_IN,
        *ONCE,
        Forbidden,
        bookings.BookingNotFound,
        bookings.BookingAlreadyCancelled,
        bookings.TooLateToCancel,
        bookings.ReasonNeeded,
    ),
)
async def cancel_booking(
    booking_id: UUID,
    body: Annotated[CancelIn, Body(default_factory=CancelIn)],
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
) -> BookingOut:
    """本人在开始前取消；工作人员可在结束前取消，须写明原因。

    The holder cancels before the start; staff before the end, saying why.
    """
    row = await bookings.cancel_booking(tx, actor, booking_id, body, now=now)
    return _booking(row) if row.person_id == actor.person_id else _booking_for_staff(row)


@router.get(
    "/venues",
    summary="服务中心列表 · Service centres and stations",
    responses=problems(*SIGNED_IN, NodeNotFound, ResidenceUnknown, paging.BadCursor),
)
async def list_venues(
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    node_id: NodeFilter = None,
) -> paging.Page[VenueOut]:
    """服务我住址的、或指定地点及其下的党群服务中心和站。

    Those that serve where the caller lives; or those that serve a place or lie in it.
    """
    query = await service.venues_for(tx, actor, node_id, now=now)
    query = query.where(Venue.id < page.below).order_by(Venue.id.desc()).limit(page.fetch)
    views = [_venue(*row) for row in await tx.execute(query)]
    return page.page(views, lambda view: view)


@router.get(
    "/venues/{venue_id}",
    summary="一个服务中心 · One venue with its rooms",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.VenueNotFound),
)
async def read_venue(venue_id: UUID, tx: ReadTxDep) -> VenueDetailOut:
    """服务中心的活动室、预约规则和开放时间。A venue, its rooms, their rules and hours."""
    venue, node_name, rooms = await service.read_venue(tx, venue_id)
    return VenueDetailOut(
        **_venue(venue, node_name).model_dump(), rooms=[_room(*room) for room in rooms]
    )


@router.get(
    "/rooms/{room_id}",
    summary="一个活动室 · One room",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, service.RoomNotFound),
)
async def read_room(room_id: UUID, tx: ReadTxDep) -> RoomOut:
    """活动室的预约规则和开放时间。A room, its rules and hours."""
    return _room(*await service.read_room(tx, room_id))


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
    kind: Annotated[
        SessionKind | None, Query(description="辅导或活动，不填为全部 · Both when left out.")
    ] = None,
    node_id: NodeFilter = None,
) -> paging.Page[SessionOut]:
    """还没结束的志愿辅导和活动，最近的在前。Those not over yet, soonest first."""
    rows = await service.upcoming_sessions(tx, actor, kind, node_id, page, now=now)
    return page.page(rows, SessionOut.model_validate)


@router.get(
    "/rooms/{room_id}/bookings",
    summary="活动室的预约（工作人员）· Who uses a room",
    responses=problems(*SIGNED_IN, Forbidden, service.RoomNotFound, service.BadPeriod),
)
async def list_room_bookings(
    room_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    since: FirstDay = None,
    until: LastDay = None,
) -> BookingList:
    """活动室的有效预约和预约人，按时间排列。Live bookings with their holders, in order."""
    rows = await service.room_bookings(tx, actor, room_id, since, until, now=now)
    return BookingList(items=[_booking_for_staff(row) for row in rows])


@router.post(
    "/venues/{venue_id}/rooms",
    summary="新增活动室（工作人员）· Add a room",
    responses=problems(*SIGNED_IN, *ONCE, Forbidden, service.VenueNotFound),
)
async def add_room(venue_id: UUID, body: RoomIn, actor: ActorDep, tx: TxDep) -> RoomOut:
    """新增活动室；设好开放时间后即可预约。Add a room; it is booked once it has hours."""
    return _room(await upkeep.add_room(tx, actor, venue_id, body), [])


CHANGING = problems(*SIGNED_IN, Forbidden, service.RoomNotFound, StaleVersion)


@router.put(
    "/rooms/{room_id}",
    summary="修改活动室（工作人员）· Change a room",
    responses=CHANGING,
)
async def change_room(room_id: UUID, body: RoomChangeIn, actor: ActorDep, tx: TxDep) -> RoomOut:
    """修改活动室和预约规则；已有预约不受影响。Change a room; what is booked stays booked."""
    room = await upkeep.change_room(tx, actor, room_id, body)
    return _room(*(await service.with_opening_rules(tx, [room]))[0])


@router.put(
    "/rooms/{room_id}/opening-rules",
    summary="设置开放时间（工作人员）· Replace a room's opening hours",
    responses=CHANGING,
)
async def replace_opening_rules(
    room_id: UUID, body: OpeningRulesIn, actor: ActorDep, tx: TxDep
) -> RoomOut:
    """整体替换每周开放时间；已有预约不受影响。

    Replace all weekly opening hours; what is booked stays booked.
    """
    room = await upkeep.replace_opening_rules(tx, actor, room_id, body)
    return _room(*(await service.with_opening_rules(tx, [room]))[0])


def _venue(venue: Venue, node_name: str) -> VenueOut:
    position = None
    if venue.longitude is not None and venue.latitude is not None:
        shown = to_gcj02(Point(venue.longitude, venue.latitude))
        position = PositionOut(
            longitude=round(shown.longitude, 6),
            latitude=round(shown.latitude, 6),
            coordinate_system=CoordinateSystem.GCJ02,
        )
    return VenueOut(
        id=venue.id,
        kind=venue.kind,
        name=venue.name,
        address=venue.address,
        phone=venue.phone,
        services=venue.services,
        position=position,
        node_id=venue.place.node_id,
        node_name=node_name,
        version=venue.version,
    )


def _room(room: Room, rules: list[OpeningRule]) -> RoomOut:
    return RoomOut.model_validate(
        {name: getattr(room, name) for name in RoomOut.model_fields if name != "opening_rules"}
        | {"opening_rules": [OpeningRuleOut.model_validate(rule) for rule in rules]}
    )


def _booking(row: BookingRow) -> BookingOut:
    cancelled = row.cancelled_at is not None
    return BookingOut(
        id=row.id,
        code=f"B{row.number}",
        state=BookingState.CANCELLED if cancelled else BookingState.CONFIRMED,
        venue_id=row.venue_id,
        venue_name=row.venue_name,
        venue_address=row.venue_address,
        room_id=row.room_id,
        room_name=row.room_name,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        party_size=row.party_size,
        purpose=row.purpose,
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
        cancelled_by_staff=cancelled and row.cancelled_by_id != row.person_id,
        cancel_reason=row.cancel_reason,
    )


def _booking_for_staff(row: BookingRow) -> BookingOut:
    holder = HolderOut(name=row.person_name, phone=masked(row.person_phone))
    return _booking(row).model_copy(update={"holder": holder})
