"""Rules of the checklist of a venue: what staff found, and what is to be put right."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.venues.models import Equipment, EquipmentState, Venue
from neighborhood_api.venues.schemas import EquipmentIn
from neighborhood_api.venues.service import hold_venue


class Gap(NamedTuple):
    """An item that a venue has not, or not in order."""

    id: UUID
    venue_id: UUID
    venue_name: str
    item: str
    state: str
    note: str
    checked_at: datetime
    checked_by: str | None


async def check_equipment(
    tx: Tx, actor: Actor, venue_id: UUID, wish: EquipmentIn, *, now: datetime
) -> None:
    """Note what was found at a venue; what was not looked at stays as it was.

    Raises: VenueNotFound, Forbidden, VenueGone.
    """
    venue = await hold_venue(tx, actor, venue_id)
    found = insert(Equipment).values(
        [
            {
                "id": new_id(),
                "venue_id": venue.id,
                "item": check.item.value,
                "state": check.state.value,
                "note": check.note,
                "checked_at": now,
                "checked_by_id": actor.person_id,
            }
            for check in wish.items
        ]
    )
    newest = {
        name: found.excluded[name] for name in ("state", "note", "checked_at", "checked_by_id")
    }
    await tx.execute(found.on_conflict_do_update(constraint="uq_equipment_item", set_=newest))
    states = {check.item.value: check.state.value for check in wish.items}
    record_act(
        tx, "venues.equipment_checked", venue.id, by=actor.person_id, now=now, found=states
    )


async def equipment_of(tx: ReadTx, venue_id: UUID) -> dict[str, Equipment]:
    """Return what was last found at a venue, by item."""
    found = await tx.scalars(select(Equipment).where(Equipment.venue_id == venue_id))
    return {one.item: one for one in found}


async def list_gaps(tx: ReadTx, actor: Actor, page: PageRequest) -> Sequence[Gap]:
    """Return what is missing or broken at the venues that the caller keeps.

    Raises: Forbidden, BadCursor.
    """
    if not any(Permission.VENUE_MANAGE in GRANTED[post.role] for post in actor.posts):
        raise Forbidden(permission=Permission.VENUE_MANAGE.value)
    rows = await tx.execute(
        select(
            Equipment.id,
            Equipment.venue_id,
            Venue.name,
            Equipment.item,
            Equipment.state,
            Equipment.note,
            Equipment.checked_at,
            Person.name,
        )
        .join(Venue, Venue.id == Equipment.venue_id)
        .join(Person, Person.id == Equipment.checked_by_id)
        .where(
            actor.reach(Permission.VENUE_MANAGE, Venue),
            Venue.closed_at.is_(None),
            Equipment.state != EquipmentState.PRESENT.value,
            Equipment.id < page.below,
        )
        .order_by(Equipment.id.desc())
        .limit(page.fetch)
    )
    return [Gap(*row) for row in rows]
