"""Rules of the register of households."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, exists, select, update

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.grid.place_names import (
    PlaceNames,
    community_name,
    own_name,
    place_names,
)
from neighborhood_api.grid.service import NotALane, current_node, normal_address
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registers import doubts
from neighborhood_api.registers.claims.matching import lock_members, match_household
from neighborhood_api.registers.events import (
    RegisterEntryAdded,
    RegisterEntryChanged,
    RegisterEntryEnded,
    RegisterEntryVerified,
)
from neighborhood_api.registers.keeping import (
    change,
    day_of,
    find_entry,
    lock_entry,
    note,
    require_open,
    verify,
)
from neighborhood_api.registers.models import Resident
from neighborhood_api.registers.schemas import (
    EndEntryIn,
    HouseholdChangeIn,
    HouseholdIn,
)


class HouseholdExists(Problem):
    """The lane has a household with this door."""

    title = "A household with this door is registered in this lane"
    message = "这个门牌已登记，请直接查找修改"


class HouseholdNotEmpty(Problem):
    """Somebody is registered there, or lives there by a confirmed residence."""

    title = "Somebody still lives in the household"
    message = "户内还有在册或已确认的居民，请先办理迁出"


class HouseholdRecord(NamedTuple):
    """A household, where it is, who is registered there, and whose accounts belong to it."""

    household: Household
    at: PlaceNames
    people: list[Resident]
    members: list[Person]


def counted() -> Select[Household, int, str, str]:
    """Select households with how many are registered there now, lane and community."""
    return select(
        Household,
        doubts.residents_of_household(),
        own_name(Household),
        community_name(Household),
    )


async def read_household(tx: ReadTx, actor: Actor, household_id: UUID) -> HouseholdRecord:
    """Return a household with everybody who is registered there.

    Raises: EntryNotFound.
    """
    household = await find_entry(tx, actor, Household, household_id)
    return await record_of(tx, household)


async def record_of(tx: ReadTx, household: Household) -> HouseholdRecord:
    """Return a household with everybody who is registered there."""
    there = select(Resident).where(
        Resident.household_id == household.id, Resident.moved_out_on.is_(None)
    )
    people = await tx.scalars(there.order_by(Resident.is_head.desc(), Resident.id))
    members = (
        select(Person)
        .join(Residence, Residence.person_id == Person.id)
        .where(Residence.household_id == household.id, Residence.confirmed_at.is_not(None))
        .order_by(Residence.confirmed_at, Person.id)
    )
    at = await place_names(tx, household)
    return HouseholdRecord(household, at, list(people), list(await tx.scalars(members)))


async def add_household(tx: Tx, actor: Actor, wish: HouseholdIn, *, now: datetime) -> Household:
    """Register a dwelling; who said that she lives at this door belongs to it from now on.

    Raises: NodeNotFound, Forbidden, NotALane, HouseholdExists.
    Emits: RegisterEntryAdded.
    """
    lane = await current_node(tx, wish.lane_id, now=now)
    actor.require(Permission.REGISTER_MANAGE, at=lane.place)
    if lane.level != Level.LANE:
        raise NotALane
    household = Household(
        id=new_id(),
        address=normal_address(wish.address),
        occupancy=wish.occupancy.value,
        note=wish.note,
        verified_on=local_day(now),
        **columns_of(lane.place),  # type: ignore[arg-type]
    )
    tx.add(household)
    with refusing({"uq_household_lane_address": HouseholdExists}):
        await tx.flush()
    await _gather(tx, household, now=now)
    note(tx, actor, RegisterEntryAdded, household, now=now)
    await tx.flush()
    return household


async def change_household(
    tx: Tx, actor: Actor, household_id: UUID, wish: HouseholdChangeIn, *, now: datetime
) -> Household:
    """Change what is known of a dwelling.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, StaleVersion, HouseholdExists.
    Emits: RegisterEntryChanged.
    """
    await lock_members(tx, household_id)
    household = await lock_entry(tx, actor, Household, household_id)
    require_open(household, wish.version)
    given = wish.model_dump(exclude={"version"}, mode="json")
    given["address"] = normal_address(wish.address)
    kept = change(household, given)
    household.version += 1
    with refusing({"uq_household_lane_address": HouseholdExists}):
        await tx.flush()
    if "address" in kept["changed"]:
        await _rename_door(tx, household)
        await _gather(tx, household, now=now)
    note(tx, actor, RegisterEntryChanged, household, now=now, **kept)
    await tx.flush()
    return household


async def end_household(
    tx: Tx, actor: Actor, household_id: UUID, wish: EndEntryIn, *, now: datetime
) -> Household:
    """Take a dwelling off the register; nobody may live there any more.

    The row is locked so that nobody can be registered there meanwhile.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, StaleVersion, HouseholdNotEmpty,
        DayNotYet.
    Emits: RegisterEntryEnded.
    """
    await lock_members(tx, household_id)
    household = await lock_entry(tx, actor, Household, household_id, to_end=True)
    require_open(household, wish.version)
    registered = exists().where(
        Resident.household_id == household.id, Resident.moved_out_on.is_(None)
    )
    confirmed = exists().where(
        Residence.household_id == household.id, Residence.confirmed_at.is_not(None)
    )
    if await tx.scalar(select(registered | confirmed)):
        raise HouseholdNotEmpty
    theirs = update(Residence).where(Residence.household_id == household.id)
    left = theirs.values(household_id=None, version=Residence.version + 1)
    await tx.execute(left.execution_options(synchronize_session=False))
    household.ended_on = day_of(wish.on, now=now)
    household.representative_id = None
    household.version += 1
    note(tx, actor, RegisterEntryEnded, household, now=now)
    await tx.flush()
    return household


async def verify_household(
    tx: Tx, actor: Actor, household_id: UUID, *, with_residents: bool, now: datetime
) -> HouseholdRecord:
    """Note that a dwelling is as registered, and with it perhaps who lives there.

    Once more on the same day it changes nothing.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded.
    Emits: RegisterEntryVerified.
    """
    household = await lock_entry(tx, actor, Household, household_id)
    require_open(household)
    today = local_day(now)
    if verify(household, today):
        note(tx, actor, RegisterEntryVerified, household, now=now)
    record = await record_of(tx, household)
    if with_residents:
        for resident in record.people:
            if verify(resident, today):
                note(tx, actor, RegisterEntryVerified, resident, now=now)
    await tx.flush()
    return record


async def _gather(tx: Tx, household: Household, *, now: datetime) -> None:
    """Let those belong to a household who said its door before it was registered."""
    at_the_door = select(Residence.person_id).where(
        Residence.lane_id == household.lane_id,
        Residence.address == household.address,
        Residence.household_id.is_(None),
    )
    in_order = at_the_door.order_by(Residence.person_id).with_for_update()
    theirs = update(Residence).where(
        Residence.person_id.in_((await tx.scalars(in_order)).all())
    )
    there = theirs.values(household_id=household.id, version=Residence.version + 1)
    await tx.execute(there.execution_options(synchronize_session=False))
    await match_household(tx, household.id, now=now)


async def _rename_door(tx: Tx, household: Household) -> None:
    """Write the door of those who belong to the household as the register does."""
    theirs = update(Residence).where(Residence.household_id == household.id)
    renamed = theirs.values(address=household.address, version=Residence.version + 1)
    await tx.execute(renamed.execution_options(synchronize_session=False))
