"""What handing on reads and changes: what has run out, who waits, and who is free to come."""

from typing import NamedTuple

from sqlalchemy import (
    ARRAY,
    Boolean,
    DateTime,
    Integer,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    select,
    true,
    update,
)

from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.models import (
    Occupation,
    Registration,
    Resource,
    Timetable,
    Unit,
)
from neighborhood_api.registrations.queries import (
    LONGEST,
    REGISTRATIONS,
    OneId,
    RegistrationRow,
    stands,
)
from neighborhood_api.registrations.states import State

_ID = bindparam("id", type_=Uuid)
_IDS = bindparam("ids", type_=ARRAY(Uuid))
_NOW = bindparam("now", type_=DateTime(timezone=True))

RUN_OUT = Query(
    REGISTRATIONS.where(
        Registration.resource_id == _ID,
        stands(State.HELD, State.OFFERED),
        Registration.until <= _NOW,
    ).order_by(Registration.until, Registration.id),
    RegistrationRow,
)
"""Holds and offers of a resource that nobody answered in time."""

LATEST_SEATED = Query(
    REGISTRATIONS.where(
        Registration.resource_id == _ID,
        stands(State.HELD, State.PENDING, State.CONFIRMED, State.OFFERED),
    ).order_by(func.coalesce(Registration.queued, Registration.number).desc()),
    RegistrationRow,
)
"""Who may have a seat and has not come yet, the latest first."""


class TakenRow(NamedTuple):
    """How many seats are taken."""

    taken: int


CAPACITY = Query(
    update(Resource)
    .where(Resource.id == bindparam("its_id", type_=Uuid))
    .values(capacity=bindparam("capacity", type_=Integer))
    .returning(Resource.taken),
    TakenRow,
)

_fitting_unit = (
    select(literal(1))
    .select_from(Unit)
    .join(Timetable, Timetable.id == Unit.id)
    .where(
        Unit.resource_id == Registration.resource_id,
        Unit.active,
        func.coalesce(Unit.id == Registration.unit_id, true(), type_=Boolean),
        ~select(literal(1))
        .where(
            Occupation.timetable_number == Timetable.number,
            Occupation.starts_at < Registration.ends_at,
            Occupation.starts_at > Registration.starts_at - LONGEST,
            Occupation.ends_at > Registration.starts_at,
        )
        .correlate(Timetable, Registration)
        .exists(),
    )
    .correlate(Registration)
    .exists()
)
WAITING_FOR_UNITS = Query(
    REGISTRATIONS.where(
        Registration.resource_id == _ID,
        stands(State.WAITLISTED),
        Registration.starts_at > _NOW,
        _fitting_unit,
    )
    .order_by(Registration.queued)
    .limit(bindparam("most", type_=Integer)),
    RegistrationRow,
)
"""Those of the waitlist for whose time some unit is free, buffers aside; in its order."""

BUSY_OF = Query(
    select(Registration.id).where(
        Registration.id == any_(_IDS),
        Registration.who_id != Registration.id,
        select(literal(1))
        .select_from(Occupation)
        .join(Timetable, Timetable.number == Occupation.timetable_number)
        .where(
            Timetable.id == Registration.who_id,
            Occupation.starts_at < Registration.ends_at,
            Occupation.starts_at > Registration.starts_at - LONGEST,
            Occupation.ends_at > Registration.starts_at,
            func.coalesce(Occupation.registration_id != Registration.id, true(), type_=Boolean),
        )
        .correlate(Registration)
        .exists(),
    ),
    OneId,
)
"""Of some registrations those whose comers are somewhere else at that time."""
