"""Finding the appointment, and the person, that a change of office is about."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.schemas import AppointeeIn
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.accounts.given import (
    InitialPasswordForKnown,
    InitialPasswordNotYours,
    void_given_passwords,
)
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Place
from neighborhood_api.identity.service import password_hash
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem


class AppointmentNotFound(Problem):
    """The id names no appointment that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such appointment"
    message = "没有找到这条任职记录"


class AppointmentAlreadyEnded(Problem):
    """The appointment is over."""

    title = "The appointment has already ended"
    message = "该任职已结束"


class StandsInForHerself(Problem):
    """Whoever holds a post cannot be the one who acts in her place."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The holder of a post cannot stand in for herself"
    message = "不能由本人为自己代班，请另选代班人"


async def locked_appointment(tx: Tx, appointment_id: UUID) -> tuple[Appointment, Node] | None:
    """Load an appointment with its node; changes of it and of its leaves come one by one."""
    found = (
        await tx.execute(
            select(Appointment, Node)
            .join(Node, Node.id == Appointment.node_id)
            .where(Appointment.id == appointment_id)
            .with_for_update(of=Appointment)
        )
    ).one_or_none()
    return None if found is None else (found[0], found[1])


async def stand_in_for(
    tx: Tx, actor: Actor, appointment: Appointment, wish: AppointeeIn, *, now: datetime
) -> Person:
    """Find who shall act for the holder of a post.

    Raises: StandsInForHerself, InitialPasswordNotYours, InitialPasswordForKnown,
        PasswordTooWeak.
    """
    node = await tx.get_one(Node, appointment.node_id)
    stand_in = await appointee(tx, actor, node.place, wish, now=now)
    if stand_in.id == appointment.person_id:
        raise StandsInForHerself
    return stand_in


async def appointee(
    tx: Tx, actor: Actor, place: Place, wish: AppointeeIn, *, now: datetime
) -> Person:
    """Find who shall have power at a place, or register her.

    Who chooses a password for somebody could be her. So only who appoints here may, for a
    person whom nobody knew; it is gone when she gets another post before she changed it.

    Raises: InitialPasswordNotYours, InitialPasswordForKnown, PasswordTooWeak.
    """
    given = wish.initial_password is not None
    if given and not actor.may(Permission.APPOINTMENT_MANAGE, at=place):
        raise InitialPasswordNotYours
    person = await known_or_new(tx, wish, now=now)
    if not given:
        await void_given_passwords(tx, [person.id], now=now)
    return person


async def known_or_new(tx: Tx, wish: AppointeeIn, *, now: datetime) -> Person:
    """Find the person by phone, or create her; a known one keeps her own password.

    She is kept from becoming somebody else (by binding another number) until `tx` ends.

    Raises: InitialPasswordForKnown, PasswordTooWeak.
    """
    secret = wish.initial_password
    by_phone = select(Person).where(Person.phone == wish.phone)
    by_phone = by_phone.with_for_update(read=True, key_share=True)
    person = await tx.scalar(by_phone)
    is_known = person is not None
    if person is None:
        hashed = None if secret is None else await _initial(secret, wish)
        values = {"id": new_id(), "name": wish.name, "phone": wish.phone}
        blank = {"password_hash": hashed, "failed_sign_ins": 0, "epoch": 0, "version": 1}
        given = {} if hashed is None else {"password_given": True, "password_set_at": now}
        created = insert(Person).values(values | blank | given).on_conflict_do_nothing()
        # Of two offices at once, one registers her and both go on.
        is_known = await tx.scalar(created.returning(Person.id)) is None
        person = (await tx.scalars(by_phone)).one()
    if is_known and secret is not None:
        raise InitialPasswordForKnown
    if person.name is None:
        person.name = wish.name
    return person


async def _initial(secret: SecretStr, wish: AppointeeIn) -> str:
    """Hash the password that an office chose for somebody; she changes it at once."""
    return await password_hash(secret.get_secret_value(), phone=wish.phone, name=wish.name)


async def person_of(tx: Tx, appointment: Appointment) -> Person:
    """Load the holder of a post."""
    return await tx.get_one(Person, appointment.person_id)
