"""How much each of the three rates weighs (权重): versions per district, and the score."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.statistics.events import WeightsChanged
from neighborhood_api.statistics.models import Weights
from neighborhood_api.statistics.schemas import WeightsIn


class InForce(NamedTuple):
    """The weights that a score was made with."""

    response: int = 1
    solution: int = 1
    satisfaction: int = 1
    version: int = 0
    """0 for 1:1:1, which holds until a district says otherwise: no norm names any."""
    valid_from: datetime | None = None
    reason: str | None = None


async def weights_at(tx: ReadTx, district_id: UUID, moment: datetime) -> InForce:
    """Return the weights that were in force in a district at a moment."""
    newest = (
        select(Weights)
        .where(Weights.district_id == district_id, Weights.valid_from <= moment)
        .order_by(Weights.version.desc())
        .limit(1)
    )
    found = await tx.scalar(newest)
    return InForce() if found is None else _shown(found)


async def list_weights(tx: ReadTx, district_id: UUID) -> list[InForce]:
    """Return every version of the weights of a district, the newest first.

    Raises: NodeNotFound.
    """
    await _district(tx, district_id)
    mine = select(Weights).where(Weights.district_id == district_id)
    rows = await tx.scalars(mine.order_by(Weights.version.desc()))
    return [*map(_shown, rows), InForce()]


async def save_weights(tx: Tx, actor: Actor, wish: WeightsIn, *, now: datetime) -> InForce:
    """Put other weights in force from now on; scores of earlier periods keep theirs.

    Saved once more as they are, they make no version.

    Raises: NodeNotFound, Forbidden, StaleVersion.
    Emits: WeightsChanged.
    """
    district = await _district(tx, wish.district_id)
    actor.require(Permission.STATISTICS_MANAGE, at=Place.of(district.id))
    before = (await list_weights(tx, district.id))[0]
    if before[:3] == (wish.response, wish.solution, wish.satisfaction):
        return before
    if wish.version != before.version:
        raise StaleVersion(version=before.version)
    made = Weights(
        district_id=district.id,
        version=before.version + 1,
        valid_from=now if before.valid_from is None else max(now, before.valid_from),
        response=wish.response,
        solution=wish.solution,
        satisfaction=wish.satisfaction,
        reason=wish.reason,
        created_by_id=actor.person_id,
    )
    tx.add(made)
    with refusing({"uq_statistics_weights_version": StaleVersion}):
        await tx.flush()
    changed = WeightsChanged(district_id=district.id, version=made.version)
    emit(tx, changed)
    weights = {"response": made.response, "solution": made.solution}
    record_act(
        tx,
        changed.name,
        made.id,
        by=actor.person_id,
        now=now,
        **changed.model_dump(mode="json"),
        **weights,
        satisfaction=made.satisfaction,
    )
    return _shown(made)


def score(
    weights: InForce, response: float | None, solution: float | None, satisfaction: float | None
) -> float | None:
    """Return the weighted mean of the rates; None while one that weighs something is not known.

    A rate that weighs nothing is not needed.
    """
    parts = [
        (weights.response, response),
        (weights.solution, solution),
        (weights.satisfaction, satisfaction),
    ]
    total = 0.0
    for weight, rate in parts:
        if weight == 0:
            continue
        if rate is None:
            return None
        total += weight * rate
    return round(total / sum(weight for weight, _ in parts), 4)


async def _district(tx: ReadTx, district_id: UUID) -> Node:
    district: Node | None = await tx.get(Node, district_id)
    if district is None or district.level != Level.DISTRICT:
        raise NodeNotFound
    return district


def _shown(row: Weights) -> InForce:
    return InForce(
        row.response,
        row.solution,
        row.satisfaction,
        row.version,
        row.valid_from,
        row.reason,
    )
