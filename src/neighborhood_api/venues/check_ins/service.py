"""Rules of coming and leaving at a venue: by the sign, by staff and teachers, as a walk-in."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import DateTime, Uuid, bindparam, or_, select

from neighborhood_api.grid.areas.coordinates import Point
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.residences.standing import require_confirmed
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import Handle, Source
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations import checking_in, ending, judging
from neighborhood_api.registrations.checking_in import CheckInReused, Presence
from neighborhood_api.registrations.deciding import NotInThatState
from neighborhood_api.registrations.granting import register
from neighborhood_api.registrations.locking import (
    RegistrationNotFound,
    lock_registration,
    lock_registrations,
    lock_resource,
)
from neighborhood_api.registrations.models import Registration
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.queries import (
    REGISTRATION,
    OneId,
    RegistrationRow,
    ResourceRow,
    stands,
)
from neighborhood_api.registrations.states import Channel, CheckInMethod, State
from neighborhood_api.registrations.wishes import Wish
from neighborhood_api.schedules.openings.plans import Hurdle, Limits, Plan, slots
from neighborhood_api.schedules.openings.queries import plan_of
from neighborhood_api.schedules.openings.reasons import reason
from neighborhood_api.schedules.openings.spans import Span
from neighborhood_api.venues.bookings.handling import OwnBooking
from neighborhood_api.venues.bookings.queries import ROOM_GROUND
from neighborhood_api.venues.bookings.service import ROOM_REFUSALS, applicant_of, month_of
from neighborhood_api.venues.check_ins.schemas import CheckOutIn, PresenceIn, ScanIn, WalkInIn
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher
from neighborhood_api.venues.sessions.pick_ups import require_pick_up


class SignUnknown(Problem):
    """The code is on no sign, or on one that was replaced."""

    status = HTTPStatus.NOT_FOUND
    title = "This sign is not known"
    message = "二维码无效或已更换，请联系工作人员"


class NothingToCheckIn(Problem):
    """The caller has nothing booked here now; a walk-in may be possible."""

    title = "You have nothing booked here now"
    message = "您现在在这里没有预约；如有空位可直接登记使用"


class NotOpenNow(Problem):
    """The room is closed at this moment, or not for so long."""

    title = "The room is not open now for so long"
    message = "活动室现在不开放，或开放时间不够，请换个时间"


class ApprovalNeeded(Problem):
    """What staff must approve cannot be had at the door."""

    title = "This room needs an approval first"
    message = "这个活动室需要审批，请提前预约"


class PickUpNeeded(Problem):
    """Whoever takes a child home must be named."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Say who takes the child home"
    message = "请填写接走孩子的人"


class _Site(NamedTuple):
    longitude: float | None
    latitude: float | None

    @property
    def point(self) -> Point | None:
        if self.longitude is None or self.latitude is None:
            return None
        return Point(self.longitude, self.latitude)


_SITE = Query(
    select(Venue.longitude, Venue.latitude).where(Venue.id == bindparam("id", type_=Uuid)),
    _Site,
)
_ROOM_OF_SIGN = Query(select(Room.id).where(Room.qr_code == bindparam("code")), OneId)
_PERSON = bindparam("person_id", type_=Uuid)
_NOW = bindparam("now", type_=DateTime(timezone=True))


class _Here(NamedTuple):
    id: UUID
    starts_at: datetime
    state: str
    policy_id: UUID


_HERE = Query(
    select(Registration.id, Registration.starts_at, Registration.state, Registration.policy_id)
    .where(
        Registration.person_id == _PERSON,
        or_(
            Registration.resource_id == bindparam("room_id", type_=Uuid),
            Registration.resource_id.in_(
                select(Session.id).where(Session.room_id == bindparam("room_id", type_=Uuid))
            ),
        ),
        stands(State.CONFIRMED, State.CHECKED_IN),
        Registration.ends_at > _NOW,
    )
    .order_by(Registration.starts_at, Registration.number),
    _Here,
)
"""What somebody has in a room, and in the sessions there, soonest first."""
_TEACHES = Query(
    select(Teacher.id)
    .join(SessionTeacher, SessionTeacher.teacher_id == Teacher.id)
    .where(
        SessionTeacher.session_id == bindparam("id", type_=Uuid),
        Teacher.person_id == _PERSON,
        Teacher.active,
    ),
    OneId,
)


async def check_in_by_sign(
    handle: Handle, actor: Actor, scan: ScanIn, *, now: datetime
) -> list[UUID]:
    """Check the caller in, by the sign at a room's door, to what she has there next today.

    With several children in one session, to each. What she is checked in to already is not
    next, once she can be checked in to what follows it. Returns the bookings.

    Raises: SignUnknown, NothingToCheckIn, NotInThatState, TooEarlyToCheckIn, CheckInReused.
    Emits: CheckedIn.
    """
    room_id = await _room_of(handle, scan.code)
    found = await _HERE.all(handle, person_id=actor.person_id, room_id=room_id, now=now)
    today = [
        one
        for one in found
        if local_day(one.starts_at) <= local_day(now) or await _has_opened(handle, one, now)
    ]
    if not today:
        raise NothingToCheckIn
    ids = await _meant(handle, today, scan, now=now)
    for resource, row in await lock_registrations(handle, ids):
        if row.state == State.CHECKED_IN:
            continue
        own = scan.presence(CheckInMethod.QR, actor.person_id)
        own = own._replace(id=_own_id(scan, row.id))
        site = await site_of(handle, resource)
        await checking_in.check_in(handle, resource, row, own, site=site, now=now)
    return ids


async def check_in_booking(
    handle: Handle, actor: Actor, booking_id: UUID, wish: PresenceIn, *, now: datetime
) -> None:
    """Check somebody in, as staff of the venue or as a teacher of the session.

    Not oneself, who comes to the door like everybody, nor one's child but in one's own class.

    Raises: RegistrationNotFound, OwnBooking, CheckInReused, NotInThatState,
        TooEarlyToCheckIn, TooLateToCheckIn.
    Emits: CheckedIn.
    """
    resource, row = await _lock_to_tend(handle, actor, booking_id)
    if row.person_id == actor.person_id and (
        row.participant_id is None or not await teaches_in(handle, actor, resource.id)
    ):
        raise OwnBooking
    presence = wish.presence(CheckInMethod.STAFF, actor.person_id)
    site = await site_of(handle, resource)
    await checking_in.check_in(handle, resource, row, presence, site=site, now=now)


async def check_out_booking(
    handle: Handle, actor: Actor, booking_id: UUID, wish: CheckOutIn, *, now: datetime
) -> None:
    """Note that somebody left; a child only as staff or teacher, and with whom.

    Raises: RegistrationNotFound, PickUpNeeded, PickUpNotAllowed, CheckInReused,
        NotInThatState.
    Emits: CheckedOut, and what follows for those who wait.
    """
    resource, row = await lock_registration(handle, booking_id)
    own = row.person_id == actor.person_id and row.participant_id is None
    if not own and not await may_tend(handle, actor, resource):
        raise RegistrationNotFound
    if row.participant_id is not None:
        if wish.picked_up_by is None:
            raise PickUpNeeded
        await require_pick_up(handle, row.participant_id, row.person_id, wish.picked_up_by)
    method = CheckInMethod.QR if own else CheckInMethod.STAFF
    presence: Presence = wish.presence(method, actor.person_id)
    await checking_in.check_out(
        handle,
        resource,
        row,
        presence,
        site=await site_of(handle, resource),
        picked_up_by=wish.picked_up_by,
        now=now,
    )


async def mark_no_show(
    handle: Handle, actor: Actor, booking_id: UUID, *, now: datetime
) -> None:
    """Note, as staff or teacher, that nobody came; the rest of the time is free again.

    Raises: RegistrationNotFound, NotInThatState.
    Emits: NobodyCame, StrikeGiven, and what follows for those who wait.
    """
    resource, row = await _lock_to_tend(handle, actor, booking_id)
    if row.state != State.CONFIRMED or now < row.starts_at:
        raise NotInThatState(state=row.state)
    terms = await terms_of(handle, row.policy_id)
    await ending.miss(handle, resource, row, terms, now=now, by_id=actor.person_id)


async def walk_in(handle: Handle, actor: Actor, wish: WalkInIn, *, now: datetime) -> UUID:
    """Give a free unit to somebody at the door, from now to the end of the slot, checked in.

    What holds for bookings holds here too, except notice and the grid's beginning. The same
    message again is answered by what the first one gave.

    Raises: SignUnknown, ResidenceNotConfirmed, CheckInReused, ApprovalNeeded, NotOpenNow,
        UnitNotFound, TokenRevoked, and those in `bookings.service.REFUSED`.
    Emits: Registered, CheckedIn.
    """
    room_id = await _room_of(handle, wish.code)
    ground = await ROOM_GROUND.first(handle, id=room_id)
    if ground is None:
        raise SignUnknown
    await require_confirmed(handle, actor, ground.place, asked=ground.confirmed_only)
    applicant = await applicant_of(handle, actor, born_on=month_of(wish.birth_month))
    resource = await lock_resource(handle, room_id)
    before = await _given_before(handle, actor, wish.id)
    if before is not None:
        return before
    terms = await terms_of(handle, resource.policy_id)
    if terms.approval:
        raise ApprovalNeeded
    today = local_day(now)
    plan = await plan_of(handle, ground.opening_id, today, today)
    span = _from_now(plan, terms.limits, wish.slots, now)
    also = judging.audience(
        terms.audience, ground.place, applicant, today, names=ground.node_name
    )
    if span.ends_at - span.starts_at > timedelta(minutes=terms.longest_minutes):
        also.append(reason(Hurdle.TOO_LONG, span, plan, terms.limits))
    wanted = Wish(
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        seats=wish.party_size,
        purpose="现场使用",
        unit_id=wish.unit_id,
        channel=Channel.WALK_IN,
    )
    row = await register(
        handle, resource, applicant, wanted, also=also, by_code=ROOM_REFUSALS, now=now
    )
    presence = wish.presence(CheckInMethod.QR, actor.person_id)
    site = await site_of(handle, resource)
    await checking_in.check_in(handle, resource, row, presence, site=site, now=now)
    return row.id


async def _meant(
    handle: Handle, today: Sequence[_Here], scan: ScanIn, *, now: datetime
) -> list[UUID]:
    """Return what a scan is for: what comes first, or what follows when she is there already.

    A guardian whose one child is there may bring the next. The same message means the same
    again.
    """
    groups: dict[datetime, list[_Here]] = defaultdict(list)
    for one in today:
        groups[one.starts_at].append(one)
    meant, *later = groups.values()
    for group in later:
        opened = [await _has_opened(handle, one, now) for one in group]
        if not all(opened) or not await _there_already(handle, meant, scan):
            break
        meant = group
    return [one.id for one in meant]


async def _has_opened(handle: Handle, one: _Here, now: datetime) -> bool:
    """Tell whether one may check in; to what begins at midnight, that is the day before."""
    terms = await terms_of(handle, one.policy_id)
    return now >= one.starts_at - timedelta(minutes=terms.check_in_before_minutes)


async def _there_already(handle: Handle, group: Sequence[_Here], scan: ScanIn) -> bool:
    """Tell whether all were checked in before, and not by this message."""
    if any(one.state != State.CHECKED_IN for one in group):
        return False
    own = [_own_id(scan, one.id) for one in group]
    return not any([await checking_in.KNOWN.first(handle, id=its_id) for its_id in own])


def _own_id(scan: ScanIn, booking_id: UUID) -> UUID:
    """Make an id for one of several that one message may be for: the same when repeated."""
    return uuid5(scan.id, str(booking_id))


async def _given_before(handle: Handle, actor: Actor, its_id: UUID) -> UUID | None:
    """Return what the same message gave the caller before.

    Raises: CheckInReused.
    """
    known = await checking_in.KNOWN.first(handle, id=its_id)
    if known is None:
        return None
    row = await REGISTRATION.first(handle, id=known.registration_id)
    if row is None or row.person_id != actor.person_id or row.channel != Channel.WALK_IN:
        raise CheckInReused
    return row.id


async def may_tend(source: Source, actor: Actor, resource: ResourceRow) -> bool:
    """Tell whether the caller keeps the roster: the venue's staff, or a teacher there."""
    if actor.may(Permission.BOOKING_MANAGE, at=resource.place):
        return True
    return await teaches_in(source, actor, resource.id)


async def teaches_in(source: Source, actor: Actor, session_id: UUID) -> bool:
    """Tell whether the caller leads a session or helps in it."""
    teaches = await _TEACHES.first(source, id=session_id, person_id=actor.person_id)
    return teaches is not None


async def site_of(handle: Handle, resource: ResourceRow) -> Point | None:
    """Return where a resource's venue is, in WGS-84; None when nobody has said."""
    site = await _SITE.first(handle, id=resource.group_id)
    return None if site is None else site.point


async def _lock_to_tend(
    handle: Handle, actor: Actor, booking_id: UUID
) -> tuple[ResourceRow, RegistrationRow]:
    resource, row = await lock_registration(handle, booking_id)
    if not await may_tend(handle, actor, resource):
        raise RegistrationNotFound
    return resource, row


async def _room_of(handle: Handle, code: str) -> UUID:
    room = await _ROOM_OF_SIGN.first(handle, code=code)
    if room is None:
        raise SignUnknown
    return room.id


def _from_now(plan: Plan, limits: Limits, count: int, now: datetime) -> Span:
    """Return from this minute to the end of the slot, or of some slots that follow it."""
    minute = now.replace(second=0, microsecond=0)
    cells = [slot.span for slot in slots(plan, limits, local_day(now), now=now)]
    first = next(
        (n for n, cell in enumerate(cells) if cell.starts_at <= now < cell.ends_at), None
    )
    if first is None or first + count > len(cells):
        raise NotOpenNow
    run = cells[first : first + count]
    together = all(a.ends_at == b.starts_at for a, b in pairwise(run))
    span = Span(minute, run[-1].ends_at)
    if not together or plan.day(local_day(now)).closing(span) is not None:
        raise NotOpenNow
    return span
