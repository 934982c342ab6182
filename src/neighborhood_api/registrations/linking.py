"""Rules of whose a registration becomes when a caller opens an account."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, select, update

from neighborhood_api.grid.models import Residence
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Handle, save
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.grounds import SAME
from neighborhood_api.registrations.locking import RegistrationMoved, lock_resources
from neighborhood_api.registrations.models import Occupation, Registration
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.promoting import lock_waiting
from neighborhood_api.registrations.queries import (
    BUSY,
    REGISTRATIONS,
    OneId,
    RegistrationRow,
)
from neighborhood_api.registrations.states import LIVE, State
from neighborhood_api.registrations.writing import occupations

LINKED_WITHIN = timedelta(days=365)
"""A number that was given up may be a stranger's some months later."""
_WAITING = (State.WAITLISTED, State.ENTERED)


class _Hers(NamedTuple):
    phone: str | None
    household_id: UUID | None


_HERS = Query(
    select(Person.phone, Residence.household_id)
    .outerjoin(Residence, Residence.person_id == Person.id)
    .where(Person.id == bindparam("id", type_=Uuid)),
    _Hers,
)
_OF_NUMBER = Query(
    REGISTRATIONS.where(
        Registration.guest_phone == bindparam("phone"),
        Registration.person_id.is_(None),
        Registration.created_at >= bindparam("since", type_=DateTime(timezone=True)),
    ).order_by(Registration.number),
    RegistrationRow,
)
_GIVE = Query(
    update(Registration)
    .where(Registration.id == bindparam("its_id", type_=Uuid))
    .values(
        person_id=bindparam("holder_id", type_=Uuid),
        who_id=bindparam("comes_id", type_=Uuid),
        household_id=bindparam("home_id", type_=Uuid),
        version=Registration.version + 1,
    )
    .returning(Registration.id),
    OneId,
)


async def link_guest(handle: Handle, person_id: UUID, *, now: datetime) -> int:
    """Give a person what staff registered for her number before she had an account.

    Only of the last `LINKED_WITHIN`. It takes her time from then on, like all that she has, and
    counts in the quotas of her household, if she has said which; what she has elsewhere at that
    time stays, and so does this. Safe to repeat; returns how many.

    Raises: RegistrationMoved, when something was moved meanwhile; then it is to be repeated.
    """
    seen = await _of_her_number(handle, person_id, now)
    if not seen:
        return 0
    locked = await lock_resources(handle, {row.resource_id for row in seen})
    if person_id not in await lock_waiting(handle, (), persons=[person_id], now=now):
        return 0
    hers = await _of_her_number(handle, person_id, now)
    if any(row.resource_id not in locked for row in hers):
        raise RegistrationMoved
    for row in sorted(hers, key=lambda one: one.state in _WAITING):  # what is sure goes first
        await _give(handle, row, row._replace(person_id=person_id, who_id=person_id))
    return len(hers)


async def _give(handle: Handle, row: RegistrationRow, hers: RegistrationRow) -> None:
    """Give a registration to its person, with her time where she is not somewhere else."""
    taken: list[Occupation] = []
    clashes = False
    if row.state in LIVE:
        # Without a unit: it has that already, and only her own time is new.
        taken = await occupations(handle, hers, None, await terms_of(handle, row.policy_id))
        clashes = await _clashes(handle, hers, busy=bool(taken))
    comes_id = row.who_id if clashes else hers.who_id
    await _GIVE.all(
        handle,
        its_id=row.id,
        holder_id=hers.person_id,
        comes_id=comes_id,
        home_id=hers.household_id,
    )
    if not clashes:
        await save(handle, *taken)


async def _clashes(handle: Handle, hers: RegistrationRow, *, busy: bool) -> bool:
    """Tell whether she has the same already, or where it is `busy`, anything at that time."""
    who_id, starts_at, until = hers.who_id, hers.starts_at, hers.ends_at
    found = await SAME.first(
        handle, id=hers.resource_id, who_id=who_id, starts_at=starts_at, but=hers.id
    )
    if found is None and busy:
        found = await BUSY.first(handle, id=who_id, since=starts_at, until=until, but=hers.id)
    return found is not None


async def _of_her_number(
    handle: Handle, person_id: UUID, now: datetime
) -> list[RegistrationRow]:
    """Return what is registered for her number, as of her household."""
    hers = await _HERS.first(handle, id=person_id)
    if hers is None or hers.phone is None:
        return []
    rows = await _OF_NUMBER.all(handle, phone=hers.phone, since=now - LINKED_WITHIN)
    return [row._replace(household_id=hers.household_id) for row in rows]
