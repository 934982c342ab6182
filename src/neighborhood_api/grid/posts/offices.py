"""Every post that somebody has: what decides who is above her."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, literal, or_, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.grid.queries import stands_in
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.accounts.superiors import Office
from neighborhood_api.kit.db import ReadTx


async def offices_of(tx: ReadTx, person_id: UUID, now: datetime) -> list[Office]:
    """Return the posts that a person has or stands in for, today or later."""
    day = literal(local_day(now))
    promised = select(Leave.appointment_id).where(
        Leave.stand_in_id == person_id, Leave.ended_at.is_(None), Leave.last_on >= day
    )
    hers = or_(
        Appointment.person_id == person_id,
        and_(Appointment.stand_in_id == person_id, stands_in(day)),
        Appointment.id.in_(promised),
    )
    not_over = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= day)
    held = (
        select(Appointment.role, Node)
        .join(Node, Node.id == Appointment.node_id)
        .where(hers, not_over, Appointment.ended_at.is_(None))
        .order_by(Appointment.id)
    )
    return [Office(Role(role), node.place) for role, node in await tx.execute(held)]
