"""The reporter asks where it is."""

from datetime import datetime, timedelta

from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.kit.db import Tx
from tests.support.clock import Clock
from tests.support.issues import Street, act
from tests.support.refusals import refused


async def urged(tx: Tx, issue_id: str) -> int:
    return (await tx.scalars(select(Case.times_urged).where(Case.id == issue_id))).one()


async def test_urging_is_counted_and_seen_by_whoever_holds_it(street: Street, tx: Tx) -> None:
    issue_id = await street.accepted()
    await street.done(street.reporter, issue_id, "urge", text="三天了")
    assert await urged(tx, issue_id) == 1
    seen = (await street.chief.get(f"/issues/{issue_id}")).json()["timeline"][-1]
    assert (seen["move_name"], seen["text"], seen["by"]) == ("催办", "三天了", "reporter")


async def test_within_a_day_it_is_refused_with_the_moment_from_which_it_is_open_again(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    first = clock.now
    seen = await street.done(street.reporter, issue_id, "urge")
    assert "urge" not in seen["moves"]
    clock.forward(hours=23, minutes=59)
    problem = refused(await act(street.reporter, issue_id, "urge"), 409, "urged_lately")
    again_at = datetime.fromisoformat(problem["again_at"])
    assert again_at == (first + timedelta(days=1)).replace(microsecond=0)
    clock.forward(minutes=1)
    assert (await act(street.reporter, issue_id, "urge")).status_code == 200
    assert await urged(tx, issue_id) == 2


async def test_three_times_in_the_same_hands_and_again_in_others(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    for _ in range(3):
        await street.done(street.reporter, issue_id, "urge")
        clock.forward(days=1)
    refused(await act(street.reporter, issue_id, "urge"), 409, "urged_enough")
    await street.done(street.chief, issue_id, "escalate", text="办不了")
    await street.done(street.reporter, issue_id, "urge")
    assert await urged(tx, issue_id) == 4


async def test_only_the_reporter_urges_and_only_what_is_in_hand(street: Street) -> None:
    issue_id = await street.accepted()
    refused(await act(street.leader, issue_id, "urge"), 403, "forbidden")
    stranger = await street.callers.resident()
    refused(await act(stranger, issue_id, "urge"), 404, "case_not_found")
    await street.done(street.chief, issue_id, "resolve", text="好了")
    refused(await act(street.reporter, issue_id, "urge"), 409, "move_not_allowed")


async def test_she_does_not_urge_while_it_is_her_own_turn(street: Street, tx: Tx) -> None:
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "ask", text="具体在哪里？")
    assert "urge" not in (await street.reporter.get(f"/issues/{issue_id}")).json()["moves"]
    refused(await act(street.reporter, issue_id, "urge"), 409, "move_not_allowed")
    assert await urged(tx, issue_id) == 0
    seen = await street.done(street.reporter, issue_id, "answer", text="在3号门口")
    assert "urge" in seen["moves"]
