"""Suspension and extension: asked for by the hands, decided by somebody above."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.timekeeping import Purpose, Request
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.schema import SHOWN_ZONE
from tests.issues.dispatching.arranging import case_of, due_of
from tests.support.clock import Clock
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, act, new_rule
from tests.support.refusals import refused

YES, NO = {"approve": True, "text": "同意"}, {"approve": False, "text": "不够充分"}


def until(clock: Clock, **later: float) -> dict[str, Any]:
    moment = clock.now + timedelta(**later)
    return {"until": moment.isoformat(), "text": "等管道停水检修"}


async def due(tx: Tx, issue_id: str) -> datetime:
    found = await due_of(tx, issue_id, Purpose.RESOLVE)
    assert found is not None
    return found


async def test_a_suspension_rests_the_clock_until_its_day_and_ends_by_itself(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.accepted()
    before = await due(tx, issue_id)
    clock.forward(minutes=15)
    asked = await street.done(
        street.chief, issue_id, "request-suspension", **until(clock, days=3)
    )
    assert asked["state"] == "accepted"  # asking stops nothing
    assert await due(tx, issue_id) == before
    began = clock.forward(minutes=15)
    body = await street.done(street.leader, issue_id, "decide-request", **YES)
    assert (body["state"], body["resolve_due_at"]) == ("suspended", None)
    case = await case_of(tx, issue_id)
    assert case.resume_at == began + timedelta(days=3, minutes=-15)
    ends = case.resume_at
    early = ends - timedelta(seconds=1)
    assert await sweeps.resume_suspended(rolled_back, ISSUE, now=early) == 0
    assert await sweeps.resume_suspended(rolled_back, ISSUE, now=ends) == 1
    assert await sweeps.resume_suspended(rolled_back, ISSUE, now=ends) == 0
    case = await case_of(tx, issue_id)
    assert (case.state, case.resume_at) == ("handling", None)
    assert await due(tx, issue_id) == case.resolve_due_at == before + (ends - began)
    clock.now = ends
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    said = [(entry["move"], entry["text"]) for entry in seen["timeline"][2:]]
    assert said == [("suspend", "等管道停水检修"), ("resume", "挂账到期，恢复办理")]
    assert all(entry["note"] is None for entry in seen["timeline"])
    for_staff = (await street.chief.get(f"/issues/{issue_id}")).json()["timeline"]
    assert for_staff[-2]["note"] == "同意"  # the reasons of the decision are for staff
    await check_ledger(tx, issue_id, now=ends)


async def test_it_may_go_on_before_the_day(street: Street, tx: Tx, clock: Clock) -> None:
    issue_id = await street.accepted()
    before = await due(tx, issue_id)
    await street.done(street.chief, issue_id, "request-suspension", **until(clock, days=3))
    await street.done(street.leader, issue_id, "decide-request", **YES)
    clock.forward(hours=5)
    body = await street.done(street.chief, issue_id, "resume", text="提前通水")
    assert body["state"] == "handling"
    assert await due(tx, issue_id) == before + timedelta(hours=5)
    assert (await case_of(tx, issue_id)).resume_at is None


@pytest.mark.parametrize("later", [{"days": 0}, {"days": -1}, {"days": 180, "seconds": 1}])
async def test_a_suspension_has_a_day_in_the_next_half_year(
    later: dict[str, float], street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    answer = await act(street.chief, issue_id, "request-suspension", **until(clock, **later))
    refused(answer, 422, "suspension_out_of_range")
    assert (await tx.scalars(select(Request))).all() == []
    assert (await case_of(tx, issue_id)).version == 2


async def test_only_somebody_above_decides_and_never_who_asked(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    decide = "decide-request"
    refused(await act(street.leader, issue_id, decide, **YES), 409, "no_request")
    await street.done(street.chief, issue_id, "request-suspension", **until(clock, days=3))
    neighbour = await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2)
    operator = await street.staff(Role.OPERATOR)
    refused(await act(street.chief, issue_id, decide, **YES), 403, "forbidden")
    refused(await act(street.reporter, issue_id, decide, **YES), 403, "forbidden")
    refused(await act(operator, issue_id, decide, **YES), 403, "forbidden")
    refused(await act(neighbour, issue_id, decide, **YES), 404, "case_not_found")
    assert (await case_of(tx, issue_id)).state == "accepted"
    assert "suspend" in (await street.leader.get(f"/issues/{issue_id}")).json()["moves"]
    assert "suspend" not in (await street.chief.get(f"/issues/{issue_id}")).json()["moves"]


async def test_who_acted_for_those_below_does_not_approve_her_own_request(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "request-suspension", **until(clock, days=3))
    answer = await act(street.leader, issue_id, "decide-request", **YES)
    refused(answer, 403, "own_request")
    worker = await street.staff(Role.COMMUNITY_WORKER, *LANE[:2])
    await street.done(worker, issue_id, "decide-request", **YES)
    assert (await case_of(tx, issue_id)).state == "suspended"


async def test_above_the_street_is_its_secretary(street: Street, clock: Clock) -> None:
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    issue_id = await street.reported()
    for _ in range(3):
        await street.done(dispatcher, issue_id, "escalate", text="上报")
    await street.done(dispatcher, issue_id, "accept")
    await street.done(dispatcher, issue_id, "request-suspension", **until(clock, days=3))
    refused(await act(dispatcher, issue_id, "decide-request", **YES), 403, "forbidden")
    body = await street.done(secretary, issue_id, "decide-request", **YES)
    assert body["state"] == "suspended"


async def test_a_refusal_is_told_among_staff_and_another_request_may_follow(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    ask = until(clock, days=3)
    await street.done(street.chief, issue_id, "request-suspension", **ask)
    again = await act(street.chief, issue_id, "request-suspension", **ask)
    refused(again, 409, "request_open")
    await street.done(street.leader, issue_id, "decide-request", **NO)
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert [entry["move"] for entry in seen["timeline"]] == ["report", "accept"]
    listed = (await street.chief.get(f"/issues/{issue_id}/requests")).json()["items"]
    assert [(one["kind"], one["approved"], one["answer"]) for one in listed] == [
        ("suspension", False, "不够充分")
    ]
    refused(await street.reporter.get(f"/issues/{issue_id}/requests"), 403, "forbidden")
    await street.done(street.chief, issue_id, "request-suspension", **ask)
    assert (await case_of(tx, issue_id)).state == "accepted"


async def test_a_day_that_has_come_meanwhile_is_not_approved(
    street: Street, clock: Clock
) -> None:
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "request-suspension", **until(clock, hours=1))
    clock.forward(hours=1)
    answer = await act(street.leader, issue_id, "decide-request", **YES)
    refused(answer, 422, "suspension_out_of_range")
    await street.done(street.leader, issue_id, "decide-request", **NO)


async def test_one_extension_with_its_reason_for_the_reporter(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    before = await due(tx, issue_id)
    ask = {"amount": 300, "text": "配件两天后到货"}
    too_long = await act(street.chief, issue_id, "request-extension", **ask | {"amount": 601})
    assert refused(too_long, 422, "extension_too_long")["longest"] == 600
    await street.done(street.chief, issue_id, "request-extension", **ask)
    assert await due(tx, issue_id) == before
    clock.forward(minutes=30)
    body = await street.done(street.leader, issue_id, "decide-request", **YES)
    assert body["state"] == "accepted"
    assert await due(tx, issue_id) == before + timedelta(minutes=300)
    assert datetime.fromisoformat(body["resolve_due_at"]) == (
        before + timedelta(minutes=300)
    ).replace(microsecond=0)
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert (seen["timeline"][-1]["move"], seen["timeline"][-1]["text"]) == (
        "extend",
        "配件两天后到货",
    )
    moves = (await street.chief.get(f"/issues/{issue_id}")).json()["moves"]
    assert "request_extension" not in moves
    second = await act(street.chief, issue_id, "request-extension", **ask)
    refused(second, 409, "extended_already")


async def test_a_rule_without_extension_knows_none(street: Street, tx: Tx) -> None:
    await new_rule(tx, "env.garbage", extension_amount=0)
    issue_id = await street.accepted()
    assert "request_extension" not in (await street.chief.get(f"/issues/{issue_id}")).text
    answer = await act(street.chief, issue_id, "request-extension", amount=1, text="要时间")
    refused(answer, 409, "no_extension")
    assert (await case_of(tx, issue_id)).version == 2


async def test_what_goes_to_other_hands_takes_no_open_request_along(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "request-suspension", **until(clock, days=3))
    await street.done(street.chief, issue_id, "escalate", text="先上报")
    request = (await tx.scalars(select(Request))).one()
    assert (request.approved, request.decided_by_id) == (False, None)
    worker = await street.staff(Role.COMMUNITY_WORKER, *LANE[:2])
    refused(await act(worker, issue_id, "decide-request", **YES), 409, "no_request")
    await street.done(street.leader, issue_id, "accept")
    await street.done(street.leader, issue_id, "request-suspension", **until(clock, days=3))


async def test_other_people_learn_nothing_from_asking(street: Street, clock: Clock) -> None:
    """Neither that the issue exists, nor whether something is asked for."""
    issue_id = await street.accepted()
    neighbour = await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2)
    for move, body in (
        ("decide-request", YES),
        ("request-suspension", until(clock, days=-1)),
        ("request-extension", {"amount": 99_999, "text": "长"}),
    ):
        refused(await act(neighbour, issue_id, move, **body), 404, "case_not_found")
    for path in ("requests", "offers"):
        assert (await neighbour.get(f"/issues/{issue_id}/{path}")).status_code == 404


async def test_the_reporter_reads_until_when_it_is_put_on_file(
    street: Street, clock: Clock
) -> None:
    issue_id = await street.accepted()
    wish = {"until": "2099-01-01T00:00:00Z", "text": "等检修"}
    refused(
        await act(street.chief, issue_id, "request-suspension", **wish),
        422,
        "suspension_out_of_range",
    )
    ends = (clock.now + timedelta(days=3)).replace(microsecond=654_321)
    wish["until"] = ends.isoformat()
    await street.done(street.chief, issue_id, "request-suspension", **wish)
    await street.done(street.leader, issue_id, "decide-request", **YES)
    entry = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"][-1]
    assert (entry["move"], entry["detail"]) == ("suspend", None)
    shown = ends.astimezone(SHOWN_ZONE).isoformat(timespec="seconds")
    assert shown.endswith("+08:00")
    assert (entry["until"], entry["extended_by"]) == (shown, None)
    for_staff = (await street.chief.get(f"/issues/{issue_id}")).json()["timeline"][-1]
    assert (for_staff["until"], for_staff["detail"]["until"]) == (shown, shown)


async def test_the_reporter_reads_how_much_time_was_added(street: Street, tx: Tx) -> None:
    working_days = {"resolve_clock": "working_days", "resolve_amount": 3}
    for terms, amount, text in (
        (working_days, 2, "2 个工作日"),
        ({"resolve_clock": "calendar"}, 120, "2 小时"),
    ):
        await new_rule(tx, "env.garbage", **terms)
        issue_id = await street.accepted()
        wish = {"amount": amount, "text": "等配件"}
        await street.done(street.chief, issue_id, "request-extension", **wish)
        await street.done(street.leader, issue_id, "decide-request", **YES)
        entry = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"][-1]
        clock = terms["resolve_clock"]
        assert entry["extended_by"] == {"clock": clock, "amount": amount, "text": text}
        assert (entry["move"], entry["until"]) == ("extend", None)
