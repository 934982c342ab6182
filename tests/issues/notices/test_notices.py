"""What a reporter is told of her issue: what others did, and nothing that staff keep."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient

from neighborhood_api.identity.access import Role
from neighborhood_api.issues.notices import jobs
from neighborhood_api.kit.db import Database, Tx
from tests.support.clock import Clock
from tests.support.issues import Street, act
from tests.support.reactions import Reactions

Told = Callable[[AsyncClient], Awaitable[list[tuple[str, str]]]]


@pytest.fixture
def told(rolled_back: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Told:
    """What somebody finds in her inbox once everything is told, oldest first."""
    react = Reactions(rolled_back, jobs, clock, monkeypatch)

    async def told(caller: AsyncClient) -> list[tuple[str, str]]:
        await react()
        items = (await caller.get("/me/notifications?limit=100")).json()["items"]
        return [(one["title"], one["body"]) for one in reversed(items)]

    return told


async def code_of(street: Street, issue_id: str) -> str:
    return str((await street.reporter.get(f"/issues/{issue_id}")).json()["code"])


async def test_the_reporter_is_told_of_each_step_that_others_make(
    street: Street, told: Told
) -> None:
    issue_id = await street.accepted()
    code = await code_of(street, issue_id)
    await street.done(street.chief, issue_id, "ask", text="哪个巷口？")
    await street.done(street.reporter, issue_id, "answer", text="东口")
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    await street.done(street.reporter, issue_id, "confirm")
    assert await told(street.reporter) == [
        ("诉求已受理", f"{code}：详情请打开查看"),
        ("请补充诉求的情况", f"{code}：哪个巷口？"),
        ("诉求已办结，请确认", f"{code}：已清运"),
    ]
    (latest, *_) = (await street.reporter.get("/me/notifications")).json()["items"]
    assert latest["kind"] == "issues.issue_resolved"
    assert latest["subject"] == {"type": "issue", "id": issue_id}
    assert await told(street.chief) == []


async def test_what_staff_keep_among_themselves_is_not_told(street: Street, told: Told) -> None:
    issue_id = await street.accepted()
    before = await told(street.reporter)
    remark = {"text": "住户情绪激动", "internal": True}
    assert (await act(street.chief, issue_id, "comment", **remark)).status_code == 200
    await street.done(street.chief, issue_id, "escalate", text="需街道协调")
    assert await told(street.reporter) == before


async def test_of_a_report_on_a_person_only_its_code_is_told(
    street: Street, told: Told, tx: Tx
) -> None:
    del tx
    issue_id = await street.reported(category_code="staff.conduct", text="某人态度恶劣")
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    await street.done(secretary, issue_id, "accept")
    await street.done(secretary, issue_id, "respond", text="正在核实黄某的情况")
    code = await code_of(street, issue_id)
    assert [body for _, body in await told(street.reporter)] == [f"{code}：详情请打开查看"] * 2


async def test_who_reported_for_somebody_is_not_told_in_her_stead(
    street: Street, told: Told
) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    guest = {"name": "来电者", "phone": "13900009999"}
    answer = await worker.post("/issues", json=street.wish(on_behalf_of=guest))
    assert answer.status_code == 200, answer.text
    await street.done(street.chief, answer.json()["id"], "accept")
    assert await told(worker) == []
    assert await told(street.reporter) == []


async def test_what_happened_long_ago_is_no_news(
    street: Street, told: Told, clock: Clock
) -> None:
    await street.accepted()
    clock.forward(days=8)
    assert await told(street.reporter) == []
