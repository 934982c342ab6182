"""Who reported something, or is named beside it, does not judge the work on it."""

from typing import Any

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.support.issues import LANE, Street, act, new_rule
from tests.support.people import Caller
from tests.support.refusals import refused


async def to_verify(caller: Caller) -> list[Any]:
    answer = await caller.get("/staff/issues?box=to_verify")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


async def test_a_leader_who_reported_it_herself_does_not_check_the_result(
    street: Street, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", verification=True)
    reported = await street.leader.post("/issues", json=street.wish())
    issue_id = reported.json()["id"]
    await street.done(street.chief, issue_id, "accept")
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    worker = await street.staff(Role.GRID_WORKER, *LANE[:3])
    assert (await to_verify(street.leader), await to_verify(worker)) == ([], [issue_id])
    for move, body in (("verify", {}), ("refuse-result", {"text": "没有清"})):
        own = await act(street.leader, issue_id, move, **body)
        refused(own, 403, "third_person_needed")
    assert (await street.done(worker, issue_id, "verify"))["state"] == "resolved"
