"""What the rules of a wish read, under the locks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Select,
    Uuid,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)

from neighborhood_api.kit.db import Source
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.histories import Entry, Strike
from neighborhood_api.registrations.judging import Had, Struck, earliest_counted
from neighborhood_api.registrations.models import (
    NUMBERS,
    Occupation,
    Registration,
    Resource,
    Timetable,
)
from neighborhood_api.registrations.policies import Terms
from neighborhood_api.registrations.queries import (
    LONGEST,
    UNITS_FOR,
    OneId,
    ResourceRow,
    UnitRow,
    stands,
)
from neighborhood_api.registrations.states import COUNTED_BY_QUOTA, GIVEN_BY_OTHERS, LIVE, State
from neighborhood_api.registrations.wishes import Applicant, Wish

_MOMENT = DateTime(timezone=True)
_ID = bindparam("id", type_=Uuid)
_WHO = bindparam("who_id", type_=Uuid)
_NOW = bindparam("now", type_=_MOMENT)
_SINCE = bindparam("since", type_=_MOMENT)
_UNTIL = bindparam("until", type_=_MOMENT)

SAME = Query(
    select(Registration.id).where(
        Registration.resource_id == _ID,
        Registration.who_id == _WHO,
        Registration.starts_at == bindparam("starts_at", type_=_MOMENT),
        Registration.id != bindparam("but", type_=Uuid),
        stands(*sorted(LIVE)),
    ),
    OneId,
)
"""Whether somebody is registered for the same already."""


_PERSON = bindparam("person_id", type_=Uuid)
_had = (
    select(
        Registration.id,
        Registration.resource_id,
        Resource.name.label("resource_name"),
        Resource.group_id,
        Resource.kind,
        Resource.district_id,
        Registration.state,
        Registration.starts_at,
        Registration.ends_at,
        Registration.until,
        func.coalesce(
            Registration.participant_id, Registration.person_id, Registration.who_id
        ).label("who_id"),
        Registration.person_id,
        Registration.household_id,
        Registration.cancelled_late,
    )
    .join(Resource, Resource.id == Registration.resource_id)
    .where(
        or_(
            Registration.person_id == _PERSON,
            Registration.household_id == bindparam("household_id", type_=Uuid),
            Registration.participant_id == bindparam("participant_id", type_=Uuid),
        ),
        Registration.ends_at > bindparam("had_since", type_=_MOMENT),
        or_(
            stands(*sorted(COUNTED_BY_QUOTA)),
            Registration.cancelled_late,
        ),
    )
)
_struck = (
    select(Strike.struck_at, Strike.expires_at)
    .where(
        Strike.person_id == _PERSON,
        Strike.district_id == bindparam("district_id", type_=Uuid),
        Strike.expires_at > bindparam("struck_since", type_=_MOMENT),
        Strike.lifted_at.is_(None),
    )
    .order_by(Strike.struck_at)
)


class Past(NamedTuple):
    """What the rules of a wish are about: what there was, and what is free."""

    had: Sequence[Had] = ()
    """What a person, her household and whoever comes in her stead have had."""
    struck: Sequence[Struck] = ()
    units: Sequence[UnitRow] = ()
    """The units of the resource."""


def _rows_of(listed: Select[*tuple[Any, ...]]) -> ColumnElement[Any]:
    """Gather rows into one value: PostgreSQL calls them records, and asyncpg tuples."""
    row = func.row(*listed.selected_columns)
    return func.array(listed.with_only_columns(row).scalar_subquery())


_PAST = Query(
    select(
        _rows_of(_had).label("had"),
        _rows_of(_struck).label("struck"),
        _rows_of(UNITS_FOR).label("units"),
    ),
    Past,
)
"""Three lists in one statement, because it is asked while others wait for the locks."""


async def past_of(
    source: Source,
    resource: ResourceRow,
    applicant: Applicant,
    terms: Terms,
    wish: Wish,
    *,
    now: datetime,
) -> Past:
    """Read what the rules of a wish are about; who decides by it has taken the locks."""
    since, until = terms.held(wish.starts_at, wish.ends_at)
    suspended = timedelta(days=terms.strikes.suspension_days)
    found = await _PAST.first(
        source,
        id=resource.id,
        person_id=applicant.person_id,
        household_id=applicant.household_id,
        participant_id=applicant.participant_id,
        had_since=earliest_counted(wish, now),
        district_id=resource.district_id,
        struck_since=now - suspended,
        since=since,
        until=until,
        but=None,
    )
    had, struck, units = found or Past()
    return Past(
        had=list(map(Had._make, had)),
        struck=list(map(Struck._make, struck)),
        units=list(map(UnitRow._make, units)),
    )


class GivenRow(NamedTuple):
    """When others gave somebody a place, or another one."""

    acted_at: datetime


LAST_GIVEN = Query(
    select(Entry.acted_at)
    .where(
        Entry.registration_id == _ID,
        Entry.act.in_([literal_column(f"'{act.value}'") for act in GIVEN_BY_OTHERS]),
        func.coalesce(Entry.by_id != Registration.person_id, true(), type_=Boolean),
    )
    .join(Registration, Registration.id == Entry.registration_id)
    .order_by(Entry.acted_at.desc())
    .limit(1),
    GivenRow,
)


GIVEN_AT = (
    select(func.max(Entry.acted_at))
    .where(
        Entry.registration_id == Registration.id,
        Entry.act.in_([literal_column(f"'{act.value}'") for act in GIVEN_BY_OTHERS]),
        func.coalesce(Entry.by_id != Registration.person_id, true(), type_=Boolean),
    )
    .correlate(Registration)
    .scalar_subquery()
)
"""The same, as a column of registrations."""


class QueueRow(NamedTuple):
    """What stands before a wish besides what others have, and the next number."""

    waiting: int
    """Who wait for some of the same time."""
    run_out: bool
    """Whether some hold or offer has run out."""
    elsewhere: bool
    """Whether whoever comes is at work then, e.g. teaches."""
    number: int
    timetable: int | None = None
    """The number of the timetable of whoever comes, if she has one."""


_waiting_count = (
    select(func.count())
    .where(
        Registration.resource_id == _ID,
        stands(State.WAITLISTED),
        Registration.starts_at < _UNTIL,
        Registration.ends_at > _SINCE,
    )
    .scalar_subquery()
)
_at_work = (
    select(literal(1))
    .select_from(Occupation)
    .join(Timetable, Timetable.number == Occupation.timetable_number)
    .where(
        Timetable.id == _WHO,
        Occupation.resource_id.is_not(None),
        Occupation.starts_at < _UNTIL,
        Occupation.starts_at > _SINCE - LONGEST,
        Occupation.ends_at > _SINCE,
    )
    .exists()
)
_some_run_out = (
    select(literal(1))
    .where(
        Registration.resource_id == _ID,
        stands(State.HELD, State.OFFERED),
        Registration.until <= _NOW,
    )
    .exists()
)
QUEUE_OF = Query(
    select(
        _waiting_count.label("waiting"),
        _some_run_out.label("run_out"),
        _at_work.label("elsewhere"),
        NUMBERS.next_value().label("number"),
        select(Timetable.number)
        .where(Timetable.id == _WHO)
        .scalar_subquery()
        .label("timetable"),
    ),
    QueueRow,
)
"""Asked under the resource's lock, so that numbers follow the order of coming."""
