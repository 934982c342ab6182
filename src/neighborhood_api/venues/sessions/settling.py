"""Whether a session takes place: seen once, when its time to be decided has come."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.registrations.drawing import draw
from neighborhood_api.registrations.locking import lock_resource
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.events import SessionSettled
from neighborhood_api.venues.sessions.grounds import known_sessions, lock_ground, teacher_ids_of
from neighborhood_api.venues.sessions.keeping import call_off
from neighborhood_api.venues.sessions.models import Session

AT_ONCE = 200
"""Sessions that one sweep takes on; the next, a minute later, goes on."""
_COMES = (State.PENDING, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED)
"""Who counts towards the minimum: an offer that nobody took yet does not."""


async def settle_due(database: Database, *, now: datetime) -> int:
    """Decide about every session whose time has come, each in a transaction of its own.

    Safe to repeat, and side by side; one that fails does not stop the others.

    Raises: ExceptionGroup.
    """
    due = (
        select(Session.id)
        .join(Resource, Resource.id == Session.id)
        .where(
            Session.decide_at <= now,
            Session.decided_at.is_(None),
            Resource.cancelled_at.is_(None),
        )
        .order_by(Session.decide_at, Session.id)
        .limit(AT_ONCE)
    )
    async with database.transaction() as tx:
        ids = list(await tx.scalars(due))
    failed: list[Exception] = []
    for its_id in ids:
        try:
            async with database.transaction() as tx:
                await settle_session(tx, its_id, now=now)
        except Exception as exc:  # noqa: BLE001  (told together, below)
            failed.append(exc)
    if failed:
        raise ExceptionGroup("sessions that could not be decided", failed)
    return len(ids)


async def settle_session(tx: Tx, session_id: UUID, *, now: datetime) -> None:
    """Call a session off when too few have enrolled; otherwise it takes place.

    A draw that is due is done first. Safe to repeat: what was decided stays.

    Emits: SessionSettled, or SessionCalledOff with what follows; and what a draw announces.
    """
    session = await tx.get_one(Session, session_id)
    seen, venue = session.version, await tx.get_one(Venue, session.venue_id)
    ground = await lock_ground(
        tx,
        venue,
        session_ids=[session_id],
        room_ids=[session.room_id],
        teacher_ids=await teacher_ids_of(tx, [session_id]),
        now=now,
    )
    known = (await known_sessions(tx, ground.resources, [session_id]))[session_id]
    session, resource = known.session, ground.resources[session_id]
    due = session.decide_at is not None and session.decide_at <= now
    if session.version != seen:
        return  # the next sweep sees it as it is by then
    if not due or session.decided_at is not None or resource.cancelled_at is not None:
        return
    await draw(tx, resource, now=now)
    ground.resources[session_id] = await lock_resource(tx, session_id)
    session.decided_at = now
    await tx.flush()
    count = select(func.coalesce(func.sum(Registration.seats), 0))
    coming = await tx.scalar(
        count.where(Registration.resource_id == session_id, stands(*_COMES))
    )
    fewest = session.fewest or 0
    if (coming or 0) >= fewest:
        emit(tx, SessionSettled(session_id=session_id))
        return
    why = f"报名{coming}人，未达到最低人数{fewest}人"
    await call_off(tx, ground, known, by_id=None, why=why, now=now, too_few=True)
