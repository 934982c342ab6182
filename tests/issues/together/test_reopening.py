"""Who supports an issue says that it is not settled, where its rule lets supporters."""

import pytest

from neighborhood_api.kit.db import Tx
from tests.issues.settling.arranging import case_of, entries_of
from tests.issues.together.test_sharing import publish
from tests.support.clock import Clock
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, act, new_rule
from tests.support.people import Caller
from tests.support.refusals import refused

BOTH = ["reporter", "supporter"]
AGAIN = "support/reopen"


@pytest.fixture
async def neighbours(street: Street) -> list[Caller]:
    return [await street.callers.resident(street.town.place(*LANE)) for _ in range(3)]


async def supported(street: Street, tx: Tx, *people: Caller) -> str:
    """An issue that some support, and that is resolved now."""
    issue_id = await street.accepted()
    await publish(tx, issue_id)
    for person in people:
        await street.done(person, issue_id, "support")
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    return issue_id


async def test_a_supporter_reopens_once_for_all_where_the_rule_lets_her(
    street: Street, tx: Tx, neighbours: list[Caller], clock: Clock
) -> None:
    await new_rule(tx, "env.garbage", reopen_by=BOTH)
    first, second, _ = neighbours
    issue_id = await supported(street, tx, first, second)
    shown = await street.done(first, issue_id, AGAIN, text="又满了")
    assert (shown["state"], shown["supported"]) == ("reopened", True)
    assert "timeline" not in shown  # what reporter and staff said to each other is not hers
    (entry,) = await entries_of(tx, issue_id, "reopen")
    assert (entry.by, entry.person_id, entry.role) == ("supporter", first.person_id, None)
    answer = await act(second, issue_id, AGAIN, text="又满了")
    assert refused(answer, 409, "move_not_allowed")["state"] == "reopened"
    case = await case_of(tx, issue_id)
    assert (case.times_reopened, case.hand_role) == (1, "grid_leader")
    await check_ledger(tx, issue_id, now=clock.now)


async def test_a_supporter_does_not_reopen_where_the_rule_does_not_let_her(
    street: Street, tx: Tx, neighbours: list[Caller]
) -> None:
    issue_id = await supported(street, tx, neighbours[0])
    refused(await act(neighbours[0], issue_id, AGAIN, text="又满了"), 403, "reopen_not_yours")
    assert (await case_of(tx, issue_id)).state == "resolved"
    assert await entries_of(tx, issue_id, "reopen") == []


async def test_who_does_not_support_it_and_who_no_longer_does_reopens_nothing(
    street: Street, tx: Tx, neighbours: list[Caller]
) -> None:
    await new_rule(tx, "env.garbage", reopen_by=BOTH)
    first, second, third = neighbours
    issue_id = await supported(street, tx, first, second)
    await street.done(second, issue_id, "support/withdraw")
    for caller in (second, third, street.chief, street.reporter):
        answer = await act(caller, issue_id, AGAIN, text="又满了")
        refused(answer, 404, "case_not_found")
    refused(await act(first, issue_id, "reopen", text="又满了"), 404, "case_not_found")
    assert (await case_of(tx, issue_id)).state == "resolved"


async def test_she_has_the_same_days_as_the_reporter(
    street: Street, tx: Tx, neighbours: list[Caller], clock: Clock
) -> None:
    await new_rule(tx, "env.garbage", reopen_by=BOTH, reopen_days=3)
    in_time, late = [await supported(street, tx, neighbours[0]) for _ in range(2)]
    for issue_id in (in_time, late):
        await street.done(street.reporter, issue_id, "confirm")
        await street.done(street.reporter, issue_id, "rate", rating=5)
    clock.forward(days=3)
    assert (await street.done(neighbours[0], in_time, AGAIN, text="又满了"))["state"]
    clock.forward(seconds=1)
    refused(await act(neighbours[0], late, AGAIN, text="又满了"), 409, "reopen_too_late")
    assert (await case_of(tx, late)).state == "closed"


async def test_against_a_refusal_only_the_reporter_objects(
    street: Street, tx: Tx, neighbours: list[Caller]
) -> None:
    await new_rule(tx, "env.garbage", reopen_by=BOTH)
    issue_id = await street.reported()
    await publish(tx, issue_id)
    await street.done(neighbours[0], issue_id, "support")
    await street.done(street.chief, issue_id, "reject", text="不归我们管")
    refused(await act(neighbours[0], issue_id, AGAIN, text="不服"), 403, "reopen_not_yours")
    assert (await street.done(street.reporter, issue_id, "reopen", text="不服"))["state"]
