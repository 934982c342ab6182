"""Sent on to another body: who holds it stays responsible until the other has accepted."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.paths import Offer, Party
from neighborhood_api.cases.terms import TRANSFERS_ALLOWED
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx
from tests.issues.dispatching.arranging import NOT_OURS, case_of, due_of, to_body, to_lane
from tests.support.clock import Clock
from tests.support.hands import check_ledger, pages_of
from tests.support.issues import LANE, Street, act, new_rule
from tests.support.posts import vacate
from tests.support.refusals import refused

BESIDE = (1, 1, 1, 2)


async def test_a_transfer_to_the_next_lane_moves_the_place_when_it_is_accepted(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    before = await case_of(tx, issue_id)
    due = (before.respond_due_at, before.resolve_due_at)
    neighbour = await street.staff(Role.LANE_CHIEF, *BESIDE)
    refused(await act(neighbour, issue_id, "take-over"), 404, "case_not_found")
    clock.forward(minutes=10)
    offered = await street.done(street.chief, issue_id, "transfer", **to_lane(street, *BESIDE))
    assert (offered["state"], offered["hand"]["role"]) == ("accepted", "lane_chief")
    assert offered["hand"]["node_id"] == str(street.town.at(*LANE).id)
    assert offered["timeline"][-1]["text"] == "实际位置在隔壁巷"

    # The first chief answers for it still, and whoever it is offered to sees it.
    clock.forward(minutes=5)
    await street.done(street.chief, issue_id, "respond", text="先设了围挡")
    seen = (await neighbour.get(f"/issues/{issue_id}")).json()
    assert {"take_over", "decline"} <= set(seen["moves"])
    assert "resolve" not in seen["moves"]
    listed = (await neighbour.get("/staff/issues")).json()["items"]
    assert [row["id"] for row in listed] == [issue_id]
    assert seen["reporter"]["phone"] is None or "*" in seen["reporter"]["phone"]

    taken_at = clock.forward(minutes=5)
    taken = await street.done(neighbour, issue_id, "take-over", text="收到")
    assert (taken["state"], taken["lane_id"]) == ("accepted", str(street.town.at(*BESIDE).id))
    case = await case_of(tx, issue_id)
    assert case.place == street.town.place(*BESIDE)
    assert (case.respond_due_at, case.resolve_due_at) == due  # the clock goes on
    assert (await street.chief.get(f"/issues/{issue_id}")).status_code == 404
    assert [entry["move"] for entry in taken["timeline"]] == [
        "report", "accept", "transfer", "respond", "take_over",
    ]  # fmt: skip
    first, second = await pages_of(tx, issue_id)
    assert (first.node_id, first.held_until) == (street.town.at(*LANE).id, taken_at)
    assert (second.node_id, second.held_from) == (street.town.at(*BESIDE).id, taken_at)
    await check_ledger(tx, issue_id, now=clock.now)


async def test_a_dispatch_is_an_offer_that_the_department_takes_over(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.reported()
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    other = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)
    body = {"organization_id": str(street.town.organizations[0].id)}
    offered = await street.done(dispatcher, issue_id, "dispatch", **body)
    assert (offered["state"], offered["hand"]["role"]) == ("assigned", "lane_chief")
    refused(await act(other, issue_id, "take-over"), 404, "case_not_found")
    refused(await act(officer, issue_id, "accept"), 403, "forbidden")
    refused(await act(officer, issue_id, "resolve", text="x"), 403, "forbidden")
    assert len(await pages_of(tx, issue_id)) == 1
    clock.forward(minutes=7)
    taken = await street.done(officer, issue_id, "take-over")
    assert (taken["state"], taken["hand"]["organization"]) == ("accepted", "城管办")
    refused(await act(officer, issue_id, "take-over"), 403, "forbidden")
    refused(await act(street.chief, issue_id, "respond", text="x"), 403, "forbidden")
    case = await case_of(tx, issue_id)
    assert case.place == street.town.place(*LANE)
    assert (case.hand_level, case.hand_person_id) == (1, officer.person_id)
    await check_ledger(tx, issue_id, now=clock.now)
    offers = (await dispatcher.get(f"/issues/{issue_id}/offers")).json()["items"]
    assert [(one["to"], one["answer"]) for one in offers] == [("城管办", "accepted")]
    refused(await street.reporter.get(f"/issues/{issue_id}/offers"), 403, "forbidden")


async def test_what_is_declined_stays_where_it_is(street: Street, tx: Tx) -> None:
    issue_id = await street.accepted()
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    due = await due_of(tx, issue_id, Purpose.RESOLVE)
    await street.done(street.chief, issue_id, "transfer", **to_body(street, 0))
    refused(await act(officer, issue_id, "decline", text="无原因"), 422, "invalid_request")
    await street.done(officer, issue_id, "decline", **NOT_OURS)
    case = await case_of(tx, issue_id)
    assert (case.state, case.hand_node_id, case.times_returned) == (
        "accepted",
        street.town.at(*LANE).id,
        1,
    )
    assert await due_of(tx, issue_id, Purpose.RESOLVE) == due
    assert (await officer.get(f"/issues/{issue_id}")).status_code == 404
    parties = (await tx.scalars(select(Party).where(Party.case_id == issue_id))).all()
    assert parties == []
    refused(await act(officer, issue_id, "take-over"), 404, "case_not_found")
    seen = (await street.chief.get(f"/issues/{issue_id}")).json()
    assert seen["timeline"][-1]["text"] == "不属于本单位职责：路灯由供电所维护"
    assert seen["timeline"][-1]["detail"] == {"reason": "not_our_duty"}
    assert len(await pages_of(tx, issue_id)) == 1


async def test_another_offer_takes_the_place_of_the_first(street: Street, tx: Tx) -> None:
    issue_id = await street.accepted()
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    first = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    await street.done(street.chief, issue_id, "transfer", **to_body(street, 0))
    body = {"organization_id": str(street.town.organizations[1].id)}
    await street.done(dispatcher, issue_id, "dispatch", **body)
    assert (await first.get(f"/issues/{issue_id}")).status_code == 404
    refused(await act(first, issue_id, "take-over"), 404, "case_not_found")
    offers = select(Offer.answer).where(Offer.case_id == issue_id).order_by(Offer.id)
    assert list(await tx.scalars(offers)) == ["replaced", None]
    police = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)
    await street.done(police, issue_id, "take-over")


async def test_whom_it_cannot_go_to(street: Street, tx: Tx) -> None:
    issue_id = await street.accepted()
    for target, code in (
        ({"text": "转"}, "target_needed"),
        (to_lane(street, *BESIDE) | to_body(street, 0), "target_needed"),
        (to_lane(street, 2, 1, 1, 1), "other_street"),
        (to_lane(street, 2), "other_street"),
        (to_lane(street), "other_street"),
        ({"organization_id": str(uuid4()), "text": "转"}, "organization_not_found"),
    ):
        refused(await act(street.chief, issue_id, "transfer", **target), 422, code)
    here = await act(street.chief, issue_id, "transfer", **to_lane(street, *LANE))
    refused(here, 409, "already_there")
    nowhere = {"node_id": str(uuid4()), "text": "转"}
    refused(await act(street.chief, issue_id, "transfer", **nowhere), 404, "node_not_found")
    assert (await tx.scalars(select(Offer))).all() == []


async def test_a_rule_that_names_departments_lets_no_other_be_given_it(
    street: Street, tx: Tx
) -> None:
    allowed = street.town.organizations[1]
    await new_rule(tx, "env.garbage", department_ids=[allowed.id])
    issue_id = await street.accepted()
    other = await act(street.chief, issue_id, "transfer", **to_body(street, 0))
    refused(other, 422, "organization_not_found")
    await street.done(street.chief, issue_id, "transfer", **to_body(street, 1))


async def test_what_is_offered_to_a_vacant_lane_is_taken_over_for_it_one_up(
    street: Street, tx: Tx
) -> None:
    far = (1, 2, 1, 1)
    await vacate(tx, street.town.at(*far))
    issue_id = await street.accepted()
    leader = await street.staff(Role.GRID_LEADER, *far[:3])
    await street.done(street.chief, issue_id, "transfer", **to_lane(street, *far))
    taken = await street.done(leader, issue_id, "take-over")
    assert taken["hand"]["node_id"] == str(street.town.at(*far[:3]).id)
    assert taken["lane_id"] == str(street.town.at(*far).id)


async def test_what_nobody_answers_goes_to_the_street_for_its_decision(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.accepted()
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    await street.done(street.chief, issue_id, "transfer", **to_body(street, 0))
    in_time = clock.now + timedelta(minutes=60, seconds=-1)
    assert await sweeps.lapse_offers(rolled_back, ISSUE, now=in_time) == 0
    now = clock.forward(minutes=60)
    assert await sweeps.lapse_offers(rolled_back, ISSUE, now=now) == 1
    assert await sweeps.lapse_offers(rolled_back, ISSUE, now=now) == 0
    seen = (await dispatcher.get(f"/issues/{issue_id}")).json()
    assert (seen["state"], seen["hand"]["role"]) == ("adjudicating", "street_dispatcher")
    assert {"adjudicate"} <= set(seen["moves"])
    assert (await officer.get(f"/issues/{issue_id}")).status_code == 404
    await check_ledger(tx, issue_id, now=now)
    assert (await case_of(tx, issue_id)).times_returned == 1  # silence is a return
    answers = select(Offer.answer).where(Offer.case_id == issue_id)
    assert list(await tx.scalars(answers)) == ["lapsed"]


async def test_no_offer_stops_the_ladder_and_the_ladder_ends_no_offer(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    """Offering it again and again does not keep it from those above."""
    issue_id = await street.reported()
    clock.forward(minutes=50)
    await street.done(street.chief, issue_id, "transfer", **to_body(street, 0))
    clock.forward(minutes=9)
    await street.done(street.chief, issue_id, "transfer", **to_body(street, 0))
    now = clock.forward(minutes=1)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=now) == 1
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    seen = (await officer.get(f"/issues/{issue_id}")).json()
    assert (seen["state"], seen["hand"]["role"]) == ("assigned", "grid_leader")
    assert {"take_over", "decline"} <= set(seen["moves"])
    taken = await street.done(officer, issue_id, "take-over")
    assert taken["hand"]["organization"] == "城管办"
    await check_ledger(tx, issue_id, now=now)


async def test_what_is_offered_to_those_above_is_theirs_when_the_ladder_brings_it(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.reported()
    await street.done(street.chief, issue_id, "transfer", **to_lane(street, *LANE[:3]))
    now = clock.forward(minutes=60)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=now) == 1
    assert await sweeps.lapse_offers(rolled_back, ISSUE, now=now) == 0
    offers = select(Offer.answer).where(Offer.case_id == issue_id)
    assert list(await tx.scalars(offers)) == ["void"]
    await street.done(street.leader, issue_id, "accept")


async def test_an_alarm_at_the_top_is_not_put_off_by_an_offer(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    await new_rule(tx, "env.garbage", first_level=1)
    issue_id = await street.reported()
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    clock.forward(minutes=59)
    body = {"organization_id": str(street.town.organizations[0].id)}
    await street.done(dispatcher, issue_id, "dispatch", **body)
    now = clock.forward(minutes=1)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=now) == 1
    seen = (await dispatcher.get(f"/issues/{issue_id}")).json()
    assert seen["timeline"][-1]["move"] == "alarm"
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    await street.done(officer, issue_id, "take-over")


async def test_an_issue_is_offered_five_times_and_then_settled_or_returned(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.accepted()
    for _ in range(TRANSFERS_ALLOWED):
        await street.done(street.chief, issue_id, "transfer", **to_body(street, 0))
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    taken = await street.done(officer, issue_id, "take-over")
    assert "transfer" not in taken["moves"]
    sixth = await act(officer, issue_id, "transfer", **to_body(street, 1))
    refused(sixth, 409, "transferred_too_often")
    offers = select(func.count(Offer.id)).where(Offer.case_id == issue_id)
    assert await tx.scalar(offers) == TRANSFERS_ALLOWED
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    other = {"organization_id": str(street.town.organizations[1].id)}
    await street.done(dispatcher, issue_id, "dispatch", **other)  # the street decides


@pytest.mark.parametrize("ending", ["withdraw", "resolve", "escalate"])
async def test_an_offer_ends_with_what_it_was_about(
    ending: str, street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.accepted()
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    await street.done(street.chief, issue_id, "transfer", **to_body(street, 0))
    caller = street.reporter if ending == "withdraw" else street.chief
    body = {} if ending == "withdraw" else {"text": "本巷已处理"}
    await street.done(caller, issue_id, ending, **body)
    assert (await officer.get(f"/issues/{issue_id}")).status_code == 404
    offers = select(Offer.answer).where(Offer.case_id == issue_id)
    assert list(await tx.scalars(offers)) == ["void"]
    now = clock.forward(days=2)
    assert await sweeps.lapse_offers(rolled_back, ISSUE, now=now) == 0


async def test_one_case_that_cannot_be_moved_stops_no_other(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    first, second = await street.accepted(), await street.accepted()
    for issue_id in (first, second):
        await street.done(street.chief, issue_id, "transfer", **to_body(street, 0))
    (await case_of(tx, first)).state = "closed"  # past every rule
    await tx.flush()
    now = clock.forward(days=1)
    with pytest.raises(ExceptionGroup, match="could not be moved") as failed:
        await sweeps.lapse_offers(rolled_back, ISSUE, now=now)
    assert len(failed.value.exceptions) == 1
    assert (await case_of(tx, second)).state == "adjudicating"


async def test_the_timeline_says_to_the_reporter_too_where_it_was_sent(
    street: Street, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", returns_allowed=0)
    issue_id = await street.reported()
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    body = {"organization_id": to_body(street, 0)["organization_id"], "text": "内部说明"}
    await street.done(dispatcher, issue_id, "dispatch", **body)
    await street.done(officer, issue_id, "decline", **NOT_OURS)  # one too many
    await street.done(dispatcher, issue_id, "adjudicate", **to_lane(street, *LANE))
    await street.done(street.chief, issue_id, "accept")
    second = await street.accepted()
    await street.done(street.chief, second, "transfer", **to_lane(street, *BESIDE))
    seen = [
        entry
        for one in (issue_id, second)
        for entry in (await street.reporter.get(f"/issues/{one}")).json()["timeline"]
    ]
    assert [(entry["move"], entry["sent_to"]) for entry in seen if entry["sent_to"]] == [
        ("dispatch", "城管办"),
        ("adjudicate", street.town.at(*LANE).name),
        ("transfer", street.town.at(*BESIDE).name),
    ]
    assert {(entry["note"], entry["detail"] is None) for entry in seen} == {(None, True)}
    for_staff = (await street.chief.get(f"/issues/{issue_id}")).json()["timeline"]
    assert next(one for one in for_staff if one["sent_to"])["note"] == "内部说明"
