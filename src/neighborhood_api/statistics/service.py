"""Reading the statistics: numbers of a period, in parts, and the time in hands."""

from datetime import datetime
from typing import Any

from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.statistics.counting import count_cases, count_parts, list_behind
from neighborhood_api.statistics.dimensions import Dimension, breakdown_of, names_of
from neighborhood_api.statistics.hands import count_hand_times
from neighborhood_api.statistics.measures import Metric
from neighborhood_api.statistics.periods import Period
from neighborhood_api.statistics.schemas import (
    HandTimeOut,
    HandTimesOut,
    PartOut,
    StatisticsOut,
    WeightsOut,
)
from neighborhood_api.statistics.scope import scope_of
from neighborhood_api.statistics.tallies import Figures
from neighborhood_api.statistics.views import figures_view, key_text
from neighborhood_api.statistics.weights import InForce, weights_at
from neighborhood_api.statistics.wishes import StatisticsWish

__all__ = ["list_behind", "read_hand_times", "read_statistics", "scope_of"]


async def read_statistics(
    tx: ReadTx,
    actor: Actor,
    wish: StatisticsWish,
    dimension: Dimension | None,
    *,
    now: datetime,
) -> StatisticsOut:
    """Count everything about the issues asked for, in all and in parts.

    Raises: Forbidden, NodeNotFound, PeriodNotUsable, TooManyParts.
    """
    scope = await scope_of(tx, actor, wish.node_id, now=now)
    period = wish.period(now=now)
    weights = await weights_at(tx, scope.district_id, min(now, period.end))
    parts: list[tuple[Any, Figures]] = []
    if dimension is None:
        total = await count_cases(tx, wish.wanted(scope, period), now=now)
    else:
        by = breakdown_of(scope, dimension, wish.level)
        total, parts = await count_parts(tx, scope, wish, by, now=now)
    return StatisticsOut(
        node_id=None if scope.node is None else scope.node.id,
        node_name=None if scope.node is None else scope.node.name,
        first_on=period.first_on,
        last_on=period.last_on,
        counted_at=now,
        weights=WeightsOut.model_validate(weights),
        dimension=dimension,
        total=PartOut(
            key=None,
            name="合计",
            issues=wish.link(period),
            figures=figures_view(total, weights),
        ),
        items=await _shown(tx, wish, period, dimension, parts, weights) if dimension else [],
    )


async def read_hand_times(
    tx: ReadTx, actor: Actor, wish: StatisticsWish, *, now: datetime
) -> HandTimesOut:
    """Say how long the issues asked for were in whose hands.

    Raises: Forbidden, NodeNotFound, PeriodNotUsable.
    """
    scope = await scope_of(tx, actor, wish.node_id, now=now)
    period = wish.period(now=now)
    total = await count_cases(tx, wish.wanted(scope, period), now=now)
    times = await count_hand_times(tx, scope, wish, now=now)
    names = await names_of(tx, Dimension.HAND, [one.key for one in times])
    return HandTimesOut(
        first_on=period.first_on,
        last_on=period.last_on,
        counted_at=now,
        n=total[Metric.ASSESSED].n,
        items=[
            HandTimeOut(
                key=str(one.key),
                name=names[one.key],
                n=one.issues,
                times=one.times,
                minutes=round(one.minutes, 1),
                paused_minutes=round(one.paused_minutes, 1),
                median_minutes=round(one.median_minutes, 1),
                issues=wish.link(period, Dimension.HAND, str(one.key)) + "&metric=assessed",
            )
            for one in times
        ],
    )


async def _shown(
    tx: ReadTx,
    wish: StatisticsWish,
    period: Period,
    dimension: Dimension,
    parts: list[tuple[Any, Figures]],
    weights: InForce,
) -> list[PartOut]:
    names = await names_of(tx, dimension, [key for key, _ in parts])
    return [
        PartOut(
            key=key_text(key),
            name=names.get(key, key_text(key)),
            issues=wish.link(period, dimension, key_text(key)),
            figures=figures_view(figures, weights),
        )
        for key, figures in parts
    ]
