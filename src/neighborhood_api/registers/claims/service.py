"""Rules of who lives where: what a resident says, and what staff of the place decide.

A claim is answered the same whoever lives there: only staff see what the register holds. Locks
are taken in one order: the residence, its household, the register's entry.
"""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, select

from neighborhood_api.grid.models import Confirmation, Household, PastResidence, Residence
from neighborhood_api.grid.place_names import community_name, own_name
from neighborhood_api.grid.residences import stays
from neighborhood_api.grid.schemas import ResidenceIn
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registers.claims.matching import (
    keep_open,
    link_by_phone,
    match_residence,
    unlink,
)
from neighborhood_api.registers.claims.notices import tell_confirmed, tell_refused
from neighborhood_api.registers.claims.schemas import ConfirmResidenceIn, RefuseResidenceIn
from neighborhood_api.registers.keeping import EntryAlreadyEnded, EntryNotFound
from neighborhood_api.registers.models import Resident

DECIDE = Permission.RESIDENCE_DECIDE


class ClaimNotFound(Problem):
    """The id names nobody who says that she lives where the caller decides."""

    status = HTTPStatus.NOT_FOUND
    title = "Nobody of that id says that she lives in your place"
    message = "没有找到待办的住址，可能已改到别处，请刷新列表"


class ClaimAlreadyDecided(Problem):
    """Somebody else decided it, the same way."""

    title = "It was decided before"
    message = "已有人办理，请刷新列表"


class OwnResidence(Problem):
    """Nobody confirms where she herself lives."""

    status = HTTPStatus.FORBIDDEN
    title = "Somebody else has to decide about your own residence"
    message = "不能确认自己的住址，请由其他工作人员办理"


class NoResidence(Problem):
    """The caller has not said where she lives."""

    status = HTTPStatus.NOT_FOUND
    title = "You have not said where you live"
    message = "您还没有填写居住地址"


class EntryIsAnothers(Problem):
    """The entry is of somebody else whose residence in the household is confirmed."""

    title = "That entry of the register is of another confirmed member"
    message = "这条登记已对应另一位住址已确认的居民，请核对；如对应有误，请先撤销对方的住址确认"


class Claim(NamedTuple):
    """Somebody who waits, with what the register has for staff to compare."""

    home: Residence
    person: Person
    name_is_registered: bool
    lane: str
    community: str


class Move(NamedTuple):
    """Somebody who left."""

    stay: PastResidence
    name: str | None
    resident_id: UUID | None
    lane: str
    community: str


async def state_residence(
    tx: Tx, actor: Actor, wish: ResidenceIn, *, now: datetime
) -> Residence:
    """Note where the caller lives; her verified number confirms it where the register has it.

    Raises: NodeNotFound, NotALane, StaleVersion.
    Emits: ResidenceStated, ResidenceConfirmed, ResidenceLeft, RepresentativeChanged.
    """
    home = await stays.state_residence(tx, actor, wish, now=now)
    await match_residence(tx, home, now=now)
    return home


async def leave_residence(tx: Tx, actor: Actor, version: int, *, now: datetime) -> None:
    """Note that the caller moved out, and has no residence until she states another.

    Raises: NoResidence, StaleVersion.
    Emits: ResidenceLeft, RepresentativeChanged.
    """
    home = await stays.locked_residence(tx, actor.person_id)
    if home is None:
        raise NoResidence
    if home.version != version:
        raise StaleVersion(version=home.version)
    await stays.leave_stay(tx, home, now=now)


async def confirm_residence(
    tx: Tx, actor: Actor, person_id: UUID, wish: ConfirmResidenceIn, *, now: datetime
) -> Residence:
    """Note that somebody lives where she says; of two who decide at once, one does.

    Raises: ClaimNotFound, OwnResidence, ClaimAlreadyDecided, StaleVersion, EntryNotFound,
        EntryAlreadyEnded, EntryIsAnothers.
    Emits: ResidenceConfirmed.
    """
    home = await _lock_claim(tx, actor, person_id)
    if home.confirmed_at is not None:
        raise ClaimAlreadyDecided
    if home.version != wish.version:
        raise StaleVersion(version=home.version)
    if wish.household_id is not None:
        await _move_in(tx, home, wish.household_id)
    if home.household_id is not None and not await keep_open(tx, home.household_id):
        raise EntryAlreadyEnded
    staff = Confirmation.STAFF
    await stays.confirm_stay(tx, home, staff, by_id=actor.person_id, now=now)
    if wish.resident_id is not None:
        await _link(tx, home, wish.resident_id)
    else:
        await link_by_phone(tx, home)
    _note(tx, actor, "registers.residence_confirmed", home, now)
    await tell_confirmed(tx, home, now=now)
    return home


async def refuse_residence(
    tx: Tx, actor: Actor, person_id: UUID, wish: RefuseResidenceIn, *, now: datetime
) -> Residence:
    """Note that somebody does not live where she says, or, once confirmed, not any more.

    No entry of the household is hers any more: what it says is not for who is somebody else.

    Raises: ClaimNotFound, OwnResidence, ClaimAlreadyDecided, StaleVersion.
    Emits: ResidenceRefused, ResidenceLeft, RepresentativeChanged.
    """
    home = await _lock_claim(tx, actor, person_id)
    if home.refused_at is not None:
        raise ClaimAlreadyDecided
    if home.version != wish.version:
        raise StaleVersion(version=home.version)
    was = home.confirmed_at is not None
    await stays.refuse_stay(tx, home, wish.reason, by_id=actor.person_id, now=now)
    await unlink(tx, home)
    _note(tx, actor, "registers.residence_refused", home, now)
    await tell_refused(tx, home, was_confirmed=was, now=now)
    return home


def claims_waiting(
    here: ColumnElement[bool],
) -> Select[Residence, Person, bool, str, str]:
    """Select who waits to be confirmed, where `here` holds."""
    same = exists().where(
        Resident.household_id == Residence.household_id,
        Resident.name == Person.name,
        Resident.moved_out_on.is_(None),
    )
    registered = same.correlate(Residence, Person)
    at = (own_name(Residence), community_name(Residence))
    return (
        select(Residence, Person, registered, *at)
        .join(Person, Person.id == Residence.person_id)
        .where(here, Residence.confirmed_at.is_(None), Residence.refused_at.is_(None))
    )


def moves(
    here: ColumnElement[bool],
) -> Select[PastResidence, str | None, UUID | None, str, str]:
    """Select who left, with the entry of the register that is still open, if there is one."""
    still = (
        select(Resident.id)
        .where(
            Resident.household_id == PastResidence.household_id,
            Resident.person_id == PastResidence.person_id,
            Resident.moved_out_on.is_(None),
        )
        .order_by(Resident.id)
        .limit(1)
        .correlate(PastResidence)
        .scalar_subquery()
    )
    at = (own_name(PastResidence), community_name(PastResidence))
    who = select(PastResidence, Person.name, still, *at)
    lived = PastResidence.refused_by_id.is_(None)
    return who.join(Person, Person.id == PastResidence.person_id).where(here, lived)


async def read_residence(tx: ReadTx, actor: Actor) -> Residence:
    """Return where the caller says that she lives.

    Raises: NoResidence.
    """
    home = await tx.get(Residence, actor.person_id)
    if home is None:
        raise NoResidence
    return home


async def _lock_claim(tx: Tx, actor: Actor, person_id: UUID) -> Residence:
    home = await stays.locked_residence(tx, person_id)
    if home is None or not actor.may(DECIDE, at=home.place):
        raise ClaimNotFound
    if person_id == actor.person_id:
        raise OwnResidence
    return home


async def _move_in(tx: Tx, home: Residence, household_id: UUID) -> None:
    """Let a locked residence be in a household of the same lane."""
    household = await tx.get(Household, household_id)
    if household is None or household.lane_id != home.lane_id:
        raise EntryNotFound
    home.household_id = household.id
    home.address = household.address


async def _link(tx: Tx, home: Residence, resident_id: UUID) -> None:
    """Note whose account an entry of the register is."""
    entry = select(Resident).where(
        Resident.id == resident_id,
        Resident.household_id == home.household_id,
        Resident.moved_out_on.is_(None),
    )
    resident = await tx.scalar(entry.with_for_update(key_share=True))
    if resident is None:
        raise EntryNotFound
    if resident.person_id not in {None, home.person_id}:
        anothers = exists().where(
            Residence.person_id == resident.person_id,
            Residence.household_id == home.household_id,
            Residence.confirmed_at.is_not(None),
        )
        if await tx.scalar(select(anothers)):
            raise EntryIsAnothers
    resident.person_id = home.person_id


def _note(tx: Tx, actor: Actor, what: str, home: Residence, now: datetime) -> None:
    lane_id, household_id = home.place.node_id, home.household_id
    detail = {"lane_id": lane_id, "household_id": household_id}
    record_act(tx, what, home.person_id, by=actor.person_id, now=now, **detail)
