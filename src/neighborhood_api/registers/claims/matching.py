"""Confirming residences by phone: her verified number stands in the register of the household.

Nobody learns anything by it but about herself: a number that is not there answers as any claim.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select, update

from neighborhood_api.grid.models import Confirmation, Household, Residence
from neighborhood_api.grid.residences.stays import confirm_stay, locked_residence
from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.registers.claims.notices import tell_confirmed
from neighborhood_api.registers.models import Resident

MATCHED_AT_ONCE = 200


async def match_person(tx: Tx, person_id: UUID, *, now: datetime) -> Residence | None:
    """Confirm somebody's residence if the register knows her number there; safe to repeat.

    Of one that is confirmed, note which entry is hers, if it is nobody's yet. Returns it.

    Emits: ResidenceConfirmed.
    """
    home = await locked_residence(tx, person_id)
    if home is None:
        return None
    await match_residence(tx, home, now=now)
    if home.confirmed_at is not None:
        resident = await _registered(tx, home)
        if resident is not None and resident.person_id is None:
            resident.person_id = home.person_id
    return home


async def match_residence(tx: Tx, home: Residence, *, now: datetime) -> None:
    """Confirm a locked residence if the register knows her number there.

    Not after staff refused her at this door, and not whoever keeps the register there and could
    write her own number into it.

    Emits: ResidenceConfirmed.
    """
    if home.household_id is None or home.confirmed_at is not None:
        return
    if home.refused_by_id is not None:
        return
    resident = await _registered(tx, home)
    if resident is None or not await keep_open(tx, home.household_id):
        return
    if await _keeps_register(tx, home, now=now):
        return
    await confirm_stay(tx, home, Confirmation.PHONE, by_id=None, now=now)
    resident.person_id = home.person_id
    await tx.flush()
    await tell_confirmed(tx, home, now=now)


async def match_household(tx: Tx, household_id: UUID, *, now: datetime) -> None:
    """Confirm by phone who says that she lives in a household whose register was changed.

    Emits: ResidenceConfirmed.
    """
    waiting = (
        select(Residence)
        .where(
            Residence.household_id == household_id,
            Residence.confirmed_at.is_(None),
            Residence.refused_by_id.is_(None),
        )
        .order_by(Residence.person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for home in (await tx.scalars(waiting)).all():
        await match_residence(tx, home, now=now)


async def who_matches(tx: ReadTx, district_id: UUID, *, after: UUID) -> list[UUID]:
    """Return some of those whom the register of a district would confirm, in order of id.

    For after an import, which brings very many numbers at once.
    """
    query = (
        select(Residence.person_id)
        .join(Person, Person.id == Residence.person_id)
        .join(Resident, Resident.household_id == Residence.household_id)
        .where(
            Residence.district_id == district_id,
            Residence.person_id > after,
            Residence.confirmed_at.is_(None),
            Residence.refused_at.is_(None),
            Resident.phone == Person.phone,
            Resident.moved_out_on.is_(None),
        )
        .order_by(Residence.person_id)
        .limit(MATCHED_AT_ONCE)
    )
    return list(await tx.scalars(query))


async def link_by_phone(tx: Tx, home: Residence) -> None:
    """Note whose account a register's entry is, where the number says so."""
    resident = await _registered(tx, home)
    if resident is not None:
        resident.person_id = home.person_id
        await tx.flush()


async def unlink(tx: Tx, home: Residence) -> None:
    """Note that no entry of a residence's household is of its person."""
    if home.household_id is None:
        return
    theirs = (Resident.household_id == home.household_id, Resident.person_id == home.person_id)
    nobodys = update(Resident).where(*theirs).values(person_id=None)
    await tx.execute(nobodys.execution_options(synchronize_session=False))


async def unlink_number(tx: Tx, resident: Resident) -> None:
    """Note that a locked entry is not of an account that only its former number said it was of.

    A number that was mistyped may be a stranger's, who is not to read what stands here.
    """
    by_number = exists().where(
        Residence.person_id == resident.person_id,
        Residence.household_id == resident.household_id,
        Residence.confirmed_how == Confirmation.PHONE.value,
    )
    hers = select(Person.phone).where(Person.id == resident.person_id)
    if await tx.scalar(select(by_number)) and await tx.scalar(hers) != resident.phone:
        resident.person_id = None


async def join_residents(tx: Tx, from_id: UUID, into_id: UUID) -> None:
    """Let entries be of the person that their account turned out to be; safe to repeat."""
    hers = update(Resident).where(Resident.person_id == from_id).values(person_id=into_id)
    await tx.execute(hers.execution_options(synchronize_session=False))


async def lock_members(tx: Tx, household_id: UUID) -> None:
    """Lock who says that she lives in a household: always before the household's own rows."""
    theirs = select(Residence.person_id).where(Residence.household_id == household_id)
    await tx.execute(theirs.order_by(Residence.person_id).with_for_update())


async def keep_open(tx: Tx, household_id: UUID) -> bool:
    """Keep a household from being ended before the commit; tell whether it is not ended."""
    query = select(Household.ended_on).where(Household.id == household_id)
    row = (await tx.execute(query.with_for_update(read=True, key_share=True))).one_or_none()
    return row is not None and row.ended_on is None


async def _keeps_register(tx: ReadTx, home: Residence, *, now: datetime) -> bool:
    standing = await standing_of(tx, home.person_id, now)
    actor = Actor(home.person_id, home.person_id, standing.posts)
    return actor.may(Permission.REGISTER_MANAGE, at=home.place)


async def _registered(tx: Tx, home: Residence) -> Resident | None:
    """Lock the entry of the household that has the person's verified number."""
    phone = await tx.scalar(select(Person.phone).where(Person.id == home.person_id))
    if phone is None or home.household_id is None:
        return None
    entry = (
        select(Resident)
        .where(
            Resident.household_id == home.household_id,
            Resident.phone == phone,
            Resident.moved_out_on.is_(None),
        )
        .order_by(Resident.id)
        .limit(1)
    )
    return await tx.scalar(entry.with_for_update(key_share=True))
