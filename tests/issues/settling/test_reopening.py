"""The reporter says that it is not settled: with a reason, in time, and by the rule."""

from datetime import timedelta

from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.issues.settling.arranging import case_of, entries_of, rated, timers_of
from tests.support.clock import Clock
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, act, new_rule, photos
from tests.support.refusals import refused


async def moves_of(street: Street, issue_id: str) -> list[str]:
    moves: list[str] = (await street.reporter.get(f"/issues/{issue_id}")).json()["moves"]
    return moves


async def test_it_goes_one_level_up_with_her_photos_and_is_counted(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.resolved()
    mine = await photos(tx, street.reporter.person_id, 1, now=clock.now)
    body = await street.done(
        street.reporter, issue_id, "reopen", text="只清了一半", photo_ids=mine
    )
    assert (body["state"], body["times_reopened"]) == ("reopened", 1)
    assert body["hand"]["node_id"] == str(street.town.at(*LANE[:3]).id)
    assert [photo["id"] for photo in body["timeline"][-1]["photos"]] == mine
    listed = (await street.leader.get("/staff/issues")).json()["items"]
    assert [(row["id"], row["times_reopened"]) for row in listed] == [(issue_id, 1)]
    await check_ledger(tx, issue_id, now=clock.now)


async def test_others_do_not_reopen_it(street: Street, tx: Tx) -> None:
    issue_id = await street.resolved()
    refused(await act(street.leader, issue_id, "reopen", text="不行"), 403, "forbidden")
    neighbour = await street.callers.resident(street.town.place(*LANE))
    refused(await act(neighbour, issue_id, "reopen", text="不行"), 404, "case_not_found")
    assert (await case_of(tx, issue_id)).times_reopened == 0


async def test_after_closing_it_is_reopened_within_the_days_of_its_terms_and_not_later(
    street: Street, tx: Tx, clock: Clock
) -> None:
    await new_rule(tx, "env.garbage", reopen_days=3)
    issue_id, late_id = await rated(street, 5), await rated(street, 4)
    closed_at = clock.now
    await new_rule(tx, "env.garbage", reopen_days=30)  # does not touch what was taken in
    clock.forward(days=3)
    assert "reopen" in await moves_of(street, issue_id)
    body = await street.done(street.reporter, issue_id, "reopen", text="又满了")
    assert (body["state"], body["times_reopened"]) == ("reopened", 1)
    await check_ledger(tx, issue_id, now=clock.now)
    clock.forward(seconds=1)
    assert "reopen" not in await moves_of(street, late_id)
    answer = await act(street.reporter, late_id, "reopen", text="又满了")
    body = refused(answer, 409, "reopen_too_late")
    assert body["until"] == (closed_at + timedelta(days=3)).isoformat()
    case = await case_of(tx, late_id)
    assert (case.state, case.times_reopened) == ("closed", 0)
    assert await entries_of(tx, late_id, "reopen") == []


async def test_where_the_rule_gives_the_right_to_others_she_does_not_reopen(
    street: Street, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", reopen_by=["supporter"])
    issue_id = await street.resolved()
    assert await moves_of(street, issue_id) == ["comment", "confirm"]
    answer = await act(street.reporter, issue_id, "reopen", text="又满了")
    refused(answer, 403, "reopen_not_yours")
    assert (await case_of(tx, issue_id)).state == "resolved"


async def test_against_a_refusal_she_objects_once_and_the_level_above_decides(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.reported()
    due_at = (await case_of(tx, issue_id)).resolve_due_at
    assert due_at is not None
    await street.done(street.chief, issue_id, "reject", text="不归我们管")
    clock.forward(days=2)
    assert await moves_of(street, issue_id) == ["reopen"]
    body = await street.done(street.reporter, issue_id, "reopen", text="就在巷口")
    assert (body["state"], body["hand"]["role"]) == ("reopened", "grid_leader")
    case = await case_of(tx, issue_id)
    assert case.resolve_due_at == due_at + timedelta(days=2)  # refused, nobody could go on
    (timer,) = await timers_of(tx, issue_id, Purpose.RESOLVE)
    assert timer.stopped_at is None
    refused(await act(street.chief, issue_id, "accept"), 403, "forbidden")
    await street.done(street.leader, issue_id, "reject", text="属于物业")
    assert await moves_of(street, issue_id) == []
    answer = await act(street.reporter, issue_id, "reopen", text="还是不服")
    refused(answer, 409, "objected_already")
    assert (await case_of(tx, issue_id)).state == "rejected"
    await check_ledger(tx, issue_id, now=clock.now)


async def test_an_objection_comes_in_time_and_needs_no_right_to_reopen(
    street: Street, tx: Tx, clock: Clock
) -> None:
    await new_rule(tx, "env.garbage", reopen_by=["supporter"])
    in_time, late = await street.reported(), await street.reported()
    for issue_id in (in_time, late):
        await street.done(street.chief, issue_id, "reject", text="不归我们管")
    await street.done(street.reporter, in_time, "reopen", text="不服")
    clock.forward(days=7, seconds=1)
    answer = await act(street.reporter, late, "reopen", text="不服")
    refused(answer, 409, "reopen_too_late")


async def test_at_the_top_it_comes_back_to_the_same_hands(street: Street) -> None:
    issue_id = await street.reported()
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    for _ in range(3):
        await street.done(dispatcher, issue_id, "escalate", text="请上级处理")
    await street.done(dispatcher, issue_id, "accept")
    await street.done(dispatcher, issue_id, "resolve", text="已清运")
    body = await street.done(street.reporter, issue_id, "reopen", text="没有")
    assert (body["state"], body["hand"]["level"]) == ("reopened", 1)
