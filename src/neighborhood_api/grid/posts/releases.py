"""Shifts of somebody who left the post by which she was on call, or is away."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, union_all, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.grid.posts.duty import ANSWERING
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.db import ReadTx, Tx
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
        .returning(Shift.id)
        .execution_options(synchronize_session=False)
    )
    return len((await tx.scalars(lost)).all())


async def pass_on_shifts(
    tx: Tx, leave: Leave, appointment: Appointment, *, now: datetime
) -> int:
    """Give the shifts of somebody on leave to her stand-in; without one cancel them.

    Those that begin on the days of the leave; they do not come back when it ends early.
    """
    first = datetime.combine(leave.first_on, datetime.min.time(), SHOWN_ZONE)
    after = datetime.combine(leave.last_on + timedelta(days=1), datetime.min.time(), SHOWN_ZONE)
    hers = (
        Shift.person_id == leave.person_id,
        Shift.cancelled_at.is_(None),
        Shift.starts_at >= max(first, now),
        Shift.starts_at < after,
    )
    if leave.stand_in_id is None:
        values: dict[str, Any] = {"cancelled_at": now}
    else:
        values = {"person_id": leave.stand_in_id, "role": appointment.role}
        if leave.stand_in_phone is not None:
            values["duty_phone"] = leave.stand_in_phone
    changed = update(Shift).where(*hers).values(values | {"version": Shift.version + 1})
    rows = changed.returning(Shift.id).execution_options(synchronize_session=False)
    return len((await tx.scalars(rows)).all())


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
