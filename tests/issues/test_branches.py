"""The branches that a real issue takes off the straight path."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.grid.models import Organization
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.clock import Clock
from tests.support.issues import LANE, Street, act, photos
from tests.support.posts import appoint, appointment_at, phone_number, somebody, vacate
from tests.support.refusals import refused


async def test_a_rejection_ends_it_with_the_reason_for_the_reporter(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.reported()
    refused(await act(street.chief, issue_id, "reject"), 422, "invalid_request")
    refused(await act(street.chief, issue_id, "reject", text="  "), 422, "invalid_request")
    body = await street.done(street.chief, issue_id, "reject", text="不属于街巷管理范围")
    assert (body["state"], body["state_name"]) == ("rejected", "不予受理")
    assert not {"accept", "reject", "resolve", "escalate"} & set(body["moves"])
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert seen["timeline"][-1]["text"] == "不属于街巷管理范围"
    assert seen["timeline"][-1]["who"].startswith("巷长")
    case = (await tx.scalars(select(Case))).one()
    assert case.closed_at is not None
    assert case.pass_up_at is None
    refused(await act(street.chief, issue_id, "accept"), 409, "move_not_allowed")


@pytest.mark.parametrize("moves", [[], ["accept"], ["accept", "respond"]])
async def test_the_reporter_withdraws_while_it_is_in_hand(
    moves: list[str], street: Street
) -> None:
    issue_id = await street.reported()
    for move in moves:
        body = {"text": "今天处理"} if move == "respond" else {}
        await street.done(street.chief, issue_id, move, **body)
    body = await street.done(street.reporter, issue_id, "withdraw")
    assert body["state"] == "withdrawn"
    problem = refused(await act(street.chief, issue_id, "accept"), 409, "move_not_allowed")
    assert problem["state"] == "withdrawn"
    assert not {"accept", "withdraw", "reopen"} & set(problem["allowed"])


async def test_what_is_resolved_is_not_withdrawn(street: Street) -> None:
    issue_id = await street.resolved()
    problem = refused(await act(street.reporter, issue_id, "withdraw"), 409, "move_not_allowed")
    assert "confirm" in problem["allowed"]


async def test_it_is_passed_up_level_by_level_to_the_street_and_not_further(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.reported()
    holders = [
        street.chief,
        street.leader,
        await street.staff(Role.COMMUNITY_WORKER, 1, 1),
        await street.staff(Role.STREET_DISPATCHER, 1),
    ]
    levels = []
    for holder in holders[:3]:
        body = await street.done(holder, issue_id, "escalate", text="本级办不了")
        levels.append((body["hand"]["level"], body["hand"]["role"], body["state"]))
    assert levels == [
        (3, "grid_leader", "assigned"),
        (2, "community_worker", "assigned"),
        (1, "street_dispatcher", "assigned"),
    ]
    answer = await act(holders[3], issue_id, "escalate", text="再往上")
    refused(answer, 409, "nobody_above")
    case = (await tx.scalars(select(Case))).one()
    assert (case.times_passed_up, case.hand_level) == (3, 1)
    refused(await act(street.chief, issue_id, "accept"), 403, "forbidden")
    timeline = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"]
    assert [entry["now_with"] for entry in timeline] == [
        "1号巷 巷长", "1号网格 网格长", "1号社区 社区工作者", "1号街道 街道调度员",
    ]  # fmt: skip


async def test_passing_up_skips_a_level_where_every_post_is_vacant(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.reported()
    await vacate(tx, street.town.at(*LANE[:3]))
    body = await street.done(street.chief, issue_id, "escalate", text="本级办不了")
    assert (body["hand"]["level"], body["hand"]["role"]) == (2, "community_worker")


async def test_a_reopened_issue_goes_one_level_up_and_its_clock_goes_on(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.resolved()
    before = (await street.reporter.get(f"/issues/{issue_id}")).json()
    clock.forward(hours=2)
    refused(await act(street.reporter, issue_id, "reopen"), 422, "invalid_request")
    body = await street.done(street.reporter, issue_id, "reopen", text="没有清干净")
    assert (body["state"], body["times_reopened"]) == ("reopened", 1)
    assert (body["hand"]["level"], body["hand"]["role"]) == (3, "grid_leader")
    rested = datetime.fromisoformat(before["resolve_due_at"]) + timedelta(hours=2)
    assert datetime.fromisoformat(body["resolve_due_at"]) == rested
    case = (await tx.scalars(select(Case))).one()
    assert case.pass_up_at == clock.now + timedelta(minutes=60)
    assert (case.resolved_at, case.close_at, case.closed_at) == (None, None, None)
    refused(await act(street.chief, issue_id, "accept"), 403, "forbidden")
    await street.done(street.leader, issue_id, "accept")
    again = await street.done(street.leader, issue_id, "resolve", text="重新清运")
    assert (again["state"], again["times_reopened"]) == ("resolved", 1)
    second = await street.done(street.reporter, issue_id, "reopen", text="还是不行")
    assert (second["times_reopened"], second["hand"]["level"]) == (2, 2)


async def test_she_confirms_and_may_still_reopen(street: Street) -> None:
    issue_id = await street.resolved()
    await street.done(street.reporter, issue_id, "confirm")
    body = await street.done(street.reporter, issue_id, "reopen", text="今天又满了")
    assert body["state"] == "reopened"
    assert "withdraw" in body["moves"]


async def test_the_reporter_rates_once_from_one_to_five(street: Street, tx: Tx) -> None:
    issue_id = await street.resolved()
    refused(await act(street.reporter, issue_id, "rate", rating=5), 409, "move_not_allowed")
    await street.done(street.reporter, issue_id, "confirm")
    for bad in (0, 6, 4.5, "很好", None):
        refused(
            await act(street.reporter, issue_id, "rate", rating=bad), 422, "invalid_request"
        )
    refused(await act(street.chief, issue_id, "rate", rating=5), 403, "forbidden")
    body = await street.done(street.reporter, issue_id, "rate", rating=1, text="拖了太久")
    assert (body["state"], body["rating"], body["moves"]) == ("closed", 1, ["reopen"])
    again = await act(street.reporter, issue_id, "rate", rating=5)
    refused(again, 409, "already_rated")
    issue = (await tx.scalars(select(Issue))).one()
    assert (issue.rating, issue.rating_text) == (1, "拖了太久")
    announced = list(await tx.scalars(select(OutboxRow.name)))
    assert announced.count("issues.issue_rated") == 1
    assert len((await tx.scalars(select(Entry).where(Entry.move == "rate"))).all()) == 1


async def test_a_category_that_demands_a_photo_is_not_resolved_without_one(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.accepted(category_code="road.light")
    without = await act(street.chief, issue_id, "resolve", text="已修好")
    assert refused(without, 422, "evidence_missing")["missing"] == ["photo_after"]
    assert (await tx.scalar(select(Case.state))) == "accepted"
    evidence = await photos(tx, street.chief.person_id, 1, now=datetime.now(UTC))
    body = await street.done(
        street.chief, issue_id, "resolve", text="已修好", photo_ids=evidence
    )
    shown = body["timeline"][-1]["photos"]
    assert [photo["id"] for photo in shown] == evidence
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert [photo["id"] for photo in seen["timeline"][-1]["photos"]] == evidence


async def test_a_dispatched_issue_belongs_to_the_officers_of_that_department_alone(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.dispatched(0)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    other = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)
    seen = (await officer.get(f"/issues/{issue_id}")).json()
    assert (seen["hand"]["role"], seen["hand"]["organization"]) == (
        "department_officer",
        "城管办",
    )
    assert (await other.get(f"/issues/{issue_id}")).status_code == 404
    refused(await act(other, issue_id, "accept"), 404, "case_not_found")
    refused(await act(street.chief, issue_id, "accept"), 403, "forbidden")
    body = await street.done(officer, issue_id, "resolve", text="已执法处理")
    assert body["state"] == "resolved"
    assert body["timeline"][-1]["who"].startswith("部门承办人")
    case = (await tx.scalars(select(Case))).one()
    assert (case.organization_id, case.hand_person_id) == (
        street.town.organizations[0].id,
        officer.person_id,
    )


async def test_what_a_department_passes_back_goes_to_the_dispatcher(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.dispatched(0)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    answer = await act(officer, issue_id, "escalate", text="不属于本部门职责")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["moves"]) == ("assigned", [])
    assert answer.json()["reporter"] is None  # from now on it is none of her business
    assert (await officer.get(f"/issues/{issue_id}")).status_code == 404
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    seen = (await dispatcher.get(f"/issues/{issue_id}")).json()
    assert (seen["hand"]["role"], seen["hand"]["organization"]) == ("street_dispatcher", None)
    assert seen["state"] == "assigned"
    hands = (await tx.scalars(select(Hand).order_by(Hand.page))).all()
    assert [(hand.role, hand.organization_id) for hand in hands] == [
        ("lane_chief", None),
        ("department_officer", street.town.organizations[0].id),
        ("street_dispatcher", None),
    ]
    second = await act(
        dispatcher,
        issue_id,
        "dispatch",
        organization_id=str(street.town.organizations[1].id),
    )
    assert second.json()["hand"]["role"] == "street_dispatcher"  # until it is taken over
    police = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)
    taken = await street.done(police, issue_id, "take-over")
    assert taken["hand"]["organization"] == "派出所"


async def test_only_a_department_of_the_place_can_be_given_an_issue(
    street: Street, tx: Tx
) -> None:
    elsewhere = Organization(node_id=street.town.at(2).id, name="隔壁街道城管办")
    county = Organization(node_id=street.town.at().id, name="县住建局")
    tx.add_all([elsewhere, county])
    await tx.flush()
    issue_id = await street.reported()
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    for stranger in (elsewhere.id, uuid4()):
        answer = await act(dispatcher, issue_id, "dispatch", organization_id=str(stranger))
        refused(answer, 422, "organization_not_found")
    assert (await tx.scalar(select(Case.state))) == "assigned"
    await street.done(dispatcher, issue_id, "dispatch", organization_id=str(county.id))
    builder = await somebody(tx, "住建局科员")
    await appoint(
        tx,
        street.town.at(),
        Role.DEPARTMENT_OFFICER,
        builder.id,
        organization_id=county.id,
    )
    officer = await street.callers.person(builder.id)
    body = await street.done(officer, issue_id, "take-over")
    assert (body["hand"]["organization"], body["hand"]["person_name"]) == (
        "县住建局",
        "住建局科员",
    )
    assert body["hand"]["level"] == 1  # the street's ladder goes on from there


async def test_a_stand_in_gets_the_issue_and_acts(street: Street, tx: Tx, clock: Clock) -> None:
    appointment = await appointment_at(tx, street.town.at(*LANE), Role.LANE_CHIEF)
    substitute = await somebody(tx, "代班人", phone=phone_number())
    appointment.stand_in_id = substitute.id
    appointment.stand_in_until = clock.now.date() + timedelta(days=1)
    await tx.flush()
    caller = await street.callers.person(substitute.id)
    body = (await street.report()).json()
    assert body["hand"]["person_name"] == "代班人"
    assert (await tx.scalar(select(Case.hand_person_id))) == substitute.id
    accepted = await street.done(caller, body["id"], "accept")
    assert accepted["timeline"][-1]["who"] == "巷长 代班人"
    clock.forward(days=3)
    later = (await street.report()).json()
    assert later["hand"]["person_name"] != "代班人"


async def test_deadlines_and_the_late_mark(street: Street, clock: Clock) -> None:
    body = (await street.report()).json()
    issue_id = body["id"]

    async def late() -> bool:
        answer = await street.chief.get(f"/issues/{issue_id}")
        overdue: bool = answer.json()["overdue"]
        return overdue

    start = clock.now
    assert datetime.fromisoformat(body["respond_due_at"]) == (
        start + timedelta(minutes=60)
    ).replace(microsecond=0)
    assert datetime.fromisoformat(body["resolve_due_at"]) == (
        start + timedelta(minutes=600)
    ).replace(microsecond=0)
    assert not await late()
    clock.forward(minutes=61)
    assert await late()  # nobody answered in time
    await street.done(street.chief, issue_id, "accept")
    assert await late()
    await street.done(street.chief, issue_id, "respond", text="今晚处理")
    assert not await late()
    clock.forward(minutes=600)
    assert await late()  # answered, but not settled in time
    await street.done(street.chief, issue_id, "resolve", text="已处理")
    assert not await late()


async def test_an_unknown_issue_and_a_bad_id(street: Street) -> None:
    assert (await street.chief.get(f"/issues/{uuid4()}")).status_code == 404
    refused(await act(street.chief, uuid4(), "accept"), 404, "case_not_found")
    refused(await act(street.chief, "12", "accept"), 422, "invalid_request")


async def test_a_refused_move_says_what_the_caller_could_do_instead(street: Street) -> None:
    """Not what others or the system could: each gets the buttons of her own."""
    issue_id = await street.resolved()
    shown = (await street.chief.get(f"/issues/{issue_id}")).json()["moves"]
    problem = refused(await act(street.chief, issue_id, "accept"), 409, "move_not_allowed")
    assert problem["state"] == "resolved"
    assert {"comment"} <= set(shown) <= set(problem["allowed"])
    assert not {"close", "confirm", "reopen"} & set(problem["allowed"])
    problem = refused(await act(street.reporter, issue_id, "withdraw"), 409, "move_not_allowed")
    assert set(problem["allowed"]) == {"comment", "confirm", "reopen"}


async def test_who_has_nothing_to_say_sends_no_body(street: Street) -> None:
    issue_id = await street.reported()
    other = await street.reported()
    for caller, wish, state in (
        (street.reporter, f"{issue_id}/urge", "assigned"),
        (street.chief, f"{issue_id}/accept", "accepted"),
        (street.reporter, f"{other}/withdraw", "withdrawn"),
    ):
        answer = await caller.post(f"/issues/{wish}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == state
        assert answer.json()["timeline"][-1]["text"] is None
