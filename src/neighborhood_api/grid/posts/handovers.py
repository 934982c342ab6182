"""Open work follows whoever acts, in the transaction that changes who does.

The grid does not know what work there is: each kind of it registers here when the application
or the worker is put together.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import select, update

from neighborhood_api.grid.models import Node
from neighborhood_api.kit.db import ReadTx, Tx


@dataclass(frozen=True)
class Turnover:
    """Where somebody else acts now."""

    node_ids: frozenset[UUID]
    organization_ids: frozenset[UUID]
    """The departments whose officers changed."""
    person_ids: frozenset[UUID]
    """Whose power changed: most of them came or left."""


class Holding(NamedTuple):
    """Whose work is asked about, and in which post."""

    person_id: UUID
    node_id: UUID
    organization_id: UUID | None


class OpenWork(Protocol):
    """A kind of work that lies in somebody's hands."""

    @property
    def kind(self) -> str:
        """What answers call it, in the plural."""

    async def hold(self, tx: Tx, turnover: Turnover) -> None:
        """Lock what may change hands, in order of id, before the places are locked."""

    async def hand_over(self, tx: Tx, turnover: Turnover, *, now: datetime) -> int:
        """Give it to whoever acts now, and return how much of it changed hands."""

    async def count(self, tx: ReadTx, holding: Holding) -> int:
        """Return how much of it is in somebody's hands by one of her posts."""


_kinds: dict[str, OpenWork] = {}


def hand_over_with(*kinds: OpenWork) -> None:
    """Have these kinds of work follow from now on; the same kind once."""
    _kinds.update({one.kind: one for one in kinds})


async def hand_over_work(tx: Tx, turnover: Turnover, *, now: datetime) -> dict[str, int]:
    """Give all open work to whoever acts now; return by kind how much changed hands.

    What somebody gives away just now she locks before she asks who answers. So it is locked
    here before the places are: neither waits for the other. From then on whoever asked before
    is told to ask again, see `duty_is_of_now` among the guards.
    """
    for kind in _kinds.values():
        await kind.hold(tx, turnover)
    await _lock_places(tx, turnover.node_ids)
    return {name: await kind.hand_over(tx, turnover, now=now) for name, kind in _kinds.items()}


async def open_work(tx: ReadTx, holding: Holding) -> dict[str, int]:
    """Return by kind how much is in somebody's hands by one of her posts."""
    return {name: await kind.count(tx, holding) for name, kind in _kinds.items()}


async def _lock_places(tx: Tx, node_ids: Collection[UUID]) -> None:
    """Lock the places, in order of id, and count that somebody else came to act there."""
    ids = list(node_ids)
    locked = select(Node.id).where(Node.id.in_(ids)).order_by(Node.id)
    await tx.execute(locked.with_for_update(key_share=True))
    counted = update(Node).where(Node.id.in_(ids)).values(duty_changes=Node.duty_changes + 1)
    await tx.execute(counted.execution_options(synchronize_session=False))
