"""What the calendar does by itself: terms and leaves begin and end on their days.

Who acts is decided by the day whenever it is asked; here it is announced, once for each
beginning and each end, and late rather than never when no worker ran at midnight.
"""

from datetime import datetime

from sqlalchemy import and_, or_, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Leave
from neighborhood_api.grid.posts.appointments import close_past_terms
from neighborhood_api.grid.posts.changes import Changes, tell_duty_changed
from neighborhood_api.grid.posts.leaves import turn_leave
from neighborhood_api.kit.db import Tx

AT_ONCE = 200
"""Of each kind in a transaction: all terms of a county end on the same day."""


async def take_turns(tx: Tx, *, now: datetime) -> bool:
    """Announce terms, standings-in and leaves that began or ended; safe to repeat.

    Return whether there was anything: then there may be more.

    Emits: AppointmentEnded, LeaveBegun, LeaveEnded, DutyChanged, PostVacant, PostFilled,
        RosterChanged.
    """
    changes = Changes()
    turned = await close_past_terms(tx, changes, AT_ONCE, now=now)
    turned += await _begin_terms(tx, changes, now)
    turned += await _turn_leaves(tx, changes, now)
    await changes.settle(tx, now=now)
    return turned > 0


async def _begin_terms(tx: Tx, changes: Changes, now: datetime) -> int:
    due = select(Appointment).where(
        Appointment.awaits_start,
        Appointment.starts_on <= local_day(now),
        Appointment.ended_at.is_(None),
    )
    locked = due.limit(AT_ONCE).with_for_update(skip_locked=True)
    begun = (await tx.scalars(locked)).all()
    for appointment in begun:
        appointment.awaits_start = False
        tell_duty_changed(tx, appointment)
        changes.note(appointment, appointment.person_id, appointment.stand_in_id)
    return len(begun)


async def _turn_leaves(tx: Tx, changes: Changes, now: datetime) -> int:
    day = local_day(now)
    begins = and_(Leave.begun_at.is_(None), Leave.first_on <= day)
    due = (
        select(Leave, Appointment)
        .join(Appointment, Appointment.id == Leave.appointment_id)
        .where(Leave.ended_at.is_(None), or_(begins, Leave.last_on < day))
        .order_by(Leave.first_on, Leave.id)
        .limit(AT_ONCE)
    )
    locked = due.with_for_update(skip_locked=True, of=(Leave, Appointment))
    turned = (await tx.execute(locked)).all()
    for leave, appointment in turned:
        turn_leave(tx, changes, leave, appointment, now=now)
    return len(turned)
