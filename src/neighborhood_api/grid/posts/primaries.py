"""One worker is responsible for each grid (一格一员), and others may help her."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import or_, select

from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.posts.holders import (
    AppointmentAlreadyEnded,
    AppointmentNotFound,
    person_of,
)
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx, refusing
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

    Raises: AppointmentNotFound, AppointmentAlreadyEnded, PrimaryForWorkers, PrimaryTaken.
    """
    asked = select(Appointment, Node).join(Node, Node.id == Appointment.node_id)
    found = (await tx.execute(asked.where(Appointment.id == appointment_id))).one_or_none()
    if found is None or not actor.may(Permission.APPOINTMENT_MANAGE, at=found[1].place):
        raise AppointmentNotFound
    appointment, node = found
    workers = await _locked_workers(tx, appointment)
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    if appointment.role != Role.GRID_WORKER:
        raise PrimaryForWorkers
    if appointment.is_primary:
        return appointment, await person_of(tx, appointment)
    for other in workers:
        if other.is_primary:
            other.is_primary = False
            other.version += 1
    await tx.flush()
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
    with refusing({"uq_appointment_primary": PrimaryTaken}):
        await tx.flush()
    return appointment, await person_of(tx, appointment)


async def _locked_workers(tx: Tx, asked: Appointment) -> Sequence[Appointment]:
    """Load and lock the workers of a grid in order: two changes never wait in a circle.

    One who is appointed at this very moment is not among them; the index sees to her.
    """
    workers = select(Appointment).where(
        Appointment.node_id == asked.node_id,
        Appointment.role == Role.GRID_WORKER.value,
        or_(Appointment.ended_at.is_(None), Appointment.id == asked.id),
    )
    locked = workers.order_by(Appointment.id).with_for_update()
    return (await tx.scalars(locked.execution_options(populate_existing=True))).all()
