"""Warnings and overdue check-ins and orders, with two workers at once and workers that die."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.cases import warnings as engine
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.issues.watching.models import IssueWarning, WarningRecipient
from neighborhood_api.issues.watching.orders import miss_orders
from neighborhood_api.issues.watching.warnings import raise_warnings
from neighborhood_api.issues.whistling.service import miss_check_ins
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.calls import whistled
from tests.support.issues import Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town

pytestmark = pytest.mark.slow

ORDER = {"text": "请说明进展", "answer_within": {"clock": "calendar", "amount": 60}}


@pytest.fixture
async def street(live_database: Database, live_town: Town, live_callers: Callers) -> Street:
    await ensure_categories(live_database)
    return await street_of(live_town, live_callers)


async def warned(database: Database, issues: list[str]) -> Counter[tuple[str, str, str]]:
    """How often each clock of each issue showed each colour."""
    query = select(IssueWarning.case_id, IssueWarning.purpose, IssueWarning.colour)
    async with database.transaction() as tx:
        rows = await tx.execute(query.where(IssueWarning.case_id.in_(issues)))
        return Counter((str(row.case_id), row.purpose, row.colour) for row in rows)


async def announced(database: Database, name: str, issues: list[str]) -> Counter[str]:
    """How often an event was announced for each issue."""
    issue_id = OutboxRow.payload["issue_id"].astext
    query = select(issue_id).where(OutboxRow.name == name, issue_id.in_(issues))
    async with database.transaction() as tx:
        return Counter(await tx.scalars(query))


async def entries(database: Database, move: str, issues: list[str]) -> Counter[str]:
    """How often a move is on the timeline of each issue."""
    query = select(Entry.case_id).where(Entry.case_id.in_(issues), Entry.move == move)
    async with database.transaction() as tx:
        return Counter(str(case_id) for case_id in await tx.scalars(query))


async def test_two_sweeps_at_once_warn_once_of_every_limit(
    street: Street,
    live_database: Database,
    monkeypatch: Any,  # noqa: ANN401
) -> None:
    monkeypatch.setattr(engine, "AT_ONCE", 3)
    issues = [await street.accepted() for _ in range(10)]
    later = datetime.now(UTC) + timedelta(minutes=61)
    await asyncio.gather(*(raise_warnings(live_database, now=later) for _ in range(4)))
    once = {(issue_id, "respond", "red"): 1 for issue_id in issues}
    assert await warned(live_database, issues) == once
    assert await announced(live_database, "issues.warning_raised", issues) == dict.fromkeys(
        issues, 1
    )


async def test_a_sweep_that_dies_is_gone_on_with_and_nothing_is_lost_or_told_twice(
    street: Street,
    live_database: Database,
    monkeypatch: Any,  # noqa: ANN401
) -> None:
    monkeypatch.setattr(engine, "AT_ONCE", 2)
    issues = [await street.accepted() for _ in range(12)]
    later = datetime.now(UTC) + timedelta(minutes=61)
    for steps in range(12):
        dying = asyncio.create_task(raise_warnings(live_database, now=later))
        await asyncio.wait([dying], timeout=0.004 * (steps + 1))
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    await raise_warnings(live_database, now=later)
    once = {(issue_id, "respond", "red"): 1 for issue_id in issues}
    assert await warned(live_database, issues) == once
    assert await announced(live_database, "issues.warning_raised", issues) == dict.fromkeys(
        issues, 1
    )
    mine = select(IssueWarning.id).where(IssueWarning.case_id.in_(issues))
    people = select(WarningRecipient.person_id).where(WarningRecipient.warning_id.in_(mine))
    async with live_database.transaction() as tx:
        assert len(list(await tx.scalars(people))) == 2 * len(issues)


async def test_a_sweep_passes_by_what_somebody_is_moving_and_does_not_wait(
    street: Street, live_database: Database
) -> None:
    held, free = await street.accepted(), await street.accepted()
    later = datetime.now(UTC) + timedelta(minutes=61)
    async with live_database.transaction() as tx:
        await tx.scalar(select(Case).where(Case.id == held).with_for_update())
        await asyncio.wait_for(raise_warnings(live_database, now=later), timeout=5)
        assert await warned(live_database, [held, free]) == {(free, "respond", "red"): 1}
    await raise_warnings(live_database, now=later)
    assert len(await warned(live_database, [held, free])) == 2


@pytest.mark.parametrize("sweep", [miss_check_ins, miss_orders])
async def test_two_sweeps_at_once_report_what_is_overdue_once(
    sweep: Callable[..., Awaitable[int]], street: Street, live_database: Database
) -> None:
    issues = [await street.accepted() for _ in range(6)]
    for issue_id in issues:
        await whistled(street, street.leader, issue_id, 0, 1)
        await street.done(street.leader, issue_id, "supervise", **ORDER)
    later = datetime.now(UTC) + timedelta(minutes=130)
    await asyncio.gather(*(sweep(live_database, now=later) for _ in range(3)))
    what: dict[Any, tuple[str, str, int]] = {
        miss_check_ins: ("miss_check_in", "issues.check_in_overdue", 2),
        miss_orders: ("miss_order", "issues.order_overdue", 1),
    }
    move, event, times = what[sweep]
    expected = dict.fromkeys(issues, times)
    assert await entries(live_database, move, issues) == expected
    assert await announced(live_database, event, issues) == expected
    assert await sweep(live_database, now=later) == 0
