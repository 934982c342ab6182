"""Two phones at once: one issue, many hands, and nothing done twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from httpx import Response
from sqlalchemy import select

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.paths import Offer
from neighborhood_api.cases.workflow import OVER, Move, State
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
            known = {line.to or State(entry.from_state)} | line.also
            assert State(entry.to_state) in known
        state = entry.to_state
    moved = OutboxRow.payload["case_id"].astext == issue_id
    async with database.transaction() as tx:
        case = await tx.get_one(Case, entries[0].case_id)
        assert case.state == state
        assert case.version == len(entries)
        assert (case.closed_at is not None) == (case.standing in OVER)
        announced = select(OutboxRow.name).where(moved, OutboxRow.payload.has_key("entry_id"))
        names = await tx.scalars(announced.order_by(OutboxRow.payload["entry_id"]))
        assert list(names) == [ISSUE.announced[Move(entry.move)] for entry in entries]
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


async def winners(
    wish: Callable[[], Awaitable[Response]], codes: set[str], *, times: int = 50
) -> Response:
    """Send the same wish many times at once: one is done, the others are told why not."""
    answers = await at_once(*[wish] * times)
    done = [answer for answer in answers if answer.status_code == 200]
    assert len(done) == 1, Counter(answer.text for answer in answers)
    assert {a.json()["code"] for a in answers if a.status_code != 200} <= codes
    return done[0]


async def test_of_fifty_who_take_it_over_at_once_exactly_one_does(
    street: Street, live_database: Database
) -> None:
    """Who waited must not see the offer as it was before the wait."""
    issue_id = await street.accepted()
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    body = {"organization_id": str(street.town.organizations[0].id), "text": "请接收"}
    await street.done(street.chief, issue_id, "transfer", **body)
    await winners(lambda: act(officer, issue_id, "take-over"), {"forbidden"})
    moves = [entry.move for entry in await entries_of(live_database, issue_id)]
    assert moves.count("take_over") == 1
    offers = select(Offer.answer).where(Offer.case_id == issue_id)
    async with live_database.transaction() as tx:
        assert list(await tx.scalars(offers)) == ["accepted"]
    await check_history(live_database, issue_id)


async def test_an_offer_is_taken_over_or_declined_or_lapses_and_never_two_of_these(
    street: Street, live_database: Database
) -> None:
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    body = {"organization_id": str(street.town.organizations[0].id), "text": "请接收"}
    why = {"reason": "not_our_duty", "text": "不归我们管"}
    later = datetime.now(UTC) + timedelta(hours=2)
    for _ in range(4):
        issue_id = await street.accepted()
        await street.done(street.chief, issue_id, "transfer", **body)
        taken = [lambda issue_id=issue_id: act(officer, issue_id, "take-over")] * 4
        declined = [lambda issue_id=issue_id: act(officer, issue_id, "decline", **why)] * 4
        answers, _, _ = await asyncio.gather(
            at_once(*taken, *declined),
            sweeps.lapse_offers(live_database, ISSUE, now=later),
            sweeps.lapse_offers(live_database, ISSUE, now=later),
        )
        assert {a.status_code for a in answers} <= {200, 403, 404, 409}
        entries = await entries_of(live_database, issue_id)
        ended = [e for e in entries if e.move in {"take_over", "decline", "lapse"}]
        assert len(ended) == 1
        assert sum(a.status_code == 200 for a in answers) == (ended[0].move != "lapse")
        await check_history(live_database, issue_id)


async def test_of_fifty_who_decide_a_request_at_once_exactly_one_does(
    street: Street, live_database: Database
) -> None:
    issue_id = await street.accepted()
    ask = {"amount": 60, "text": "等配件"}
    asked = await winners(
        lambda: act(street.chief, issue_id, "request-extension", **ask), {"request_open"}
    )
    before = datetime.fromisoformat(asked.json()["resolve_due_at"])
    decided = await winners(
        lambda: act(street.leader, issue_id, "decide-request", approve=True, text="同意"),
        {"no_request"},
    )
    after = datetime.fromisoformat(decided.json()["resolve_due_at"])
    assert after - before == timedelta(minutes=60)
    await check_history(live_database, issue_id)


async def test_of_fifty_who_reopen_or_confirm_at_once_one_history_remains(
    street: Street, live_database: Database
) -> None:
    issue_id = await street.resolved()
    answers = await at_once(
        *[lambda: act(street.reporter, issue_id, "reopen", text="没好")] * 25,
        *[lambda: act(street.reporter, issue_id, "confirm")] * 25,
    )
    moves = [entry.move for entry in await entries_of(live_database, issue_id)]
    assert moves.count("reopen") == 1
    assert moves.count("confirm") <= 1
    refusals = {a.json()["code"] for a in answers if a.status_code != 200}
    assert refusals == {"move_not_allowed"}
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
