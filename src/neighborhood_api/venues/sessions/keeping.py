"""How staff add, change and call off sessions."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import update

from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.ending import cancel_all
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.policies import Terms, new_policy
from neighborhood_api.registrations.promoting import fill_freed
from neighborhood_api.registrations.queries import ResourceRow
from neighborhood_api.venues.service import hold_venue
from neighborhood_api.venues.sessions.events import SessionCalledOff
from neighborhood_api.venues.sessions.grounds import (
    Ground,
    Known,
    SessionOver,
    known_sessions,
    lock_ground,
    require_teachers,
    session_to_run,
    teacher_ids_of,
)
from neighborhood_api.venues.sessions.making import (
    Making,
    build,
    hindrances,
    policy_for,
    reshape,
)
from neighborhood_api.venues.sessions.models import Session
from neighborhood_api.venues.sessions.occupying import Clash, PlaceOrTeacherTaken
from neighborhood_api.venues.sessions.retiming import ELSEWHERE, PRESENT
from neighborhood_api.venues.sessions.schemas import CallOffIn, SessionChangeIn, SessionIn
from neighborhood_api.venues.sessions.shapes import drawn_at, lies_in_the_past
from neighborhood_api.venues.sessions.staffing import release, require_staffed


class SessionInThePast(Problem):
    """A session, its draw or its decision cannot have been before now."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The session would lie in the past"
    message = "开始、抽签和判断时间都要晚于现在，请重新选择"


class ParticipantsElsewhere(Problem):
    """Some of those enrolled have something else at the new time; `clashes` says who."""

    title = "Some of those enrolled have something else at that time"
    message = "有已报名的人在新时间另有预约；可改选时间，或选择取消这些报名并通知"


class DrawnPlacesNotHeld(Problem):
    """What is drawn and then approved needs its place while it waits: else all would win."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "What is drawn must have its place while it waits for approval"
    message = "抽签的场次如需审批，请让待审批的报名占用名额，或改为不审批"


async def add_session(
    tx: Tx, actor: Actor, venue_id: UUID, wish: SessionIn, *, now: datetime
) -> UUID:
    """Add a session to a venue, and occupy its room and its teachers' time.

    Raises: VenueNotFound, VenueGone, RoomNotFound, Forbidden, TeacherNotFound, TooFewHelpers,
        TwoLeads, SessionInThePast, DrawnPlacesNotHeld, PlaceOrTeacherTaken.
    Emits: SessionAdded, TeacherAssigned.
    """
    venue = await hold_venue(tx, actor, venue_id)
    shape = wish.shape()
    if lies_in_the_past(shape, wish.draw_at, now=now):
        raise SessionInThePast
    require_places_held(shape.policy, drawn=wish.draw_at is not None)
    require_staffed(shape)
    ids = [one.teacher_id for one in shape.teachers]
    ground = await lock_ground(tx, venue, room_ids=[shape.room_id], teacher_ids=ids, now=now)
    require_teachers(ground, ids)
    anytime = wish.outside_hours
    refuse_clashes(await hindrances(tx, ground, shape, anytime=anytime, now=now))
    by_id = actor.person_id
    policy = await new_policy(tx, new_id(), wish.policy, by_id=by_id, now=now)
    making = Making(wish.kind, wish.for_children, policy.id, wish.draw_at)
    session = await build(tx, ground, shape, making)
    record_act(tx, "venues.session_added", session.id, by=by_id, now=now)
    await tx.flush()
    return session.id


async def change_session(
    tx: Tx, actor: Actor, session_id: UUID, wish: SessionChangeIn, *, now: datetime
) -> None:
    """Change a session before it begins; whoever is enrolled stays so, and is told.

    With fewer seats the latest go back to the waitlist.

    Raises: SessionNotFound, RoomNotFound, Forbidden, VenueGone, StaleVersion, SessionOver,
        SessionInThePast, TeacherNotFound, TooFewHelpers, TwoLeads, PlaceOrTeacherTaken,
        ParticipantsElsewhere, DrawnPlacesNotHeld, SeatsInUse.
    Emits: SessionChanged, TeacherAssigned, TeacherReleased, and what enrolments announce.
    """
    shape, by_id = wish.shape(), actor.person_id
    ids = {one.teacher_id for one in shape.teachers}
    session, _ = await session_to_run(tx, actor, session_id)
    await hold_venue(tx, actor, session.venue_id)  # its hours hold for what has no room
    ground, known = await _lock(tx, actor, session_id, ids, shape.room_id, now=now)
    if known.session.version != wish.version:
        raise StaleVersion(version=known.session.version)
    resource = ground.resources[session_id]
    require_to_come(resource, now)
    draw_at = drawn_at(resource.draw_at, known.shape, shape)
    if lies_in_the_past(shape, draw_at, known.shape, now=now):
        raise SessionInThePast
    require_places_held(shape.policy, drawn=draw_at is not None)
    require_staffed(shape)
    require_teachers(ground, ids)
    anytime = wish.outside_hours
    found = await hindrances(tx, ground, shape, known, anytime=anytime, now=now)
    refuse_clashes(found, cancel_conflicting=wish.cancel_conflicting)
    policy_id = await policy_for(
        tx, resource.policy_id, known.shape.policy, shape.policy, by_id=by_id, now=now
    )
    await reshape(tx, ground, known, shape, policy_id=policy_id, by_id=by_id, now=now)
    record_act(tx, "venues.session_changed", session_id, by=by_id, now=now)
    await tx.flush()


async def cancel_session(
    tx: Tx, actor: Actor, session_id: UUID, wish: CallOffIn, *, now: datetime
) -> None:
    """Call a session off, saying why; everybody who is enrolled, waits or teaches is told.

    Raises: SessionNotFound, Forbidden, SessionOver.
    Emits: SessionCalledOff, TeacherReleased, Cancelled.
    """
    by_id = actor.person_id
    ground, known = await _lock(tx, actor, session_id, (), None, now=now)
    require_not_over(ground.resources[session_id], now)
    await call_off(tx, ground, known, by_id=by_id, why=wish.reason, now=now)
    record_act(tx, "venues.session_called_off", session_id, by=by_id, now=now)
    await tx.flush()


async def call_off(
    tx: Tx,
    ground: Ground,
    known: Known,
    *,
    by_id: UUID | None,
    why: str,
    now: datetime,
    too_few: bool = False,
) -> None:
    """Cancel everything of a locked session; its room is free for who waits for it.

    Emits: SessionCalledOff, TeacherReleased, Cancelled, PlaceOffered, PlaceGiven.
    """
    session_id = known.session.id
    await cancel_all(tx, ground.resources[session_id], by_id=by_id, why=why, now=now)
    quietly = {"synchronize_session": False}
    of_resource = update(Resource).where(Resource.id == session_id)
    await tx.execute(of_resource.values(cancelled_at=now), execution_options=quietly)
    of_session = update(Session).where(Session.id == session_id)
    changed = of_session.values(cancel_reason=why, version=known.session.version + 1)
    await tx.execute(changed, execution_options=quietly)
    for one in known.teachers:
        release(tx, session_id, ground.teachers[one.teacher_id])
    room_id = known.session.room_id
    if room_id is not None:
        await fill_freed(tx, ground.resources[room_id], now=now, locked=True)
    emit(tx, SessionCalledOff(session_id=session_id, too_few=too_few))


def refuse_clashes(found: list[Clash], *, cancel_conflicting: bool = False) -> None:
    """Refuse what is in the way, if anything is.

    Raises: SessionOver, PlaceOrTeacherTaken, ParticipantsElsewhere.
    """
    if any(one.code == PRESENT for one in found):
        raise SessionOver
    ours = [one for one in found if one.code != ELSEWHERE]
    shown: list[JsonValue] = [one.shown() for one in ours or found]
    if ours:
        raise PlaceOrTeacherTaken(clashes=shown)
    if found and not cancel_conflicting:
        raise ParticipantsElsewhere(clashes=shown)


def require_places_held(terms: Terms, *, drawn: bool) -> None:
    """Refuse to draw places that nobody has until staff approve: everybody would win one.

    Raises: DrawnPlacesNotHeld.
    """
    if drawn and terms.approval and not terms.pending_blocks:
        raise DrawnPlacesNotHeld


def require_to_come(resource: ResourceRow, now: datetime) -> None:
    """Refuse to change what has begun or was called off.

    Raises: SessionOver.
    """
    begun = resource.starts_at is not None and resource.starts_at <= now
    if begun or resource.cancelled_at is not None:
        raise SessionOver


def require_not_over(resource: ResourceRow, now: datetime) -> None:
    """Refuse to call off what is over or was called off.

    Raises: SessionOver.
    """
    over = resource.ends_at is not None and resource.ends_at <= now
    if over or resource.cancelled_at is not None:
        raise SessionOver


async def _lock(
    tx: Tx,
    actor: Actor,
    session_id: UUID,
    teacher_ids: set[UUID] | tuple[()],
    room_id: UUID | None,
    *,
    now: datetime,
) -> tuple[Ground, Known]:
    """Lock a session with the rooms and teachers that it has and shall have.

    Raises: SessionNotFound, Forbidden, RoomNotFound, StaleVersion.
    """
    session, venue = await session_to_run(tx, actor, session_id)
    seen = session.version
    present = await teacher_ids_of(tx, [session_id])
    ground = await lock_ground(
        tx,
        venue,
        session_ids=[session_id],
        room_ids={room_id, session.room_id},
        teacher_ids={*present, *teacher_ids},
        now=now,
    )
    known = (await known_sessions(tx, ground.resources, [session_id]))[session_id]
    if known.session.version != seen:  # it may have another room by now, which is not locked
        raise StaleVersion(version=known.session.version)
    return ground, known
