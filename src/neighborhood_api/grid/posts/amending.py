"""Rules of changing what stands in an appointment: the duty phone, and its last day."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import update

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import AppointmentAmended
from neighborhood_api.grid.models import Appointment
from neighborhood_api.grid.posts.appointments import managed, note_amended
from neighborhood_api.grid.posts.holders import AppointmentAlreadyEnded, person_of
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.grid.posts.releases import release_shifts
from neighborhood_api.grid.schemas import AppointmentChangeIn
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem


class LastDayPast(Problem):
    """The last day lies before the first, or before today."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The last day lies before the first one, or before today"
    message = "任期末日不能早于首日和今天；现在离任请结束任职"


async def change_appointment(
    tx: Tx, actor: Actor, appointment_id: UUID, wish: AppointmentChangeIn, *, now: datetime
) -> tuple[Appointment, Person]:
    """Give an appointment another duty phone or last day; what is in hand stays where it is.

    Shifts to come have the new number, and those after the new last day are released.

    Raises: AppointmentNotFound, AppointmentAlreadyEnded, StaleVersion, LastDayPast.
    Emits: AppointmentAmended, RosterChanged.
    """
    appointment = await managed(tx, actor, appointment_id)
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    if appointment.version != wish.version:
        raise StaleVersion(version=appointment.version)
    earliest = max(appointment.starts_on, local_day(now))
    if wish.ends_on is not None and wish.ends_on < earliest:
        raise LastDayPast
    before = appointment.duty_phone
    appointment.duty_phone, appointment.ends_on = wish.duty_phone, wish.ends_on
    appointment.version += 1
    await tell_amended(tx, actor, appointment, before, now=now)
    people = (appointment.person_id, appointment.stand_in_id)
    await release_shifts(tx, [one for one in people if one is not None], now=now)
    return appointment, await person_of(tx, appointment)


async def tell_amended(
    tx: Tx, actor: Actor, appointment: Appointment, before: str, *, now: datetime
) -> None:
    """Announce that an appointment was changed; shifts to come with its number get the new one.

    `before` is the duty phone that it had.

    Emits: AppointmentAmended.
    """
    emit(
        tx,
        AppointmentAmended(
            appointment_id=appointment.id,
            person_id=appointment.person_id,
            node_id=appointment.node_id,
        ),
    )
    note_amended(tx, actor, appointment, now=now)
    await tx.flush()
    coming = update(Shift).where(
        Shift.person_id == appointment.person_id,
        Shift.role == appointment.role,
        Shift.duty_phone == before,
        Shift.ends_at > now,
        Shift.cancelled_at.is_(None),
    )
    new = coming.values(duty_phone=appointment.duty_phone, version=Shift.version + 1)
    if appointment.duty_phone != before:
        await tx.execute(new.execution_options(synchronize_session=False))
