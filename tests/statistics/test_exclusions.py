"""不纳入考核: with a reason, by two persons, on record, and back the same way."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.trail import Trail
from neighborhood_api.statistics.models import Exclusion
from tests.support.clock import Clock
from tests.support.issues import Street, act
from tests.support.people import Caller
from tests.support.refusals import refused

WHY = {"reason": "out_of_duty", "text": "属法院执行事项"}
YES = {"approve": True, "text": "情况属实"}


@pytest.fixture
async def dispatcher(street: Street) -> Caller:
    return await street.staff(Role.STREET_DISPATCHER, 1)


@pytest.fixture
async def secretary(street: Street) -> Caller:
    return await street.staff(Role.STREET_SECRETARY, 1)


async def assessed(caller: Caller) -> tuple[int, int]:
    answer = await caller.get("/statistics")
    assert answer.status_code == 200, answer.text
    figures = answer.json()["total"]["figures"]
    return figures["assessed"], figures["excluded"]


async def events(tx: Tx, name: str) -> list[dict[str, Any]]:
    named = select(OutboxRow.payload).where(OutboxRow.name == name).order_by(OutboxRow.id)
    return list(await tx.scalars(named))


async def test_nothing_counts_until_a_second_person_has_approved(
    street: Street, dispatcher: Caller, secretary: Caller, tx: Tx
) -> None:
    issue_id = await street.reported()
    before, none = await assessed(dispatcher)
    assert none == 0
    asked = await act(dispatcher, issue_id, "exclude", **WHY)
    assert asked.status_code == 200, asked.text
    assert (asked.json()["state"], asked.json()["excluded"]) == ("pending", True)
    assert await assessed(dispatcher) == (before, 0)
    refused(
        await act(dispatcher, issue_id, "exclude/decide", **YES), 403, "second_person_needed"
    )
    refused(await act(secretary, issue_id, "exclude", **WHY), 409, "exclusion_pending")
    decided = await act(secretary, issue_id, "exclude/decide", **YES)
    assert decided.json()["state"] == "approved"
    assert decided.json()["answer"] == YES["text"]
    assert await assessed(dispatcher) == (before - 1, 1)
    refused(
        await act(secretary, issue_id, "exclude/decide", **YES), 409, "no_exclusion_request"
    )
    refused(await act(dispatcher, issue_id, "exclude", **WHY), 409, "assessed_already")
    (requested,) = await events(tx, "issues.exclusion_requested")
    (decision,) = await events(tx, "issues.exclusion_decided")
    assert requested["person_id"] == str(dispatcher.person_id)
    assert (decision["person_id"], decision["approved"]) == (str(secretary.person_id), True)
    steps = list(await tx.scalars(select(Exclusion.id).where(Exclusion.case_id == issue_id)))
    trailed = select(Trail.subject_id).where(Trail.kind == "issue_exclusion/1")
    assert set(steps) == set(await tx.scalars(trailed))
    assert len(steps) == 2


async def test_a_refused_request_changes_nothing_and_can_be_made_again(
    street: Street, dispatcher: Caller, secretary: Caller
) -> None:
    issue_id = await street.reported()
    before = await assessed(dispatcher)
    assert (await act(dispatcher, issue_id, "exclude", **WHY)).status_code == 200
    no = await act(secretary, issue_id, "exclude/decide", approve=False, text="理由不足")
    assert no.json()["state"] == "refused"
    assert await assessed(dispatcher) == before
    assert (await act(dispatcher, issue_id, "exclude", **WHY)).status_code == 200


async def test_it_is_taken_in_again_likewise(
    street: Street, dispatcher: Caller, secretary: Caller
) -> None:
    issue_id = await street.reported()
    before = await assessed(dispatcher)
    refused(await act(dispatcher, issue_id, "include", **WHY), 409, "assessed_already")
    await act(dispatcher, issue_id, "exclude", **WHY)
    await act(secretary, issue_id, "exclude/decide", **YES)
    await act(secretary, issue_id, "include", reason="mistake", text="误判")
    assert await assessed(dispatcher) == (before[0] - 1, 1)
    decided = await act(dispatcher, issue_id, "exclude/decide", **YES)
    assert (decided.json()["excluded"], decided.json()["state"]) == (False, "approved")
    assert await assessed(dispatcher) == before


async def test_requests_are_listed_with_reasons_to_those_who_count_there(
    street: Street, dispatcher: Caller, secretary: Caller
) -> None:
    first, second = await street.reported(), await street.reported()
    for issue_id in (first, second):
        await act(dispatcher, issue_id, "exclude", **WHY)
    await act(secretary, first, "exclude/decide", **YES)
    for caller, expected in (
        (dispatcher, [second, first]),
        (street.leader, [second, first]),
        (await street.staff(Role.GRID_LEADER, 1, 1, 2), []),
        (await street.staff(Role.STREET_DISPATCHER, 2), []),
    ):
        answer = await caller.get("/staff/exclusions")
        assert [one["issue_id"] for one in answer.json()["items"]] == expected
    for state, issue_id in (("pending", second), ("approved", first)):
        answer = await dispatcher.get(f"/staff/exclusions?state={state}")
        (one,) = answer.json()["items"]
        assert (one["issue_id"], one["reason"], one["text"]) == (
            issue_id,
            WHY["reason"],
            WHY["text"],
        )
    refused(await street.chief.get("/staff/exclusions"), 403, "forbidden")
    refused(await street.reporter.get("/staff/exclusions"), 403, "forbidden")


async def test_only_dispatchers_and_those_above_may_ask_and_decide(street: Street) -> None:
    issue_id = await street.reported()
    worker = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    for caller in (street.chief, street.leader, worker):
        refused(await act(caller, issue_id, "exclude", **WHY), 403, "forbidden")
        refused(await act(caller, issue_id, "exclude/decide", **YES), 403, "forbidden")
    far = await street.staff(Role.STREET_DISPATCHER, 2)
    refused(await act(far, issue_id, "exclude", **WHY), 404, "case_not_found")
    refused(await act(street.reporter, issue_id, "exclude", **WHY), 403, "forbidden")
    operator = await street.staff(Role.OPERATOR)
    assert (await act(operator, issue_id, "exclude", **WHY)).status_code == 200


async def test_confidential_issues_do_not_exist_for_others(street: Street) -> None:
    issue_id = await street.reported(category_code="staff.conduct")
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    refused(await act(dispatcher, issue_id, "exclude", **WHY), 404, "case_not_found")
    assert (await act(secretary, issue_id, "exclude", **WHY)).status_code == 200
    assert (await dispatcher.get("/staff/exclusions")).json()["items"] == []
    counted = await secretary.get("/statistics")
    hidden = await dispatcher.get("/statistics")
    figures = [one.json()["total"]["figures"]["opened"] for one in (counted, hidden)]
    assert figures[0] == figures[1] + 1


async def test_the_moments_of_the_steps_go_forward(
    street: Street, dispatcher: Caller, secretary: Caller, clock: Clock, tx: Tx
) -> None:
    issue_id = await street.reported()
    await act(dispatcher, issue_id, "exclude", **WHY)
    clock.now -= timedelta(minutes=5)
    await act(secretary, issue_id, "exclude/decide", **YES)
    mine = select(Exclusion).where(Exclusion.case_id == issue_id).order_by(Exclusion.number)
    asked, decided = await tx.scalars(mine)
    assert asked.recorded_at <= decided.recorded_at
