"""Changes of who is in office, for tests that need a vacancy or somebody standing in."""

from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import select, update

from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id


def phone_number() -> str:
    """A mobile number that nobody has."""
    return f"199{new_id().int % 10**8:08}"


async def somebody(tx: Tx, name: str = "某人", *, phone: str | None = None) -> Person:
    """Somebody without post or home."""
    person = Person(name=name, phone=phone)
    tx.add(person)
    await tx.flush()
    return person


async def vacate(tx: Tx, *nodes: Node) -> None:
    """End every appointment at the nodes, as if long ago."""
    open_ones = update(Appointment).where(Appointment.node_id.in_([node.id for node in nodes]))
    await tx.execute(open_ones.values(ended_at=datetime(2025, 6, 1, tzinfo=UTC)))


async def appointment_at(tx: Tx, node: Node, role: Role) -> Appointment:
    """The open appointment of `role` at a node."""
    held = select(Appointment).where(
        Appointment.node_id == node.id,
        Appointment.role == role.value,
        Appointment.ended_at.is_(None),
    )
    return (await tx.scalars(held)).one()


async def chief_operator(tx: Tx, district: Node) -> UUID:
    """Somebody who may change what holds in every district; where she sits does not matter."""
    person = await somebody(tx, "总管理员")
    await appoint(tx, district, Role.CHIEF_OPERATOR, person.id)
    await tx.commit()
    return person.id


async def appoint(
    tx: Tx,
    node: Node,
    role: Role,
    person_id: UUID,
    *,
    starts_on: date = date(2025, 1, 1),
    ends_on: date | None = None,
    organization_id: UUID | None = None,
) -> Appointment:
    """Put somebody into a post, past all rules but the database's."""
    appointment = Appointment(
        node_id=node.id,
        role=role.value,
        person_id=person_id,
        duty_phone="0752-9100000",
        starts_on=starts_on,
        ends_on=ends_on,
        organization_id=organization_id,
    )
    tx.add(appointment)
    await tx.flush()
    return appointment
