"""What becomes of notifications with time, and when two persons turn out to be one."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import first_id_at
from neighborhood_api.notifications.models import Delivery, Notification, Subscription
from neighborhood_api.notifications.queries import MOST_AGREED

AT_ONCE = 2000
"""Notifications that one transaction deletes."""


async def forget_notifications(database: Database, *, kept_days: int, now: datetime) -> int:
    """Delete what is older than it is kept, read or not; return how many."""
    old = (
        select(Notification.id)
        .where(Notification.id < first_id_at(now - timedelta(days=kept_days)))
        .order_by(Notification.id)
        .limit(AT_ONCE)
    )
    forgotten = 0
    while True:
        async with database.transaction() as tx:
            ids = list(await tx.scalars(old))
            await tx.execute(delete(Delivery).where(Delivery.notification_id.in_(ids)))
            await tx.execute(delete(Notification).where(Notification.id.in_(ids)))
        forgotten += len(ids)
        if len(ids) < AT_ONCE:
            return forgotten


async def move_notifications(tx: Tx, from_id: UUID, into_id: UUID) -> None:
    """Keep what somebody was told, and agreed to, who turned out to be another.

    Of what both were told one is kept. Safe to repeat.
    """
    other = aliased(Notification)
    twice = (
        select(Notification.id)
        .join(other, other.once_key == Notification.once_key)
        .where(Notification.person_id == from_id, other.person_id == into_id)
    )
    ids = list(await tx.scalars(twice))
    await tx.execute(delete(Delivery).where(Delivery.notification_id.in_(ids)))
    await tx.execute(delete(Notification).where(Notification.id.in_(ids)))
    moved = update(Notification).where(Notification.person_id == from_id)
    await tx.execute(moved.values(person_id=into_id))
    await _move_subscriptions(tx, from_id, into_id)


async def _move_subscriptions(tx: Tx, from_id: UUID, into_id: UUID) -> None:
    """Add up what is left of both agreements to the same template of WeChat."""
    taken = list(
        await tx.scalars(
            delete(Subscription)
            .where(Subscription.person_id == from_id)
            .returning(Subscription)
        )
    )
    for row in sorted(taken, key=lambda row: row.template):
        adding = insert(Subscription).values(
            person_id=into_id,
            template=row.template,
            template_id=row.template_id,
            remaining=row.remaining,
            agreed_at=row.agreed_at,
        )
        both = func.least(Subscription.remaining + adding.excluded.remaining, MOST_AGREED)
        await tx.execute(
            adding.on_conflict_do_update(
                index_elements=["person_id", "template"],
                set_={"remaining": both},
                where=Subscription.template_id == adding.excluded.template_id,
            )
        )
