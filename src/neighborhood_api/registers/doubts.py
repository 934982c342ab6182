"""What looks wrong in the registers: told to staff, and refused to nobody."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select

from neighborhood_api.grid.models import Household, Occupancy
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.registers.models import Establishment, Resident
from neighborhood_api.registers.schemas import RegisterWarningOut, WarningCode

MESSAGES = {
    WarningCode.NO_RESIDENTS: "这户没有在册人员，请核实是否空置",
    WarningCode.NO_HEAD: "这户没有登记户主，请补登",
    WarningCode.SAME_NAME: "已有同名登记，请核对是否重复",
    WarningCode.SAME_PHONE: "该手机号已登记在另一人名下，请核对",
}
NAMED_AT_ONCE = 10


def lives_there() -> ColumnElement[bool]:
    """Hold for residents of a household joined to it, who have not moved out."""
    here: ColumnElement[bool] = Resident.household_id == Household.id
    return here & Resident.moved_out_on.is_(None)


def residents_of_household() -> ColumnElement[int]:
    """Count, in a statement about households, who is registered there now."""
    return (
        select(func.count(Resident.id))
        .where(lives_there())
        .correlate(Household)
        .scalar_subquery()
    )


def is_deserted() -> ColumnElement[bool]:
    """Hold for households without residents that are not known to be vacant."""
    inhabited = exists().where(lives_there()).correlate(Household)
    return ~inhabited & (Household.occupancy != Occupancy.VACANT.value)


def of_household(household: Household, people: Sequence[Resident]) -> list[RegisterWarningOut]:
    """Return what looks wrong in a household."""
    found = []
    if not people and household.occupancy != Occupancy.VACANT:
        found.append(_warning(WarningCode.NO_RESIDENTS))
    if people and not any(one.is_head for one in people):
        found.append(_warning(WarningCode.NO_HEAD))
    seen: set[str] = set()
    for one in people:
        if one.name in seen:
            found.append(_warning(WarningCode.SAME_NAME, one.id))
        seen.add(one.name)
    return found


async def of_resident(tx: ReadTx, actor: Actor, resident: Resident) -> list[RegisterWarningOut]:
    """Return whom somebody looks like: in her household, or by number in the caller's reach."""
    others = select(Resident.id).where(
        Resident.id != resident.id, Resident.moved_out_on.is_(None)
    )
    here = others.where(
        Resident.household_id == resident.household_id, Resident.name == resident.name
    )
    found = [_warning(WarningCode.SAME_NAME, one) for one in await _some(tx, here)]
    if resident.phone is not None:
        same = others.where(
            Resident.phone == resident.phone,
            actor.reach(Permission.HOUSEHOLD_READ, Resident),
        )
        found += [_warning(WarningCode.SAME_PHONE, one) for one in await _some(tx, same)]
    return found


async def of_establishment(tx: ReadTx, one: Establishment) -> list[RegisterWarningOut]:
    """Return which organisations of the same place an entry repeats."""
    same = select(Establishment.id).where(
        Establishment.id != one.id,
        Establishment.community_id.is_not_distinct_from(one.community_id),
        Establishment.address == one.address,
        Establishment.name == one.name,
        Establishment.ended_on.is_(None),
    )
    return [_warning(WarningCode.SAME_NAME, other) for other in await _some(tx, same)]


async def _some(tx: ReadTx, query: Select[UUID]) -> list[UUID]:
    return list(await tx.scalars(query.limit(NAMED_AT_ONCE)))


def _warning(code: WarningCode, entry_id: UUID | None = None) -> RegisterWarningOut:
    return RegisterWarningOut(code=code, message=MESSAGES[code], entry_id=entry_id)
