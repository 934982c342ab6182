"""Who is told the reporter's number, and who learns of that."""

from datetime import datetime

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from neighborhood_api.identity.access import Role
from neighborhood_api.issues.publishing.models import Look
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.trail import Trail
from tests.issues.publishing.arranging import announced, give_phone
from tests.support.clock import Clock
from tests.support.issues import LANE, Street, act
from tests.support.people import Caller
from tests.support.posts import phone_number
from tests.support.refusals import refused


async def looks(caller: Caller, issue_id: str) -> list[tuple[str, str | None]]:
    answer = await caller.get(f"/issues/{issue_id}/looks")
    assert answer.status_code == 200, answer.text
    return [(row["post"], row["who"]) for row in answer.json()["items"]]


async def test_the_detail_never_shows_a_whole_number_not_even_to_the_hands(
    street: Street, tx: Tx
) -> None:
    number = await give_phone(tx, street.reporter.person_id)
    issue_id = await street.reported()
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    operator = await street.staff(Role.OPERATOR)
    for caller in (street.chief, street.leader, dispatcher, operator):
        answer = await caller.get(f"/issues/{issue_id}")
        assert answer.json()["reporter"]["phone"] == f"{number[:3]}****{number[-4:]}"
        assert number not in answer.text
    accepted = await act(street.chief, issue_id, "accept")
    assert number not in accepted.text


async def test_only_the_very_hands_are_told_and_each_look_is_written_down(
    street: Street, tx: Tx, clock: Clock
) -> None:
    number = await give_phone(tx, street.reporter.person_id)
    issue_id = await street.reported()
    told = await street.done(street.chief, issue_id, "reporter-phone")
    assert told == {"name": "居民", "phone": number}
    for caller in (street.leader, await street.staff(Role.STREET_DISPATCHER, 1)):
        refused(await act(caller, issue_id, "reporter-phone"), 403, "not_in_your_hands")
    await street.done(street.chief, issue_id, "escalate", text="需要协调")
    refused(await act(street.chief, issue_id, "reporter-phone"), 403, "not_in_your_hands")
    clock.forward(minutes=5)
    await street.done(street.leader, issue_id, "reporter-phone")
    stored = (await tx.scalars(select(Look).order_by(Look.id))).all()
    assert [(look.person_id, look.role, look.node_id) for look in stored] == [
        (street.chief.person_id, "lane_chief", street.town.at(*LANE).id),
        (street.leader.person_id, "grid_leader", street.town.at(*LANE[:3]).id),
    ]
    trailed = await tx.scalars(select(Trail.subject_id).where(Trail.kind == "issue_look/1"))
    assert set(trailed) == {look.id for look in stored}
    assert await announced(tx, "issues.reporter_phone") == ["issues.reporter_phone_shown"] * 2
    await street.done(street.reporter, issue_id, "withdraw")
    refused(await act(street.leader, issue_id, "reporter-phone"), 403, "not_in_your_hands")
    assert await tx.scalar(select(func.count()).select_from(Look)) == 2


async def test_after_it_was_resolved_nobody_is_told(street: Street, tx: Tx) -> None:
    await give_phone(tx, street.reporter.person_id)
    issue_id = await street.resolved()
    refused(await act(street.chief, issue_id, "reporter-phone"), 403, "not_in_your_hands")


async def test_whoever_may_not_see_the_issue_gets_no_number(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    await give_phone(tx, street.reporter.person_id)
    issue_id = await street.reported()
    secret = await street.reported(category_code="staff.conduct")
    next_chief = await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2)
    neighbour = await street.callers.resident(street.town.place(*LANE))
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    for caller in (next_chief, neighbour):
        refused(await act(caller, issue_id, "reporter-phone"), 404, "case_not_found")
        refused(await caller.get(f"/issues/{issue_id}/looks"), 404, "case_not_found")
    refused(await act(dispatcher, secret, "reporter-phone"), 404, "case_not_found")
    refused(await dispatcher.get(f"/issues/{secret}/looks"), 404, "case_not_found")
    refused(await act(http, issue_id, "reporter-phone"), 401, "not_signed_in")
    refused(await act(street.reporter, issue_id, "reporter-phone"), 403, "not_in_your_hands")
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    assert "phone" in await street.done(secretary, secret, "reporter-phone")


async def test_who_left_no_number_is_not_looked_at(street: Street, tx: Tx) -> None:
    issue_id = await street.reported()
    refused(await act(street.chief, issue_id, "reporter-phone"), 404, "no_phone")
    assert await tx.scalar(select(func.count()).select_from(Look)) == 0


async def test_a_telephone_callers_number_is_told_too(street: Street) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    number = phone_number()
    wish = street.wish(on_behalf_of={"name": "王女士", "phone": number})
    issue_id = (await worker.post("/issues", json=wish)).json()["id"]
    told = await street.done(street.chief, issue_id, "reporter-phone")
    assert told == {"name": "王女士", "phone": number}


async def test_the_reporter_reads_which_post_looked_and_those_above_who(
    street: Street, tx: Tx, clock: Clock
) -> None:
    await give_phone(tx, street.reporter.person_id)
    issue_id = await street.dispatched(0)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    await street.done(officer, issue_id, "reporter-phone")
    at = clock.now
    answer = (await street.reporter.get(f"/issues/{issue_id}/looks")).json()
    (row,) = answer["items"]
    assert (row["post"], row["who"]) == (street.town.organizations[0].name, None)
    assert datetime.fromisoformat(row["looked_at"]) == at.replace(microsecond=0)
    name = street.town.staff[Role.DEPARTMENT_OFFICER, street.town.organizations[0].id].name
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    assert await looks(dispatcher, issue_id) == [(row["post"], name)]
    for caller in (officer, street.chief, street.leader):  # the hands, and those below
        refused(await caller.get(f"/issues/{issue_id}/looks"), 403, "forbidden")


async def test_the_database_itself_refuses_to_change_a_look(street: Street, tx: Tx) -> None:
    await give_phone(tx, street.reporter.person_id)
    issue_id = await street.reported()
    await street.done(street.chief, issue_id, "reporter-phone")
    for sql in ("UPDATE issue_look SET role = 'x'", "DELETE FROM issue_look"):
        with pytest.raises(DBAPIError, match="never changed"):
            async with tx.begin_nested():
                await tx.execute(text(sql))
