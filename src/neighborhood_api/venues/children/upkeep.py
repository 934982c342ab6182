"""How children's data end: by the guardian's wish, or by time; and how they change hands."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.venues.children.enrolments import enrolled_after
from neighborhood_api.venues.children.events import ChildForgotten
from neighborhood_api.venues.children.models import Child, ChildLook

AT_ONCE = 100
"""Rows that one transaction deletes."""


async def forget_children(database: Database, *, kept_days: int, now: datetime) -> int:
    """Delete the children who came to nothing for so long; return how many.

    Each batch is locked first and looked at again after: an enrolment that was under way when
    it was found is seen then, and one that comes later finds no child. A child whom somebody
    holds at the moment has its turn the next night.
    """
    before = now - timedelta(days=kept_days)
    forgotten, last = 0, UUID(int=0)
    while True:
        async with database.transaction() as tx:
            due = select(Child.id).where(
                Child.id > last, Child.created_at < before, ~enrolled_after(before)
            )
            batch = due.order_by(Child.id).limit(AT_ONCE)
            ids = (await tx.scalars(batch.with_for_update(skip_locked=True))).all()
            if not ids:
                return forgotten
            still = delete(Child).where(Child.id.in_(ids), ~enrolled_after(before))
            for child_id, guardian_id in await tx.execute(
                still.returning(Child.id, Child.guardian_id)
            ):
                forgotten += 1
                emit(
                    tx,
                    ChildForgotten(child_id=child_id, guardian_id=guardian_id, withdrawn=False),
                )
        last = ids[-1]


async def forget_looks(database: Database, *, kept_days: int, now: datetime) -> int:
    """Delete what is logged about looks when it need not be kept any longer."""
    before = now - timedelta(days=kept_days)
    old = select(ChildLook.id).where(ChildLook.looked_at < before).limit(AT_ONCE)
    forgotten = 0
    while True:
        async with database.transaction() as tx:
            gone = delete(ChildLook).where(ChildLook.id.in_(old)).returning(ChildLook.id)
            count = len((await tx.scalars(gone)).all())
        if count == 0:
            return forgotten
        forgotten += count


async def move_children(tx: Tx, from_person_id: UUID, into_person_id: UUID) -> None:
    """Give the children of somebody who turned out to be another to that one."""
    mine = update(Child).where(Child.guardian_id == from_person_id)
    await tx.execute(mine.values(guardian_id=into_person_id))
    looked_at = update(ChildLook).where(ChildLook.guardian_id == from_person_id)
    await tx.execute(looked_at.values(guardian_id=into_person_id))
