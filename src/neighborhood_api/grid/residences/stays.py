"""Rules of where one lives: saying it, having it confirmed or refused, leaving it.

Locks are taken in one order: the residence, then its household.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from neighborhood_api.grid.events import (
    RepresentativeChanged,
    ResidenceConfirmed,
    ResidenceLeft,
    ResidenceRefused,
    ResidenceStated,
)
from neighborhood_api.grid.models import (
    Confirmation,
    Household,
    Node,
    PastResidence,
    Residence,
)
from neighborhood_api.grid.residences.models import LeftResidence
from neighborhood_api.grid.schemas import ResidenceIn
from neighborhood_api.grid.service import NotALane, current_node, normal_address
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit

_UNSAID = ""
"""The door of a residence that was begun and not stated yet."""


async def state_residence(
    tx: Tx, actor: Actor, wish: ResidenceIn, *, now: datetime
) -> Residence:
    """Note where the caller lives; the register's household is found by lane and door.

    Said once more, as a phone does that lost the answer, it changes nothing; after a refusal
    it asks once more, and then staff decide, also when she was elsewhere meanwhile. Another
    place ends what was confirmed before.

    Raises: NodeNotFound, NotALane, StaleVersion.
    Emits: ResidenceStated, ResidenceLeft, RepresentativeChanged.
    """
    lane = await current_node(tx, wish.lane_id, now=now)
    if lane.level != Level.LANE:
        raise NotALane
    address = normal_address(wish.address)
    household_id = await tx.scalar(
        select(Household.id).where(
            Household.lane_id == lane.id,
            Household.address == address,
            Household.ended_on.is_(None),
        )
    )
    home = await _lock_home(tx, actor.person_id, lane, now=now)
    same_door = (home.place, home.address) == (lane.place, address)
    if same_door and home.household_id == household_id and home.refused_at is None:
        return home
    if home.address != _UNSAID and home.version != wish.version:
        raise StaleVersion(version=home.version)
    refused_by_id = home.refused_by_id
    if not same_door:
        await _end_stay(tx, home, now=now)
        await _keep_refusal(tx, home, now=now)
        refused_by_id = await _refused_before(tx, home.person_id, lane, address, household_id)
    if not same_door or home.refused_at is not None:
        _reopen(home)
        home.refused_by_id = refused_by_id
    home.version += 1
    for name, node_id in columns_of(lane.place).items():
        setattr(home, name, node_id)
    home.address = address
    home.household_id = household_id
    home.stated_at = now
    await tx.flush()
    emit(tx, ResidenceStated(person_id=actor.person_id, lane_id=lane.id))
    return home


async def confirm_stay(
    tx: Tx, home: Residence, how: Confirmation, *, by_id: UUID | None, now: datetime
) -> None:
    """Note that a locked residence is true.

    Emits: ResidenceConfirmed.
    """
    home.confirmed_at = now
    home.confirmed_how = how.value
    home.confirmed_by_id = by_id
    home.refused_at = home.refused_by_id = home.refusal = None
    home.version += 1
    await tx.flush()
    emit(
        tx,
        ResidenceConfirmed(
            person_id=home.person_id,
            lane_id=home.place.node_id,
            household_id=home.household_id,
        ),
    )


async def refuse_stay(
    tx: Tx, home: Residence, reason: str, *, by_id: UUID, now: datetime
) -> None:
    """Note that a locked residence is not true, or not any more.

    Emits: ResidenceRefused, ResidenceLeft, RepresentativeChanged.
    """
    await _end_stay(tx, home, now=now)
    _reopen(home)
    home.version += 1
    home.refused_at = now
    home.refused_by_id = by_id
    home.refusal = reason
    await tx.flush()
    emit(tx, ResidenceRefused(person_id=home.person_id, lane_id=home.place.node_id))


async def leave_stay(tx: Tx, home: Residence, *, now: datetime) -> None:
    """Forget a locked residence; what was confirmed or refused of it stays in the history.

    Emits: ResidenceLeft, RepresentativeChanged.
    """
    await _end_stay(tx, home, now=now)
    await _keep_refusal(tx, home, now=now)
    left = insert(LeftResidence).values(person_id=home.person_id, version=home.version)
    newest = {"version": left.excluded.version}
    await tx.execute(left.on_conflict_do_update(index_elements=["person_id"], set_=newest))
    await tx.delete(home)
    await tx.flush()


async def locked_residence(tx: Tx, person_id: UUID) -> Residence | None:
    """Lock where somebody lives; None for who has not said it."""
    mine = select(Residence).where(Residence.person_id == person_id).with_for_update()
    return await tx.scalar(mine.execution_options(populate_existing=True))


async def locked_household(tx: Tx, household_id: UUID) -> Household | None:
    """Lock a household of the register against other changes of what it is."""
    query = select(Household).where(Household.id == household_id)
    locking = query.with_for_update(key_share=True)
    return await tx.scalar(locking.execution_options(populate_existing=True))


def set_representative(tx: Tx, household: Household, person_id: UUID | None) -> None:
    """Let somebody speak for a locked household.

    Emits: RepresentativeChanged.
    """
    household.representative_id = person_id
    household.version += 1
    changed = RepresentativeChanged(
        household_id=household.id, person_id=person_id, version=household.version
    )
    emit(tx, changed)


async def chosen_by_most(
    tx: ReadTx, household_id: UUID, *, without_id: UUID | None = None
) -> UUID | None:
    """Return whom more than half of the members want, if they want one of them."""
    here = [Residence.household_id == household_id, Residence.confirmed_at.is_not(None)]
    if without_id is not None:
        here.append(Residence.person_id != without_id)
    members = await tx.scalar(select(func.count(Residence.person_id)).where(*here))
    wanted = aliased(Residence)
    choices = (
        select(Residence.chosen_representative_id, func.count())
        .join(wanted, wanted.person_id == Residence.chosen_representative_id)
        .where(
            *here,
            wanted.household_id == household_id,
            wanted.confirmed_at.is_not(None),
            wanted.person_id.is_distinct_from(without_id),
        )
        .group_by(Residence.chosen_representative_id)
    )
    for person_id, votes in await tx.execute(choices):
        if votes * 2 > (members or 0):
            chosen: UUID | None = person_id
            return chosen
    return None


async def join_residences(tx: Tx, from_id: UUID, into_id: UUID, *, now: datetime) -> None:
    """Give one person the residence of another who turned out to be her; safe to repeat.

    Of two, the confirmed one stays, else that of the person who stays; the other is left.

    Emits: ResidenceLeft, RepresentativeChanged.
    """
    both = select(Residence).where(Residence.person_id.in_([from_id, into_id]))
    locked = both.order_by(Residence.person_id).with_for_update()
    homes = {home.person_id: home for home in await tx.scalars(locked)}
    old, new = homes.get(from_id), homes.get(into_id)
    if old is not None and new is not None:
        better = old.confirmed_at is not None and new.confirmed_at is None
        if not better and old.household_id == new.household_id:
            await _choose_instead(tx, old.household_id, from_id, into_id)
            speaks = update(Household).where(
                Household.id == old.household_id, Household.representative_id == from_id
            )
            hers = speaks.values(representative_id=into_id)
            await tx.execute(hers.execution_options(synchronize_session=False))
        await leave_stay(tx, new if better else old, now=now)
        old = old if better else None
    columns = (Residence.person_id, PastResidence.person_id, Household.representative_id)
    for column in columns:
        give = update(column.class_).where(column == from_id).values({column: into_id})
        await tx.execute(give.execution_options(synchronize_session=False))
    if old is not None:
        await _choose_instead(tx, old.household_id, from_id, into_id)


async def _choose_instead(
    tx: Tx, household_id: UUID | None, from_id: UUID, into_id: UUID
) -> None:
    """Let who chose somebody to speak for a household have chosen who she turned out to be."""
    if household_id is None:
        return
    chosen = Residence.chosen_representative_id
    here = (Residence.household_id == household_id, chosen == from_id)
    choices = update(Residence).where(*here).values({chosen: into_id})
    await tx.execute(choices.execution_options(synchronize_session=False))


async def _end_stay(tx: Tx, home: Residence, *, now: datetime) -> None:
    """Keep that somebody lived here, and let her speak for nobody here any more."""
    if home.confirmed_at is None:
        return
    tx.add(_past(home, home.confirmed_at, now=now))
    if home.household_id is not None:
        household = await locked_household(tx, home.household_id)
        if household is not None:
            await _count_anew(tx, household, home.person_id)
    emit(
        tx,
        ResidenceLeft(
            person_id=home.person_id,
            lane_id=home.place.node_id,
            household_id=home.household_id,
        ),
    )


async def _count_anew(tx: Tx, household: Household, gone_id: UUID) -> None:
    """Let whom more than half of the others want speak for a locked household.

    Whom staff named since the members chose goes on, unless they are more than half only now.
    """
    before = await chosen_by_most(tx, household.id)
    after = await chosen_by_most(tx, household.id, without_id=gone_id)
    speaks = household.representative_id
    if speaks == gone_id or (after is not None and after != before):
        speaks = after
    if speaks != household.representative_id:
        set_representative(tx, household, speaks)


async def _keep_refusal(tx: Tx, home: Residence, *, now: datetime) -> None:
    """Keep that staff said that somebody does not live here, when she goes elsewhere."""
    if home.refused_by_id is None:
        return
    past = _past(home, home.stated_at, now=now)
    past.refused_by_id = home.refused_by_id
    tx.add(past)


async def _refused_before(
    tx: Tx, person_id: UUID, lane: Node, address: str, household_id: UUID | None
) -> UUID | None:
    """Return who refused somebody at a door, if that was the last that staff said of it."""
    here = and_(PastResidence.lane_id == lane.id, PastResidence.address == address)
    if household_id is not None:  # its door may have been another
        here = or_(here, PastResidence.household_id == household_id)
    said = select(PastResidence.refused_by_id).where(PastResidence.person_id == person_id, here)
    latest = said.order_by(PastResidence.ended_at.desc(), PastResidence.id.desc()).limit(1)
    refused_by_id: UUID | None = await tx.scalar(latest)
    return refused_by_id


def _past(home: Residence, began_at: datetime, *, now: datetime) -> PastResidence:
    return PastResidence(
        person_id=home.person_id,
        address=home.address,
        household_id=home.household_id,
        began_at=began_at,
        ended_at=max(now, began_at),
        **columns_of(home.place),
    )


def _reopen(home: Residence) -> None:
    """Make a locked residence one that nobody has decided about."""
    home.confirmed_at = home.confirmed_by_id = home.confirmed_how = None
    home.refused_at = home.refused_by_id = home.refusal = None
    home.chosen_representative_id = None


async def _lock_home(tx: Tx, person_id: UUID, lane: Node, *, now: datetime) -> Residence:
    """Load the person's residence, or begin one; two phones at once begin the same one.

    One that is begun anew goes on from the version at which the last one was left.
    """
    mine = select(Residence).where(Residence.person_id == person_id).with_for_update()
    home = await tx.scalar(mine)
    if home is None:
        left = select(LeftResidence.version).where(LeftResidence.person_id == person_id)
        blank = {
            "person_id": person_id,
            "address": _UNSAID,
            "stated_at": now,
            "version": await tx.scalar(left) or 0,
        }
        begun = insert(Residence).values(blank | columns_of(lane.place))
        await tx.execute(begun.on_conflict_do_nothing())
        home = (await tx.scalars(mine)).one()
    return home
