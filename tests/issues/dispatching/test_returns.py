"""Sent back with a reason, and at last decided by the street."""

from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.dispatching.schemas import RETURN_REASONS
from neighborhood_api.kit.db import Tx
from tests.issues.dispatching.arranging import NOT_OURS, case_of, due_of, to_body, to_lane
from tests.support.clock import Clock
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, act, new_rule
from tests.support.people import Caller
from tests.support.refusals import refused


async def test_a_return_goes_one_level_up_with_its_reason_and_the_clocks_run_on(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    due = [await due_of(tx, issue_id, p) for p in (Purpose.RESPOND, Purpose.RESOLVE)]
    clock.forward(minutes=20)
    for bad in ({"text": "退"}, {"reason": "lazy", "text": "退"}, {"reason": "unclear"}):
        refused(await act(street.chief, issue_id, "return", **bad), 422, "invalid_request")
    body = await street.done(street.chief, issue_id, "return", **NOT_OURS)
    assert (body["state"], body["hand"]["role"]) == ("assigned", "grid_leader")
    entry = body["timeline"][-1]
    assert (entry["move_name"], entry["text"]) == (
        "退单",
        "不属于本单位职责：路灯由供电所维护",
    )
    assert entry["detail"] == {"reason": "not_our_duty"}
    assert [await due_of(tx, issue_id, p) for p in (Purpose.RESPOND, Purpose.RESOLVE)] == due
    case = await case_of(tx, issue_id)
    assert (case.times_returned, case.times_passed_up) == (1, 0)
    assert (case.respond_due_at, case.resolve_due_at) == tuple(due)
    await check_ledger(tx, issue_id, now=clock.now)


async def test_the_reasons_are_listed_for_whoever_is_signed_in(street: Street) -> None:
    listed = (await street.chief.get("/return-reasons")).json()["items"]
    assert {one["code"]: one["name"] for one in listed} == {
        code.value: name for code, name in RETURN_REASONS.items()
    }


async def adjudicating(street: Street) -> str:
    """Returned by the lane, the grid and the community: one more than the rule allows."""
    issue_id = await street.reported()
    worker = await street.staff(Role.COMMUNITY_WORKER, *LANE[:2])
    for caller, state in (
        (street.chief, "assigned"),
        (street.leader, "assigned"),
        (worker, "adjudicating"),
    ):
        body = await street.done(caller, issue_id, "return", **NOT_OURS)
        assert body["state"] == state
    return issue_id


async def test_one_return_too_many_brings_it_to_the_street_whose_decision_is_final(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await adjudicating(street)
    due = await due_of(tx, issue_id, Purpose.RESOLVE)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    seen = (await dispatcher.get(f"/issues/{issue_id}")).json()
    assert (seen["state_name"], seen["hand"]["role"]) == ("街道裁定中", "street_dispatcher")
    for move in ("accept", "resolve", "escalate", "return"):
        answer = await act(dispatcher, issue_id, move, **NOT_OURS)
        assert answer.status_code in {409, 422}, move
    refused(await act(street.chief, issue_id, "adjudicate", text="归我"), 403, "forbidden")
    target = to_lane(street, *LANE, text="本巷公共区域，由巷长办理")
    clock.forward(minutes=3)
    body = await street.done(dispatcher, issue_id, "adjudicate", **target)
    assert (body["state"], body["hand"]["role"]) == ("assigned", "lane_chief")
    assert await due_of(tx, issue_id, Purpose.RESOLVE) == due
    mine = (await street.chief.get(f"/issues/{issue_id}")).json()["moves"]
    assert not {"return", "transfer"} & set(mine)
    for move, wish in (("return", NOT_OURS), ("transfer", to_body(street, 0))):
        answer = await act(street.chief, issue_id, move, **wish)
        refused(answer, 409, "adjudicated_finally")
    case = await case_of(tx, issue_id)
    assert (case.state, case.times_returned, case.adjudicated) == ("assigned", 3, True)
    await street.done(street.chief, issue_id, "accept")
    await check_ledger(tx, issue_id, now=clock.now)


async def test_the_street_may_decide_for_a_department_or_for_itself(
    street: Street, tx: Tx
) -> None:
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    await new_rule(tx, "env.garbage", returns_allowed=0)
    first, second = await street.reported(), await street.reported()
    for issue_id in (first, second):
        await street.done(street.chief, issue_id, "return", **NOT_OURS)
    given = await street.done(dispatcher, first, "adjudicate", **to_body(street, 0))
    assert (given["state"], given["hand"]["organization"]) == ("assigned", "城管办")
    await street.done(officer, first, "accept")
    refused(await act(officer, first, "return", **NOT_OURS), 409, "adjudicated_finally")
    kept = await street.done(dispatcher, second, "adjudicate", **to_lane(street, 1))
    assert (kept["state"], kept["hand"]["role"]) == ("assigned", "street_dispatcher")
    await street.done(dispatcher, second, "accept")


async def test_declining_counts_as_a_return(street: Street, tx: Tx) -> None:
    await new_rule(tx, "env.garbage", returns_allowed=1)
    issue_id = await street.accepted()
    officers: list[Caller] = [
        await street.staff(Role.DEPARTMENT_OFFICER, 1, body=body) for body in (0, 1)
    ]
    for body, officer in enumerate(officers):
        await street.done(street.chief, issue_id, "transfer", **to_body(street, body))
        await street.done(officer, issue_id, "decline", **NOT_OURS)
    case = await case_of(tx, issue_id)
    assert (case.state, case.times_returned, case.hand_level) == ("adjudicating", 2, 1)


async def test_what_a_department_returns_is_the_dispatchers(street: Street, tx: Tx) -> None:
    issue_id = await street.dispatched(0)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    body = await street.done(officer, issue_id, "return", **NOT_OURS)
    assert (body["state"], body["hand"]["role"]) == ("assigned", "street_dispatcher")
    assert (await officer.get(f"/issues/{issue_id}")).status_code == 404
    assert (await case_of(tx, issue_id)).organization_id is None


async def test_under_way_it_is_settled_or_sent_on_and_not_returned(street: Street) -> None:
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "respond", text="已到现场")
    answer = await act(street.chief, issue_id, "return", **NOT_OURS)
    refused(answer, 409, "move_not_allowed")
