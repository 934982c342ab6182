"""Sweeps that run beside one another, and beside people."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database
from tests.support.hands import check_ledger
from tests.support.issues import Street, act, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town

pytestmark = pytest.mark.slow


@pytest.fixture
async def street(live_database: Database, live_town: Town, live_callers: Callers) -> Street:
    await ensure_categories(live_database)
    return await street_of(live_town, live_callers)


async def passed_up(database: Database, issues: list[str]) -> Counter[str]:
    """How often each issue was passed up by the system."""
    by_system = select(Entry.case_id).where(
        Entry.case_id.in_(issues), Entry.move == "escalate", Entry.by == "system"
    )
    async with database.transaction() as tx:
        return Counter(str(case_id) for case_id in await tx.scalars(by_system))


async def test_two_sweeps_at_once_move_every_case_exactly_once(
    street: Street, live_database: Database
) -> None:
    issues = [await street.reported() for _ in range(12)]
    later = datetime.now(UTC) + timedelta(minutes=61)
    await asyncio.gather(
        *(sweeps.pass_up_unanswered(live_database, ISSUE, now=later) for _ in range(2))
    )
    assert await passed_up(live_database, issues) == dict.fromkeys(issues, 1)
    await sweeps.pass_up_unanswered(live_database, ISSUE, now=later)
    assert await passed_up(live_database, issues) == dict.fromkeys(issues, 1)
    async with live_database.transaction() as tx:
        levels = select(Case.hand_level).where(Case.id.in_(issues))
        assert set(await tx.scalars(levels)) == {3}
        for issue_id in issues:
            await check_ledger(tx, issue_id, now=later)


async def test_when_the_chief_accepts_at_the_same_moment_one_of_the_two_wins(
    street: Street, live_database: Database
) -> None:
    issues = [await street.reported() for _ in range(10)]
    later = datetime.now(UTC) + timedelta(minutes=61)

    async def accept_all() -> list[int]:
        answers = await asyncio.gather(
            *(act(street.chief, issue_id, "accept") for issue_id in issues)
        )
        return [answer.status_code for answer in answers]

    statuses, _ = await asyncio.gather(
        accept_all(), sweeps.pass_up_unanswered(live_database, ISSUE, now=later)
    )
    up = await passed_up(live_database, issues)
    for issue_id, status in zip(issues, statuses, strict=True):
        # Whoever comes second finds it taken on, or out of her hands.
        assert (status, up[issue_id]) in {(200, 0), (403, 1)}, (status, up[issue_id])
    async with live_database.transaction() as tx:
        for issue_id in issues:
            await check_ledger(tx, issue_id, now=later)


async def test_a_sweep_passes_by_what_somebody_is_moving_and_does_not_wait(
    street: Street, live_database: Database
) -> None:
    held, free = await street.reported(), await street.reported()
    later = datetime.now(UTC) + timedelta(minutes=61)
    async with live_database.transaction() as tx:
        await tx.scalar(select(Case).where(Case.id == held).with_for_update())
        sweep = sweeps.pass_up_unanswered(live_database, ISSUE, now=later)
        await asyncio.wait_for(sweep, timeout=5)
        assert await passed_up(live_database, [held, free]) == {free: 1}
    await sweeps.pass_up_unanswered(live_database, ISSUE, now=later)
    assert await passed_up(live_database, [held, free]) == {held: 1, free: 1}


async def test_two_silent_closings_at_once_close_once(
    street: Street, live_database: Database
) -> None:
    issues = [await street.resolved() for _ in range(6)]
    later = datetime.now(UTC) + timedelta(days=8)
    await asyncio.gather(
        *(sweeps.close_silent(live_database, ISSUE, now=later) for _ in range(2))
    )
    closed = select(Entry.case_id).where(Entry.case_id.in_(issues), Entry.move == "close")
    async with live_database.transaction() as tx:
        assert sorted(map(str, await tx.scalars(closed))) == sorted(issues)
