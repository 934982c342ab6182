"""Rules of the register of people."""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, delete, select, update

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Household
from neighborhood_api.grid.place_names import (
    PlaceNames,
    community_name,
    own_name,
    place_names,
)
from neighborhood_api.grid.residences.stays import (
    locked_household,
    locked_residence,
    refuse_stay,
)
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import columns_of
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registers import doubts
from neighborhood_api.registers.claims.matching import (
    keep_open,
    lock_members,
    match_household,
    unlink_number,
)
from neighborhood_api.registers.claims.notices import tell_refused
from neighborhood_api.registers.events import (
    RegisterEntryAdded,
    RegisterEntryChanged,
    RegisterEntryEnded,
    RegisterEntryVerified,
)
from neighborhood_api.registers.keeping import (
    EntryAlreadyEnded,
    change,
    day_of,
    find_entry,
    lock_entry,
    note,
    require_open,
    verify,
)
from neighborhood_api.registers.models import CareFlag, Resident
from neighborhood_api.registers.schemas import (
    EndEntryIn,
    EraseEntryIn,
    RegisterWarningOut,
    ResidentChangeIn,
    ResidentIn,
)

NO_LONGER_REGISTERED = "登记册显示您已不在此居住"


class HeadAlreadyNamed(Problem):
    """Another resident of the household is its head."""

    title = "The household has another head"
    message = "这户已有户主，请先修改原户主的登记"


class DayBeforeMovingIn(Problem):
    """Nobody moves out before she moved in."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The day lies before she moved in"
    message = "迁出日期不能早于入住日期"


class KeptResident(NamedTuple):
    """An entry with the door of its household, where that is, and what looks wrong."""

    resident: Resident
    address: str
    at: PlaceNames
    warnings: list[RegisterWarningOut]


def housed() -> Select[Resident, str, str, str]:
    """Select residents with the door of their household, its lane and its community."""
    rows = select(Resident, Household.address, own_name(Resident), community_name(Resident))
    return rows.join(Household, Household.id == Resident.household_id)


async def read_resident(tx: ReadTx, actor: Actor, resident_id: UUID) -> KeptResident:
    """Return somebody's entry.

    Raises: EntryNotFound.
    """
    resident = await find_entry(tx, actor, Resident, resident_id)
    return await _kept(tx, actor, resident)


async def add_resident(
    tx: Tx, actor: Actor, wish: ResidentIn, *, now: datetime
) -> KeptResident:
    """Register somebody in a household; an account with her number is confirmed by it.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, HeadAlreadyNamed.
    Emits: RegisterEntryAdded, ResidenceConfirmed.
    """
    household = await find_entry(
        tx, actor, Household, wish.household_id, permission=Permission.REGISTER_MANAGE
    )
    if wish.phone is not None:
        await lock_members(tx, household.id)
    if not await keep_open(tx, household.id):
        raise EntryAlreadyEnded
    resident = Resident(
        household_id=household.id,
        name=wish.name,
        phone=wish.phone,
        birth_year=wish.birth_year,
        relation=wish.relation,
        is_head=wish.is_head,
        moved_in_on=wish.moved_in_on,
        verified_on=local_day(now),
        **columns_of(household.place),  # type: ignore[arg-type]
    )
    tx.add(resident)
    with refusing({"uq_resident_one_head": HeadAlreadyNamed}):
        await tx.flush()
    note(tx, actor, RegisterEntryAdded, resident, now=now, household_id=household.id)
    if resident.phone is not None:
        await match_household(tx, household.id, now=now)
    return await _kept(tx, actor, resident)


async def change_resident(
    tx: Tx, actor: Actor, resident_id: UUID, wish: ResidentChangeIn, *, now: datetime
) -> KeptResident:
    """Change what is known of somebody; what is left out stays, null empties it.

    With another number it is not any more of an account that was known by the former one.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, StaleVersion, HeadAlreadyNamed.
    Emits: RegisterEntryChanged, ResidenceConfirmed.
    """
    if wish.phone is not None:
        seen = await find_entry(tx, actor, Resident, resident_id)
        await lock_members(tx, seen.household_id)
    resident = await lock_entry(tx, actor, Resident, resident_id)
    require_open(resident, wish.version)
    given = wish.model_dump(exclude={"version"}, exclude_unset=True)
    never_empty = {"name", "relation", "is_head"}
    given = {k: v for k, v in given.items() if v is not None or k not in never_empty}
    kept = change(resident, given)
    resident.version += 1
    with refusing({"uq_resident_one_head": HeadAlreadyNamed}):
        await tx.flush()
    note(tx, actor, RegisterEntryChanged, resident, now=now, **kept)
    if "phone" in kept["changed"]:
        await unlink_number(tx, resident)
        await match_household(tx, resident.household_id, now=now)
    return await _kept(tx, actor, resident)


async def end_resident(
    tx: Tx, actor: Actor, resident_id: UUID, wish: EndEntryIn, *, now: datetime
) -> KeptResident:
    """Note that somebody moved out; her account's residence there is confirmed no more.

    Her special care here ends with it. Residence and household are locked before the entry,
    as they are where residences are confirmed; whoever is confirmed as her in that moment is
    not overlooked, the caller is told to look again.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, StaleVersion, DayNotYet,
        DayBeforeMovingIn.
    Emits: RegisterEntryEnded, ResidenceRefused, ResidenceLeft, RepresentativeChanged.
    """
    seen = await find_entry(
        tx, actor, Resident, resident_id, permission=Permission.REGISTER_MANAGE
    )
    account_id = seen.person_id
    home = None if account_id is None else await locked_residence(tx, account_id)
    if home is not None:
        await locked_household(tx, seen.household_id)
    resident = await lock_entry(tx, actor, Resident, resident_id)
    require_open(resident, wish.version)
    if resident.person_id != account_id:
        raise StaleVersion(version=resident.version)
    day = day_of(wish.on, now=now)
    if resident.moved_in_on is not None and day < resident.moved_in_on:
        raise DayBeforeMovingIn
    resident.moved_out_on = day
    resident.version += 1
    note(tx, actor, RegisterEntryEnded, resident, now=now, on=day.isoformat())
    cared = update(CareFlag).where(
        CareFlag.resident_id == resident.id, CareFlag.ended_on.is_(None)
    )
    over = cared.values(ended_on=local_day(now), version=CareFlag.version + 1)
    await tx.execute(over.execution_options(synchronize_session=False))
    lives_here = home is not None and home.household_id == resident.household_id
    if home is not None and lives_here and home.confirmed_at is not None:
        await refuse_stay(tx, home, NO_LONGER_REGISTERED, by_id=actor.person_id, now=now)
        await tell_refused(tx, home, was_confirmed=True, now=now)
    await tx.flush()
    return await _kept(tx, actor, resident)


async def erase_resident(
    tx: Tx, actor: Actor, resident_id: UUID, wish: EraseEntryIn, *, now: datetime
) -> None:
    """Delete somebody's entry with what is known of her care, as she may ask for.

    Only by the office that answers such requests; who did it and why is kept, her data are not.

    Raises: EntryNotFound, Forbidden, StaleVersion.
    Emits: RegisterEntryEnded.
    """
    resident = await lock_entry(tx, actor, Resident, resident_id, to_end=True)
    actor.require(Permission.DATA_REQUEST_ANSWER, at=resident.place)
    if resident.version != wish.version:
        raise StaleVersion(version=resident.version)
    why = {"erased": True, "reason": wish.reason}
    note(tx, actor, RegisterEntryEnded, resident, now=now, **why)
    await tx.execute(delete(CareFlag).where(CareFlag.resident_id == resident.id))
    await tx.delete(resident)
    await tx.flush()


async def verify_resident(
    tx: Tx, actor: Actor, resident_id: UUID, *, now: datetime
) -> KeptResident:
    """Note that somebody lives there as registered; once more on the same day is nothing.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded.
    Emits: RegisterEntryVerified.
    """
    resident = await lock_entry(tx, actor, Resident, resident_id)
    require_open(resident)
    if verify(resident, local_day(now)):
        note(tx, actor, RegisterEntryVerified, resident, now=now)
    await tx.flush()
    return await _kept(tx, actor, resident)


async def _kept(tx: ReadTx, actor: Actor, resident: Resident) -> KeptResident:
    door = select(Household.address).where(Household.id == resident.household_id)
    address = (await tx.scalars(door)).one()
    at = await place_names(tx, resident)
    warnings = await doubts.of_resident(tx, actor, resident)
    return KeptResident(resident, address, at, warnings)
