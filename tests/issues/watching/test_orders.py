"""A superior orders, the hands answer, the superior is content or asks again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from neighborhood_api.cases.models import Entry
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.watching.models import Order
from neighborhood_api.issues.watching.orders import miss_orders
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.clock import Clock
from tests.support.issues import Street, act, photos
from tests.support.posts import appoint, vacate
from tests.support.refusals import refused

HOUR = {"clock": "calendar", "amount": 60}
ORDER: dict[str, Any] = {"text": "请说明进展", "answer_within": HOUR}


async def order_of(tx: Tx, issue_id: str) -> Order:
    query = select(Order).where(Order.case_id == issue_id)
    return (await tx.scalars(query.execution_options(populate_existing=True))).one()


async def running(tx: Tx, issue_id: str) -> list[Timer]:
    query = select(Timer).where(
        Timer.case_id == issue_id,
        Timer.purpose == Purpose.ORDER.value,
        Timer.stopped_at.is_(None),
    )
    return list(await tx.scalars(query.execution_options(populate_existing=True)))


async def test_an_order_is_answered_asked_again_answered_and_settled(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "supervise", **ORDER)
    (timer,) = await running(tx, issue_id)
    order = await order_of(tx, issue_id)
    assert (timer.subject_id, timer.due_at) == (order.id, clock.now + timedelta(hours=1))
    clock.forward(minutes=30)
    pictures = await photos(tx, street.chief.person_id, 1, now=clock.now)
    await tx.commit()
    await street.done(
        street.chief, issue_id, "answer-order", text="已约清运", photo_ids=pictures
    )
    assert await running(tx, issue_id) == []
    again = {"accept": False, "text": "请附时间", "answer_within": HOUR | {"amount": 30}}
    await street.done(street.leader, issue_id, "decide-order", **again)
    order = await order_of(tx, issue_id)
    assert (order.times_asked, order.answer, order.answered_at) == (2, None, None)
    assert [one.due_at for one in await running(tx, issue_id)] == [
        clock.now + timedelta(minutes=30)
    ]
    await street.done(street.chief, issue_id, "answer-order", text="今天下午三点")
    await street.done(street.leader, issue_id, "decide-order", accept=True, text="同意")
    order = await order_of(tx, issue_id)
    assert (order.answer, order.settled_by_id) == ("今天下午三点", street.leader.person_id)
    moves = select(Entry.move).where(Entry.case_id == issue_id).order_by(Entry.id)
    assert list(await tx.scalars(moves))[2:] == [
        "supervise",
        "answer_order",
        "repeat_order",
        "answer_order",
        "settle_order",
    ]


async def test_the_reporter_reads_that_there_is_an_order_and_nothing_else_of_it(
    street: Street,
) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "supervise", **ORDER)
    await street.done(street.chief, issue_id, "answer-order", text="内部情况")
    await street.done(street.leader, issue_id, "decide-order", accept=True, text="好")
    lines = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"][2:]
    assert [(line["move"], line["text"], line["note"]) for line in lines] == [
        ("supervise", "上级已督办，要求限时回复", None)
    ]


async def test_one_order_at_a_time(street: Street) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "supervise", **ORDER)
    refused(await act(street.leader, issue_id, "supervise", **ORDER), 409, "order_open")
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    refused(await act(secretary, issue_id, "supervise", **ORDER), 409, "order_open")
    await street.done(secretary, issue_id, "decide-order", accept=True, text="不再需要")
    seen = await street.done(street.leader, issue_id, "supervise", **ORDER)
    assert "supervise" not in seen["moves"]


async def test_who_holds_it_answers_and_who_gave_it_or_is_above_judges(
    street: Street,
) -> None:
    issue_id = await street.accepted()
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    refused(await act(street.chief, issue_id, "supervise", **ORDER), 403, "forbidden")
    refused(await act(street.chief, issue_id, "answer-order", text="好"), 409, "no_order")
    await street.done(worker, issue_id, "supervise", **ORDER)
    refused(await act(street.leader, issue_id, "answer-order", text="好"), 403, "forbidden")
    refused(await act(worker, issue_id, "answer-order", text="好"), 403, "forbidden")
    chief = (await street.chief.get(f"/issues/{issue_id}")).json()["moves"]
    assert "answer_order" in chief
    await street.done(street.chief, issue_id, "answer-order", text="好")
    answer = await act(street.chief, issue_id, "answer-order", text="好")
    refused(answer, 409, "order_answered")
    content = {"accept": True, "text": "好"}
    refused(await act(street.chief, issue_id, "decide-order", **content), 403, "forbidden")
    refused(await act(street.leader, issue_id, "decide-order", **content), 403, "forbidden")
    neighbour = await street.staff(Role.GRID_LEADER, 1, 1, 2)
    answer = await act(neighbour, issue_id, "decide-order", **content)
    refused(answer, 404, "case_not_found")
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    await street.done(secretary, issue_id, "decide-order", **content)
    await street.done(secretary, issue_id, "supervise", **ORDER)
    await street.done(street.chief, issue_id, "answer-order", text="好")
    refused(await act(worker, issue_id, "decide-order", **content), 403, "forbidden")
    above = await street.staff(Role.STREET_DISPATCHER, 1)
    await street.done(above, issue_id, "decide-order", **content)


async def test_nothing_is_asked_again_before_it_was_answered(street: Street) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "supervise", **ORDER)
    again = {"accept": False, "text": "还没有？"}
    answer = await act(street.leader, issue_id, "decide-order", **again)
    refused(answer, 409, "order_unanswered")


async def test_an_order_outlives_the_issue_and_is_answered_all_the_same(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "supervise", **ORDER)
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    assert len(await running(tx, issue_id)) == 1
    await street.done(street.chief, issue_id, "answer-order", text="已办结")
    await street.done(street.leader, issue_id, "decide-order", accept=True, text="同意销号")
    assert (await order_of(tx, issue_id)).settled_at is not None


async def test_the_street_secretary_supervises_what_the_street_holds(street: Street) -> None:
    issue_id = await street.accepted()
    for holder in (street.chief, street.leader):
        await street.done(holder, issue_id, "escalate", text="办不了")
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    await street.done(worker, issue_id, "escalate", text="办不了")
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    refused(await act(dispatcher, issue_id, "supervise", **ORDER), 403, "forbidden")
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    await street.done(secretary, issue_id, "supervise", **ORDER)
    await street.done(dispatcher, issue_id, "answer-order", text="已协调")
    answer = await act(dispatcher, issue_id, "decide-order", accept=True, text="好")
    refused(answer, 403, "forbidden")


async def test_nobody_judges_her_own_answer(street: Street) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "supervise", **ORDER)
    await street.done(street.chief, issue_id, "escalate", text="办不了")
    await street.done(street.leader, issue_id, "answer-order", text="已转本级")
    content = {"accept": True, "text": "好"}
    refused(await act(street.leader, issue_id, "decide-order", **content), 403, "own_answer")
    above = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    await street.done(above, issue_id, "decide-order", **content)


async def test_an_unanswered_order_is_reported_upwards_once_each_time_it_is_asked(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.accepted()
    community = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    await street.done(community, issue_id, "supervise", **ORDER)
    clock.forward(minutes=59)
    assert await miss_orders(rolled_back, now=clock.now) == 0
    clock.forward(minutes=1)
    assert await miss_orders(rolled_back, now=clock.now) == 1
    assert await miss_orders(rolled_back, now=clock.now) == 0
    await street.done(street.chief, issue_id, "answer-order", text="好")
    await street.done(community, issue_id, "decide-order", accept=False, text="说清楚")
    clock.forward(minutes=60)
    assert await miss_orders(rolled_back, now=clock.now) == 1
    assert await miss_orders(rolled_back, now=clock.now) == 0
    told = select(OutboxRow.payload["recipient_ids"]).where(
        OutboxRow.name == "issues.order_overdue",
        OutboxRow.payload["issue_id"].astext == issue_id,
    )
    people = [street.chief, street.leader, community]
    assert list(await tx.scalars(told)) == [[str(one.person_id) for one in people]] * 2


async def test_orders_are_listed_for_who_must_answer_and_for_who_gave_them(
    street: Street, clock: Clock
) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "supervise", **ORDER)
    clock.forward(hours=2)
    (mine,) = (await street.chief.get("/staff/orders")).json()["items"]
    assert (mine["issue_id"], mine["text"], mine["overdue"]) == (issue_id, "请说明进展", True)
    assert mine["given_by"].startswith("网格长")
    assert (await street.leader.get("/staff/orders")).json()["items"] == []
    (given,) = (await street.leader.get("/staff/orders?side=given")).json()["items"]
    assert given["id"] == mine["id"]
    await street.done(street.chief, issue_id, "answer-order", text="已约清运")
    assert (await street.chief.get("/staff/orders")).json()["items"] == []
    (given,) = (await street.leader.get("/staff/orders?side=given")).json()["items"]
    assert (given["answer"], given["overdue"], given["settled_at"]) == ("已约清运", False, None)


async def test_confidential_orders_are_listed_only_for_posts_named_for_them(
    street: Street,
) -> None:
    issue_id = await street.reported(category_code="staff.conduct")
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    await street.done(secretary, issue_id, "supervise", **ORDER)
    assert (await dispatcher.get("/staff/orders")).json()["items"] == []
    (mine,) = (await secretary.get("/staff/orders")).json()["items"]
    assert mine["issue_id"] == issue_id


@pytest.mark.parametrize("amount", [0, 367 * 24 * 60])
async def test_a_limit_without_sense_is_refused(amount: int, street: Street) -> None:
    issue_id = await street.accepted()
    order = ORDER | {"answer_within": HOUR | {"amount": amount}}
    refused(await act(street.leader, issue_id, "supervise", **order), 422, "invalid_request")


async def test_who_is_named_for_one_street_lists_no_confidential_orders_of_another(
    street: Street, tx: Tx
) -> None:
    """She gave one there while she was its secretary, and holds an ordinary post there now."""
    there = {"lane_id": str(street.town.at(2, 1, 1, 1).id)}
    about_staff = await street.reported(category_code="staff.conduct", **there)
    ordinary = await street.reported(**there)
    before = await street.staff(Role.STREET_SECRETARY, 2)
    await street.done(before, about_staff, "supervise", **ORDER)
    she = await street.staff(Role.STREET_SECRETARY, 1)
    hers = update(Order).where(Order.case_id == about_staff)
    await tx.execute(hers.values(given_by_id=she.person_id))
    await vacate(tx, street.town.at(2))
    await appoint(tx, street.town.at(2), Role.STREET_DISPATCHER, she.person_id)
    await tx.commit()
    she = await street.callers.person(she.person_id)
    await street.done(she, ordinary, "supervise", **ORDER)
    given = (await she.get("/staff/orders?side=given")).json()["items"]
    assert [one["issue_id"] for one in given] == [ordinary]
    refused(await she.get(f"/issues/{about_staff}"), 404, "case_not_found")
