"""Who is to be told of a case, as people are on duty at the moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, select

from neighborhood_api.cases.hands import is_highest, who_answers_case
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.workflow import IN_HAND, State
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Leave, Organization
from neighborhood_api.grid.posts.duty import HIGHEST, who_answers
from neighborhood_api.grid.queries import DAY, acting, in_office, on_leave
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.reads import Query


class _Officer(NamedTuple):
    person_id: UUID


_OFFICERS = Query(
    select(acting(DAY).label("person_id"))
    .select_from(Organization)
    .join(
        Appointment,
        and_(
            Appointment.node_id == Organization.node_id,  # by which appointments are found
            Appointment.organization_id == Organization.id,
            in_office(DAY),
        ),
    )
    .outerjoin(Leave, on_leave(DAY))
    .where(Organization.id == bindparam("organization_id"), acting(DAY).is_not(None))
    .order_by(Appointment.id),
    _Officer,
)


async def officers_of(tx: ReadTx, organization_id: UUID, *, now: datetime) -> list[UUID]:
    """Return everybody who acts for a department."""
    found = await _OFFICERS.all(tx, organization_id=organization_id, day=local_day(now))
    return unique([officer.person_id for officer in found])


async def holders_of(tx: ReadTx, case: Case, *, now: datetime) -> list[UUID]:
    """Return who holds the case: the department's officers, or who acts in the post.

    What is over stays with whoever had it last, also when she leaves; what is still to be done
    about it, such as the answer to an order, is for whoever answers there now.
    """
    if case.hand_role == Role.DEPARTMENT_OFFICER.value and case.organization_id is not None:
        return await officers_of(tx, case.organization_id, now=now)
    person_id = case.hand_person_id
    if case.standing not in IN_HAND | {State.VERIFYING}:
        person_id = (await who_answers_case(tx, case, case.hand_place, now=now)).person_id
    return [] if person_id is None else [person_id]


async def above_holders(tx: ReadTx, case: Case, *, now: datetime) -> list[UUID]:
    """Return who answers one level above the hands; above the street is its secretary."""
    if case.hand_role == Role.DEPARTMENT_OFFICER.value:
        return await street_of(tx, case, now=now)
    if case.hand_level < HIGHEST:
        return []
    if await is_highest(tx, case, now=now):
        secretary = {HIGHEST: (Role.STREET_SECRETARY,)}
        place = case.place.up_to(HIGHEST)
        duty = await who_answers(tx, place, now=now, answering=secretary)
    else:
        duty = await who_answers_case(tx, case, case.hand_place.up(), now=now)
    return [] if duty.person_id is None else [duty.person_id]


async def heads_of_community(tx: ReadTx, case: Case, *, now: datetime) -> list[UUID]:
    """Return the community's secretary for what its workers or a grid of it have in hand."""
    if case.hand_level not in {Level.COMMUNITY, Level.GRID}:
        return []
    secretary = {Level.COMMUNITY: (Role.COMMUNITY_SECRETARY,)}
    place = case.place.up_to(Level.COMMUNITY)
    duty = await who_answers(tx, place, now=now, answering=secretary)
    return [] if duty.person_id is None else [duty.person_id]


async def street_of(tx: ReadTx, case: Case, *, now: datetime) -> list[UUID]:
    """Return who answers at the street of the case; nobody for what the district has taken."""
    if case.hand_level < HIGHEST:
        return []
    duty = await who_answers_case(tx, case, case.place.up_to(HIGHEST), now=now)
    return [] if duty.person_id is None else [duty.person_id]


def unique(person_ids: Sequence[UUID]) -> list[UUID]:
    """Return each person once, in the order given."""
    return list(dict.fromkeys(person_ids))
