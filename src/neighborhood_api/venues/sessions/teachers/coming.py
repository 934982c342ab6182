"""What a teacher has to do and has not begun, and the locks of whoever changes it."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.registrations.locking import lock_resources
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.promoting import lock_waiting
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher
from neighborhood_api.venues.sessions.occupying import lock_timetables

_STARTS = cast("ColumnElement[datetime]", Resource.starts_at)
_ENDS = cast("ColumnElement[datetime]", Resource.ends_at)
"""Sessions always have both."""


class Coming(NamedTuple):
    """A session to come."""

    id: UUID
    starts_at: datetime
    ends_at: datetime


def to_come(now: datetime) -> ColumnElement[bool]:
    """Hold for the resources of sessions that have not begun and take place."""
    return and_(Resource.starts_at > now, Resource.cancelled_at.is_(None))


async def coming_of(tx: ReadTx, teacher_id: UUID, *, now: datetime) -> list[Coming]:
    """Return what a teacher has to do."""
    rows = await tx.execute(
        select(Session.id, _STARTS, _ENDS)
        .join(Resource, Resource.id == Session.id)
        .join(SessionTeacher, SessionTeacher.session_id == Session.id)
        .where(SessionTeacher.teacher_id == teacher_id, to_come(now))
        .order_by(Session.id)
    )
    return [Coming(*row) for row in rows]


async def lock_teacher(
    tx: Tx,
    teacher: Teacher,
    coming: list[Coming],
    persons: Collection[UUID | None],
    *,
    now: datetime,
) -> None:
    """Lock what a teacher has to do, then her timetable, then her accounts.

    Raises: StaleVersion, when she got something else to do meanwhile.
    """
    await lock_resources(tx, [one.id for one in coming])
    await lock_timetables(tx, [teacher.id])
    await lock_waiting(tx, [], persons=[one for one in persons if one], now=now)
    await tx.refresh(teacher, with_for_update={"key_share": True})
    if await coming_of(tx, teacher.id, now=now) != coming:
        raise StaleVersion(version=teacher.version)
