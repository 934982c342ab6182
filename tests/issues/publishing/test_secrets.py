"""What staff say among themselves reaches no reporter, no supporter and no stranger.

Words are planted wherever staff write for staff; then every operation is called as somebody
who is no staff, and every answer is searched for them.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.authorization.seats import undone
from tests.issues.publishing.arranging import PLANTED, moderator
from tests.support.calls import whistled
from tests.support.clock import Clock
from tests.support.issues import LANE, Street, new_rule
from tests.support.posts import phone_number
from tests.test_routes import described

# Plates ask WeChat for their codes.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("phones")]

SECRET = re.compile(r"机密\d\d")
FAR = {"longitude": 114.9, "latitude": 23.9}
WITHIN: dict[str, Any] = {"clock": "calendar", "amount": 60}


async def talked_about(street: Street, tx: Tx, clock: Clock) -> str:
    """An issue in the middle of its life, about which staff have said many things."""
    await new_rule(tx, "env.garbage", publicity="at_once")
    person = update(Person).where(Person.id == street.reporter.person_id)
    await tx.execute(person.values(name="欧阳秘", phone=phone_number()))
    await tx.commit()
    chief, leader, done = street.chief, street.leader, street.done
    text = f"垃圾桶满了两天，请打{PLANTED}"
    issue_id = await street.accepted(text=text, location="机门五零一")
    await done(chief, issue_id, "comment", text="机密01", internal=True)
    until = (clock.now + timedelta(days=3)).isoformat()
    await done(chief, issue_id, "request-suspension", text="机密02", until=until)
    await done(leader, issue_id, "decide-request", text="机密03", approve=False)
    await done(chief, issue_id, "request-extension", text="缺配件", amount=60)
    await done(leader, issue_id, "decide-request", text="机密04", approve=True)
    await done(leader, issue_id, "supervise", text="机密05", answer_within=WITHIN)
    await done(chief, issue_id, "answer-order", text="机密06")
    await done(leader, issue_id, "decide-order", text="机密07", accept=True)
    calls = await whistled(street, leader, issue_id, 0, reason="机密08", meeting_place="机密09")
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    call = f"calls/{calls[0]['id']}"
    await done(officer, issue_id, f"{call}/check-in")
    await done(officer, issue_id, f"{call}/report", text="机密10")
    await done(leader, issue_id, f"{call}/release", text="机密11")
    await done(leader, issue_id, f"{call}/rate", rating=2, text="机密12")
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    organization_id = str(street.town.organizations[1].id)
    await done(dispatcher, issue_id, "dispatch", organization_id=organization_id, text="机密13")
    other = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)
    await done(other, issue_id, "decline", reason="no_power", text="权限不够")
    return issue_id


async def settled(street: Street, tx: Tx, clock: Clock) -> str:
    """Such an issue when it is over, badly rated, and the reporter was called back."""
    issue_id = await talked_about(street, tx, clock)
    await street.done(street.chief, issue_id, "resolve", text="已清运", position=FAR)
    await street.done(street.reporter, issue_id, "confirm")
    await street.done(street.reporter, issue_id, "rate", rating=1)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    said = {"reached": True, "solved": False, "satisfied": False, "text": "机密14"}
    await street.done(dispatcher, issue_id, "call-back", **said)
    clock.forward(minutes=1)
    return issue_id


def bodies_of(app: FastAPI, operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The examples of an operation's body; one that is empty where it takes none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return [{}]
    name = content["schema"]["$ref"].rsplit("/", 1)[1]
    examples: list[dict[str, Any]] = app.openapi()["components"]["schemas"][name]["examples"]
    return examples


@asynccontextmanager
async def every_answer(
    app: FastAPI,
    connection: AsyncConnection,
    client: AsyncClient,
    street: Street,
    issue_id: str,
) -> AsyncIterator[list[tuple[str, Response]]]:
    """Call every operation that can be about the issue; what each changes is undone."""
    known = {"issue_id": issue_id, "node_id": str(street.town.at(*LANE).id), "code": "x"}
    answers: list[tuple[str, Response]] = []
    for path, method, operation in described(app):
        needed = set(re.findall(r"{(\w+)}", path))
        writes_of_issues = method == "post" and "/issues" in path
        if not needed <= set(known) or not (method == "get" or writes_of_issues):
            continue
        for body in bodies_of(app, operation):
            given = {key: value for key, value in body.items() if not key.endswith("_ids")}
            here = {"lane_id": known["node_id"], "category_code": "env.garbage"}
            given |= {key: value for key, value in here.items() if key in given}
            async with undone(connection):
                url = "http://api" + path.format(**known)
                answer = await client.request(
                    method, url, json=given if method == "post" else None
                )
            answers.append((operation["operationId"], answer))
    yield answers


async def test_the_planted_words_are_there_for_staff(
    street: Street, tx: Tx, clock: Clock
) -> None:
    """Otherwise not finding them elsewhere would prove nothing."""
    leader, issue_id = street.leader, await settled(street, tx, clock)
    read = await leader.get(f"/issues/{issue_id}")
    requests = await leader.get(f"/issues/{issue_id}/requests")
    calls = await leader.get(f"/issues/{issue_id}/calls")
    found = set(SECRET.findall(read.text + requests.text + calls.text))
    assert found == {f"机密{number:02}" for number in range(1, 15)}
    assert "metres_away" in read.text


@pytest.mark.parametrize("stage", [talked_about, settled])
async def test_no_answer_to_anybody_but_staff_contains_what_staff_said_for_staff(
    stage: Callable[[Street, Tx, Clock], Awaitable[str]],
    app: FastAPI,
    connection: AsyncConnection,
    street: Street,
    http: AsyncClient,
    tx: Tx,
    clock: Clock,
) -> None:
    issue_id = await stage(street, tx, clock)
    neighbour = await street.callers.resident(street.town.place(*LANE), name="邻居")
    if stage is talked_about:
        assert (await neighbour.post(f"/issues/{issue_id}/support")).status_code == 200
    everyone = {"reporter": street.reporter, "neighbour": neighbour, "stranger": http}
    for name, client in everyone.items():
        async with every_answer(app, connection, client, street, issue_id) as answers:
            good = {operation for operation, answer in answers if answer.is_success}
            for operation, answer in answers:
                assert answer.status_code < 500, (name, operation, answer.text)
                assert SECRET.findall(answer.text) == [], (name, operation)
                assert "metres_away" not in answer.text, (name, operation)
                if client is not street.reporter:
                    for hers in ("机门五零一", "欧阳秘", PLANTED):
                        assert hers not in answer.text, (name, operation, hers)
        assert len(answers) > 60
        assert {"list_public_issues", "read_public_issue"} <= good
        if client is street.reporter:
            mine = {"read_one_issue", "list_my_issues", "read_publication", "hide_issue"}
            assert mine | {"list_looks", "preview_issue"} <= good
            made = {"comment_issue", "withdraw_issue", "urge_issue"}
            assert made <= good if stage is talked_about else {"reopen_issue"} <= good


async def test_what_a_moderator_wrote_to_the_reporter_is_not_for_the_public(
    street: Street, http: AsyncClient
) -> None:
    issue_id = await street.reported()
    show = {"version": 1, "show": True, "reason": "机密99"}
    await street.done(await moderator(street), issue_id, "moderate", **show)
    assert "机密99" in (await street.reporter.get(f"/issues/{issue_id}/public-view")).text
    for path in ("/public/issues", f"/public/issues/{issue_id}"):
        answer = await http.get(path)
        assert issue_id in answer.text
        assert "机密" not in answer.text
