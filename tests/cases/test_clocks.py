"""The clocks of a case: started once, resting with the case, stopped by what they wait for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.cases.jobs import recompute_deadlines
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.timekeeping import Purpose, Rest, Timer
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.jobs import relay_outbox
from neighborhood_api.schedules.published import load_published_years
from tests.schedules.calendars import at
from tests.support.clock import Clock
from tests.support.issues import Street, act, new_rule
from tests.support.jobs import job_context
from tests.support.refusals import refused


async def timer_of(tx: Tx, issue_id: str, purpose: Purpose) -> Timer:
    mine = select(Timer).where(Timer.case_id == issue_id, Timer.purpose == purpose.value)
    return (await tx.scalars(mine.execution_options(populate_existing=True))).one()


async def due_of(tx: Tx, issue_id: str) -> datetime | None:
    """By when it must be resolved; the list shows what the clock says."""
    timer = await timer_of(tx, issue_id, Purpose.RESOLVE)
    shown = await tx.scalar(select(Case.resolve_due_at).where(Case.id == issue_id))
    assert shown == timer.due_at
    return timer.due_at


@pytest.mark.parametrize(
    ("clock_name", "amount", "opened", "due"),
    [
        # Office hours 8:30-12:00 and 14:30-17:30; Friday afternoon goes on on Monday.
        ("working_hours", 240, at("2026-11-20", "16:30"), at("2026-11-23", "11:30")),
        ("working_hours", 60, at("2026-11-21", "03:00"), at("2026-11-23", "09:30")),
        # The last day of September is worked, the week after is the holiday's.
        ("working_hours", 120, at("2026-09-30", "16:30"), at("2026-10-08", "09:30")),
        # A make-up Saturday counts like any worked day.
        ("working_days", 1, at("2026-10-09", "10:00"), at("2026-10-11", "00:00")),
        ("working_days", 2, at("2026-11-20", "10:00"), at("2026-11-25", "00:00")),
        ("calendar", 600, at("2026-11-20", "16:30"), at("2026-11-21", "02:30")),
    ],
)
async def test_a_case_starts_with_the_clocks_of_its_rule(
    clock_name: str,
    amount: int,
    opened: datetime,
    due: datetime,
    street: Street,
    tx: Tx,
    clock: Clock,
) -> None:
    await load_published_years(tx, now=clock.now)
    await new_rule(
        tx,
        "env.garbage",
        respond_clock="calendar",
        respond_amount=30,
        resolve_clock=clock_name,
        resolve_amount=amount,
    )
    clock.now = opened
    body = (await street.report()).json()
    assert await due_of(tx, body["id"]) == due
    assert datetime.fromisoformat(body["resolve_due_at"]) == due
    respond = await timer_of(tx, body["id"], Purpose.RESPOND)
    assert respond.due_at == opened + timedelta(minutes=30)
    resolve = await timer_of(tx, body["id"], Purpose.RESOLVE)
    assert (resolve.clock, resolve.amount, resolve.started_at) == (clock_name, amount, opened)
    assert (resolve.provisional, resolve.rests, respond.rests) == (False, True, False)
    assert resolve.yellow_at is not None
    assert opened < resolve.yellow_at < due


async def test_the_clock_starts_with_the_report_and_not_when_somebody_signs(
    street: Street, tx: Tx, clock: Clock
) -> None:
    opened = clock.now
    issue_id = await street.reported()
    due = await due_of(tx, issue_id)
    clock.forward(minutes=50)
    await street.done(street.chief, issue_id, "accept")
    assert await due_of(tx, issue_id) == due == opened + timedelta(minutes=600)


@pytest.mark.parametrize("answering", ["respond", "ask", "resolve", "reject"])
async def test_the_first_answer_stops_the_first_clock(
    answering: str, street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    clock.forward(minutes=20)
    assert (await timer_of(tx, issue_id, Purpose.RESPOND)).stopped_at is None
    await street.done(street.chief, issue_id, answering, text="今天处理")
    timer = await timer_of(tx, issue_id, Purpose.RESPOND)
    assert timer.stopped_at == clock.now
    first = clock.now
    if answering == "respond":
        clock.forward(minutes=20)
        await street.done(street.chief, issue_id, "respond", text="明天再来")
        assert (await timer_of(tx, issue_id, Purpose.RESPOND)).stopped_at == first
    case = await tx.scalar(select(Case.first_responded_at).where(Case.id == issue_id))
    assert case == first


async def test_words_that_answer_nothing_stop_nothing(street: Street, tx: Tx) -> None:
    issue_id = await street.reported()
    await street.done(street.chief, issue_id, "comment", text="看到了")
    await street.done(street.chief, issue_id, "escalate", text="办不了")
    assert (await timer_of(tx, issue_id, Purpose.RESPOND)).stopped_at is None


async def test_waiting_for_the_reporter_rests_the_clock_exactly(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    due = await due_of(tx, issue_id)
    assert due is not None
    respond = (await timer_of(tx, issue_id, Purpose.RESPOND)).due_at
    clock.forward(minutes=100, seconds=1, microseconds=7)
    refused(await act(street.chief, issue_id, "ask"), 422, "invalid_request")
    asked = await street.done(street.chief, issue_id, "ask", text="具体是几号门口？")
    assert (asked["state"], asked["state_name"]) == ("waiting", "待诉求人补充")
    assert (asked["resolve_due_at"], asked["overdue"]) == (None, False)
    assert await due_of(tx, issue_id) is None
    clock.forward(days=40)
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert (seen["overdue"], "answer" in seen["moves"]) == (False, True)
    answered = await street.done(street.reporter, issue_id, "answer", text="3号门口")
    assert answered["state"] == "handling"
    assert await due_of(tx, issue_id) == due + timedelta(days=40)
    # A second time, which the staff end themselves.
    clock.forward(minutes=5)
    await street.done(street.chief, issue_id, "ask", text="左边还是右边？")
    clock.forward(hours=3)
    await street.done(street.chief, issue_id, "resume", text="现场已看到")
    assert await due_of(tx, issue_id) == due + timedelta(days=40, hours=3)
    assert (await timer_of(tx, issue_id, Purpose.RESPOND)).due_at == respond
    rests = (await tx.scalars(select(Rest).where(Rest.case_id == issue_id))).all()
    assert [rest.ended_at is None for rest in rests] == [False, False]


async def test_a_rest_on_office_hours_gives_back_the_office_hours_it_took(
    street: Street, tx: Tx, clock: Clock
) -> None:
    await load_published_years(tx, now=clock.now)
    rule = {"resolve_clock": "working_hours", "resolve_amount": 300}
    await new_rule(tx, "env.garbage", **rule)
    clock.now = at("2026-11-24", "09:00")  # a Tuesday
    issue_id = await street.accepted()
    assert await due_of(tx, issue_id) == at("2026-11-24", "16:30")
    clock.now = at("2026-11-24", "11:00")
    await street.done(street.chief, issue_id, "ask", text="几号门口？")
    clock.now = at("2026-11-25", "10:00")  # asked overnight: 1 + 3 + 1.5 hours of office time
    await street.done(street.reporter, issue_id, "answer", text="3号")
    assert await due_of(tx, issue_id) == at("2026-11-25", "15:30")


async def test_nothing_that_is_only_said_moves_a_deadline(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    respond = (await timer_of(tx, issue_id, Purpose.RESPOND)).due_at
    due = await due_of(tx, issue_id)
    sayings: list[tuple[Any, str, dict[str, Any]]] = [
        (street.reporter, "comment", {"text": "还没来"}),
        (street.chief, "comment", {"text": "内部备注", "internal": True}),
        (street.leader, "comment", {"text": "请尽快"}),
        (street.chief, "respond", {"text": "在路上"}),
        (street.chief, "escalate", {"text": "办不了"}),
        (street.leader, "accept", {}),
        (street.leader, "respond", {"text": "到了"}),
    ]
    for caller, move, body in sayings:
        clock.forward(minutes=7)
        await street.done(caller, issue_id, move, **body)
        assert await due_of(tx, issue_id) == due, move
        assert (await timer_of(tx, issue_id, Purpose.RESPOND)).due_at == respond, move
    before = await timer_of(tx, issue_id, Purpose.RESOLVE)
    assert before.started_at == (due or clock.now) - timedelta(minutes=600)


async def test_reopened_its_clock_goes_on_where_it_stopped(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    due = await due_of(tx, issue_id)
    assert due is not None
    clock.forward(minutes=200)
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    timer = await timer_of(tx, issue_id, Purpose.RESOLVE)
    assert (timer.stopped_at, timer.due_at) == (clock.now, due)
    clock.forward(days=2)
    await street.done(street.reporter, issue_id, "confirm")
    clock.forward(days=2)
    body = await street.done(street.reporter, issue_id, "reopen", text="又满了")
    assert (body["state"], body["hand"]["role"]) == ("reopened", "grid_leader")
    timer = await timer_of(tx, issue_id, Purpose.RESOLVE)
    assert (timer.stopped_at, timer.amount) == (None, 600)
    assert await due_of(tx, issue_id) == due + timedelta(days=4)
    assert (await timer_of(tx, issue_id, Purpose.RESPOND)).stopped_at is not None


async def test_what_is_over_has_no_running_clock(street: Street, tx: Tx, clock: Clock) -> None:
    for caller, move, body in (
        (street.chief, "reject", {"text": "不属于本街道"}),
        (street.reporter, "withdraw", {}),
    ):
        issue_id = await street.reported()
        clock.forward(minutes=3)
        await street.done(caller, issue_id, move, **body)
        for purpose in (Purpose.RESPOND, Purpose.RESOLVE):
            assert (await timer_of(tx, issue_id, purpose)).stopped_at == clock.now


async def test_a_guess_becomes_certain_when_the_year_is_published(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    await load_published_years(tx, now=clock.now)
    rule = {"resolve_clock": "working_days", "resolve_amount": 3}
    await new_rule(tx, "env.garbage", **rule)
    clock.now = at("2026-12-30", "10:00")
    issue_id, waiting = await street.reported(), await street.accepted()
    await street.done(street.chief, waiting, "ask", text="几号门口？")
    settled = await street.accepted()
    clock.forward(minutes=1)
    await street.done(street.chief, settled, "resolve", text="已清运")
    # 31 December, then Friday the 1st and Monday the 4th by weekday alone.
    guessed = at("2027-01-05")
    assert await due_of(tx, issue_id) == await due_of(tx, settled) == guessed
    assert (await timer_of(tx, issue_id, Purpose.RESOLVE)).provisional

    operator = await street.staff(Role.OPERATOR)
    notice = {
        "district_id": str(street.town.at().id),
        "source": "国务院办公厅关于2027年部分节假日安排的通知",
        "days": [{"day": "2027-01-01", "is_workday": False, "name": "元旦"}],
        "version": 0,
    }
    answer = await operator.put("/working-calendar/years/2027", json=notice)
    assert answer.status_code == 200, answer.text
    assert await relay_outbox(tx) > 0
    for _ in range(2):  # a job may run twice
        context = job_context(rolled_back, "cases.recompute_deadlines")
        await recompute_deadlines(context, year=2027, district_id=None, since_on="2027-01-01")
    published = at("2027-01-06")
    assert await due_of(tx, issue_id) == published
    assert not (await timer_of(tx, issue_id, Purpose.RESOLVE)).provisional
    assert await due_of(tx, settled) == guessed  # what is settled was settled by that
    assert await due_of(tx, waiting) is None
    clock.now = at("2026-12-31", "09:00")
    await street.done(street.reporter, waiting, "answer", text="3号")
    # It rested from the 30th to nine on the 31st, so that nine hours of the 31st are owed.
    assert await due_of(tx, waiting) == at("2027-01-06", "09:00")


async def test_an_early_warning_lies_before_the_deadline_on_every_clock(
    street: Street, tx: Tx, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    issue_id = await street.reported()
    timer = await timer_of(tx, issue_id, Purpose.RESOLVE)
    assert timer.yellow_at == clock.now + timedelta(minutes=480)
