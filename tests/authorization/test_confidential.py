"""Reports on persons: only the posts named for them, in every list and every operation."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.authorization.seats import EVERYONE, Everybody, undone
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, act, new_rule
from tests.support.posts import phone_number, vacate

pytestmark = pytest.mark.slow

ABOUT_STAFF = {"category_code": "staff.conduct", "text": "某工作人员态度恶劣"}
NAMED = {"own street secretary"}
TRIED: list[tuple[str, dict[str, Any]]] = [
    ("accept", {}),
    ("escalate", {"text": "上报"}),
    ("reject", {"text": "不受理"}),
    ("comment", {"text": "内部", "internal": True}),
    ("return", {"reason": "unclear", "text": "不清楚"}),
    ("take-over", {}),
    ("decline", {"reason": "unclear", "text": "不清楚"}),
    ("request-extension", {"amount": 1, "text": "要时间"}),
    ("decide-request", {"approve": True, "text": "同意"}),
]


async def test_nobody_else_meets_it_anywhere(
    street: Street, everybody: Everybody, connection: AsyncConnection
) -> None:
    issue_id = await street.reported(**ABOUT_STAFF)
    ordinary = await street.reported()
    for name in EVERYONE - {"anonymous", "reporter"}:
        caller = everybody[name]
        allowed = name in NAMED
        seen = await caller.get(f"/issues/{issue_id}")
        assert seen.status_code == (200 if allowed else 404), name
        listed = await caller.get("/staff/issues?limit=100")
        if listed.status_code == 200:
            ids = {row["id"] for row in listed.json()["items"]}
            assert (issue_id in ids) == allowed, name
            readable = (await caller.get(f"/issues/{ordinary}")).status_code == 200
            assert (ordinary in ids) == readable, name
            mine = await caller.get("/staff/issues?assigned_to_me=true&state=assigned")
            held = {row["id"] for row in mine.json()["items"]}
            assert (issue_id in held) == allowed, name
        for path in ("requests", "offers"):
            answer = await caller.get(f"/issues/{issue_id}/{path}")
            assert answer.status_code == (200 if allowed else 404), (name, path)
        for move, body in TRIED:
            async with undone(connection):
                answer = await act(caller, issue_id, move, **body)
            assert (answer.status_code == 404) == (not allowed), (name, move, answer.text)


async def test_it_goes_to_the_secretary_whatever_its_rule_says_of_levels(
    street: Street, tx: Tx, rolled_back: Database
) -> None:
    await new_rule(tx, "staff.conduct", first_level=4)
    body = (await street.report(**ABOUT_STAFF)).json()
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    assert (body["hand"]["level"], body["hand"]["role"]) == (1, "street_secretary")
    case = (await tx.scalars(select(Case).where(Case.id == body["id"]))).one()
    assert (case.confidential, case.hand_person_id) == (True, secretary.person_id)
    vacant = select(OutboxRow.id).where(OutboxRow.name == "cases.post_vacant")
    assert (await tx.scalars(vacant)).all() == []
    assert case.pass_up_at is not None
    due = case.pass_up_at
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=due) == 1  # the alarm
    await street.done(secretary, body["id"], "accept")
    await street.done(secretary, body["id"], "respond", text="正在调查")
    await check_ledger(tx, body["id"], now=due)


async def test_where_the_secretary_is_vacant_it_waits_for_her_and_for_nobody_else(
    street: Street, tx: Tx
) -> None:
    await vacate(tx, street.town.at(1))
    body = (await street.report(**ABOUT_STAFF)).json()
    assert (body["hand"]["role"], body["hand"]["person_name"]) == ("discipline_officer", None)
    vacant = select(OutboxRow.payload).where(OutboxRow.name == "cases.post_vacant")
    told = [one["node_id"] for one in await tx.scalars(vacant)]
    assert told == [str(street.town.at(1).id)]


async def test_it_is_given_to_nobody_else(street: Street) -> None:
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    issue_id = await street.reported(**ABOUT_STAFF)
    shown = (await secretary.get(f"/issues/{issue_id}")).json()["moves"]
    assert not {"dispatch", "transfer", "escalate", "return"} & set(shown)
    department = {"organization_id": str(street.town.organizations[0].id), "text": "转"}
    place = {"node_id": str(street.town.at(*LANE).id), "text": "转"}
    for move, target in (
        ("dispatch", department),
        ("transfer", department),
        ("transfer", place),
    ):
        answer = await act(secretary, issue_id, move, **target)
        assert (answer.status_code, answer.json()["code"]) == (409, "confidential_stays")


async def test_its_reporter_follows_it_like_any_other(street: Street) -> None:
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    issue_id = await street.reported(**ABOUT_STAFF)
    assert [row["id"] for row in (await street.reporter.get("/me/issues")).json()["items"]] == [
        issue_id
    ]
    await street.done(secretary, issue_id, "accept")
    await street.done(secretary, issue_id, "resolve", text="已谈话提醒")
    body = await street.done(street.reporter, issue_id, "reopen", text="没有改变")
    assert (body["state"], body["hand"]["role"]) == ("reopened", "street_secretary")


async def test_who_took_it_in_by_telephone_sees_it_no_more(street: Street) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, *LANE[:2])
    call = {"name": "王女士", "phone": phone_number()}
    wish = street.wish(**ABOUT_STAFF, on_behalf_of=call)
    answer = await worker.post("/issues", json=wish)
    assert answer.status_code == 200, answer.text
    issue_id = answer.json()["id"]
    assert (await worker.get(f"/issues/{issue_id}")).status_code == 404
    assert issue_id not in (await worker.get("/staff/issues")).text
