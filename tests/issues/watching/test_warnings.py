"""Yellow before and red after every limit, to the right people, once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases import warnings as engine
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.cases.timers import recompute
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.watching.models import IssueWarning, WarningRecipient
from neighborhood_api.issues.watching.orders import miss_orders
from neighborhood_api.issues.watching.warnings import raise_warnings
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.calls import whistled
from tests.support.clock import Clock
from tests.support.issues import LANE, Street, new_rule
from tests.support.posts import appoint, somebody, vacate
from tests.support.refusals import refused


async def shown(tx: Tx, issue_id: str, purpose: Purpose) -> list[str]:
    """The colours that a clock of the issue has shown, in order."""
    query = select(IssueWarning.colour).where(
        IssueWarning.case_id == issue_id, IssueWarning.purpose == purpose.value
    )
    return list(await tx.scalars(query.order_by(IssueWarning.id)))


async def told(tx: Tx, issue_id: str, purpose: Purpose, colour: str) -> set[UUID]:
    """Who was told of the last warning of this colour."""
    last = (
        select(IssueWarning.id)
        .where(
            IssueWarning.case_id == issue_id,
            IssueWarning.purpose == purpose.value,
            IssueWarning.colour == colour,
        )
        .order_by(IssueWarning.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    people = select(WarningRecipient.person_id).where(WarningRecipient.warning_id == last)
    return set(await tx.scalars(people))


async def sweep(database: Database, clock: Clock, **forward: float) -> None:
    """Let time pass; sweep twice, which must be as good as once."""
    clock.forward(**forward)
    await raise_warnings(database, now=clock.now)
    assert await raise_warnings(database, now=clock.now) == 0


def ids(*people: Any) -> set[UUID]:  # noqa: ANN401
    return {person.person_id for person in people}


async def responded(street: Street) -> str:
    """An issue of which only the clock of the resolution runs, for ten hours."""
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "respond", text="下午处理")
    return issue_id


async def test_yellow_before_the_limit_and_red_after_it_once_each(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    await sweep(rolled_back, clock, hours=7, minutes=59)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == []
    await sweep(rolled_back, clock, minutes=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow"]
    assert await told(tx, issue_id, Purpose.RESOLVE, "yellow") == ids(street.chief)
    await sweep(rolled_back, clock, hours=1, minutes=59)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow"]
    await sweep(rolled_back, clock, minutes=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow", "red"]
    assert await told(tx, issue_id, Purpose.RESOLVE, "red") == ids(street.chief, street.leader)
    await sweep(rolled_back, clock, days=30)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow", "red"]


async def test_each_clock_warns_for_itself_and_what_was_done_in_time_warns_of_nothing(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    silent, answered = await street.accepted(), await responded(street)
    await sweep(rolled_back, clock, minutes=61)
    assert await shown(tx, silent, Purpose.RESPOND) == ["red"]
    assert await shown(tx, answered, Purpose.RESPOND) == []
    await street.done(street.chief, answered, "resolve", text="已清运")
    await sweep(rolled_back, clock, days=5)
    assert await shown(tx, answered, Purpose.RESOLVE) == []
    assert await shown(tx, silent, Purpose.RESOLVE) == ["red"]


async def test_the_announcement_names_who_is_told(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    due_at = clock.now + timedelta(hours=10)
    await sweep(rolled_back, clock, hours=9)
    query = select(OutboxRow.payload).where(
        OutboxRow.name == "issues.warning_raised",
        OutboxRow.payload["issue_id"].astext == issue_id,
    )
    (event,) = await tx.scalars(query)
    assert (event["purpose"], event["colour"]) == ("resolve", "yellow")
    assert event["recipient_ids"] == [str(street.chief.person_id)]
    assert event["due_at"].startswith(due_at.strftime("%Y-%m-%dT%H:%M"))


async def test_a_department_that_holds_it_is_warned_with_the_street(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.dispatched(0)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    await sweep(rolled_back, clock, hours=9)
    assert await told(tx, issue_id, Purpose.RESOLVE, "yellow") == ids(officer)
    await sweep(rolled_back, clock, hours=2)
    assert await told(tx, issue_id, Purpose.RESOLVE, "red") == ids(officer, dispatcher)


async def test_who_is_told_is_who_answers_at_that_moment(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    await sweep(rolled_back, clock, hours=9)
    await vacate(tx, street.town.at(*LANE[:3]))
    await tx.commit()
    await sweep(rolled_back, clock, hours=2)
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    assert await told(tx, issue_id, Purpose.RESOLVE, "red") == ids(street.chief, worker)


async def test_while_the_clock_rests_nobody_is_warned_and_after_it_later(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    clock.forward(hours=7)
    await street.done(street.chief, issue_id, "ask", text="在哪个门口？")
    await sweep(rolled_back, clock, days=3)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == []
    await street.done(street.reporter, issue_id, "answer", text="3号门")
    await sweep(rolled_back, clock, minutes=59)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == []
    await sweep(rolled_back, clock, minutes=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow"]
    await sweep(rolled_back, clock, hours=2)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow", "red"]


async def test_a_limit_that_passed_just_before_the_rest_is_shown_after_it(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    clock.forward(hours=11)
    await street.done(street.chief, issue_id, "ask", text="在哪个门口？")
    await sweep(rolled_back, clock, hours=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == []
    await street.done(street.reporter, issue_id, "answer", text="3号门")
    await sweep(rolled_back, clock, minutes=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["red"]


async def test_an_extension_warns_again_once_before_and_after_its_new_limit(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    await sweep(rolled_back, clock, hours=9)
    await sweep(rolled_back, clock, hours=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow", "red"]
    wish = {"amount": 600, "text": "等配件"}
    await street.done(street.chief, issue_id, "request-extension", **wish)
    await street.done(street.leader, issue_id, "decide-request", approve=True, text="同意")
    await sweep(rolled_back, clock, minutes=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow", "red"]
    await sweep(rolled_back, clock, hours=6)  # 16 of the 20 hours
    await sweep(rolled_back, clock, hours=4)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow", "red"] * 2
    await sweep(rolled_back, clock, days=9)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow", "red"] * 2


async def test_computing_the_same_deadline_anew_does_not_warn_again(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    await sweep(rolled_back, clock, hours=9)
    await sweep(rolled_back, clock, hours=2)
    case = (await tx.scalars(select(Case).where(Case.id == issue_id))).one()
    await recompute(tx, case)
    await tx.commit()
    await sweep(rolled_back, clock, minutes=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["yellow", "red"]


async def test_a_deadline_that_was_put_off_and_came_back_is_not_told_twice(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    await sweep(rolled_back, clock, hours=11)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["red"]
    query = select(Timer).where(Timer.case_id == issue_id, Timer.purpose == "resolve")
    timer = (await tx.scalars(query.execution_options(populate_existing=True))).one()
    timer.red_shown_at = None
    await tx.commit()
    await sweep(rolled_back, clock, minutes=1)
    assert await shown(tx, issue_id, Purpose.RESOLVE) == ["red"]


async def test_called_departments_are_warned_and_then_whoever_called_them_too(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    await whistled(street, street.leader, issue_id, 0)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    await sweep(rolled_back, clock, minutes=100)
    assert await told(tx, issue_id, Purpose.CHECK_IN, "yellow") == ids(officer)
    await sweep(rolled_back, clock, minutes=20)
    people = ids(officer, dispatcher, street.leader)
    assert await told(tx, issue_id, Purpose.CHECK_IN, "red") == people


async def test_an_order_warns_who_must_answer_and_then_who_gave_it(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    order = {"text": "请回复", "answer_within": {"clock": "calendar", "amount": 60}}
    await street.done(secretary, issue_id, "supervise", **order)
    await sweep(rolled_back, clock, minutes=50)
    assert await told(tx, issue_id, Purpose.ORDER, "yellow") == ids(street.chief)
    await sweep(rolled_back, clock, minutes=10)
    people = ids(street.chief, street.leader, secretary)
    assert await told(tx, issue_id, Purpose.ORDER, "red") == people


async def test_of_what_is_over_whoever_answers_there_now_is_warned(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    order = {"text": "请回复", "answer_within": {"clock": "calendar", "amount": 60}}
    await street.done(secretary, issue_id, "supervise", **order)
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    lane = street.town.at(*LANE)
    await vacate(tx, lane)
    new = await somebody(tx, "新巷长")
    await appoint(tx, lane, Role.LANE_CHIEF, new.id)
    await tx.commit()
    await sweep(rolled_back, clock, minutes=50)
    assert await told(tx, issue_id, Purpose.ORDER, "yellow") == {new.id}
    await sweep(rolled_back, clock, minutes=10)
    assert await miss_orders(rolled_back, now=clock.now) == 1
    (overdue,) = await tx.scalars(
        select(OutboxRow.payload).where(OutboxRow.name == "issues.order_overdue")
    )
    people = [str(one) for one in (new.id, street.leader.person_id, secretary.person_id)]
    assert overdue["recipient_ids"] == people
    mine = await street.callers.person(new.id)
    (waiting,) = (await mine.get("/staff/orders")).json()["items"]
    assert waiting["issue_id"] == issue_id


async def test_a_verification_that_waits_warns_those_who_can_verify(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    await new_rule(tx, "env.garbage", verification=True, verify_amount=60)
    issue_id = await responded(street)
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    await sweep(rolled_back, clock, minutes=50)
    assert await told(tx, issue_id, Purpose.VERIFY, "yellow") == ids(street.leader)
    await sweep(rolled_back, clock, minutes=10)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    assert await told(tx, issue_id, Purpose.VERIFY, "red") == ids(street.leader, dispatcher)


async def test_of_a_confidential_issue_only_its_posts_are_warned(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.reported(category_code="staff.conduct")
    await sweep(rolled_back, clock, hours=11)
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    assert await told(tx, issue_id, Purpose.RESOLVE, "red") == ids(secretary)


async def test_a_sweep_goes_on_batch_by_batch(
    street: Street,
    tx: Tx,
    clock: Clock,
    rolled_back: Database,
    monkeypatch: Any,  # noqa: ANN401
) -> None:
    monkeypatch.setattr(engine, "AT_ONCE", 2)
    issues: Sequence[str] = [await responded(street) for _ in range(5)]
    await sweep(rolled_back, clock, hours=9)
    assert [await shown(tx, one, Purpose.RESOLVE) for one in issues] == [["yellow"]] * 5


async def test_warnings_are_listed_newest_first_and_marked_as_read(
    street: Street, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await responded(street)
    await sweep(rolled_back, clock, hours=9)
    await sweep(rolled_back, clock, hours=2)
    red, yellow = (await street.chief.get("/staff/warnings")).json()["items"]
    assert (red["colour"], yellow["colour"]) == ("red", "yellow")
    assert (red["issue_id"], red["purpose"], red["read_at"]) == (issue_id, "resolve", None)
    page = (await street.chief.get("/staff/warnings?limit=1")).json()
    rest = await street.chief.get(f"/staff/warnings?limit=1&after={page['next']}")
    assert [one["id"] for one in rest.json()["items"]] == [yellow["id"]]
    answer = await street.chief.post(f"/staff/warnings/{yellow['id']}/read")
    assert answer.json() == {"done": True}
    unread = (await street.chief.get("/staff/warnings?unread=true")).json()["items"]
    assert [one["id"] for one in unread] == [red["id"]]
    refused(
        await street.leader.post(f"/staff/warnings/{yellow['id']}/read"),
        404,
        "warning_not_found",
    )
    assert (await street.chief.post("/staff/warnings/read-all")).json() == {"done": True}
    assert (await street.chief.get("/staff/warnings?unread=true")).json()["items"] == []
    (theirs,) = (await street.leader.get("/staff/warnings?unread=true")).json()["items"]
    assert theirs["id"] == red["id"]
    assert (await street.reporter.get("/staff/warnings")).json()["items"] == []


async def test_who_lost_the_post_sees_its_warnings_no_more(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    await responded(street)
    await sweep(rolled_back, clock, hours=11)
    assert len((await street.chief.get("/staff/warnings")).json()["items"]) == 1
    beside = street.town.at(1, 1, 1, 2)
    await vacate(tx, street.town.at(*LANE), beside)
    await appoint(tx, beside, Role.LANE_CHIEF, street.chief.person_id)
    await tx.commit()
    moved = await street.callers.person(street.chief.person_id)
    for unread in ("false", "true"):
        shown_now = await moved.get(f"/staff/warnings?unread={unread}")
        assert shown_now.json()["items"] == []
    assert len((await street.leader.get("/staff/warnings")).json()["items"]) == 1


async def test_the_community_secretary_gets_the_red_warnings_of_her_people(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    with_grid, with_community = await street.accepted(), await street.accepted()
    for issue_id, times in ((with_grid, 1), (with_community, 2)):
        for _ in range(times):
            await street.done(dispatcher, issue_id, "escalate", text="上报")
    for caller, issue_id in ((street.leader, with_grid), (worker, with_community)):
        await street.done(caller, issue_id, "accept")
        await street.done(caller, issue_id, "respond", text="下午处理")
    await sweep(rolled_back, clock, hours=9)
    assert await told(tx, with_community, Purpose.RESOLVE, "yellow") == ids(worker)
    await sweep(rolled_back, clock, hours=2)
    people = ids(street.leader, worker, secretary)
    assert await told(tx, with_grid, Purpose.RESOLVE, "red") == people
    people = ids(worker, secretary, dispatcher)
    assert await told(tx, with_community, Purpose.RESOLVE, "red") == people
