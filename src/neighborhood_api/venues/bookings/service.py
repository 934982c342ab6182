"""Rules of booking a room: for oneself or a caller, with a hold, or waiting for a place."""

from collections.abc import Mapping
from datetime import date, datetime
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.residences.standing import require_confirmed
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.tokens import TokenRevoked
from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations import deciding, judging
from neighborhood_api.registrations.granting import register
from neighborhood_api.registrations.locking import (
    RegistrationNotFound,
    lock_registration,
    lock_resource,
)
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.queries import RegistrationRow, ResourceRow
from neighborhood_api.registrations.reasons import (
    REFUSALS,
    WAIVABLE,
    AlreadyRegistered,
    NotForYou,
    NothingFree,
    NotOpen,
    OverlapsOwnBooking,
    QuotaExceeded,
    Reason,
    Suspended,
    Why,
    WishNotPossible,
)
from neighborhood_api.registrations.states import Channel
from neighborhood_api.registrations.wishes import Applicant, Wish
from neighborhood_api.schedules.openings.plans import hurdles
from neighborhood_api.schedules.openings.queries import plan_of
from neighborhood_api.schedules.openings.reasons import reason
from neighborhood_api.schedules.openings.spans import Span
from neighborhood_api.venues.bookings.queries import (
    HOME,
    HOME_BY_PHONE,
    ROOM_GROUND,
    HomeRow,
    RoomGround,
)
from neighborhood_api.venues.bookings.schemas import (
    BookingIn,
    GuestIn,
    HoldConfirmIn,
    HoldIn,
    TimesIn,
)
from neighborhood_api.venues.rooms.service import RoomNotFound


class RoomTaken(NothingFree):
    """Others have all units for part of that time; `can_wait` says if one may wait for it."""

    title = "The room is already taken for part of that time"
    message = "这个时段已被预约，请另选时间"
    or_wait = "这个时段已被预约，请另选时间或加入候补"


class NotForYourPlace(Problem):
    """The venue serves another place than where the caller lives, or she has not said where."""

    status = HTTPStatus.FORBIDDEN
    title = "This is for the residents of another place"
    message = "这里面向所在辖区的居民；如您住在这里，请先填写或更新居住地址"


class RoomClosed(Problem):
    """The room takes no bookings now."""

    title = "The room is closed to bookings"
    message = "这个活动室暂停预约，请选择其他活动室"


class HoldsNotTaken(Problem):
    """The room is booked at once, without a hold."""

    title = "This room is booked without a hold"
    message = "这个活动室请直接提交预约"


ROOM_REFUSALS: Mapping[str, type[Problem]] = {
    **REFUSALS,
    Why.NOT_FOR_YOUR_PLACE: NotForYourPlace,
    Why.TAKEN: RoomTaken,
    Why.WAITLIST_FULL: RoomTaken,
    Why.CLOSED: RoomClosed,
}
REFUSED = (
    WishNotPossible,
    NotForYourPlace,
    NotForYou,
    RoomTaken,
    RoomClosed,
    Suspended,
    QuotaExceeded,
    AlreadyRegistered,
    OverlapsOwnBooking,
)
"""How booking a room is refused."""
ENROLMENT_REFUSED = (*REFUSED, NothingFree, NotOpen)
STAFF_MAY_WAIVE = frozenset(WAIVABLE)


async def book_room(
    handle: Handle, actor: Actor, room_id: UUID, wish: BookingIn, *, now: datetime
) -> UUID:
    """Reserve a unit of a room for the caller, or as staff for somebody who telephoned.

    The room is locked first and the holder second, always in this order: of two overlapping
    wishes for a room, or of one person, the later waits and then sees the earlier. Staff may
    set aside whom it is for, quotas, strikes and notice, but not what others have, and not
    for themselves.

    Raises: RoomNotFound, Forbidden, TokenRevoked, UnitNotFound, ResidenceNotConfirmed, and
        those in `REFUSED`.
    Emits: Registered, WaitlistJoined.
    """
    ground = await _ground(handle, room_id)
    born_on = month_of(wish.birth_month)
    channel, by_id, waived = Channel.SELF, None, frozenset[str]()
    if wish.on_behalf_of is not None:
        actor.require(Permission.BOOKING_MANAGE, at=ground.place)
        applicant = await caller_of(handle, wish.on_behalf_of, born_on=born_on)
        if applicant.person_id != actor.person_id:  # for oneself one is nobody's staff
            channel, by_id, waived = Channel.STAFF, actor.person_id, STAFF_MAY_WAIVE
    else:
        await require_confirmed(handle, actor, ground.place, asked=ground.confirmed_only)
        applicant = await applicant_of(handle, actor, born_on=born_on)
    resource = await lock_resource(handle, room_id)
    wanted = Wish(
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        seats=wish.party_size,
        purpose=wish.purpose,
        unit_id=wish.unit_id,
        wait=wish.wait,
        channel=channel,
        by_id=by_id,
        waived=waived,
    )
    also = await against(handle, ground, resource, applicant, wish, now=now)
    row = await register(
        handle, resource, applicant, wanted, also=also, by_code=ROOM_REFUSALS, now=now
    )
    return row.id


async def hold_room(
    handle: Handle, actor: Actor, room_id: UUID, wish: HoldIn, *, now: datetime
) -> UUID:
    """Keep a slot for some minutes while the caller fills the form.

    Raises: RoomNotFound, TokenRevoked, UnitNotFound, ResidenceNotConfirmed, and those in
        `REFUSED`.
    Emits: HoldBegun.
    """
    ground = await _ground(handle, room_id)
    await require_confirmed(handle, actor, ground.place, asked=ground.confirmed_only)
    applicant = await applicant_of(handle, actor)
    resource = await lock_resource(handle, room_id)
    terms = await terms_of(handle, resource.policy_id)
    wanted = Wish(
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        seats=terms.smallest_party,
        unit_id=wish.unit_id,
        hold=terms.hold_minutes > 0,
    )
    if not wanted.hold:
        raise HoldsNotTaken
    also = await against(handle, ground, resource, applicant, wish, now=now)
    also = [one for one in also if one["code"] != Why.AGE_UNKNOWN]  # told by the form
    row = await register(
        handle, resource, applicant, wanted, also=also, by_code=ROOM_REFUSALS, now=now
    )
    return row.id


async def confirm_booking(
    handle: Handle, actor: Actor, booking_id: UUID, wish: HoldConfirmIn, *, now: datetime
) -> None:
    """Finish the form of a hold.

    Raises: RegistrationNotFound, NotInThatState, HoldRanOut, and those in `REFUSED`.
    Emits: Registered.
    """
    resource, row = await lock_own(handle, actor, booking_id)
    ground = await _ground(handle, resource.id)
    applicant = await applicant_of(handle, actor, born_on=month_of(wish.birth_month))
    terms = await terms_of(handle, row.policy_id)
    also = _audience(ground, terms, applicant, row.starts_at)
    final = deciding.Final(wish.party_size, wish.purpose)
    await deciding.confirm_hold(
        handle, resource, row, applicant, final, also=also, by_code=ROOM_REFUSALS, now=now
    )


async def lock_own(
    handle: Handle, actor: Actor, booking_id: UUID
) -> tuple[ResourceRow, RegistrationRow]:
    """Lock a booking of the caller's; those of others do not exist.

    Raises: RegistrationNotFound.
    """
    resource, row = await lock_registration(handle, booking_id)
    if row.person_id != actor.person_id:
        raise RegistrationNotFound
    return resource, row


async def applicant_of(
    handle: Handle, actor: Actor, *, born_on: date | None = None
) -> Applicant:
    """Return the caller as somebody who wants something.

    Raises: TokenRevoked.
    """
    home = await HOME.first(handle, id=actor.person_id)
    if home is None:
        raise TokenRevoked
    return _applicant(home, born_on)


async def caller_of(
    handle: Handle, caller: GuestIn, *, born_on: date | None = None
) -> Applicant:
    """Return somebody who telephoned: by her account where her number has one.

    She keeps the name that she gave: staff learn no other from a number.
    """
    home = await HOME_BY_PHONE.first(handle, phone=caller.phone)
    if home is not None:
        return _applicant(home, born_on)._replace(guest_name=caller.name)
    return Applicant(
        person_id=None, born_on=born_on, guest_name=caller.name, guest_phone=caller.phone
    )


async def against(
    handle: Handle,
    ground: RoomGround,
    resource: ResourceRow,
    applicant: Applicant,
    wish: TimesIn,
    *,
    now: datetime,
) -> list[Reason]:
    """Return what the times of a wish, and who wants it, have against it.

    The plan is read under the room's lock, so it is the one that holds.
    """
    terms = await terms_of(handle, resource.policy_id)
    span = Span(wish.starts_at, wish.ends_at)
    day = local_day(wish.starts_at)
    plan = await plan_of(handle, ground.opening_id, day, day)
    found = hurdles(span, plan, terms.limits, now=now)
    reasons = [reason(hurdle, span, plan, terms.limits) for hurdle in found]
    return _audience(ground, terms, applicant, wish.starts_at) + reasons


def month_of(text: str | None) -> date | None:
    """Return the first day of a month such as 1960-05."""
    return None if text is None else date.fromisoformat(f"{text}-01")


def _audience(
    ground: RoomGround, terms: Terms, applicant: Applicant, starts_at: datetime
) -> list[Reason]:
    day = local_day(starts_at)
    return judging.audience(
        terms.audience, ground.place, applicant, day, names=ground.node_name
    )


def _applicant(home: HomeRow, born_on: date | None) -> Applicant:
    return Applicant(
        person_id=home.person_id,
        household_id=home.household_id,
        home=home.place,
        born_on=born_on,
    )


async def _ground(handle: Handle, room_id: UUID) -> RoomGround:
    ground = await ROOM_GROUND.first(handle, id=room_id)
    if ground is None:
        raise RoomNotFound
    return ground
