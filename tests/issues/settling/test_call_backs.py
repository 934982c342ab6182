"""回访: who rated badly is called, what she says is kept, and it is made good in time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.issues.settling.arranging import (
    announced,
    call_backs_of,
    entries_of,
    rated,
    settled_again,
    timers_of,
)
from tests.issues.settling.test_ratings import ratings_of
from tests.support.clock import Clock
from tests.support.issues import LANE, Street, act, photos
from tests.support.people import Caller
from tests.support.posts import phone_number
from tests.support.refusals import refused

SAID: dict[str, Any] = {
    "reached": True,
    "solved": False,
    "satisfied": False,
    "text": "说只清了一半",
}


@pytest.fixture
async def dispatcher(street: Street) -> Caller:
    return await street.staff(Role.STREET_DISPATCHER, 1)


async def listed(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    answer = await caller.get(f"/staff/call-backs{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def by_telephone(street: Street, phone: str) -> str:
    """An issue of a caller without an account, confirmed by nobody and closed."""
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    wish = street.wish(on_behalf_of={"name": "王女士", "phone": phone})
    issue_id: str = (await dispatcher.post("/issues", json=wish)).json()["id"]
    await street.done(street.chief, issue_id, "accept")
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    return issue_id


@pytest.mark.parametrize(("rating", "opens"), [(1, True), (2, True), (3, False), (5, False)])
async def test_a_bad_rating_opens_a_call_and_the_remedy_clock(
    rating: int,
    opens: bool,  # noqa: FBT001
    street: Street,
    tx: Tx,
) -> None:
    issue_id = await rated(street, rating)
    tasks = await call_backs_of(tx, issue_id)
    timers = await timers_of(tx, issue_id, Purpose.REMEDY)
    assert (len(tasks), len(timers)) == (opens, opens)
    assert len(await announced(tx, "issues.call_back_opened")) == opens
    if opens:
        (task,), (timer,) = tasks, timers
        assert (task.reason, task.rating, task.handling) == ("bad_rating", rating, 0)
        assert (task.remedy_wanted, task.ended_at, task.remedied_at) == (True, None, None)
        assert (timer.clock, timer.amount) == ("working_days", 15)
        assert (timer.subject_id, timer.stopped_at) == (task.id, None)


async def test_the_task_is_listed_to_those_of_the_place_and_to_nobody_else(
    street: Street, tx: Tx, dispatcher: Caller
) -> None:
    issue_id = await rated(street, 1)
    await rated(street, 5)
    for caller in (dispatcher, street.leader, street.chief):
        (row,) = await listed(caller)
        assert (row["issue_id"], row["state"], row["rating"]) == (issue_id, "to_call", 1)
    (timer,) = await timers_of(tx, issue_id, Purpose.REMEDY)
    due_at = datetime.fromisoformat((await listed(dispatcher))[0]["remedy_due_at"])
    assert timer.due_at is not None
    assert due_at == timer.due_at.replace(microsecond=0)
    for role, path in ((Role.LANE_CHIEF, (1, 1, 1, 2)), (Role.STREET_DISPATCHER, (2,))):
        assert await listed(await street.staff(role, *path)) == []
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    assert await listed(officer) == []
    for caller in (street.reporter, await street.staff(Role.OPERATOR)):
        refused(await caller.get("/staff/call-backs"), 403, "forbidden")


async def test_the_list_is_paged_and_filtered_by_what_is_to_be_done(
    street: Street, dispatcher: Caller
) -> None:
    issues = [await rated(street, 1) for _ in range(3)]
    await street.done(dispatcher, issues[0], "call-back", **SAID)
    await street.done(street.chief, issues[0], "remedy", text="已重清")
    await street.done(dispatcher, issues[1], "call-back", **SAID)
    await street.done(street.chief, issues[2], "remedy", text="已重清")
    states = {row["issue_id"]: row["state"] for row in await listed(dispatcher)}
    assert states == dict(zip(issues, ["done", "to_remedy", "to_call"], strict=True))
    for state, expected in (("done", 0), ("to_remedy", 1), ("to_call", 2)):
        rows = await listed(dispatcher, f"?state={state}")
        assert [row["issue_id"] for row in rows] == [issues[expected]]
    first = (await dispatcher.get("/staff/call-backs?limit=2")).json()
    second = (await dispatcher.get(f"/staff/call-backs?limit=2&after={first['next']}")).json()
    assert [row["issue_id"] for row in first["items"] + second["items"]] == issues[::-1]
    assert second["next"] is None


async def test_the_number_is_shown_to_whoever_takes_the_call_until_it_is_made(
    street: Street, tx: Tx, dispatcher: Caller
) -> None:
    phone = phone_number()
    mine = update(Person).where(Person.id == street.reporter.person_id)
    await tx.execute(mine.values(phone=phone))
    await tx.commit()
    issue_id = await rated(street, 2)
    masked = f"{phone[:3]}****{phone[-4:]}"
    assert (await listed(dispatcher))[0]["phone"] == masked
    refused(await act(dispatcher, issue_id, "reporter-phone"), 403, "not_in_your_hands")
    taken = await street.done(dispatcher, issue_id, "take-call-back")
    assert (taken["phone"], taken["state"]) == (masked, "to_call")
    assert (await street.done(dispatcher, issue_id, "reporter-phone"))["phone"] == phone
    for other in (street.chief, await street.staff(Role.STREET_SECRETARY, 1)):
        assert (await listed(other))[0]["phone"] == masked
        refused(await act(other, issue_id, "reporter-phone"), 403, "not_in_your_hands")
    (task,) = await call_backs_of(tx, issue_id)
    assert task.taken_by_id == dispatcher.person_id
    (event,) = await announced(tx, "issues.call_back_taken")
    assert event["person_id"] == str(dispatcher.person_id)
    made = await street.done(dispatcher, issue_id, "call-back", **SAID)
    assert made["phone"] == masked
    refused(await act(dispatcher, issue_id, "reporter-phone"), 403, "not_in_your_hands")
    seen = (await street.chief.get(f"/issues/{issue_id}")).json()
    assert seen["reporter"]["phone"] == masked  # the hands never see it after closing


@pytest.mark.parametrize(("move", "body"), [("take-call-back", {}), ("call-back", SAID)])
async def test_only_the_dispatcher_and_those_above_the_hands_call(
    move: str, body: dict[str, Any], street: Street, tx: Tx, dispatcher: Caller
) -> None:
    issue_id = await rated(street, 1)
    worker = await street.staff(Role.GRID_WORKER, *LANE[:3])
    refused(await act(street.chief, issue_id, move, **body), 403, "forbidden")
    refused(await act(street.reporter, issue_id, move, **body), 403, "forbidden")
    for stranger in (
        await street.callers.resident(street.town.place(*LANE)),
        await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2),
        await street.staff(Role.STREET_DISPATCHER, 2),
    ):
        refused(await act(stranger, issue_id, move, **body), 404, "case_not_found")
    (task,) = await call_backs_of(tx, issue_id)
    assert (task.attempts, task.taken_by_id) == (0, None)
    assert (await act(worker, issue_id, move, **body)).status_code == 200
    if move == "take-call-back":
        assert (await act(dispatcher, issue_id, move)).status_code == 200


async def test_nobody_calls_about_her_own_handling(street: Street, dispatcher: Caller) -> None:
    issue_id = await street.accepted()
    await street.done(dispatcher, issue_id, "resolve", text="已清运")
    await street.done(street.reporter, issue_id, "confirm")
    await street.done(street.reporter, issue_id, "rate", rating=1)
    refused(await act(dispatcher, issue_id, "take-call-back"), 403, "own_handling")
    refused(await act(dispatcher, issue_id, "call-back", **SAID), 403, "own_handling")
    seen = (await dispatcher.get(f"/issues/{issue_id}")).json()
    assert "call_back" not in seen["moves"]
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    assert "call_back" in (await secretary.get(f"/issues/{issue_id}")).json()["moves"]
    await street.done(secretary, issue_id, "call-back", **SAID)


async def test_what_she_says_is_kept_and_the_notes_are_not_for_her(
    street: Street, tx: Tx, dispatcher: Caller, clock: Clock
) -> None:
    issue_id = await rated(street, 1)
    clock.forward(hours=3)
    body = await street.done(dispatcher, issue_id, "call-back", **SAID)
    assert (body["state"], body["solved"], body["attempts"]) == ("to_remedy", False, 1)
    (task,) = await call_backs_of(tx, issue_id)
    assert (task.reached, task.solved, task.satisfied) == (True, False, False)
    assert (task.ended_at, task.called_by_id) == (clock.now, dispatcher.person_id)
    (event,) = await announced(tx, "issues.call_back_made")
    assert event == {
        "issue_id": issue_id,
        "call_back_id": str(task.id),
        "reached": True,
        "solved": False,
        "satisfied": False,
    }
    seen = await street.reporter.get(f"/issues/{issue_id}")
    line = seen.json()["timeline"][-1]
    assert (line["move"], line["text"], line["note"]) == ("call_back", "已电话回访", None)
    assert SAID["text"] not in seen.text
    again = await act(dispatcher, issue_id, "call-back", **SAID)
    refused(again, 409, "called_back_already")
    assert len(await entries_of(tx, issue_id, "call_back")) == 1


async def test_who_does_not_answer_is_called_three_times(
    street: Street, tx: Tx, dispatcher: Caller
) -> None:
    issue_id = await rated(street, 1)
    nobody = {"reached": False, "text": "无人接听"}
    answered = await act(dispatcher, issue_id, "call-back", **nobody, solved=True)
    refused(answered, 422, "invalid_request")
    for attempt in (1, 2, 3):
        body = await street.done(dispatcher, issue_id, "call-back", **nobody)
        assert (body["attempts"], body["called_at"] is None) == (attempt, attempt < 3)
    (task,) = await call_backs_of(tx, issue_id)
    assert (task.reached, task.solved, task.satisfied) == (False, None, None)
    assert len(await announced(tx, "issues.call_back_made")) == 1
    refused(await act(dispatcher, issue_id, "call-back", **nobody), 409, "called_back_already")


async def test_a_closed_issue_may_be_a_sample_and_an_open_one_may_not(
    street: Street, tx: Tx, dispatcher: Caller
) -> None:
    issue_id, open_id = await rated(street, 4), await street.resolved()
    refused(await act(dispatcher, open_id, "take-call-back"), 409, "no_call_back")
    refused(await act(dispatcher, open_id, "call-back", **SAID), 409, "no_call_back")
    assert await call_backs_of(tx, open_id) == []
    await street.done(dispatcher, issue_id, "take-call-back")
    body = await street.done(
        dispatcher, issue_id, "call-back", reached=True, solved=True, text="满意"
    )
    assert (body["reason"], body["state"], body["satisfied"]) == ("sample", "done", None)
    (task,) = await call_backs_of(tx, issue_id)
    assert (task.remedy_wanted, task.solved) == (False, True)
    refused(await act(dispatcher, issue_id, "take-call-back"), 409, "called_back_already")


async def test_a_sample_that_waits_is_made_for_the_bad_rating_that_comes_meanwhile(
    street: Street, tx: Tx, dispatcher: Caller, clock: Clock
) -> None:
    issue_id = await by_telephone(street, phone_number())
    closing = {"state": "closed", "closed_at": clock.now, "close_at": None}
    await close(tx, issue_id, closing | {"reporter_id": street.reporter.person_id})
    await street.done(dispatcher, issue_id, "take-call-back")
    await street.done(street.reporter, issue_id, "rate", rating=1)
    (task,) = await call_backs_of(tx, issue_id)
    assert (task.reason, task.rating, task.remedy_wanted) == ("bad_rating", 1, True)
    assert task.taken_by_id == dispatcher.person_id


async def close(tx: Tx, issue_id: str, values: dict[str, Any]) -> None:
    """Close an issue as the sweep would, whoever reported it."""
    await tx.execute(update(Case).where(Case.id == issue_id).values(**values))
    await tx.commit()


async def test_for_a_caller_without_an_account_the_rating_is_written_down(
    street: Street, tx: Tx, dispatcher: Caller, clock: Clock
) -> None:
    phone = phone_number()
    issue_id = await by_telephone(street, phone)
    await close(tx, issue_id, {"state": "closed", "closed_at": clock.now, "close_at": None})
    taken = await street.done(dispatcher, issue_id, "take-call-back")
    told = await street.done(dispatcher, issue_id, "reporter-phone")
    assert (taken["name"], told) == ("王女士", {"name": "王女士", "phone": phone})
    rating = {"rating": 2, "items": {"attitude": 1}}
    body = await street.done(dispatcher, issue_id, "call-back", **SAID, **rating)
    assert (body["state"], body["rating"]) == ("to_remedy", 2)
    (stored,) = await ratings_of(tx, issue_id)
    assert (stored.rating, stored.items, stored.channel) == (2, {"attitude": 1}, "offline")
    assert (stored.person_id, stored.recorded_by_id) == (None, dispatcher.person_id)
    assert len(await timers_of(tx, issue_id, Purpose.REMEDY)) == 1
    assert (await dispatcher.get(f"/issues/{issue_id}")).json()["rating"] == 2


async def test_who_has_an_account_rates_for_herself(
    street: Street, tx: Tx, dispatcher: Caller
) -> None:
    issue_id = await rated(street, 1)
    answer = await act(dispatcher, issue_id, "call-back", **SAID, rating=5)
    refused(answer, 409, "rater_has_account")
    assert [row.rating for row in await ratings_of(tx, issue_id)] == [1]
    (task,) = await call_backs_of(tx, issue_id)
    assert (task.attempts, task.ended_at) == (0, None)


async def test_the_hands_make_it_good_and_the_reporter_sees_that(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await rated(street, 1)
    clock.forward(days=1)
    assert "remedy" in (await street.chief.get(f"/issues/{issue_id}")).json()["moves"]
    refused(await act(street.chief, issue_id, "remedy"), 422, "invalid_request")
    refused(await act(street.reporter, issue_id, "remedy", text="好"), 403, "forbidden")
    next_lane = await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2)
    refused(await act(next_lane, issue_id, "remedy", text="好"), 404, "case_not_found")
    (timer,) = await timers_of(tx, issue_id, Purpose.REMEDY)
    assert timer.stopped_at is None
    picture = await photos(tx, street.chief.person_id, 1, now=datetime.now(UTC))
    body = await street.done(
        street.chief, issue_id, "remedy", text="已重新清运并致歉", photo_ids=picture
    )
    assert "remedy" not in body["moves"]
    line = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"][-1]
    assert (line["move_name"], line["text"]) == ("整改", "已重新清运并致歉")
    assert [photo["id"] for photo in line["photos"]] == picture
    (timer,) = await timers_of(tx, issue_id, Purpose.REMEDY)
    assert timer.stopped_at == clock.now
    (task,) = await call_backs_of(tx, issue_id)
    assert (task.remedied_at, task.remedied_by_id) == (clock.now, street.chief.person_id)
    assert task.ended_at is None  # she is called all the same
    refused(await act(street.chief, issue_id, "remedy", text="再"), 409, "nothing_to_remedy")
    assert len(await entries_of(tx, issue_id, "remedy")) == 1
    assert len(await announced(tx, "issues.issue_remedied")) == 1


async def test_a_new_result_after_reopening_is_the_remedy_and_the_call_is_still_made(
    street: Street, tx: Tx, dispatcher: Caller
) -> None:
    issue_id = await rated(street, 1)
    await settled_again(street, issue_id)
    (timer,) = await timers_of(tx, issue_id, Purpose.REMEDY)
    assert timer.stopped_at is not None
    (task,) = await call_backs_of(tx, issue_id)
    assert (task.remedied_by_id, task.ended_at) == (street.leader.person_id, None)
    body = await street.done(dispatcher, issue_id, "call-back", **SAID)
    assert (body["state"], body["handling"]) == ("done", 0)


async def test_one_call_serves_for_the_bad_ratings_of_two_handlings(
    street: Street, tx: Tx, dispatcher: Caller, clock: Clock
) -> None:
    issue_id = await rated(street, 1)
    await street.done(dispatcher, issue_id, "take-call-back")
    await settled_again(street, issue_id)
    await street.done(street.reporter, issue_id, "rate", rating=2)
    first, second = await call_backs_of(tx, issue_id)
    assert (first.ended_at, first.reached) == (clock.now, None)
    assert (second.handling, second.rating, second.remedied_at) == (1, 2, None)
    assert second.taken_by_id == dispatcher.person_id
    old, new = await timers_of(tx, issue_id, Purpose.REMEDY)
    assert (old.subject_id, new.subject_id) == (first.id, second.id)
    assert new.stopped_at is None
    rows = await listed(dispatcher)
    assert [(row["handling"], row["state"]) for row in rows] == [(1, "to_call"), (0, "done")]
    await street.done(dispatcher, issue_id, "call-back", **SAID)
    assert len(await announced(tx, "issues.call_back_made")) == 1


async def test_of_confidential_issues_only_the_named_posts_know(
    street: Street, tx: Tx, dispatcher: Caller
) -> None:
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    issue_id = await street.reported(category_code="staff.conduct")
    await street.done(secretary, issue_id, "accept")
    await street.done(secretary, issue_id, "resolve", text="已核实处理")
    await street.done(street.reporter, issue_id, "confirm")
    await street.done(street.reporter, issue_id, "rate", rating=1)
    assert [row["issue_id"] for row in await listed(secretary)] == [issue_id]
    for caller in (dispatcher, street.chief):
        assert await listed(caller) == []
        refused(await act(caller, issue_id, "take-call-back"), 404, "case_not_found")
    assert len(await call_backs_of(tx, issue_id)) == 1
