"""One worker is responsible for each grid (一格一员), and others may help her."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.posts.holders import (
    AppointmentAlreadyEnded,
    AppointmentNotFound,
    locked_appointment,
    person_of,
)
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem


class PrimaryForWorkers(Problem):
    """Only grid workers can be the one who is responsible for a grid."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Only a grid worker can be the primary one"
    message = "只有网格员可设为主责网格员"


class PrimaryTaken(Problem):
    """The grid has a primary worker; make this one primary in her place."""

    title = "The grid has a primary worker already"
    message = "该网格已有主责网格员，请先任命，再更换主责"


async def is_first_worker(tx: ReadTx, node_id: UUID) -> bool:
    """Tell whether a grid has no worker yet; the first one is responsible for it."""
    held = select(Appointment.id).where(
        Appointment.node_id == node_id,
        Appointment.role == Role.GRID_WORKER.value,
        Appointment.ended_at.is_(None),
    )
    return await tx.scalar(held.limit(1)) is None


async def make_primary(
    tx: Tx, actor: Actor, appointment_id: UUID, *, now: datetime
) -> tuple[Appointment, Person]:
    """Make a worker the one who is responsible for her grid, in place of whoever is.

    Raises: AppointmentNotFound, AppointmentAlreadyEnded, PrimaryForWorkers.
    """
    found = await locked_appointment(tx, appointment_id)
    if found is None or not actor.may(Permission.APPOINTMENT_MANAGE, at=found[1].place):
        raise AppointmentNotFound
    appointment, node = found
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    if appointment.role != Role.GRID_WORKER:
        raise PrimaryForWorkers
    # One at a time changes it: the database refuses a second one, also for a moment.
    await tx.execute(select(Node.id).where(Node.id == node.id).with_for_update(key_share=True))
    others = select(Appointment).where(
        Appointment.node_id == node.id,
        Appointment.is_primary,
        Appointment.ended_at.is_(None),
        Appointment.id != appointment.id,
    )
    for other in await tx.scalars(others.with_for_update()):
        other.is_primary = False
        other.version += 1
    await tx.flush()
    if not appointment.is_primary:
        appointment.is_primary = True
        appointment.version += 1
        record_act(
            tx,
            "grid.primary_changed",
            appointment.id,
            by=actor.person_id,
            now=now,
            node_id=node.id,
        )
        await tx.flush()
    return appointment, await person_of(tx, appointment)
