"""Rules of enrolling: who may take part, from when until when, and what a caller is told.

What is shown and what is accepted come from `against` and the engine's own judge, so that they
cannot disagree.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.residences.standing import (
    ResidenceNotConfirmed,
    lacks_confirmation,
    require_confirmed,
)
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import Handle, Source
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations import judging
from neighborhood_api.registrations.granting import (
    Ground,
    can_wait,
    judge,
    nothing_left,
    register,
)
from neighborhood_api.registrations.grounds import QueueRow, past_of
from neighborhood_api.registrations.locking import lock_resource
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.queries import RESOURCE, ResourceRow
from neighborhood_api.registrations.reasons import REFUSALS, Reason, Why, reason
from neighborhood_api.registrations.states import Channel
from neighborhood_api.registrations.wishes import Applicant, Wish
from neighborhood_api.schedules.openings.spans import midnight_of
from neighborhood_api.venues.bookings.queries import HOME
from neighborhood_api.venues.bookings.service import (
    STAFF_MAY_WAIVE,
    NotForYourPlace,
    applicant_of,
    caller_of,
    month_of,
)
from neighborhood_api.venues.children.consent import PRESENT
from neighborhood_api.venues.children.service import ChildNotFound, enrolled_child
from neighborhood_api.venues.sessions.grounds import SessionNotFound
from neighborhood_api.venues.sessions.queries import GROUND, MY_CHILD, QUEUE_SEEN, SessionGround
from neighborhood_api.venues.sessions.schemas import EnrolIn

NOT_YET = "enrolment_not_open"
OVER = "enrolment_over"
BEGUN = "session_begun"
CONSENT = "consent_needed"


class EnrolmentNotOpen(Problem):
    """One may enrol later; `reasons` says from when on."""

    title = "Enrolment has not begun"
    message = "报名还没开始，请按开始时间再来"


class EnrolmentOver(Problem):
    """It is too late to enrol, or the session has begun."""

    title = "Enrolment is over"
    message = "报名已经截止，请选择其他场次"


class ChildNeeded(Problem):
    """Guardians enrol children in this session; say which child."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Say which child takes part"
    message = "请选择参加的孩子；还没有登记的请先登记"


class NotForChildren(Problem):
    """Those who come enrol themselves."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Those who come to this enrol themselves"
    message = "这个活动由参加人本人报名，不需要选择孩子"


class GuardianMustEnrol(Problem):
    """Staff cannot agree in a guardian's stead."""

    title = "A child is enrolled by its guardian"
    message = "孩子须由监护人本人登记、同意后报名，不能代报"


ENROL_REFUSALS: Mapping[str, type[Problem]] = {
    NOT_YET: EnrolmentNotOpen,
    OVER: EnrolmentOver,
    BEGUN: EnrolmentOver,
    **REFUSALS,
    Why.NOT_FOR_YOUR_PLACE: NotForYourPlace,
}
_OF_WHO_COMES = {Why.ALREADY_REGISTERED, Why.OVERLAPS_OWN_BOOKING, Why.QUOTA_EXCEEDED}
"""What cannot be known as long as nobody says which child comes."""
STAFF_WAIVE = STAFF_MAY_WAIVE | {NOT_YET, OVER}


class Window(NamedTuple):
    """From when until when one may enrol."""

    opens_at: datetime
    closes_at: datetime


class Outlook(NamedTuple):
    """What somebody who looks at a session is told."""

    reasons: list[Reason]
    can_wait: bool
    waiting: int


async def enrol_in_session(
    handle: Handle, actor: Actor, session_id: UUID, wish: EnrolIn, *, now: datetime
) -> UUID:
    """Enrol the caller or her child, or as staff somebody who telephoned.

    The session is locked first, and who enrols second.

    Raises: SessionNotFound, Forbidden, TokenRevoked, ChildNeeded, NotForChildren,
        GuardianMustEnrol, ChildNotFound, ConsentNeeded, ResidenceNotConfirmed, and those in
        `ENROL_REFUSALS`.
    Emits: Registered, WaitlistJoined, DrawEntered.
    """
    if await GROUND.first(handle, id=session_id) is None:
        raise SessionNotFound
    resource = await lock_resource(handle, session_id)
    ground = await _ground(handle, session_id)  # as it is now that it cannot change
    channel, by_id, waived = Channel.SELF, None, frozenset[str]()
    if wish.on_behalf_of is None:
        asked = ground.confirmed_only
        await require_confirmed(handle, actor, resource.place, asked=asked)
    else:
        actor.require(Permission.BOOKING_MANAGE, at=resource.place)
    applicant = await _applicant(handle, actor, ground, wish, now=now)
    if wish.on_behalf_of is not None and applicant.person_id != actor.person_id:
        channel, by_id, waived = Channel.STAFF, actor.person_id, STAFF_WAIVE
    terms = await terms_of(handle, resource.policy_id)
    wanted = _wish(resource, wish.party_size)._replace(
        purpose=wish.purpose, wait=wish.wait, channel=channel, by_id=by_id, waived=waived
    )
    row = await register(
        handle,
        resource,
        applicant,
        wanted,
        also=against(ground, resource, terms, applicant, wanted, now=now),
        by_code=ENROL_REFUSALS,
        now=now,
    )
    return row.id


def against(
    ground: SessionGround,
    resource: ResourceRow,
    terms: Terms,
    applicant: Applicant,
    wish: Wish,
    *,
    now: datetime,
) -> list[Reason]:
    """Return what the session has against a wish: who it is for, and when one enrols."""
    day = local_day(wish.starts_at)
    found = judging.audience(
        terms.audience, resource.place, applicant, day, names=ground.node_name
    )
    found += _timely(window_of(ground, resource, terms), wish, now)
    if ground.for_children and wish.seats != 1:
        found.append(reason(Why.PARTY_TOO_LARGE, "每个孩子分别报名", largest_party=1))
    return found


def window_of(ground: SessionGround, resource: ResourceRow, terms: Terms) -> Window:
    """Return when one may enrol: as the session says, or by its policy."""
    starts_at = _starts(resource)
    first = local_day(starts_at) - timedelta(days=terms.horizon_days)
    last = starts_at - timedelta(minutes=terms.notice_minutes)
    return Window(ground.enrol_from or midnight_of(first), ground.enrol_until or last)


async def outlook(
    source: Source,
    actor: Actor,
    ground: SessionGround,
    resource: ResourceRow,
    child_id: UUID | None,
    *,
    now: datetime,
) -> Outlook:
    """Tell the caller what stands against her enrolling, or her child's, as things are.

    Raises: ChildNotFound.
    """
    terms = await terms_of(source, resource.policy_id)
    applicant, reasons = await _asking(source, actor, child_id if ground.for_children else None)
    wish = _wish(resource, terms.smallest_party)
    asked = ground.confirmed_only
    if await lacks_confirmation(source, actor, resource.place, asked=asked):
        unknown = ResidenceNotConfirmed
        reasons.append(reason(unknown.code(), unknown.message))
    reasons += against(ground, resource, terms, applicant, wish, now=now)
    seen = await QUEUE_SEEN.first(
        source,
        id=resource.id,
        who_id=applicant.who_id,
        since=wish.starts_at,
        until=wish.ends_at,
    )
    if seen is None:
        raise LookupError(resource.id)
    queue = QueueRow(seen.waiting, run_out=False, elsewhere=seen.elsewhere, number=0)
    past = await past_of(source, resource, applicant, terms, wish, now=now)
    judged = Ground(resource, terms, queue, past)
    reasons += judge(judged, applicant, wish, now=now)
    left = (resource.capacity or 0) - resource.taken
    if resource.draw_at is None and left < wish.seats:
        reasons.append(nothing_left(resource))
    unsaid: set[str] = set() if applicant.born_on is not None else {Why.AGE_UNKNOWN}
    if ground.for_children and child_id is None:
        unsaid |= _OF_WHO_COMES
    reasons = [one for one in reasons if one["code"] not in unsaid]
    return Outlook(reasons, can_wait(terms, queue, reasons), seen.waiting)


async def resource_of(source: Source, session_id: UUID) -> ResourceRow:
    """Return what a session is among resources, not locked.

    Raises: SessionNotFound.
    """
    resource = await RESOURCE.first(source, id=session_id)
    if resource is None:
        raise SessionNotFound
    return resource


async def _applicant(
    handle: Handle, actor: Actor, ground: SessionGround, wish: EnrolIn, *, now: datetime
) -> Applicant:
    if ground.for_children and wish.on_behalf_of is not None:
        raise GuardianMustEnrol
    if ground.for_children and wish.child_id is None:
        raise ChildNeeded
    if not ground.for_children and wish.child_id is not None:
        raise NotForChildren
    if wish.on_behalf_of is not None:
        born_on = month_of(wish.birth_month)
        return await caller_of(handle, wish.on_behalf_of, born_on=born_on)
    if wish.child_id is None:
        return await applicant_of(handle, actor, born_on=month_of(wish.birth_month))
    child = await enrolled_child(handle, actor.person_id, wish.child_id, now=now)
    guardian = await applicant_of(handle, actor, born_on=child.birth_month)
    return guardian._replace(participant_id=child.id)


async def _asking(
    source: Source, actor: Actor, child_id: UUID | None
) -> tuple[Applicant, list[Reason]]:
    home = await HOME.first(source, id=actor.person_id)
    applicant = Applicant(actor.person_id)
    if home is not None:
        applicant = Applicant(home.person_id, home.household_id, home.place)
    if child_id is None:
        return applicant, []
    child = await MY_CHILD.first(source, child_id=child_id, person_id=actor.person_id)
    if child is None:
        raise ChildNotFound
    reasons = []
    if child.consent_version != PRESENT.version:
        reasons.append(reason(CONSENT, "请先阅读并同意最新的监护人同意书"))
    return applicant._replace(participant_id=child.id, born_on=child.birth_month), reasons


def _timely(window: Window, wish: Wish, now: datetime) -> list[Reason]:
    if now >= wish.starts_at:
        return [reason(BEGUN, "已经开始")]
    if now < window.opens_at:
        since = window.opens_at.astimezone(SHOWN_ZONE)
        text = f"{since:%m-%d %H:%M}起报名"
        return [reason(NOT_YET, text, opens_at=since.isoformat(timespec="seconds"))]
    if now >= window.closes_at:
        until = window.closes_at.astimezone(SHOWN_ZONE)
        text = f"报名已于{until:%m-%d %H:%M}截止"
        return [reason(OVER, text, closed_at=until.isoformat(timespec="seconds"))]
    return []


def _wish(resource: ResourceRow, seats: int) -> Wish:
    if resource.ends_at is None:
        raise ValueError("a session has a time")
    return Wish(_starts(resource), resource.ends_at, seats)


def _starts(resource: ResourceRow) -> datetime:
    if resource.starts_at is None:
        raise ValueError("a session has a time")
    return resource.starts_at


async def _ground(source: Source, session_id: UUID) -> SessionGround:
    ground = await GROUND.first(source, id=session_id)
    if ground is None:
        raise SessionNotFound
    return ground
