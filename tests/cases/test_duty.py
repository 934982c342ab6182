"""Cases follow the people on duty."""

from datetime import UTC, datetime

from sqlalchemy import select

from neighborhood_api.cases.jobs import follow_duty
from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.jobs import relay_outbox
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.hands import check_ledger, pages_of
from tests.support.issues import LANE, Street
from tests.support.jobs import job_context
from tests.support.posts import appoint, appointment_at, phone_number, somebody, vacate


async def held_by(tx: Tx, issue_id: str) -> tuple[object, object]:
    query = select(Case.hand_person_id, Case.hand_node_id).where(Case.id == issue_id)
    person_id, node_id = (await tx.execute(query)).one()
    return person_id, node_id


async def test_open_cases_go_to_the_new_holder_of_the_post(
    street: Street, tx: Tx, rolled_back: Database
) -> None:
    open_one, accepted = await street.reported(), await street.accepted()
    settled = await street.resolved()
    elsewhere = await street.reported(lane_id=str(street.town.at(1, 1, 1, 2).id))
    untouched = await held_by(tx, elsewhere)
    lane = street.town.at(*LANE)
    await vacate(tx, lane)
    await tx.flush()
    context = job_context(rolled_back, "cases.follow_duty")

    await follow_duty(context, node_id=str(lane.id), person_id="x", appointment_id="y")
    for issue_id in (open_one, accepted):  # the lane has them, and who answers above
        assert await held_by(tx, issue_id) == (street.leader.person_id, lane.id)
        await check_ledger(tx, issue_id, now=datetime.now(UTC))

    successor = await somebody(tx, "新巷长")
    await appoint(tx, lane, Role.LANE_CHIEF, successor.id)
    for _ in range(2):  # a job may run twice
        await follow_duty(context, node_id=str(lane.id))
    for issue_id in (open_one, accepted):
        assert await held_by(tx, issue_id) == (successor.id, lane.id)
        assert len(await pages_of(tx, issue_id)) == 3
        await check_ledger(tx, issue_id, now=datetime.now(UTC))
    assert await held_by(tx, settled) == (street.chief.person_id, lane.id)
    assert await held_by(tx, elsewhere) == untouched


async def test_a_case_of_a_department_does_not_follow_the_street(
    street: Street, tx: Tx, rolled_back: Database
) -> None:
    issue_id = await street.dispatched(0)
    node = street.town.at(1)
    officer = street.town.staff[Role.DEPARTMENT_OFFICER, street.town.organizations[0].id]
    context = job_context(rolled_back, "cases.follow_duty")
    await follow_duty(context, node_id=str(node.id))
    assert await held_by(tx, issue_id) == (officer.id, node.id)
    assert len(await pages_of(tx, issue_id)) == 2


async def test_a_post_that_falls_vacant_with_work_in_hand_is_announced_once(
    street: Street, tx: Tx, rolled_back: Database
) -> None:
    issue_id = await street.accepted()
    lane = street.town.at(*LANE)
    await vacate(tx, lane)
    context = job_context(rolled_back, "cases.follow_duty")
    for _ in range(2):
        await follow_duty(context, node_id=str(lane.id))
    vacant = select(OutboxRow.payload).where(OutboxRow.name == "cases.post_vacant")
    told = [one for one in await tx.scalars(vacant) if one["case_id"] == issue_id]
    assert told == [{"case_id": issue_id, "node_id": str(lane.id)}]
    # Whoever is above may act at once.
    await street.done(street.leader, issue_id, "respond", text="网格先处理")


async def test_what_is_reopened_goes_to_whoever_leads_the_grid_now(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.resolved()
    grid = street.town.at(*LANE[:3])
    await vacate(tx, grid)
    successor = await somebody(tx, "新网格长")
    await appoint(tx, grid, Role.GRID_LEADER, successor.id)
    body = await street.done(street.reporter, issue_id, "reopen", text="又满了")
    assert body["hand"]["person_name"] == "新网格长"
    assert await held_by(tx, issue_id) == (successor.id, grid.id)
    await check_ledger(tx, issue_id, now=datetime.now(UTC))


async def test_a_change_of_stand_in_asks_for_the_job(
    street: Street, tx: Tx, rolled_back: Database
) -> None:
    """From the request to the job: the event is relayed, and the job has what it needs."""
    lane = street.town.at(*LANE)
    issue_id = await street.reported()
    operator = await street.staff(Role.OPERATOR)
    appointment = await appointment_at(tx, lane, Role.LANE_CHIEF)
    person = {"name": "代班人", "phone": phone_number()}
    answer = await operator.post(
        f"/appointments/{appointment.id}/stand-in", json={"person": person}
    )
    assert answer.status_code == 200, answer.text
    changed = select(OutboxRow.payload).where(OutboxRow.name == "grid.duty_changed")
    payload = (await tx.scalars(changed)).one()
    assert payload == {"node_id": str(lane.id)}
    assert await relay_outbox(tx) > 0
    await follow_duty(job_context(rolled_back, "cases.follow_duty"), **payload)
    person_id, _ = await held_by(tx, issue_id)
    assert str(person_id) == answer.json()["stand_in_id"]
