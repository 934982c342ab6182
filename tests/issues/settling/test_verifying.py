"""A third person checks the result before the reporter is asked."""

from datetime import timedelta

import pytest

from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.issues.settling.arranging import announced, case_of, timers_of
from tests.support.clock import Clock
from tests.support.hands import check_ledger
from tests.support.issues import Street, act, new_rule, photos
from tests.support.refusals import refused


@pytest.fixture
async def checked(street: Street, tx: Tx, clock: Clock) -> Street:
    """A street whose garbage is checked."""
    del clock
    await new_rule(tx, "env.garbage", verification=True)
    return street


async def test_a_result_that_must_be_checked_waits_for_a_third_person(
    checked: Street, tx: Tx, clock: Clock
) -> None:
    street = checked
    issue_id = await street.accepted()
    body = await street.done(street.chief, issue_id, "resolve", text="已清运")
    assert (body["state"], "verify" in body["moves"]) == ("verifying", False)
    (timer,) = await timers_of(tx, issue_id, Purpose.VERIFY)
    assert timer.due_at == clock.now + timedelta(minutes=2880)
    assert (await case_of(tx, issue_id)).close_at is None
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert {"confirm", "verify", "reopen"}.isdisjoint(seen["moves"])
    refused(await act(street.reporter, issue_id, "confirm"), 409, "move_not_allowed")
    clock.forward(hours=2)
    evidence = await photos(tx, street.leader.person_id, 1, now=clock.now)
    body = await street.done(
        street.leader, issue_id, "verify", text="现场干净", photo_ids=evidence
    )
    assert body["state"] == "resolved"
    case = await case_of(tx, issue_id)
    assert case.close_at == clock.now + timedelta(days=7)
    assert case.resolved_by_id == street.chief.person_id
    (timer,) = await timers_of(tx, issue_id, Purpose.VERIFY)
    assert timer.stopped_at == clock.now
    line = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"][-1]
    assert (line["move"], line["text"]) == ("verify", "现场干净")
    assert [photo["id"] for photo in line["photos"]] == evidence
    assert len(await announced(tx, "issues.issue_verified")) == 1


@pytest.mark.parametrize(("move", "body"), [("verify", {}), ("refuse-result", {"text": "没"})])
async def test_only_a_third_person_of_the_place_checks(
    move: str, body: dict[str, str], checked: Street, tx: Tx
) -> None:
    street = checked
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    refused(await act(street.chief, issue_id, move, **body), 403, "third_person_needed")
    refused(await act(street.reporter, issue_id, move, **body), 403, "forbidden")
    operator = await street.staff(Role.OPERATOR)
    refused(await act(operator, issue_id, move, **body), 403, "forbidden")
    strangers = [
        await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2),
        await street.staff(Role.STREET_DISPATCHER, 2),
        await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0),
    ]
    for stranger in strangers:
        refused(await act(stranger, issue_id, move, **body), 404, "case_not_found")
    assert (await case_of(tx, issue_id)).state == "verifying"


async def test_the_chief_checks_what_her_leader_did(checked: Street) -> None:
    street = checked
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "resolve", text="已清运")
    refused(await act(street.leader, issue_id, "verify"), 403, "third_person_needed")
    body = await street.done(street.chief, issue_id, "verify")
    assert body["state"] == "resolved"


async def test_a_refused_result_goes_back_to_the_same_hands_and_the_clock_goes_on(
    checked: Street, tx: Tx, clock: Clock
) -> None:
    street = checked
    issue_id = await street.accepted()
    clock.forward(hours=1)
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    due_at = (await case_of(tx, issue_id)).resolve_due_at
    assert due_at is not None
    clock.forward(hours=5)
    refused(await act(street.leader, issue_id, "refuse-result"), 422, "invalid_request")
    body = await street.done(street.leader, issue_id, "refuse-result", text="墙角还有")
    assert body["state"] == "handling"
    assert body["timeline"][-1]["text"] == "墙角还有"
    case = await case_of(tx, issue_id)
    assert (case.hand_person_id, case.resolved_at) == (street.chief.person_id, None)
    assert case.resolve_due_at == due_at + timedelta(hours=5)
    (timer,) = await timers_of(tx, issue_id, Purpose.RESOLVE)
    assert timer.stopped_at is None
    await street.done(street.chief, issue_id, "resolve", text="墙角也清了")
    first, second = await timers_of(tx, issue_id, Purpose.VERIFY)
    assert (first.stopped_at is None, second.stopped_at is None) == (False, True)
    await check_ledger(tx, issue_id, now=clock.now)


async def test_what_needs_no_check_is_not_checked(street: Street) -> None:
    issue_id = await street.resolved()
    refused(await act(street.leader, issue_id, "verify"), 409, "move_not_allowed")
