"""Rules of whose a registration becomes when a caller opens an account."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.models import Registration

LINKED_WITHIN = timedelta(days=365)
"""A number that was given up may be a stranger's some months later."""


async def link_guest(tx: Tx, person_id: UUID, *, now: datetime) -> int:
    """Give a person what staff registered for her number before she had an account.

    Only of the last `LINKED_WITHIN`. Safe to repeat; returns how many.
    """
    held = select(Person.phone).where(Person.id == person_id)
    phone = await tx.scalar(held.with_for_update(read=True))
    if phone is None:
        return 0
    hers = (
        update(Registration)
        .where(
            Registration.guest_phone == phone,
            Registration.person_id.is_(None),
            Registration.created_at >= now - LINKED_WITHIN,
        )
        .values(person_id=person_id)
        .returning(Registration.id)
    )
    return len((await tx.scalars(hers)).all())
