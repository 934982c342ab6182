"""What the database says, against what plain lists and minutes say."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.kit.db import Database, Handle, ReadTx, Tx
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.registrations.models import (
    Occupation,
    Registration,
    Resource,
    Timetable,
)
from tests.registrations.reference import Claim, Reference
from tests.registrations.things import NOON as START

T = TypeVar("T")
HEAD = 24 * 60
"""Minutes from the first moment to the first time that can be had."""
BASE = START - timedelta(minutes=HEAD)


def at(minute: int) -> datetime:
    """A minute of the reference as a moment."""
    return BASE + timedelta(minutes=minute)


@dataclass(frozen=True)
class World:
    """What every day needs, and the loop in which the database lives."""

    loop: asyncio.AbstractEventLoop
    database: Database
    connection: AsyncConnection
    things: dict[str, UUID]
    people: list[UUID]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something with the database from the thread of the machine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    @asynccontextmanager
    async def handle(self, *, fast: bool) -> AsyncIterator[Handle]:
        """A transaction of either kind."""
        if not fast:
            async with self.database.transaction() as tx:
                yield tx
            return
        writer = self.database.writers.writer()
        try:
            yield writer
            await writer.commit()
        finally:
            await writer.close()


async def compare(world: World, model: Reference, ids: list[UUID]) -> None:
    """Require that the database says what the reference says."""
    async with world.database.sessions() as session:
        tx = Tx(ReadTx(session))
        await _compare_claims(tx, world, model, ids)
        await _compare_time(tx, world, model, ids)
        strikes = select(func.count()).where(Strike.person_id.in_(world.people))
        assert await tx.scalar(strikes) == len(model.strikes)


async def _compare_claims(tx: Tx, world: World, model: Reference, ids: list[UUID]) -> None:
    mine = select(Registration).where(Registration.id.in_(ids))
    rows = {row.id: row for row in await tx.scalars(mine)}
    stored = [_stored(rows[one]) for one in ids]
    assert stored == [_expected(world, claim) for claim in model.claims]
    for name, its_id in world.things.items():
        taken = select(Resource.taken).where(Resource.id == its_id)
        seats = 0 if model.things[name].units else model.taken(name)
        assert await tx.scalar(taken) == seats <= max(model.things[name].capacity, 0)
        waits = [rows[one] for one in ids if rows[one].resource_id == its_id]
        queue = sorted(
            (row for row in waits if row.state == "waitlisted"),
            key=lambda row: row.queued or 0,
        )
        order = [ids[claim.number] for claim in model.queue(name)]
        assert [row.id for row in queue] == order


async def _compare_time(tx: Tx, world: World, model: Reference, ids: list[UUID]) -> None:
    """Occupations are what the states say, and no two share a minute of anything."""
    found = (
        select(
            Timetable.id,
            Occupation.registration_id,
            Occupation.starts_at,
            Occupation.ends_at,
        )
        .join(Timetable, Timetable.number == Occupation.timetable_number)
        .where(Occupation.registration_id.in_(ids))
    )
    stored = {(row[1], row[0] in world.people, *row[2:]) for row in await tx.execute(found)}
    expected = set()
    minutes: set[tuple[object, int]] = set()
    for claim in model.claims:
        for hers, taken in ((False, claim.takes), (True, claim.there)):
            if taken:
                first, last = at(min(taken)), at(max(taken) + 1)
                expected.add((ids[claim.number], hers, first, last))
            whose = claim.who if hers else (claim.thing, claim.unit)
            assert not minutes & {(whose, minute) for minute in taken}
            minutes |= {(whose, minute) for minute in taken}
    assert stored == expected


def _stored(row: Registration) -> dict[str, object]:
    return {
        "thing": row.resource_id,
        "state": row.state,
        "from": row.starts_at,
        "to": row.ends_at,
        "seats": row.seats,
        "until": row.until,
        "due": row.due_at,
        "late": row.cancelled_late,
    }


def _expected(world: World, claim: Claim) -> dict[str, object]:
    def moment(minute: int | None) -> object:
        return None if minute is None else at(minute)

    return {
        "thing": world.things[claim.thing],
        "state": claim.state,
        "from": moment(claim.start),
        "to": moment(claim.end),
        "seats": claim.seats,
        "until": moment(claim.until),
        "due": moment(claim.due),
        "late": claim.late,
    }
