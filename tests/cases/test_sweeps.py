"""What happens to cases when time passes and nobody does anything."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx
from tests.support.clock import Clock
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, act
from tests.support.posts import vacate
from tests.support.refusals import refused


async def state_of(tx: Tx, issue_id: str) -> tuple[str, int, int]:
    query = select(Case.state, Case.hand_level, Case.times_passed_up)
    state, level, times = (await tx.execute(query.where(Case.id == issue_id))).one()
    return state, level, times


async def test_what_nobody_takes_on_goes_up_level_by_level_and_stays_at_the_street(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.reported()
    clock.forward(minutes=59)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 0
    clock.forward(minutes=1)
    for level in (3, 2, 1):
        assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 1
        assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 0
        assert await state_of(tx, issue_id) == ("assigned", level, 4 - level)
        await check_ledger(tx, issue_id, now=clock.now)
        clock.forward(minutes=60)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 1  # the alarm
    clock.forward(days=30)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 0
    assert await state_of(tx, issue_id) == ("assigned", 1, 3)
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert [(e["by"], e["move"], e["who"]) for e in seen["timeline"][1:]] == [
        ("system", "escalate", None)
    ] * 3
    assert seen["timeline"][1]["text"] == "超时未受理，自动上报上级"
    assert seen["overdue"] is True
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    mine = await dispatcher.get("/staff/issues?assigned_to_me=true&overdue=true")
    assert [row["id"] for row in mine.json()["items"]] == [issue_id]


async def test_what_was_taken_on_stays(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    accepted, withdrawn = await street.accepted(), await street.reported()
    await street.done(street.reporter, withdrawn, "withdraw")
    clock.forward(days=2)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 0
    assert await state_of(tx, accepted) == ("accepted", 4, 0)


async def test_a_reopened_issue_is_passed_up_again(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.resolved()
    clock.forward(days=1)
    await street.done(street.reporter, issue_id, "reopen", text="没有清")
    clock.forward(minutes=61)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 1
    assert await state_of(tx, issue_id) == ("assigned", 2, 1)


async def test_passing_up_over_vacant_levels_reaches_somebody_at_once(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.reported()
    await vacate(tx, street.town.at(*LANE[:3]), street.town.at(*LANE[:2]))
    clock.forward(minutes=60)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 1
    assert await state_of(tx, issue_id) == ("assigned", 1, 1)


@pytest.mark.parametrize("confirmed", [False, True])
async def test_silence_closes_what_was_resolved(
    confirmed: bool,  # noqa: FBT001
    street: Street,
    tx: Tx,
    clock: Clock,
    rolled_back: Database,
) -> None:
    issue_id = await street.resolved()
    if confirmed:
        await street.done(street.reporter, issue_id, "confirm")
    start = clock.now
    before = start + timedelta(days=7, seconds=-1)
    assert await sweeps.close_silent(rolled_back, ISSUE, now=before) == 0
    end = clock.forward(days=7)
    assert await sweeps.close_silent(rolled_back, ISSUE, now=end) == 1
    assert await sweeps.close_silent(rolled_back, ISSUE, now=end) == 0
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert seen["state"] == "closed"
    assert seen["timeline"][-1]["text"] == "超过确认期限，自动结案"
    assert "rate" in seen["moves"]
    await check_ledger(tx, issue_id, now=end)
    answer = await act(street.reporter, issue_id, "confirm")
    refused(answer, 409, "move_not_allowed")


async def test_reopening_stops_the_silent_closing(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.resolved()
    await street.done(street.reporter, issue_id, "reopen", text="没有清")
    clock.forward(days=8)
    assert await sweeps.close_silent(rolled_back, ISSUE, now=clock.now) == 0
    assert (await state_of(tx, issue_id))[0] == "reopened"


async def test_every_move_of_a_sweep_is_on_the_timeline_once(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issues = [await street.reported() for _ in range(5)]
    clock.forward(hours=1)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 5
    escalated = select(Entry.case_id).where(Entry.move == "escalate", Entry.by == "system")
    assert sorted(map(str, await tx.scalars(escalated))) == sorted(issues)


async def test_one_sweep_takes_on_no_more_than_it_can_chew(
    street: Street,
    clock: Clock,
    rolled_back: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        await street.reported()
    monkeypatch.setattr(sweeps, "AT_ONCE", 2)
    later: datetime = clock.forward(hours=1)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=later) == 2
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=later) == 1
