"""An issue becomes its caller's when she opens an account, and nobody else's."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.issues.intake import linking
from neighborhood_api.issues.intake.linking import LINKED_WITHIN
from neighborhood_api.issues.jobs import link_caller, move_reporter
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import Rating
from neighborhood_api.issues.together.models import Support
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.jobs import relay_outbox
from neighborhood_api.kit.outbox import OutboxRow
from tests.issues.intake.test_intake import taken_in
from tests.issues.settling.arranging import announced, case_of, confirmed
from tests.issues.together.test_sharing import publish
from tests.support.clock import Clock
from tests.support.issues import LANE, Street
from tests.support.jobs import job_context
from tests.support.people import Caller
from tests.support.posts import phone_number, somebody
from tests.support.wechat import Phones, new_openid


@pytest.fixture
async def worker(street: Street) -> Caller:
    return await street.staff(Role.COMMUNITY_WORKER, 1, 1)


async def bound(http: AsyncClient, phones: Phones, number: str) -> dict[str, Any]:
    """Somebody who signs in and shares her number, as the API shows her after that."""
    login = {"code": await phones.login_code(new_openid())}
    before = (await http.post("/auth/wechat", json=login)).json()
    answer = await http.post(
        "/me/phone",
        json={"code": await phones.phone_code(number)},
        headers={"authorization": f"Bearer {before['access_token']}"},
    )
    assert answer.status_code == 200, answer.text
    me: dict[str, Any] = (answer.json()["signed_in"] or before)["me"]
    return me


async def link(tx: Tx, database: Database, person_id: object) -> None:
    await tx.commit()
    await link_caller(job_context(database, "issues.link_caller"), person_id=str(person_id))


async def linked(tx: Tx) -> list[dict[str, Any]]:
    return await announced(tx, "issues.caller_linked")


async def test_who_binds_the_number_finds_what_she_had_said_before_and_speaks_for_herself(
    worker: Caller,
    street: Street,
    http: AsyncClient,
    phones: Phones,
    tx: Tx,
    database: Database,
) -> None:
    number = phone_number()
    issue_id = await taken_in(worker, street, phone=number)
    other_id = await taken_in(worker, street)
    await street.done(street.chief, issue_id, "accept")
    note = {"text": "电话里很急", "internal": True}
    await street.done(street.chief, issue_id, "comment", **note)
    me = await bound(http, phones, number)
    assert await announced(tx, "identity.phone_bound") == [{"person_id": me["id"]}]
    for _ in range(2):  # safe to repeat
        await link(tx, database, me["id"])
    assert await linked(tx) == [{"issue_id": issue_id, "person_id": me["id"]}]
    caller = await street.callers.person((await tx.get_one(Person, me["id"])).id)
    listed = (await caller.get("/me/issues")).json()["items"]
    assert [row["id"] for row in listed] == [issue_id]
    seen = (await caller.get(f"/issues/{issue_id}")).json()
    assert [entry["move"] for entry in seen["timeline"]] == ["report", "accept"]
    assert seen["reporter"] is None
    assert "withdraw" in seen["moves"]
    assert (await case_of(tx, other_id)).reporter_id is None


async def test_the_event_of_a_bound_number_asks_for_the_job(
    http: AsyncClient, phones: Phones, tx: Tx
) -> None:
    me = await bound(http, phones, phone_number())
    await relay_outbox(tx)
    asked = text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id")
    tasks = [(row.task_name, row.args) for row in await tx.execute(asked)]
    assert ("issues.link_caller", {"person_id": me["id"]}) in tasks


async def test_a_caller_whom_staff_registered_meanwhile_is_linked_when_she_signs_in(
    worker: Caller,
    street: Street,
    http: AsyncClient,
    phones: Phones,
    tx: Tx,
    database: Database,
) -> None:
    number = phone_number()
    issue_id = await taken_in(worker, street, phone=number)
    known = await somebody(tx, "王女士", phone=number)
    await tx.commit()
    me = await bound(http, phones, number)
    assert me["id"] == str(known.id)
    assert await announced(tx, "identity.phone_bound") == [{"person_id": str(known.id)}]
    await link(tx, database, known.id)
    assert (await case_of(tx, issue_id)).reporter_id == known.id


async def test_a_number_that_changed_hands_brings_nothing_of_long_ago_and_nothing_of_others(
    worker: Caller, street: Street, tx: Tx, clock: Clock
) -> None:
    number = phone_number()
    old_id = await taken_in(worker, street, phone=number)
    clock.forward(seconds=LINKED_WITHIN.total_seconds() + 1)
    new_id = await taken_in(worker, street, phone=number)
    theirs_id = await taken_in(worker, street, phone=number)
    first = await somebody(tx, "先前的机主")
    (await case_of(tx, theirs_id)).reporter_id = first.id
    person = await somebody(tx, "现在的机主", phone=number)
    assert await linking.link_caller(tx, person.id, now=clock.now) == 1
    owners = [(await case_of(tx, one)).reporter_id for one in (old_id, new_id, theirs_id)]
    assert owners == [None, person.id, first.id]
    assert await linked(tx) == [{"issue_id": new_id, "person_id": str(person.id)}]


async def test_somebody_without_a_number_is_given_nothing(
    worker: Caller, street: Street, tx: Tx, database: Database
) -> None:
    issue_id = await taken_in(worker, street)
    await link(tx, database, street.reporter.person_id)
    assert (await case_of(tx, issue_id)).reporter_id is None
    assert await linked(tx) == []


async def test_her_own_support_of_what_turns_out_to_be_hers_no_longer_counts(
    worker: Caller, street: Street, tx: Tx, database: Database
) -> None:
    number = phone_number()
    issue_id = await taken_in(worker, street, phone=number)
    await publish(tx, issue_id)
    await street.done(street.reporter, issue_id, "support")
    (await tx.get_one(Person, street.reporter.person_id)).phone = number
    await link(tx, database, street.reporter.person_id)
    issue = await tx.get_one(Issue, issue_id, populate_existing=True)
    assert issue.supporters == 0
    assert (await tx.scalars(select(Support))).all() == []


async def test_who_becomes_another_person_keeps_reports_support_and_ratings(
    street: Street, tx: Tx, database: Database
) -> None:
    before = street.reporter
    neighbour = await street.callers.resident(street.town.place(*LANE))
    into = await street.callers.resident(street.town.place(*LANE))
    rated_id = await confirmed(street)
    await street.done(before, rated_id, "rate", rating=5)
    alone, both, hers = [
        (await caller.post("/issues", json=street.wish())).json()["id"]
        for caller in (neighbour, neighbour, into)
    ]
    await publish(tx, alone, both, hers)
    for caller, issue_id in ((before, alone), (before, both), (into, both), (before, hers)):
        await street.done(caller, issue_id, "support")
    for _ in range(2):  # safe to repeat
        await tx.commit()
        await move_reporter(
            job_context(database, "issues.move_reporter"),
            from_person_id=str(before.person_id),
            into_person_id=str(into.person_id),
        )
    listed = {row["id"] for row in (await into.get("/me/issues")).json()["items"]}
    assert listed == {rated_id, hers}
    rating = (await tx.scalars(select(Rating))).one()
    assert rating.person_id == into.person_id
    supports = {(str(s.case_id), s.person_id) for s in await tx.scalars(select(Support))}
    assert supports == {(alone, into.person_id), (both, into.person_id)}
    counted = select(Issue.case_id, Issue.supporters)
    counts = {str(one): count for one, count in await tx.execute(counted)}
    assert (counts[alone], counts[both], counts[hers]) == (1, 1, 0)
    moved = select(OutboxRow.name).where(OutboxRow.name == "issues.caller_linked")
    assert (await tx.scalars(moved)).all() == []
