"""Whose time it was: how long each post and department had the issues in hand."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Interval,
    cast,
    distinct,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.sql.selectable import LateralFromClause

from neighborhood_api.cases.models import Hand
from neighborhood_api.cases.timekeeping import Rest
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.statistics.computing import minutes
from neighborhood_api.statistics.counting import MOST_PARTS
from neighborhood_api.statistics.dimensions import HandKey
from neighborhood_api.statistics.facts import facts
from neighborhood_api.statistics.scope import Scope
from neighborhood_api.statistics.wishes import StatisticsWish

_NO_TIME = cast(literal_column("'0'"), Interval)


class HandTime(NamedTuple):
    """The time in the hands of one post or department."""

    node_id: UUID
    role: str
    organization_id: UUID | None
    issues: int
    times: int
    minutes: float
    paused_minutes: float
    median_minutes: float

    @property
    def key(self) -> HandKey:
        """Whose hands."""
        return HandKey(self.node_id, Role(self.role), self.organization_id)


async def count_hand_times(
    tx: ReadTx, scope: Scope, wish: StatisticsWish, *, now: datetime
) -> list[HandTime]:
    """Return how long the assessed issues were in whose hands: the thousand longest.

    What is still in hand counts up to now; time after the end of an issue is nobody's.

    Raises: PeriodNotUsable.
    """
    found = facts(wish.wanted(scope, wish.period(now=now)), now=now)
    assessed = select(found.c.id).where(~found.c.excluded)
    until = func.coalesce(Hand.held_until, func.greatest(now, Hand.held_from))
    held = until - Hand.held_from
    paused = _paused(until)
    total = func.sum(minutes(held))
    times = (
        select(
            Hand.node_id,
            Hand.role,
            Hand.organization_id,
            func.count(distinct(Hand.case_id)),
            func.count(),
            total,
            func.sum(minutes(paused.c.time)),
            func.percentile_cont(literal_column("0.5")).within_group(minutes(held)),
        )
        .join(paused, true())
        .where(~Hand.idle, Hand.case_id.in_(assessed))
        .group_by(Hand.node_id, Hand.role, Hand.organization_id)
        .order_by(total.desc(), Hand.node_id, Hand.role, Hand.organization_id)
        .limit(MOST_PARTS)
    )
    return [HandTime(*row) for row in await tx.execute(times)]


def _paused(until: ColumnElement[datetime]) -> LateralFromClause:
    """Select how much of a page the clock of the resolution rested."""
    begin = func.greatest(Rest.started_at, Hand.held_from)
    end = func.least(func.coalesce(Rest.ended_at, until), until)
    return (
        select(func.coalesce(func.sum(end - begin), _NO_TIME).label("time"))
        .where(Rest.case_id == Hand.case_id, end > begin)
        .lateral("paused")
    )
