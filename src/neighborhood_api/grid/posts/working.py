"""What the holder of a post has in hand, before she leaves it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.posts.handovers import Holding, open_work
from neighborhood_api.grid.posts.holders import AppointmentNotFound
from neighborhood_api.grid.posts.leaves import may_grant
from neighborhood_api.grid.posts.releases import shifts_to_come
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import ReadTx


async def read_work(
    tx: ReadTx, actor: Actor, appointment_id: UUID, *, now: datetime
) -> dict[str, int]:
    """Count what would go to others if an appointment ended now.

    Raises: AppointmentNotFound.
    """
    query = select(Appointment, Node).join(Node, Node.id == Appointment.node_id)
    open_one = query.where(Appointment.id == appointment_id, Appointment.ended_at.is_(None))
    row = (await tx.execute(open_one)).one_or_none()
    if row is None:
        raise AppointmentNotFound
    appointment, node = row
    hers = appointment.person_id == actor.person_id
    manages = actor.may(Permission.APPOINTMENT_MANAGE, at=node.place)
    if not (hers or manages or may_grant(actor, appointment, node)):
        raise AppointmentNotFound
    holding = Holding(appointment.person_id, node.id, appointment.organization_id)
    work = await open_work(tx, holding)
    shifts = await shifts_to_come(tx, appointment.person_id, node.id, now=now)
    return work | {"shifts": shifts}
