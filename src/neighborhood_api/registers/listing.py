"""What the lists of the registers can be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy import Row, Select

from neighborhood_api.grid.models import Household
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit.asking import asked
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.idempotency import BadIdempotencyKey, IdempotencyKeyReused
from neighborhood_api.kit.paging import BadCursor, PageRequest
from neighborhood_api.registers.keeping import is_stale, listed_at, stale_since
from neighborhood_api.registers.models import Establishment, Resident

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
ONCE = (BadIdempotencyKey, IdempotencyKeyReused)
LISTING = (*SIGNED_IN, Forbidden, NodeNotFound, BadCursor)
TAGS = ["住址与登记册 registers"]


@dataclass(frozen=True)
class RegisterFilter:
    """Which entries a list shows."""

    node_id: Annotated[UUID, Query(description="地点及其下级 · A place and all below it.")]
    stale: Annotated[
        bool, Query(description="只看太久未核实的 · Only those not verified for long.")
    ] = False
    stale_days: Annotated[
        int | None,
        Query(
            ge=1,
            le=3650,
            description="多少天算太久，不填按区县设置 · How long; else as the district says.",
        ),
    ] = None


FilterDep = Annotated[RegisterFilter, Depends(asked(RegisterFilter))]


async def listed(
    tx: ReadTx,
    actor: Actor,
    table: type[Household] | type[Resident] | type[Establishment],
    rows: Select[*tuple[Any, ...]],
    wish: RegisterFilter,
    page: PageRequest,
    *,
    now: datetime,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return what a page shows of `rows` of a register, last registered first.

    Ended entries are left out.

    Raises: NodeNotFound, Forbidden, BadCursor.
    """
    here = await listed_at(tx, actor, table, wish.node_id, now=now)
    open_ones = table.moved_out_on if table is Resident else table.ended_on  # type: ignore[union-attr]
    here &= open_ones.is_(None)
    if wish.stale:
        since = await stale_since(tx, wish.node_id, wish.stale_days, now=now)
        here &= is_stale(table, since)
    shown = rows.where(here, table.id < page.below).order_by(table.id.desc())
    return (await tx.execute(shown.limit(page.fetch))).all()
