"""Several change the same opening hours at once: one does, the others are told."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select

from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import Database
from neighborhood_api.schedules.openings.models import Closure, Opening
from neighborhood_api.schedules.openings.schemas import ClosureIn, RevokeIn
from neighborhood_api.schedules.openings.service import (
    ClosureLifted,
    add_closure,
    add_opening,
    lift_closure,
)
from tests.support.places import Town

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
WISH = ClosureIn(version=1, starts_at=NOW, ends_at=NOW + timedelta(hours=2), reason="停电")


async def test_of_many_who_read_the_same_version_one_changes_it(
    live_database: Database, live_town: Town
) -> None:
    async with live_database.transaction() as tx:
        opening = await add_opening(tx, live_town.at().id)

    async def close() -> bool:
        try:
            async with live_database.transaction() as tx:
                await add_closure(tx, opening.id, WISH, by=uuid4(), now=NOW)
        except StaleVersion:
            return False
        return True

    made = await asyncio.gather(*(close() for _ in range(12)))
    assert sum(made) == 1
    async with live_database.transaction() as tx:
        assert (await tx.get_one(Opening, opening.id)).version == 2
        mine = select(func.count(Closure.id)).where(Closure.opening_id == opening.id)
        assert await tx.scalar(mine) == 1


async def test_a_closure_is_lifted_once(live_database: Database, live_town: Town) -> None:
    async with live_database.transaction() as tx:
        opening = await add_opening(tx, live_town.at().id)
        closure = await add_closure(tx, opening.id, WISH, by=uuid4(), now=NOW)

    async def lift() -> str:
        try:
            async with live_database.transaction() as tx:
                wish = RevokeIn(version=2)
                await lift_closure(tx, opening.id, closure.id, wish, by=uuid4(), now=NOW)
        except ClosureLifted:
            return "already"
        return "lifted"

    outcomes = await asyncio.gather(*(lift() for _ in range(8)))
    assert sorted(outcomes) == ["already"] * 7 + ["lifted"]
