"""Several people at one rule: one wins, and the versions have no gap."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from neighborhood_api.identity.access import Role
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.categories.seed import category_seeds, load_categories
from neighborhood_api.kit.db import Database
from tests.issues.categories.arranging import CODE, limit, put
from tests.support.issues import ensure_categories
from tests.support.people import Callers
from tests.support.places import Town

MANY = 8


@pytest.fixture(autouse=True)
async def others_first(live_database: Database) -> None:
    """Other tests rely on rules of their own for some of the codes."""
    await ensure_categories(live_database)


async def test_of_many_changes_of_one_version_one_comes_into_force(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    async with live_database.transaction() as tx:
        await load_categories(tx, now=datetime.now(UTC))
    operator = await live_callers.staff(live_town, Role.OPERATOR)
    street = live_town.at(1)
    for round_ in range(3):
        answers = await asyncio.gather(
            *(
                put(
                    operator,
                    street.id,
                    version=round_ or None,
                    resolve=limit("working_days", 10 * (round_ + 1) + n),
                )
                for n in range(MANY)
            )
        )
        codes = Counter(answer.json().get("code", "saved") for answer in answers)
        assert codes == {"saved": 1, "stale_version": MANY - 1}
        assert {a.json()["version"] for a in answers} == {round_ + 1}
    async with live_database.transaction() as tx:
        rules = select(HandlingRule).where(
            HandlingRule.category_code == CODE, HandlingRule.node_id == street.id
        )
        found = (await tx.scalars(rules.order_by(HandlingRule.version))).all()
    assert [rule.version for rule in found] == [1, 2, 3]
    assert [rule.superseded_at is None for rule in found] == [False, False, True]


async def test_reference_data_loaded_by_several_at_once_is_there_once(
    live_database: Database,
) -> None:
    async def load() -> None:
        async with live_database.transaction() as tx:
            await load_categories(tx, now=datetime.now(UTC))

    await asyncio.gather(*(load() for _ in range(4)))
    codes = [seed.code for seed in category_seeds()]
    async with live_database.transaction() as tx:
        in_force = select(func.count()).where(
            HandlingRule.category_code.in_(codes),
            HandlingRule.node_id.is_(None),
            HandlingRule.superseded_at.is_(None),
        )
        assert await tx.scalar(in_force) == len(codes)
        there = select(func.count()).where(Category.code.in_(codes))
        assert await tx.scalar(there) == len(codes)
