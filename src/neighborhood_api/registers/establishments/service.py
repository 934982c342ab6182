"""Rules of the register of organisations."""

from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.place_names import (
    PlaceNames,
    community_name,
    own_name,
    place_names,
)
from neighborhood_api.grid.service import current_node, normal_address
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registers import doubts
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
from neighborhood_api.registers.models import Establishment
from neighborhood_api.registers.schemas import (
    EndEntryIn,
    EstablishmentChangeIn,
    EstablishmentIn,
    RegisterWarningOut,
)


class NotALaneOrGrid(Problem):
    """Organisations are found at lanes and grids, not at larger places."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Choose a lane or a grid"
    message = "请选择具体的街巷或网格"


class KeptEstablishment(NamedTuple):
    """An entry, where it is, and what looks wrong."""

    establishment: Establishment
    at: PlaceNames
    warnings: list[RegisterWarningOut]


def placed() -> Select[Establishment, str, str]:
    """Select organisations with what their lane or grid and their community are called."""
    return select(Establishment, own_name(Establishment), community_name(Establishment))


async def read_establishment(
    tx: ReadTx, actor: Actor, establishment_id: UUID
) -> KeptEstablishment:
    """Return an organisation's entry.

    Raises: EntryNotFound.
    """
    return await _kept(tx, await find_entry(tx, actor, Establishment, establishment_id))


async def add_establishment(
    tx: Tx, actor: Actor, wish: EstablishmentIn, *, now: datetime
) -> KeptEstablishment:
    """Register an organisation at a lane or grid.

    Raises: NodeNotFound, Forbidden, NotALaneOrGrid.
    Emits: RegisterEntryAdded.
    """
    node = await current_node(tx, wish.node_id, now=now)
    actor.require(Permission.REGISTER_MANAGE, at=node.place)
    if node.level < Level.GRID:
        raise NotALaneOrGrid
    one = Establishment(
        name=wish.name,
        kind=wish.kind.value,
        address=normal_address(wish.address),
        contact_name=wish.contact_name,
        contact_phone=wish.contact_phone,
        verified_on=local_day(now),
        **columns_of(node.place),  # type: ignore[arg-type]
    )
    tx.add(one)
    await tx.flush()
    note(tx, actor, RegisterEntryAdded, one, now=now)
    return await _kept(tx, one)


async def change_establishment(
    tx: Tx,
    actor: Actor,
    establishment_id: UUID,
    wish: EstablishmentChangeIn,
    *,
    now: datetime,
) -> KeptEstablishment:
    """Change what is known of an organisation; what is left out stays, null empties it.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, StaleVersion.
    Emits: RegisterEntryChanged.
    """
    one = await lock_entry(tx, actor, Establishment, establishment_id)
    require_open(one, wish.version)
    given = wish.model_dump(exclude={"version"}, exclude_unset=True, mode="json")
    never_empty = {"name", "kind", "address"}
    given = {k: v for k, v in given.items() if v is not None or k not in never_empty}
    if wish.address is not None:
        given["address"] = normal_address(wish.address)
    kept = change(one, given)
    one.version += 1
    note(tx, actor, RegisterEntryChanged, one, now=now, **kept)
    await tx.flush()
    return await _kept(tx, one)


async def end_establishment(
    tx: Tx, actor: Actor, establishment_id: UUID, wish: EndEntryIn, *, now: datetime
) -> KeptEstablishment:
    """Note that an organisation is not there any more.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded, StaleVersion, DayNotYet.
    Emits: RegisterEntryEnded.
    """
    one = await lock_entry(tx, actor, Establishment, establishment_id)
    require_open(one, wish.version)
    one.ended_on = day_of(wish.on, now=now)
    one.version += 1
    note(tx, actor, RegisterEntryEnded, one, now=now)
    await tx.flush()
    return await _kept(tx, one)


async def verify_establishment(
    tx: Tx, actor: Actor, establishment_id: UUID, *, now: datetime
) -> KeptEstablishment:
    """Note that an organisation is as registered; once more on the same day is nothing.

    Raises: EntryNotFound, Forbidden, EntryAlreadyEnded.
    Emits: RegisterEntryVerified.
    """
    one = await lock_entry(tx, actor, Establishment, establishment_id)
    require_open(one)
    if verify(one, local_day(now)):
        note(tx, actor, RegisterEntryVerified, one, now=now)
    await tx.flush()
    return await _kept(tx, one)


async def _kept(tx: ReadTx, one: Establishment) -> KeptEstablishment:
    at = await place_names(tx, one)
    return KeptEstablishment(one, at, await doubts.of_establishment(tx, one))
