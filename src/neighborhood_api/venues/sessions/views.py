"""How a session is shown whole: to residents, and to the venue's staff."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.bookings.queries import BookingRow
from neighborhood_api.venues.sessions.enrolling import outlook, resource_of, window_of
from neighborhood_api.venues.sessions.grounds import SessionNotFound
from neighborhood_api.venues.sessions.models import Session, TeacherRole
from neighborhood_api.venues.sessions.queries import (
    GROUND,
    MINE,
    SESSIONS,
    TEACHING,
    SessionRow,
    TeachingRow,
)
from neighborhood_api.venues.sessions.schemas import (
    FaultOut,
    MyPlaceOut,
    SessionDetailOut,
    SessionOut,
    TeachingOut,
    WhyNotOut,
)
from neighborhood_api.venues.sessions.staffing import faults


async def session_view(
    tx: ReadTx, actor: Actor, session_id: UUID, child_id: UUID | None = None, *, now: datetime
) -> SessionDetailOut:
    """Show a session, and what it means for the caller or her child.

    Raises: SessionNotFound, ChildNotFound.
    """
    ground = await GROUND.first(tx, id=session_id)
    if ground is None:
        raise SessionNotFound
    resource = await resource_of(tx, session_id)
    terms = await terms_of(tx, resource.policy_id)
    found = await tx.execute(SESSIONS.where(Session.id == session_id))
    shown = SessionOut.model_validate(SessionRow(*found.one()))
    seen = await outlook(tx, actor, ground, resource, child_id, now=now)
    window = window_of(ground, resource, terms)
    teaching = await TEACHING.all(tx, id=session_id)
    mine = await MINE.all(tx, id=session_id, person_id=actor.person_id)
    capacity = resource.capacity or 0
    is_staff = actor.may(Permission.VENUE_MANAGE, at=resource.place)
    wrong = faults([one.role for one in teaching], capacity, ground.children_per_helper)
    return SessionDetailOut(
        **shown.model_dump(),
        room_id=ground.room_id,
        series_id=ground.series_id,
        teachers=[_teaching(one) for one in teaching],
        seats_left=capacity - resource.taken,
        waiting=seen.waiting,
        can_wait=seen.can_wait,
        enrol_from=window.opens_at,
        enrol_until=window.closes_at,
        fewest=ground.fewest,
        decide_at=ground.decide_at,
        settled=ground.decided_at is not None and resource.cancelled_at is None,
        children_per_helper=ground.children_per_helper,
        accepts_enrolments=resource.open,
        cancel_reason=ground.cancel_reason,
        policy=terms,
        mine=[_mine(one) for one in mine],
        reasons=[WhyNotOut.model_validate(one) for one in seen.reasons],
        faults=[FaultOut.model_validate(one) for one in wrong] if is_staff else None,
        version=ground.version,
    )


def _teaching(row: TeachingRow) -> TeachingOut:
    return TeachingOut(
        teacher_id=row.teacher_id,
        name=row.name,
        role=TeacherRole(row.role),
        stands_in_for_id=row.stands_in_for_id,
    )


def _mine(row: BookingRow) -> MyPlaceOut:
    return MyPlaceOut(
        booking_id=row.id,
        code=f"B{row.number}",
        state=State(row.state),
        child_name=row.child_name,
        waits_at=row.waits_at,
    )
