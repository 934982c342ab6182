"""Rules of special care: who knows of it, who notes it, and what a look leaves behind."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Household
from neighborhood_api.grid.place_names import community_name, own_name, place_names
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx, refusing
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registers.care.schemas import (
    CareDetailOut,
    CareFlagChangeIn,
    CareFlagIn,
    CareRecordOut,
)
from neighborhood_api.registers.events import (
    RegisterEntryAdded,
    RegisterEntryChanged,
    RegisterEntryEnded,
)
from neighborhood_api.registers.keeping import (
    EntryAlreadyEnded,
    change,
    day_of,
    find_entry,
    lock_entry,
    note,
    require_open,
)
from neighborhood_api.registers.looking import write_down
from neighborhood_api.registers.models import CareFlag, CareKind, LookedAt, Resident
from neighborhood_api.registers.views import resident_record

CARE = Permission.CARE_READ


class CareFlagExists(Problem):
    """It is known of her already."""

    title = "This is known of her already"
    message = "已有同类关爱标记，请直接修改"


class NamedFlag(NamedTuple):
    """A flag, whose it is, and where she lives."""

    flag: CareFlag
    name: str
    lane: str
    community: str


def named_flags() -> Select[CareFlag, str, str, str]:
    """Select who needs special care now."""
    flags = select(CareFlag, Resident.name, own_name(CareFlag), community_name(CareFlag))
    joined = flags.join(Resident, Resident.id == CareFlag.resident_id)
    return joined.where(CareFlag.ended_on.is_(None))


async def flag_care(
    tx: Tx, actor: Actor, resident_id: UUID, wish: CareFlagIn, *, now: datetime
) -> NamedFlag:
    """Note that a resident needs special care.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, DayNotYet, CareFlagExists.
    Emits: RegisterEntryAdded.
    """
    resident = await lock_entry(tx, actor, Resident, resident_id, permission=CARE)
    if resident.moved_out_on is not None:
        raise EntryAlreadyEnded
    flag = CareFlag(
        resident_id=resident.id,
        kind=wish.kind.value,
        since_on=day_of(wish.since_on, now=now),
        note=wish.note or None,
        **columns_of(resident.place),  # type: ignore[arg-type]
    )
    tx.add(flag)
    with refusing({"uq_care_flag_once": CareFlagExists}):
        await tx.flush()
    note(tx, actor, RegisterEntryAdded, flag, now=now)
    return await _named(tx, flag)


async def change_care_flag(
    tx: Tx, actor: Actor, flag_id: UUID, wish: CareFlagChangeIn, *, now: datetime
) -> NamedFlag:
    """Change what is known of somebody's care; what is left out stays.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, StaleVersion, DayNotYet.
    Emits: RegisterEntryChanged.
    """
    flag = await lock_entry(tx, actor, CareFlag, flag_id, permission=CARE)
    require_open(flag, wish.version)
    given = wish.model_dump(exclude={"version"}, exclude_unset=True)
    if wish.since_on is None:
        given.pop("since_on", None)
    day_of(wish.since_on, now=now)
    kept = change(flag, given)
    flag.version += 1
    note(tx, actor, RegisterEntryChanged, flag, now=now, **kept)
    return await _named(tx, flag)


async def end_care_flag(
    tx: Tx, actor: Actor, flag_id: UUID, version: int, *, now: datetime
) -> NamedFlag:
    """Note that somebody does not need that care any more.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, StaleVersion.
    Emits: RegisterEntryEnded.
    """
    flag = await lock_entry(tx, actor, CareFlag, flag_id, permission=CARE)
    require_open(flag, version)
    flag.ended_on = local_day(now)
    flag.version += 1
    note(tx, actor, RegisterEntryEnded, flag, now=now)
    return await _named(tx, flag)


async def look_at_care(
    tx: Tx, actor: Actor, flag_id: UUID, reason: str, *, now: datetime
) -> CareRecordOut:
    """Show who it is that needs care and why, and write down that it was shown.

    Raises: EntryNotFound, Forbidden.
    Emits: RegisterEntryShown.
    """
    flag = await find_entry(tx, actor, CareFlag, flag_id, permission=CARE)
    return await look_at_care_of(tx, actor, flag.resident_id, reason, now=now)


async def look_at_care_of(
    tx: Tx, actor: Actor, resident_id: UUID, reason: str, *, now: datetime
) -> CareRecordOut:
    """Show what care somebody of the register needs, and write down that it was shown.

    Raises: EntryNotFound, Forbidden.
    Emits: RegisterEntryShown.
    """
    resident = await find_entry(tx, actor, Resident, resident_id, permission=CARE)
    look = write_down(tx, actor, LookedAt.CARE, resident.id, resident.place, CARE, reason, now)
    household = await tx.get_one(Household, resident.household_id)
    await tx.flush()
    hers = select(CareFlag).where(
        CareFlag.resident_id == resident.id, CareFlag.ended_on.is_(None)
    )
    flags = [
        CareDetailOut(
            id=flag.id,
            kind=CareKind(flag.kind),
            since_on=flag.since_on,
            note=flag.note,
            version=flag.version,
        )
        for flag in await tx.scalars(hers.order_by(CareFlag.id))
    ]
    at = await place_names(tx, resident)
    record = resident_record(resident, household.address, at, look.id)
    return CareRecordOut(resident=record, flags=flags)


async def _named(tx: Tx, flag: CareFlag) -> NamedFlag:
    await tx.flush()
    resident = await tx.get_one(Resident, flag.resident_id)
    return NamedFlag(flag, resident.name, *await place_names(tx, flag))
