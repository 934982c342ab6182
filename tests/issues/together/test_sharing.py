"""Joining, merging and finding issues that many share."""

from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select, update

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.together.jobs import follow_main
from neighborhood_api.issues.together.models import Support
from neighborhood_api.issues.watching.models import IssueWarning
from neighborhood_api.issues.watching.warnings import raise_warnings
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.clock import Clock
from tests.support.hands import check_ledger, pages_of
from tests.support.issues import LANE, Street, act, new_rule, photos
from tests.support.jobs import job_context
from tests.support.people import Caller, Callers
from tests.support.posts import phone_number, vacate
from tests.support.refusals import refused


async def publish(tx: Tx, *issue_ids: str) -> None:
    shown = update(Case).where(Case.id.in_(issue_ids))
    await tx.execute(shown.values(published_at=datetime.now(UTC)))
    await tx.commit()


async def similar(caller: AsyncClient, street: Street, **changes: Any) -> list[Any]:  # noqa: ANN401
    wish = {
        "category_code": "env.garbage",
        "text": "垃圾桶满了好几天没人清理",
        "lane_id": str(street.town.at(*LANE).id),
    } | changes
    answer = await caller.post("/issues/similar", json=wish)
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


@pytest.fixture
async def neighbour(street: Street, callers: Callers) -> Caller:
    return await callers.resident(street.town.place(*LANE))


async def follow(tx: Tx, database: Database, case_id: str) -> None:
    """Run the job that the newest move of a case asked for, as the worker would."""
    await tx.commit()
    newest = select(Entry).where(Entry.case_id == case_id).order_by(Entry.id.desc()).limit(1)
    entry = (await tx.scalars(newest)).one()
    await follow_main(
        job_context(database, "issues.follow_main"),
        case_id=case_id,
        entry_id=str(entry.id),
        to_state=entry.to_state,
    )


async def state_of(caller: AsyncClient, issue_id: str) -> str:
    state: str = (await caller.get(f"/issues/{issue_id}")).json()["state"]
    return state


async def test_before_reporting_a_resident_sees_the_published_issue_next_door(
    street: Street, neighbour: Caller, tx: Tx
) -> None:
    hidden = await street.reported()
    shown = await street.reported(text="垃圾桶满了没人清，打13812345678找我")
    await publish(tx, shown)
    items = await similar(neighbour, street)
    assert [item["id"] for item in items] == [shown]
    assert "13812345678" not in str(items)
    assert items[0]["mine"] is False
    assert items[0]["photos"] == []
    own = await similar(street.reporter, street)
    assert {item["id"] for item in own} == {hidden, shown}


async def test_others_read_what_the_moderator_made_of_it(
    street: Street, neighbour: Caller, callers: Callers
) -> None:
    issue_id = await street.reported(text="垃圾桶满了没人清，都怪三楼老王")
    moderator = await callers.staff(street.town, Role.COMMUNITY_WORKER, *LANE[:2])
    await street.done(
        moderator, issue_id, "moderate", show=True, version=1, text="垃圾桶满了没人清"
    )
    shown = (await similar(neighbour, street))[0]["text"]
    assert shown == "垃圾桶满了没人清"
    assert "老王" in (await similar(street.reporter, street))[0]["text"]


async def test_staff_who_take_a_call_see_all_that_they_may_read_and_no_more(
    street: Street, callers: Callers
) -> None:
    issue_id = await street.reported()
    here = await callers.staff(street.town, Role.COMMUNITY_WORKER, *LANE[:2])
    elsewhere = await callers.staff(street.town, Role.COMMUNITY_WORKER, 2, 1)
    assert [item["id"] for item in await similar(here, street)] == [issue_id]
    assert await similar(elsewhere, street) == []


async def test_what_is_about_persons_or_long_settled_is_not_offered(
    street: Street, neighbour: Caller, tx: Tx
) -> None:
    closed = await street.reported()
    await street.done(street.reporter, closed, "withdraw")
    await publish(tx, closed)
    assert await similar(neighbour, street) == []
    refused(
        await neighbour.post(
            "/issues/similar", json={"category_code": "no.such", "text": "垃圾桶满了没人清"}
        ),
        422,
        "category_not_found",
    )


async def test_support_counts_once_and_can_be_taken_back(
    street: Street, neighbour: Caller, tx: Tx
) -> None:
    issue_id = await street.reported()
    await publish(tx, issue_id)
    await neighbour.post(f"/issues/{issue_id}/support")
    answer = await neighbour.post(f"/issues/{issue_id}/support")
    assert answer.json()["supporters"] == 1
    assert answer.json()["supported"] is True
    mine = (await neighbour.get("/me/supported-issues")).json()["items"]
    assert [item["id"] for item in mine] == [issue_id]
    events = select(func.count()).where(
        OutboxRow.name == "issues.issue_supported",
        OutboxRow.payload["issue_id"].astext == issue_id,
    )
    assert await tx.scalar(events) == 1
    await street.done(street.reporter, issue_id, "hide")
    (hidden,) = (await neighbour.get("/me/supported-issues")).json()["items"]
    assert (hidden["state"], hidden["text"]) == ("assigned", "该诉求目前不公开")
    answer = await neighbour.post(f"/issues/{issue_id}/support/withdraw")
    assert (answer.json()["supporters"], answer.json()["supported"]) == (0, False)
    assert await tx.scalar(select(func.count()).where(Support.case_id == issue_id)) == 0


async def test_nobody_supports_her_own_an_unpublished_or_a_settled_issue(
    street: Street, neighbour: Caller, tx: Tx
) -> None:
    issue_id = await street.reported()
    refused(await neighbour.post(f"/issues/{issue_id}/support"), 404, "case_not_found")
    await publish(tx, issue_id)
    refused(await street.reporter.post(f"/issues/{issue_id}/support"), 409, "own_issue")
    await street.done(street.reporter, issue_id, "withdraw")
    refused(await neighbour.post(f"/issues/{issue_id}/support"), 409, "not_going_on")
    assert await tx.scalar(select(Issue.supporters).where(Issue.case_id == issue_id)) == 0


async def merged_pair(street: Street, neighbour: Caller) -> tuple[str, str]:
    """A main issue of the reporter, and the neighbour's that was merged into it."""
    main = await street.accepted()
    second = (await neighbour.post("/issues", json=street.wish())).json()["id"]
    body = await street.done(street.chief, second, "merge", into_id=main, text="同一处")
    assert body["state"] == "merged"
    return main, second


async def test_a_merged_issue_follows_its_main_and_each_reporter_decides_for_herself(
    street: Street, neighbour: Caller, tx: Tx, rolled_back: Database
) -> None:
    main, second = await merged_pair(street, neighbour)
    together = (await neighbour.get(f"/issues/{second}/together")).json()
    assert together["main"]["state"] == "accepted"
    assert together["merged"] == []
    refused(await neighbour.get(f"/issues/{main}"), 404, "case_not_found")
    await street.done(street.chief, main, "resolve", text="已清运，联系13812345678")
    await follow(tx, rolled_back, main)
    detail = (await neighbour.get(f"/issues/{second}")).json()
    assert detail["state"] == "resolved"
    assert "已清运，联系138******78" in detail["timeline"][-1]["text"]
    shown = (await neighbour.get(f"/issues/{second}/together")).json()["main"]
    assert "13812345678" not in str(shown)
    await street.done(neighbour, second, "confirm")
    await street.done(neighbour, second, "rate", rating=5)
    await street.done(street.reporter, main, "reopen", text="又满了")
    assert await state_of(neighbour, second) == "closed"
    assert await state_of(street.reporter, main) == "reopened"
    for issue_id in (main, second):
        await check_ledger(tx, issue_id, now=datetime.now(UTC))


async def test_the_merged_one_reads_the_result_that_was_verified_and_has_had_its_answer(
    street: Street, neighbour: Caller, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    await new_rule(tx, "env.garbage", verification=True)
    main, second = await merged_pair(street, neighbour)
    file_ids = await photos(tx, street.chief.person_id, 1, now=clock.now)
    await tx.commit()
    await street.done(street.chief, main, "resolve", text="已清运", photo_ids=file_ids)
    await follow(tx, rolled_back, main)
    assert await state_of(neighbour, second) == "merged"
    await street.done(street.leader, main, "verify")
    await follow(tx, rolled_back, main)
    detail = (await neighbour.get(f"/issues/{second}")).json()
    told = detail["timeline"][-1]
    assert (detail["state"], told["text"][-3:]) == ("resolved", "已清运")
    assert [photo["id"] for photo in told["photos"]] == file_ids
    await raise_warnings(rolled_back, now=clock.forward(hours=2))
    late = select(IssueWarning.id).where(IssueWarning.case_id == second)
    assert (await tx.scalars(late)).all() == []


async def test_who_settled_the_main_issue_does_not_confirm_for_the_caller_of_a_merged_one(
    street: Street, tx: Tx, rolled_back: Database
) -> None:
    clerk = await street.staff(Role.COMMUNITY_WORKER, *LANE[:2])
    main = await street.accepted()
    call = {"name": "王女士", "phone": phone_number()}
    taken_in = await clerk.post("/issues", json=street.wish(on_behalf_of=call))
    second = taken_in.json()["id"]
    await street.done(clerk, second, "merge", into_id=main, text="同一处")
    await street.done(clerk, main, "resolve", text="已清运")
    await follow(tx, rolled_back, main)
    refused(await act(clerk, second, "confirm"), 403, "forbidden")
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, *LANE[:2])
    assert (await street.done(secretary, second, "confirm"))["state"] == "confirmed"


async def test_what_is_reopened_goes_its_own_way_and_others_may_be_merged_into_it(
    street: Street, neighbour: Caller, tx: Tx, rolled_back: Database
) -> None:
    main, second = await merged_pair(street, neighbour)
    await street.done(street.chief, main, "resolve", text="已清运")
    await follow(tx, rolled_back, main)
    await street.done(neighbour, second, "reopen", text="我家门口没有清")
    assert (await neighbour.get(f"/issues/{second}/together")).json()["main"] is None
    assert (await street.chief.get(f"/issues/{main}/together")).json()["merged"] == []
    third = await street.reported()
    merged = await street.done(street.leader, third, "merge", into_id=second, text="同一处")
    assert merged["state"] == "merged"
    counted = (await street.leader.get("/statistics")).json()["total"]["figures"]
    assert (counted["merged"], counted["resolution_in_time"]["n"]) == (1, 1)


async def test_the_job_that_follows_can_run_twice_and_late(
    street: Street, neighbour: Caller, tx: Tx, rolled_back: Database
) -> None:
    main, second = await merged_pair(street, neighbour)
    await street.done(street.chief, main, "resolve", text="已清运")
    await follow(tx, rolled_back, main)
    await follow(tx, rolled_back, main)
    follows = select(func.count()).where(Entry.case_id == second, Entry.move == "follow")
    assert await tx.scalar(follows) == 1


@pytest.mark.parametrize("further", ["confirm", "rate"])
async def test_a_resolution_is_followed_also_when_the_main_reporter_was_quicker(
    further: str, street: Street, neighbour: Caller, tx: Tx, rolled_back: Database
) -> None:
    main, second = await merged_pair(street, neighbour)
    await street.done(street.chief, main, "resolve", text="已清运")
    resolved = select(Entry.id).where(Entry.case_id == main, Entry.move == "resolve")
    entry_id = str(await tx.scalar(resolved))
    await street.done(street.reporter, main, "confirm")
    if further == "rate":
        await street.done(street.reporter, main, "rate", rating=5)
    await follow_main(
        job_context(rolled_back, "issues.follow_main"),
        case_id=main,
        entry_id=entry_id,
        to_state="resolved",
    )
    assert await state_of(neighbour, second) == "resolved"


async def test_a_resolution_that_was_undone_meanwhile_is_not_followed(
    street: Street, neighbour: Caller, tx: Tx, rolled_back: Database
) -> None:
    main, second = await merged_pair(street, neighbour)
    await street.done(street.chief, main, "resolve", text="已清运")
    resolved = select(Entry.id).where(Entry.case_id == main, Entry.move == "resolve")
    entry_id = str(await tx.scalar(resolved))
    await street.done(street.reporter, main, "reopen", text="没有清")
    await follow_main(
        job_context(rolled_back, "issues.follow_main"),
        case_id=main,
        entry_id=entry_id,
        to_state="resolved",
    )
    assert await state_of(neighbour, second) == "merged"


async def test_when_the_main_issue_is_withdrawn_the_merged_one_goes_on_by_itself(
    street: Street, neighbour: Caller, tx: Tx, rolled_back: Database
) -> None:
    main, second = await merged_pair(street, neighbour)
    due = select(Case.resolve_due_at).where(Case.id == second)
    assert await tx.scalar(due) is None
    await street.done(street.reporter, main, "withdraw")
    await follow(tx, rolled_back, main)
    assert await state_of(neighbour, second) == "assigned"
    assert await tx.scalar(due) is not None
    assert await tx.scalar(select(Case.main_id).where(Case.id == second)) is None
    await check_ledger(tx, second, now=datetime.now(UTC))


async def test_an_issue_is_unmerged_with_its_clock_where_it_was(
    street: Street, neighbour: Caller, tx: Tx
) -> None:
    main, second = await merged_pair(street, neighbour)
    merged = (await street.chief.get(f"/issues/{main}/together")).json()["merged"]
    assert [item["id"] for item in merged] == [second]
    body = await street.done(street.chief, second, "unmerge", text="不是同一处")
    assert body["state"] == "assigned"
    assert body["resolve_due_at"] is not None
    assert (await street.chief.get(f"/issues/{main}/together")).json()["merged"] == []
    await check_ledger(tx, second, now=datetime.now(UTC))


async def test_what_is_unmerged_is_in_the_hands_of_who_answers_by_then(
    street: Street, neighbour: Caller, tx: Tx
) -> None:
    _, second = await merged_pair(street, neighbour)
    lane = street.town.at(*LANE)
    await vacate(tx, lane)
    await tx.commit()
    await street.done(street.leader, second, "unmerge", text="不是同一处")
    case = (await tx.scalars(select(Case).where(Case.id == second))).one()
    assert (case.hand_node_id, case.hand_person_id) == (lane.id, street.leader.person_id)
    vacant = select(OutboxRow.payload).where(OutboxRow.name == "cases.post_vacant")
    assert [one["node_id"] for one in await tx.scalars(vacant)] == [str(lane.id)]
    await check_ledger(tx, second, now=datetime.now(UTC))


async def test_what_was_merged_into_an_issue_goes_along_when_that_is_merged(
    street: Street, neighbour: Caller, tx: Tx
) -> None:
    main, second = await merged_pair(street, neighbour)
    third = await street.reported()
    await street.done(street.chief, main, "merge", into_id=third, text="都是一处")
    mains = select(Case.main_id).where(Case.id.in_([main, second]))
    assert {str(one) for one in await tx.scalars(mains)} == {third}


async def test_a_merge_that_makes_no_sense_is_refused_and_changes_nothing(
    street: Street, neighbour: Caller, callers: Callers, tx: Tx
) -> None:
    main = await street.reported()
    over = await street.reported()
    await street.done(street.reporter, over, "withdraw")
    for into_id, reason in ((main, "same"), (over, "main_not_in_hand")):
        answer = await act(street.chief, main, "merge", into_id=into_id, text="一处")
        assert refused(answer, 422, "cannot_merge")["reason"] == reason
    stranger = await callers.staff(street.town, Role.LANE_CHIEF, 1, 1, 1, 2)
    refused(
        await act(stranger, main, "merge", into_id=over, text="一处"), 404, "case_not_found"
    )
    refused(
        await act(neighbour, main, "merge", into_id=over, text="一处"), 404, "case_not_found"
    )
    state, main_id = (
        await tx.execute(select(Case.state, Case.main_id).where(Case.id == main))
    ).one()
    assert (state, main_id) == ("assigned", None)


async def test_hot_spots_count_reports_of_one_kind_in_one_lane_within_reach(
    street: Street, neighbour: Caller, callers: Callers
) -> None:
    ids = [await street.reported() for _ in range(2)]
    ids.append((await neighbour.post("/issues", json=street.wish())).json()["id"])
    withdrawn = await street.reported()
    await street.done(street.reporter, withdrawn, "withdraw")
    query: dict[str, int | str] = {"at_least": 3, "node_id": str(street.town.at(*LANE).id)}
    spots = (await street.leader.get("/staff/hot-spots", params=query)).json()["items"]
    assert [(spot["issues"], spot["reporters"], spot["open"]) for spot in spots] == [(3, 2, 3)]
    assert set(spots[0]["newest_ids"]) == set(ids)
    stranger = await callers.staff(street.town, Role.GRID_LEADER, 2, 1, 1)
    found = (await stranger.get("/staff/hot-spots", params=query)).json()["items"]
    assert found == []
    refused(await neighbour.get("/staff/hot-spots"), 403, "forbidden")


async def test_the_time_after_a_merge_is_nobodys(
    street: Street, neighbour: Caller, tx: Tx, clock: Clock
) -> None:
    main, second = await merged_pair(street, neighbour)
    merged_at = clock.now
    clock.forward(hours=3)
    await check_ledger(tx, second, now=clock.now)
    assert (await pages_of(tx, second))[-1].held_until == merged_at
    assert (await pages_of(tx, main))[-1].held_until is None
