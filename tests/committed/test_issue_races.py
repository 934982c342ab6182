"""Two phones at once: one issue, many hands, and nothing done twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from httpx import Response
from sqlalchemy import func, select

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.workflow import OVER, State
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, act, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town


@pytest.fixture
async def street(live_database: Database, live_town: Town, live_callers: Callers) -> Street:
    await ensure_categories(live_database)
    return await street_of(live_town, live_callers)


async def at_once(*requests: Callable[[], Awaitable[Response]]) -> list[Response]:
    return await asyncio.gather(*(request() for request in requests))


async def entries_of(database: Database, issue_id: str) -> list[Entry]:
    mine = select(Entry).where(Entry.case_id == issue_id).order_by(Entry.id)
    async with database.transaction() as tx:
        return list(await tx.scalars(mine))


async def check_history(database: Database, issue_id: str) -> None:
    """The timeline is one way through the law, and every step was announced once."""
    entries = await entries_of(database, issue_id)
    state: str | None = None
    for entry in entries:
        assert entry.from_state == state
        if entry.from_state is not None:
            line = ISSUE.rules[entry.move]  # type: ignore[index]
            assert State(entry.from_state) in line.moves
        state = entry.to_state
    moved = OutboxRow.payload["case_id"].astext == issue_id
    async with database.transaction() as tx:
        case = await tx.get_one(Case, entries[0].case_id)
        assert case.state == state
        assert case.version == len(entries)
        assert (case.closed_at is not None) == (case.standing in OVER)
        announced = select(func.count()).where(OutboxRow.name == "cases.case_moved", moved)
        assert await tx.scalar(announced) == len(entries)
        await check_ledger(tx, case.id, now=datetime.now(UTC))


async def test_of_fifty_who_accept_at_once_exactly_one_does(
    street: Street, live_database: Database
) -> None:
    issue_id = await street.reported()
    staff = [
        street.chief,
        street.leader,
        await street.staff(Role.GRID_WORKER, *LANE[:3]),
        await street.staff(Role.COMMUNITY_WORKER, *LANE[:2]),
        await street.staff(Role.STREET_DISPATCHER, 1),
    ]
    answers = await at_once(
        *(lambda caller=caller: act(caller, issue_id, "accept") for caller in staff * 10)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
    codes = {a.json()["code"] for a in answers if a.status_code == 409}
    assert codes == {"move_not_allowed"}
    entries = await entries_of(live_database, issue_id)
    assert [entry.move for entry in entries] == ["report", "accept"]
    await check_history(live_database, issue_id)


@pytest.mark.parametrize("turned_by", range(4))
async def test_different_moves_at_once_leave_one_history(
    turned_by: int, street: Street, live_database: Database
) -> None:
    issue_id = await street.reported()
    worker = await street.staff(Role.COMMUNITY_WORKER, *LANE[:2])
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    department = str(street.town.organizations[0].id)
    wishes: list[Callable[[], Awaitable[Response]]] = [
        lambda: act(street.chief, issue_id, "accept"),
        lambda: act(street.chief, issue_id, "escalate", text="上报"),
        lambda: act(street.leader, issue_id, "escalate", text="再上报"),
        lambda: act(worker, issue_id, "escalate", text="再上报"),
        lambda: act(worker, issue_id, "respond", text="在办"),
        lambda: act(dispatcher, issue_id, "escalate", text="再上报"),
        lambda: act(dispatcher, issue_id, "accept"),
        lambda: act(dispatcher, issue_id, "resolve", text="办好了"),
        lambda: act(dispatcher, issue_id, "dispatch", organization_id=department),
        lambda: act(street.reporter, issue_id, "comment", text="怎么样了"),
        lambda: act(street.reporter, issue_id, "withdraw"),
        lambda: act(street.reporter, issue_id, "reopen", text="没好"),
    ]
    wishes = wishes[turned_by * 3 :] + wishes[: turned_by * 3]
    answers = await at_once(*wishes, *wishes)
    assert {answer.status_code for answer in answers} <= {200, 403, 409}
    done = sum(answer.status_code == 200 for answer in answers)
    assert done >= 1
    assert len(await entries_of(live_database, issue_id)) == done + 1
    await check_history(live_database, issue_id)


async def test_a_rating_sent_many_times_at_once_counts_once(
    street: Street, live_database: Database
) -> None:
    issue_id = await street.resolved()
    await street.done(street.reporter, issue_id, "confirm")
    answers = await at_once(
        *(
            lambda stars=stars: act(street.reporter, issue_id, "rate", rating=stars)
            for stars in (1, 2, 3, 4, 5) * 4
        )
    )
    rated = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(rated) == 1
    refusals = {answer.json()["code"] for answer in answers if answer.status_code != 200}
    assert refusals == {"already_rated"}
    async with live_database.transaction() as tx:
        stored = await tx.scalar(select(Issue.rating).where(Issue.case_id == issue_id))
    assert stored == rated[0]["rating"]
    await check_history(live_database, issue_id)


async def test_a_report_retried_with_its_key_is_made_once(
    street: Street, live_database: Database
) -> None:
    wish = street.wish(text="重试的诉求只登记一次")
    headers = {"idempotency-key": f"retry-{street.reporter.person_id}"}

    async def send() -> Response:
        return await street.reporter.post("/issues", json=wish, headers=headers)

    answers = [*await at_once(*[send] * 20), await send()]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    mine = (await street.reporter.get("/me/issues")).json()["items"]
    assert [row["id"] for row in mine] == [answers[0].json()["id"]]
    other = street.wish(text="同一个编号，另一件事情")
    reused = await street.reporter.post("/issues", json=other, headers=headers)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    await check_history(live_database, answers[0].json()["id"])


async def test_a_move_retried_with_its_key_is_answered_the_same(
    street: Street, live_database: Database
) -> None:
    issue_id = await street.accepted()
    headers = {"idempotency-key": f"resolve-{issue_id}"}

    async def send() -> Response:
        body = {"text": "已清运"}
        path = f"/issues/{issue_id}/resolve"
        return await street.chief.post(path, json=body, headers=headers)

    answers = [*await at_once(*[send] * 10), await send()]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    moves = [entry.move for entry in await entries_of(live_database, issue_id)]
    assert moves.count("resolve") == 1
    await check_history(live_database, issue_id)


async def test_many_reports_at_once_have_codes_of_their_own(street: Street) -> None:
    answers = await at_once(*[street.report] * 30)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["code"] for answer in answers}) == 30
