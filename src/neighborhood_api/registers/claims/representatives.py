"""Rules of who speaks for a household (户代表): its members choose, or staff do."""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.grid.residences.standing import ResidenceNotConfirmed
from neighborhood_api.grid.residences.stays import (
    chosen_by_most,
    locked_household,
    locked_residence,
    set_representative,
)
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registers.households.service import record_of
from neighborhood_api.registers.keeping import lock_entry, require_open


class NotAMember(Problem):
    """Only somebody whose residence in the household is confirmed speaks for it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "She is no confirmed member of this household"
    message = "户代表须是住址已确认的本户成员，请重新选择"


class NoHousehold(Problem):
    """The caller's door is not in the register yet."""

    status = HTTPStatus.NOT_FOUND
    title = "Your door is not in the register of households yet"
    message = "您的门牌还没有登记成户，请联系社区登记"


class MyHousehold(NamedTuple):
    """A household as its members see it."""

    household: Household
    members: list[Person]
    chosen_id: UUID | None


async def read_my_household(tx: ReadTx, actor: Actor) -> MyHousehold:
    """Return the household in which the caller is confirmed to live.

    Raises: ResidenceNotConfirmed, NoHousehold.
    """
    home = await tx.get(Residence, actor.person_id)
    household_id = _membership(home)
    household = await tx.get_one(Household, household_id)
    record = await record_of(tx, household)
    chosen = None if home is None else home.chosen_representative_id
    return MyHousehold(household, record.members, chosen)


async def choose_representative(tx: Tx, actor: Actor, person_id: UUID | None) -> None:
    """Note whom the caller wants; more than half of the members decide.

    Raises: ResidenceNotConfirmed, NoHousehold, NotAMember.
    Emits: RepresentativeChanged.
    """
    home = await locked_residence(tx, actor.person_id)
    household_id = _membership(home)
    household = await locked_household(tx, household_id)
    if home is None or household is None:
        raise NoHousehold
    if person_id is not None and not await _is_member(tx, household_id, person_id):
        raise NotAMember
    home.chosen_representative_id = person_id
    await tx.flush()
    chosen = await chosen_by_most(tx, household_id)
    if chosen is not None and chosen != household.representative_id:
        set_representative(tx, household, chosen)
        await tx.flush()


async def appoint_representative(
    tx: Tx, actor: Actor, household_id: UUID, person_id: UUID | None, *, now: datetime
) -> Household:
    """Let staff say who speaks for a household, until its members choose somebody else.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, NotAMember.
    Emits: RepresentativeChanged.
    """
    if person_id is not None:
        await locked_residence(tx, person_id)  # before the household, as everywhere
    household = await lock_entry(tx, actor, Household, household_id)
    require_open(household)
    if person_id is not None and not await _is_member(tx, household_id, person_id):
        raise NotAMember
    before = household.representative_id
    if before == person_id:
        return household
    set_representative(tx, household, person_id)
    record_act(
        tx,
        "registers.representative_set",
        household_id,
        by=actor.person_id,
        now=now,
        node_id=household.place.node_id,
        before={"person_id": None if before is None else str(before)},
        after={"person_id": None if person_id is None else str(person_id)},
    )
    await tx.flush()
    return household


def _membership(home: Residence | None) -> UUID:
    if home is None or home.confirmed_at is None:
        raise ResidenceNotConfirmed
    if home.household_id is None:
        raise NoHousehold
    return home.household_id


async def _is_member(tx: ReadTx, household_id: UUID, person_id: UUID) -> bool:
    member = select(Residence.person_id).where(
        Residence.person_id == person_id,
        Residence.household_id == household_id,
        Residence.confirmed_at.is_not(None),
    )
    return await tx.scalar(member) is not None
