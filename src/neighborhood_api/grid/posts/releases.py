"""Shifts of somebody who left the post by which she was on call, or is away."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from neighborhood_api.grid.events import RosterChanged
from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.grid.posts.duty import ANSWERING
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.schema import SHOWN_ZONE

ON_CALL_ROLES = [role.value for roles in ANSWERING.values() for role in roles]
"""The posts by which somebody can be on call."""
_Here = aliased(Node)


def lie_in_line(one: Any, other: Any) -> ColumnElement[bool]:  # noqa: ANN401  (aliases of Node)
    """Hold for two places of which one is the other, or lies above or below it."""
    upwards = (getattr(one, name) == other.id for name in COLUMNS)
    downwards = (getattr(other, name) == one.id for name in COLUMNS)
    return or_(*upwards, *downwards)


def has_post(person_id: InstrumentedAttribute[UUID] | UUID) -> ColumnElement[bool]:
    """Hold for open appointments that somebody has, stands in for, or will in a leave.

    A union, because one condition over two tables would read all appointments.
    """
    one = aliased(Appointment)
    held = select(one.id).where(one.person_id == person_id, one.ended_at.is_(None))
    stands = select(one.id).where(one.stand_in_id == person_id, one.ended_at.is_(None))
    promised = select(Leave.appointment_id).where(
        Leave.stand_in_id == person_id, Leave.ended_at.is_(None)
    )
    parts = (held.correlate_except(one), stands.correlate_except(one))
    hers = union_all(*parts, promised.correlate_except(Leave))
    return and_(
        Appointment.ended_at.is_(None),
        Appointment.role.in_(ON_CALL_ROLES),
        Appointment.id.in_(hers),
    )


async def release_shifts(tx: Tx, person_ids: Iterable[UUID], *, now: datetime) -> int:
    """Take people off the rosters of places where they have no post any more.

    What they have begun ends now, and what was to come is cancelled; return how many.

    Emits: RosterChanged.
    """
    people = list(person_ids)
    if not people:
        return 0
    still = (
        select(Appointment.id)
        .join(Node, Node.id == Appointment.node_id)
        .where(has_post(Shift.person_id), lie_in_line(Node, _Here))
        .correlate(Shift, _Here)
    )
    day = func.date(func.timezone(SHOWN_ZONE.key, Shift.starts_at))
    still = still.where(or_(Appointment.ends_on.is_(None), Appointment.ends_on >= day))
    at_home = select(_Here.id).where(_Here.id == Shift.node_id, exists(still)).correlate(Shift)
    lost = (
        update(Shift)
        .where(Shift.person_id.in_(people), Shift.ends_at > now)
        .where(Shift.cancelled_at.is_(None), ~exists(at_home))
        .values(
            ends_at=case((Shift.starts_at < now, now), else_=Shift.ends_at),
            cancelled_at=case((Shift.starts_at < now, None), else_=now),
            version=Shift.version + 1,
        )
        .returning(Shift.node_id)
        .execution_options(synchronize_session=False)
    )
    places = (await tx.scalars(lost)).all()
    for node_id in sorted(set(places)):
        emit(tx, RosterChanged(node_id=node_id))
    return len(places)


async def pass_on_shifts(
    tx: Tx, leave: Leave, appointment: Appointment, *, now: datetime
) -> int:
    """Give the shifts that somebody on leave has by her post to her stand-in, or cancel them.

    Those that begin on the days of the leave, and of one that runs the rest; they do not come
    back when it ends early. What she is on call for by another post stays hers.

    Emits: RosterChanged.
    """
    first = datetime.combine(leave.first_on, datetime.min.time(), SHOWN_ZONE)
    after = datetime.combine(leave.last_on + timedelta(days=1), datetime.min.time(), SHOWN_ZONE)
    place = aliased(Node)
    by_post = exists().where(
        _Here.id == Shift.node_id, place.id == appointment.node_id, lie_in_line(_Here, place)
    )
    hers = select(Shift).where(
        Shift.person_id == leave.person_id,
        Shift.role == appointment.role,
        Shift.cancelled_at.is_(None),
        Shift.ends_at > now,
        Shift.starts_at < after,
        or_(Shift.starts_at >= first, literal(first <= now)),
        by_post,
    )
    shifts = (await tx.scalars(hers.order_by(Shift.id).with_for_update(of=Shift))).all()
    for shift in shifts:
        _pass_on(tx, shift, leave, appointment, now)
    for node_id in sorted({shift.node_id for shift in shifts}):
        emit(tx, RosterChanged(node_id=node_id))
    await tx.flush()
    return len(shifts)


def _pass_on(
    tx: Tx, shift: Shift, leave: Leave, appointment: Appointment, now: datetime
) -> None:
    """Give one shift to who stands in, or to nobody; of one that runs only what is left."""
    phone = leave.stand_in_phone or shift.duty_phone
    shift.version += 1
    if shift.starts_at >= now:
        if leave.stand_in_id is None:
            shift.cancelled_at = now
        else:
            shift.person_id, shift.duty_phone = leave.stand_in_id, phone
        return
    rest = shift.ends_at
    shift.ends_at = now
    if leave.stand_in_id is not None:
        tx.add(
            Shift(
                node_id=shift.node_id,
                person_id=leave.stand_in_id,
                role=appointment.role,
                duty_phone=phone,
                starts_at=now,
                ends_at=rest,
                made_by_id=leave.granted_by_id,
                series_id=shift.series_id,
            )
        )


async def shifts_to_come(tx: ReadTx, person_id: UUID, node_id: UUID, *, now: datetime) -> int:
    """Count the shifts that somebody has on the roster in line with a place."""
    here = aliased(Node)
    counted = (
        select(func.count())
        .select_from(Shift)
        .join(Node, Node.id == Shift.node_id)
        .join(here, here.id == node_id)
        .where(lie_in_line(Node, here))
        .where(Shift.person_id == person_id, Shift.ends_at > now)
        .where(Shift.cancelled_at.is_(None))
    )
    return int(await tx.scalar(counted) or 0)
