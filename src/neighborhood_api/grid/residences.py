"""Rules of saying where one lives."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.events import ResidenceStated
from neighborhood_api.grid.models import Household, Node, Residence
from neighborhood_api.grid.schemas import ResidenceIn
from neighborhood_api.grid.service import NotALane, current_node, normal_address
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit

_UNSAID = 0
"""The version of a residence that was begun and not stated yet."""


async def state_residence(
    tx: Tx, actor: Actor, wish: ResidenceIn, *, now: datetime
) -> Residence:
    """Note where the caller lives; the register's household is found by lane and door.

    Said once more, as a phone does that lost the answer, it changes nothing.

    Raises: NodeNotFound, NotALane, StaleVersion.
    Emits: ResidenceStated.
    """
    lane = await current_node(tx, wish.lane_id, now=now)
    if lane.level != Level.LANE:
        raise NotALane
    address = normal_address(wish.address)
    household_id = await tx.scalar(
        select(Household.id).where(Household.lane_id == lane.id, Household.address == address)
    )
    home = await _lock_home(tx, actor.person_id, lane, now=now)
    if (home.place, home.address, home.household_id) == (lane.place, address, household_id):
        return home
    if home.version not in {_UNSAID, wish.version}:
        raise StaleVersion(version=home.version)
    home.version += 1
    for name, node_id in columns_of(lane.place).items():
        setattr(home, name, node_id)
    home.address = address
    home.household_id = household_id
    home.stated_at = now
    await tx.flush()
    emit(tx, ResidenceStated(person_id=actor.person_id, lane_id=lane.id))
    return home


async def _lock_home(tx: Tx, person_id: UUID, lane: Node, *, now: datetime) -> Residence:
    """Load the person's residence, or begin one; two phones at once begin the same one."""
    mine = select(Residence).where(Residence.person_id == person_id).with_for_update()
    home = await tx.scalar(mine)
    if home is None:
        blank = {"person_id": person_id, "address": "", "stated_at": now, "version": _UNSAID}
        begun = insert(Residence).values(blank | columns_of(lane.place))
        await tx.execute(begun.on_conflict_do_nothing())
        home = (await tx.scalars(mine)).one()
    return home
