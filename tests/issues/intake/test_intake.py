"""Staff take in what people say by telephone and at the counter, and speak for them later."""

from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import Rating
from neighborhood_api.kit.db import Tx
from tests.issues.settling.arranging import case_of, entries_of
from tests.support.issues import Street, act, new_rule
from tests.support.people import Caller
from tests.support.posts import phone_number, somebody
from tests.support.refusals import refused


@pytest.fixture
async def worker(street: Street) -> Caller:
    return await street.staff(Role.COMMUNITY_WORKER, 1, 1)


async def taken_in(worker: Caller, street: Street, **changes: Any) -> str:  # noqa: ANN401
    """An issue that staff entered for somebody without an account."""
    call = {"name": "王女士", "phone": phone_number()} | changes
    answer = await worker.post("/issues", json=street.wish(on_behalf_of=call))
    assert answer.status_code == 200, answer.text
    issue_id: str = answer.json()["id"]
    return issue_id


async def solved(worker: Caller, street: Street) -> str:
    issue_id = await taken_in(worker, street)
    await street.done(street.chief, issue_id, "accept")
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    return issue_id


async def buttons(caller: Caller, issue_id: str) -> list[str]:
    moves: list[str] = (await caller.get(f"/issues/{issue_id}")).json()["moves"]
    return moves


async def test_staff_say_by_which_channel_it_came_and_residents_cannot(
    worker: Caller, street: Street, tx: Tx
) -> None:
    by_phone = await taken_in(worker, street)
    at_counter = await taken_in(worker, street, channel="counter")
    own = await street.reported()
    channels = {
        str(issue.case_id): issue.channel for issue in (await tx.scalars(select(Issue))).all()
    }
    assert channels == {by_phone: "telephone", at_counter: "counter", own: "mini_program"}
    seen = (await street.chief.get(f"/issues/{at_counter}")).json()
    assert (seen["reporter"]["channel"], seen["reporter"]["account"]) == ("counter", False)
    assert seen["timeline"][0]["detail"] == {"on_behalf": True}
    call = {"name": "王女士", "phone": phone_number(), "channel": "counter"}
    refused(await street.report(on_behalf_of=call), 403, "forbidden")
    call["channel"] = "mini_program"
    answer = await worker.post("/issues", json=street.wish(on_behalf_of=call))
    refused(answer, 422, "invalid_request")
    assert (await street.report(channel="counter")).status_code == 422


async def test_what_i_took_in_is_listed_with_its_progress_and_a_masked_number(
    worker: Caller, street: Street
) -> None:
    number = phone_number()
    first = await taken_in(worker, street, phone=number)
    second = await taken_in(worker, street)
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    await taken_in(secretary, street)
    await worker.post("/issues", json=street.wish())  # for herself: no intake
    await street.done(street.chief, first, "accept")
    page = (await worker.get("/staff/intake", params={"limit": 1})).json()
    assert [row["id"] for row in page["items"]] == [second]
    rest = await worker.get("/staff/intake", params={"after": page["next"]})
    (row,) = rest.json()["items"]
    assert (row["id"], row["state"], row["account"]) == (first, "accepted", False)
    assert (row["caller_name"], row["channel"]) == ("王女士", "telephone")
    assert row["caller_phone"] == f"{number[:3]}****{number[-4:]}"
    assert number not in rest.text


async def test_only_posts_of_intake_ask_and_what_is_about_persons_is_not_listed(
    worker: Caller, street: Street
) -> None:
    for caller in (street.reporter, street.chief, street.leader):
        refused(await caller.get("/staff/intake"), 403, "forbidden")
    call = {"name": "王女士", "phone": phone_number()}
    wish = street.wish(category_code="staff.conduct", on_behalf_of=call)
    assert (await worker.post("/issues", json=wish)).status_code == 200
    assert (await worker.get("/staff/intake")).json()["items"] == []


async def test_intake_confirms_and_rates_for_a_caller_who_telephones_again(
    worker: Caller, street: Street, tx: Tx
) -> None:
    issue_id = await solved(worker, street)
    assert {"confirm", "reopen"} <= set(await buttons(worker, issue_id))
    await street.done(worker, issue_id, "confirm", text="她说好了")
    body = await street.done(worker, issue_id, "rate", rating=4, text="她说还行")
    assert (body["state"], body["rating"]) == ("closed", 4)
    for move in ("confirm", "rate"):
        (entry,) = await entries_of(tx, issue_id, move)
        assert (entry.by, entry.role) == ("staff", "community_worker")
        assert entry.person_id == worker.person_id
        assert entry.detail == {"on_behalf": True}
    rating = (await tx.scalars(select(Rating).where(Rating.case_id == issue_id))).one()
    assert (rating.person_id, rating.recorded_by_id) == (None, worker.person_id)


async def test_intake_answers_and_reopens_for_her(
    worker: Caller, street: Street, tx: Tx
) -> None:
    issue_id = await taken_in(worker, street)
    await street.done(street.chief, issue_id, "accept")
    await street.done(street.chief, issue_id, "ask", text="几号门口？")
    body = await street.done(worker, issue_id, "answer", text="3号")
    assert body["state"] == "handling"
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    body = await street.done(worker, issue_id, "reopen", text="她说又满了")
    assert (body["state"], body["times_reopened"]) == ("reopened", 1)
    (entry,) = await entries_of(tx, issue_id, "reopen")
    assert entry.detail == {"on_behalf": True}


async def test_the_rule_that_gives_reopening_to_others_binds_intake_too(
    worker: Caller, street: Street, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", reopen_by=["supporter"])
    issue_id = await solved(worker, street)
    refused(await act(worker, issue_id, "reopen", text="又满了"), 403, "reopen_not_yours")
    assert (await case_of(tx, issue_id)).state == "resolved"


async def test_nobody_speaks_for_a_caller_who_has_an_account(
    worker: Caller, street: Street, tx: Tx
) -> None:
    known = await somebody(tx, "李先生", phone=phone_number())
    issue_id = await taken_in(worker, street, phone=known.phone)
    own = await street.resolved()
    await street.done(street.chief, issue_id, "accept")
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    for one in (issue_id, own):
        assert not {"confirm", "reopen", "rate"} & set(await buttons(worker, one))
        refused(await act(worker, one, "confirm"), 403, "forbidden")
    (row,) = (await worker.get("/staff/intake")).json()["items"]
    assert (row["id"], row["account"]) == (issue_id, True)


async def test_who_resolved_it_does_not_say_for_the_caller_that_it_is_settled(
    worker: Caller, street: Street, tx: Tx
) -> None:
    issue_id = await taken_in(worker, street)
    for hands in (street.chief, street.leader):
        await street.done(hands, issue_id, "escalate", text="请上级处理")
    await street.done(worker, issue_id, "accept")
    await street.done(worker, issue_id, "resolve", text="已清运")
    refused(await act(worker, issue_id, "confirm"), 403, "forbidden")
    assert (await case_of(tx, issue_id)).state == "resolved"
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    await street.done(secretary, issue_id, "confirm")


async def test_posts_without_intake_and_intake_elsewhere_do_not_speak_for_her(
    worker: Caller, street: Street, tx: Tx
) -> None:
    issue_id = await solved(worker, street)
    for caller in (street.chief, street.leader):
        refused(await act(caller, issue_id, "confirm"), 403, "forbidden")
    for role, path in ((Role.COMMUNITY_WORKER, (1, 2)), (Role.STREET_DISPATCHER, (2,))):
        elsewhere = await street.staff(role, *path)
        refused(await act(elsewhere, issue_id, "confirm"), 404, "case_not_found")
    case = (await tx.scalars(select(Case).where(Case.id == issue_id))).one()
    assert case.state == "resolved"
