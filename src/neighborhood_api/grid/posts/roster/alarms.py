"""Hours of the next two weeks that are nobody's: found once, and told until they are not."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, literal, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import RosterGapClosed, RosterGapFound
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.posts.models import RosterAlarm, Shift
from neighborhood_api.grid.posts.roster.reading import SHOWN_DAYS, gaps_between
from neighborhood_api.grid.queries import exists_on
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit

GIVEN_UP_AFTER = timedelta(days=14)
"""A place that nobody was on the roster of for so long keeps none any more."""


async def look_for_gaps(tx: Tx, *, now: datetime) -> int:
    """Raise an alarm for each roster that has gaps, and call off those that have none.

    Safe to repeat. Returns how many were raised.

    Emits: RosterGapFound, RosterGapClosed.
    """
    until = now + timedelta(days=SHOWN_DAYS)
    alarms = {
        alarm.node_id: alarm
        for alarm in await tx.scalars(
            select(RosterAlarm).where(RosterAlarm.over_at.is_(None)).with_for_update()
        )
    }
    kept = await _rosters(tx, now, until)
    open_hours = await _first_gaps(tx, [n for n, full in kept.items() if not full], now, until)
    for node_id, alarm in alarms.items():
        if node_id not in open_hours:
            alarm.over_at = now
            if kept.get(node_id):
                emit(tx, RosterGapClosed(node_id=node_id))
    raised = 0
    for node_id, (gap_from, gap_until) in sorted(open_hours.items()):
        if node_id in alarms:
            continue
        alarm = RosterAlarm(
            node_id=node_id, gap_from=gap_from, gap_until=gap_until, raised_at=now
        )
        tx.add(alarm)
        await tx.flush()
        emit(
            tx,
            RosterGapFound(
                alarm_id=alarm.id, node_id=node_id, gap_from=gap_from, gap_until=gap_until
            ),
        )
        raised += 1
    return raised


async def _rosters(tx: Tx, now: datetime, until: datetime) -> dict[UUID, bool]:
    """Return the places that keep a roster, and whether it covers every hour to come.

    Shifts of a place never overlap, so their lengths add up.
    """
    covered = func.least(Shift.ends_at, until) - func.greatest(Shift.starts_at, now)
    within = (Shift.ends_at > now) & (Shift.starts_at < until)
    total = func.sum(covered).filter(within)
    query = (
        select(Shift.node_id, total)
        .join(Node, Node.id == Shift.node_id)
        .where(Shift.cancelled_at.is_(None), Shift.ends_at > now - GIVEN_UP_AFTER)
        .where(exists_on(literal(local_day(now))))
        .group_by(Shift.node_id)
    )
    whole = until - now
    return {
        node_id: (length or timedelta(0)) >= whole
        for node_id, length in await tx.execute(query)
    }


async def _first_gaps(
    tx: Tx, node_ids: list[UUID], now: datetime, until: datetime
) -> dict[UUID, tuple[datetime, datetime]]:
    query = (
        select(Shift.node_id, Shift.starts_at, Shift.ends_at)
        .where(Shift.node_id.in_(node_ids), Shift.cancelled_at.is_(None))
        .where(Shift.ends_at > now, Shift.starts_at < until)
        .order_by(Shift.node_id, Shift.starts_at)
    )
    covered: dict[UUID, list[tuple[datetime, datetime]]] = {one: [] for one in node_ids}
    for node_id, starts_at, ends_at in await tx.execute(query):
        covered[node_id].append((starts_at, ends_at))
    firsts = {}
    for node_id, hours in covered.items():
        gaps = gaps_between(hours, now, until)
        if gaps:
            firsts[node_id] = (gaps[0].starts_at, gaps[0].ends_at)
    return firsts
