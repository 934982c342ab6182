"""What time does to registrations, each in a transaction of its own, and safe to repeat."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.registrations import events
from neighborhood_api.registrations.drawing import draw
from neighborhood_api.registrations.ending import pass_time
from neighborhood_api.registrations.locking import lock_registration, lock_resource
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.registrations.promoting import expire_run_out, lock_waiting
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import Mode, State
from neighborhood_api.registrations.writing import event

AT_ONCE = 500
"""Registrations that one sweep takes on; the next sweep, a minute later, goes on."""


async def end_due(database: Database, *, now: datetime) -> int:
    """Do what is due to registrations; return to how many."""
    due = select(Registration.id).where(Registration.due_at <= now)

    async def step(tx: Tx, its_id: UUID) -> None:
        resource, row = await lock_registration(tx, its_id)
        await pass_time(tx, resource, row, now=now)

    return await _each(database, due.order_by(Registration.due_at, Registration.number), step)


async def hand_on_due(database: Database, *, now: datetime) -> int:
    """Give what is free to those who wait, where nothing else did; return of how many things.

    Whoever was somewhere else when a place was freed may have come free since.
    """
    waiting = select(Registration.resource_id).where(
        stands(State.WAITLISTED), Registration.starts_at > now
    )
    seats = (Resource.mode != Mode.COUNTED.value) | (Resource.taken < Resource.capacity)
    due = select(Resource.id).where(
        Resource.id.in_(waiting),
        Resource.cancelled_at.is_(None),
        Resource.draw_at.is_(None),
        seats,
    )

    async def step(tx: Tx, its_id: UUID) -> None:
        resource = await lock_resource(tx, its_id)
        await lock_waiting(tx, [resource], now=now)
        await expire_run_out(tx, resource, now=now, locked=True)

    return await _each(database, due.order_by(Resource.id), step)


async def draw_due(database: Database, *, now: datetime) -> int:
    """Draw the lots whose time has come; return how many."""
    due = select(Resource.id).where(Resource.draw_at <= now, Resource.cancelled_at.is_(None))

    async def step(tx: Tx, its_id: UUID) -> None:
        await draw(tx, await lock_resource(tx, its_id), now=now)

    return await _each(database, due.order_by(Resource.draw_at), step)


async def remind_due(database: Database, *, now: datetime) -> int:
    """Announce what begins soon, once; return how many."""
    due = select(Registration.id).where(Registration.remind_at <= now)

    async def step(tx: Tx, its_id: UUID) -> None:
        resource, row = await lock_registration(tx, its_id)
        if row.remind_at is None or row.remind_at > now:
            return
        forget = update(Registration).where(Registration.id == its_id)
        await tx.execute(forget.values(remind_at=None))
        if row.state == State.CONFIRMED and now < row.starts_at:
            emit(tx, event(events.ReminderDue, row, resource, starts_at=row.starts_at))

    return await _each(database, due.order_by(Registration.remind_at), step)


async def pass_all_time(database: Database, *, now: datetime) -> None:
    """Let every sweep do what is due; one that fails does not stop the others.

    Raises: ExceptionGroup.
    """
    failed: list[Exception] = []
    for sweep in (draw_due, end_due, hand_on_due, remind_due):
        try:
            await sweep(database, now=now)
        except Exception as exc:  # noqa: BLE001  (told together, below)
            failed.append(exc)
    if failed:
        raise ExceptionGroup("sweeps over registrations that failed", failed)


async def _each(
    database: Database,
    due: Select[UUID],
    step: Callable[[Tx, UUID], Awaitable[Any]],
) -> int:
    """Let `step` see to everything that is due; one that fails does not stop the others.

    Raises: ExceptionGroup.
    """
    async with database.transaction() as tx:
        ids = list(await tx.scalars(due.limit(AT_ONCE)))
    failed = []
    for its_id in ids:
        try:
            async with database.transaction() as tx:
                await step(tx, its_id)
        except Exception as exc:  # noqa: BLE001  (told together, below)
            failed.append(exc)
    if failed:
        raise ExceptionGroup("registrations that time could not pass", failed)
    return len(ids)
