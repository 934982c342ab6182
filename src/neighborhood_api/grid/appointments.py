"""Rules of putting people into posts, and of taking power away at once."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import AppointmentEnded, AppointmentMade, DutyChanged
from neighborhood_api.grid.models import Appointment, Node, Organization
from neighborhood_api.grid.schemas import AppointeeIn, AppointmentIn, StandInIn
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import LEVEL_OF, Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.revocations import revoke_person
from neighborhood_api.identity.service import password_hash
from neighborhood_api.kit.db import Tx, refusing
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem


class AppointmentNotFound(Problem):
    """The id names no appointment that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such appointment"
    message = "没有找到这条任职记录"


class PostNotAtThisLevel(Problem):
    """Posts exist at fixed levels: a lane chief at a lane, a grid leader at a grid."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This post does not exist at this level of the grid"
    message = "该岗位不属于这一层级，请重新选择地点或岗位"


class PostTaken(Problem):
    """Somebody holds this post here; end that appointment first."""

    title = "The post is held by somebody else"
    message = "该岗位已有人担任，请先结束原任职"


class TermEndsBeforeItStarts(Problem):
    """The last day lies before the first."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The term ends before it starts"
    message = "任期末日不能早于首日"


class OrganizationNeeded(Problem):
    """Officers belong to a department of the node, and nobody else does."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Department officers, and only they, need an organization of this place"
    message = "部门承办人需选择本地的所属部门，其他岗位不用选"


class AppointmentAlreadyEnded(Problem):
    """The appointment is over."""

    title = "The appointment has already ended"
    message = "该任职已结束"


async def make_appointment(
    tx: Tx, actor: Actor, wish: AppointmentIn, *, now: datetime
) -> tuple[Appointment, Person]:
    """Appoint somebody to a post; the person is found by phone, or created.

    Raises: NodeNotFound, Forbidden, PostNotAtThisLevel, PostTaken, TermEndsBeforeItStarts,
        OrganizationNeeded, PasswordTooWeak.
    Emits: AppointmentMade.
    """
    node = await current_node(tx, wish.node_id, now=now)
    actor.require(Permission.APPOINTMENT_MANAGE, at=node.place)
    if Level(node.level) not in LEVEL_OF[wish.role]:
        raise PostNotAtThisLevel
    if wish.ends_on is not None and wish.ends_on < wish.starts_on:
        raise TermEndsBeforeItStarts
    await _require_organization(tx, wish)
    person = await _known_or_new(tx, wish.person)
    appointment = Appointment(
        node_id=node.id,
        role=wish.role.value,
        person_id=person.id,
        duty_phone=wish.duty_phone,
        starts_on=wish.starts_on,
        ends_on=wish.ends_on,
        organization_id=wish.organization_id,
    )
    tx.add(appointment)
    with refusing({"uq_appointment_one_holder": PostTaken}):
        await tx.flush()
    made = AppointmentMade(appointment_id=appointment.id, person_id=person.id, node_id=node.id)
    emit(tx, made)
    return appointment, person


async def end_appointment(
    tx: Tx, actor: Actor, appointment_id: UUID, *, now: datetime
) -> tuple[Appointment, Person]:
    """End an appointment now; its holder and stand-in lose the post's power at once.

    Raises: AppointmentNotFound, AppointmentAlreadyEnded.
    Emits: AppointmentEnded.
    """
    appointment = await _managed(tx, actor, appointment_id)
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    await close_appointment(tx, appointment, now=now)
    return appointment, await _person(tx, appointment.person_id)


async def close_appointment(tx: Tx, appointment: Appointment, *, now: datetime) -> None:
    """Mark an appointment as ended and make the tokens that carry it worthless.

    Emits: AppointmentEnded.
    """
    appointment.ended_at = now
    appointment.version += 1
    ended = AppointmentEnded(
        appointment_id=appointment.id,
        person_id=appointment.person_id,
        node_id=appointment.node_id,
    )
    emit(tx, ended)
    people = {appointment.person_id, appointment.stand_in_id} - {None}
    for person_id in sorted(p for p in people if p is not None):
        await revoke_person(tx, person_id, now=now)


async def set_stand_in(
    tx: Tx, actor: Actor, appointment_id: UUID, wish: StandInIn, *, now: datetime
) -> tuple[Appointment, Person]:
    """Let somebody stand in for the holder, in place of whoever does.

    Raises: AppointmentNotFound, AppointmentAlreadyEnded, TermEndsBeforeItStarts,
        PasswordTooWeak.
    Emits: DutyChanged.
    """
    appointment = await _managed(tx, actor, appointment_id)
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    if wish.until is not None and wish.until < local_day(now):
        raise TermEndsBeforeItStarts
    stand_in = await _known_or_new(tx, wish.person)
    before = appointment.stand_in_id
    appointment.stand_in_id = stand_in.id
    appointment.stand_in_phone = wish.duty_phone
    appointment.stand_in_until = wish.until
    appointment.version += 1
    if before is not None and before != stand_in.id:
        await revoke_person(tx, before, now=now)
    emit(tx, DutyChanged(node_id=appointment.node_id))
    return appointment, await _person(tx, appointment.person_id)


async def end_stand_in(
    tx: Tx, actor: Actor, appointment_id: UUID, *, now: datetime
) -> tuple[Appointment, Person]:
    """Give the post back to its holder alone.

    Raises: AppointmentNotFound.
    Emits: DutyChanged.
    """
    appointment = await _managed(tx, actor, appointment_id)
    if appointment.stand_in_id is not None:
        await revoke_person(tx, appointment.stand_in_id, now=now)
        appointment.stand_in_id = appointment.stand_in_phone = None
        appointment.stand_in_until = None
        appointment.version += 1
        emit(tx, DutyChanged(node_id=appointment.node_id))
    return appointment, await _person(tx, appointment.person_id)


async def close_past_terms(tx: Tx, *, now: datetime) -> int:
    """Close the appointments whose last day is over, and stand-ins likewise.

    Safe to repeat. Return how many appointments were closed.
    """
    day = local_day(now)
    over = select(Appointment).where(Appointment.ended_at.is_(None), Appointment.ends_on < day)
    closed = (await tx.scalars(over.with_for_update(skip_locked=True))).all()
    for appointment in closed:
        await close_appointment(tx, appointment, now=now)
    past = select(Appointment).where(
        Appointment.ended_at.is_(None),
        Appointment.stand_in_id.is_not(None),
        Appointment.stand_in_until < day,
    )
    for appointment in await tx.scalars(past.with_for_update(skip_locked=True)):
        if appointment.stand_in_id is not None:
            await revoke_person(tx, appointment.stand_in_id, now=now)
        appointment.stand_in_id = appointment.stand_in_phone = None
        appointment.stand_in_until = None
        emit(tx, DutyChanged(node_id=appointment.node_id))
    return len(closed)


async def _managed(tx: Tx, actor: Actor, appointment_id: UUID) -> Appointment:
    """Load and lock an appointment that the caller manages; others do not exist for her."""
    row = (
        await tx.execute(
            select(Appointment, Node)
            .join(Node, Node.id == Appointment.node_id)
            .where(Appointment.id == appointment_id)
            .with_for_update(of=Appointment)
        )
    ).one_or_none()
    if row is None or not actor.may(Permission.APPOINTMENT_MANAGE, at=row[1].place):
        raise AppointmentNotFound
    appointment: Appointment = row[0]
    return appointment


async def _require_organization(tx: Tx, wish: AppointmentIn) -> None:
    officer = wish.role is Role.DEPARTMENT_OFFICER
    if officer != (wish.organization_id is not None):
        raise OrganizationNeeded
    if wish.organization_id is not None:
        organization = await tx.get(Organization, wish.organization_id)
        if organization is None or organization.node_id != wish.node_id:
            raise OrganizationNeeded


async def _known_or_new(tx: Tx, wish: AppointeeIn) -> Person:
    """Find the person by phone, or create her; a known one keeps her own password."""
    by_phone = select(Person).where(Person.phone == wish.phone)
    person = await tx.scalar(by_phone)
    if person is None:
        secret = wish.initial_password
        hashed = None if secret is None else await password_hash(secret.get_secret_value())
        values = {"id": new_id(), "name": wish.name, "phone": wish.phone}
        blank = {"password_hash": hashed, "failed_sign_ins": 0, "epoch": 0, "version": 1}
        created = insert(Person).values(values | blank).on_conflict_do_nothing()
        await tx.execute(created)  # of two offices at once, one registers her and both go on
        person = (await tx.scalars(by_phone)).one()
    if person.name is None:
        person.name = wish.name
    return person


async def _person(tx: Tx, person_id: UUID) -> Person:
    return (await tx.scalars(select(Person).where(Person.id == person_id))).one()
