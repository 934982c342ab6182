"""How staff see a whole entry: for a reason, on the record, and only where they visit."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.grid.models import Household
from neighborhood_api.grid.place_names import place_names
from neighborhood_api.identity.access import GRANTED, Actor, Permission, Post
from neighborhood_api.identity.places import Place
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.trail import trail_of
from neighborhood_api.registers.events import RegisterEntryShown
from neighborhood_api.registers.keeping import find_entry
from neighborhood_api.registers.models import (
    Establishment,
    LookedAt,
    RegisterLook,
    Resident,
)
from neighborhood_api.registers.schemas import EstablishmentRecordOut, ResidentRecordOut
from neighborhood_api.registers.views import establishment_record, resident_record


async def look_at_resident(
    tx: Tx, actor: Actor, resident_id: UUID, reason: str, *, now: datetime
) -> ResidentRecordOut:
    """Show somebody's whole entry, and write down that it was shown.

    Raises: EntryNotFound, Forbidden.
    Emits: RegisterEntryShown.
    """
    manage = Permission.REGISTER_MANAGE
    resident = await find_entry(tx, actor, Resident, resident_id, permission=manage)
    look = write_down(
        tx, actor, LookedAt.RESIDENT, resident.id, resident.place, manage, reason, now
    )
    household = await tx.get_one(Household, resident.household_id)
    await tx.flush()
    at = await place_names(tx, resident)
    return resident_record(resident, household.address, at, look.id)


async def look_at_establishment(
    tx: Tx, actor: Actor, establishment_id: UUID, reason: str, *, now: datetime
) -> EstablishmentRecordOut:
    """Show an organisation's whole entry, and write down that it was shown.

    Raises: EntryNotFound, Forbidden.
    Emits: RegisterEntryShown.
    """
    manage = Permission.REGISTER_MANAGE
    one = await find_entry(tx, actor, Establishment, establishment_id, permission=manage)
    look = write_down(tx, actor, LookedAt.ESTABLISHMENT, one.id, one.place, manage, reason, now)
    await tx.flush()
    return establishment_record(one, await place_names(tx, one), look.id)


def write_down(
    tx: Tx,
    actor: Actor,
    what: LookedAt,
    subject_id: UUID,
    place: Place,
    permission: Permission,
    reason: str,
    now: datetime,
) -> RegisterLook:
    """Keep for ever that the caller looks, in which post, and why.

    Emits: RegisterEntryShown.
    """
    post = _post_at(actor, permission, place)
    look = RegisterLook(
        what=what.value,
        subject_id=subject_id,
        person_id=actor.person_id,
        role=post.role.value,
        node_id=post.node_id,
        reason=reason,
        looked_at=now,
    )
    tx.add_all([look, trail_of(look)])
    emit(tx, RegisterEntryShown(look_id=look.id, what=what, subject_id=subject_id))
    return look


def _post_at(actor: Actor, permission: Permission, place: Place) -> Post:
    return next(
        post
        for post in actor.posts
        if permission in GRANTED[post.role] and post.covers(place, ())
    )
