"""Departments that do not come."""

from sqlalchemy import select

from neighborhood_api.cases.models import Entry
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.whistling.service import miss_check_ins
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.calls import wanted, whistled
from tests.support.clock import Clock
from tests.support.issues import Street, act


async def alarms(tx: Tx, issue_id: str) -> list[dict[str, object]]:
    told = select(OutboxRow.payload).where(
        OutboxRow.name == "issues.check_in_overdue",
        OutboxRow.payload["issue_id"].astext == issue_id,
    )
    return list(await tx.scalars(told.order_by(OutboxRow.id)))


async def missed(tx: Tx, issue_id: str) -> list[tuple[str | None, bool]]:
    entries = select(Entry.text, Entry.internal).where(
        Entry.case_id == issue_id, Entry.move == "miss_check_in"
    )
    return [(row.text, row.internal) for row in await tx.execute(entries.order_by(Entry.id))]


async def test_whoever_does_not_come_is_reported_once_each_at_its_own_deadline(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.accepted()
    body = wanted(street, 0, 1)
    body["departments"][1]["check_in_minutes"] = 30
    await street.leader.post(f"/issues/{issue_id}/whistle", json=body)
    clock.forward(minutes=30)
    assert await miss_check_ins(rolled_back, now=clock.now) == 0
    clock.forward(seconds=1)
    for _ in range(2):
        await miss_check_ins(rolled_back, now=clock.now)
        assert await missed(tx, issue_id) == [("派出所逾期未报到", True)]
    clock.forward(days=1)
    for _ in range(2):
        await miss_check_ins(rolled_back, now=clock.now)
        assert len(await missed(tx, issue_id)) == 2
    first, second = await alarms(tx, issue_id)
    police, office = street.town.organizations[1], street.town.organizations[0]
    assert first["organization_id"] == str(police.id)
    assert second["organization_id"] == str(office.id)
    staff = street.town.staff
    assert first["recipient_ids"] == [
        str(staff[Role.DEPARTMENT_OFFICER, police.id].id),
        str(staff[Role.STREET_DISPATCHER, street.town.at(1).id].id),
        str(street.leader.person_id),
    ]


async def test_who_came_or_was_released_in_time_is_not_reported(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.accepted()
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    came, released = await whistled(street, street.leader, issue_id, 0, 1)
    await officer.post(f"/issues/{issue_id}/calls/{came['id']}/check-in", json={})
    await street.leader.post(
        f"/issues/{issue_id}/calls/{released['id']}/release", json={"text": "不需要"}
    )
    clock.forward(days=1)
    assert await miss_check_ins(rolled_back, now=clock.now) == 0
    assert await alarms(tx, issue_id) == []


async def test_a_resolved_issue_awaits_nobody(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.accepted()
    lead, _ = await whistled(street, street.leader, issue_id, 0, 1)
    await street.leader.post(
        f"/issues/{issue_id}/calls/{lead['id']}/release", json={"text": "不需要"}
    )
    await act(street.chief, issue_id, "resolve", text="已清运")
    clock.forward(days=1)
    assert await miss_check_ins(rolled_back, now=clock.now) == 0
    assert await alarms(tx, issue_id) == []
