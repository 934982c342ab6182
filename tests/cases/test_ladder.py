"""巷长快办: lane, grid, community, street, each with its own short clock, and one alarm."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.clock import Clock
from tests.support.hands import check_ledger, pages_of
from tests.support.issues import LANE, Street, new_rule
from tests.support.posts import vacate
from tests.support.refusals import refused

ROLES = ["lane_chief", "grid_leader", "community_worker", "street_dispatcher"]


async def vacancies(tx: Tx, issue_id: str) -> list[str]:
    """At which nodes a vacant post was announced for the case, in order."""
    mine = OutboxRow.payload["case_id"].astext == issue_id
    rows = select(OutboxRow.payload["node_id"].astext).where(
        OutboxRow.name == "cases.post_vacant", mine
    )
    return list(await tx.scalars(rows.order_by(OutboxRow.id)))


async def alarms(tx: Tx, issue_id: str) -> int:
    mine = select(Entry.id).where(Entry.case_id == issue_id, Entry.move == "alarm")
    return len((await tx.scalars(mine)).all())


async def test_every_level_has_the_minutes_of_the_rule_and_the_street_one_alarm(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    await new_rule(tx, "env.garbage", accept_minutes=25)
    issue_id = await street.reported()
    for level, role in ((3, ROLES[1]), (2, ROLES[2]), (1, ROLES[3])):
        clock.forward(minutes=25, seconds=-1)
        assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 0
        clock.forward(seconds=1)
        for moved in (1, 0, 0):
            done = await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now)
            assert done == moved
        held = select(Case.hand_level, Case.hand_role, Case.pass_up_at)
        found = (await tx.execute(held.where(Case.id == issue_id))).one()
        assert found == (level, role, clock.now + timedelta(minutes=25))
    assert await alarms(tx, issue_id) == 0
    clock.forward(minutes=25)
    for moved in (1, 0, 0):
        assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == moved
        clock.forward(days=1)
    assert await alarms(tx, issue_id) == 1
    raised = select(OutboxRow.id).where(
        OutboxRow.name == "issues.issue_alarmed",
        OutboxRow.payload["case_id"].astext == issue_id,
    )
    assert len((await tx.scalars(raised)).all()) == 1
    assert [page.role for page in await pages_of(tx, issue_id)] == ROLES
    await check_ledger(tx, issue_id, now=clock.now)
    # The alarm is among staff; it can still be taken on.
    shown = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"]
    assert [entry["move"] for entry in shown] == ["report", *["escalate"] * 3]
    await street.done(street.reporter, issue_id, "comment", text="有人吗")
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 0
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    await street.done(dispatcher, issue_id, "accept")


async def test_where_the_whole_street_is_vacant_the_alarm_comes_all_the_same(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    nodes = [street.town.at(*LANE[:depth]) for depth in range(1, 5)]
    await vacate(tx, *nodes)
    issue_id = await street.reported()
    assert await vacancies(tx, issue_id) == [str(street.town.at(*LANE).id)]
    clock.forward(minutes=60)
    for moved in (1, 0):
        assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == moved
    assert await alarms(tx, issue_id) == 1
    (page,) = await pages_of(tx, issue_id)
    assert (page.node_id, page.person_id) == (nodes[0].id, None)


async def test_when_everybody_leaves_after_the_report_it_climbs_to_the_alarm(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    issue_id = await street.reported()
    assert await vacancies(tx, issue_id) == []
    await vacate(tx, *[street.town.at(*LANE[:depth]) for depth in range(1, 5)])
    clock.forward(minutes=60)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 1
    # Nobody at the grid, nor above: the street holds it, and the grid's vacancy is told.
    assert await vacancies(tx, issue_id) == [str(street.town.at(*LANE[:3]).id)]
    clock.forward(minutes=60)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == 1
    assert await alarms(tx, issue_id) == 1
    await check_ledger(tx, issue_id, now=clock.now)


@pytest.mark.parametrize("depth", [4, 3, 2])
async def test_a_vacancy_is_announced_where_it_is_and_the_next_one_up_answers(
    depth: int, street: Street, tx: Tx
) -> None:
    await vacate(tx, street.town.at(*LANE[:depth]))
    issue_id = await street.reported()
    for _ in range(4 - depth):
        caller = await street.staff(Role.STREET_DISPATCHER, 1)
        await street.done(caller, issue_id, "escalate", text="上报")
    held = select(Case.hand_level, Case.hand_person_id).where(Case.id == issue_id)
    level, person_id = (await tx.execute(held)).one()
    assert level == depth - 1
    node = street.town.at(*LANE[: depth - 1])
    assert person_id == street.town.staff[Role(ROLES[4 - depth + 1]), node.id].id
    assert await vacancies(tx, issue_id) == [str(street.town.at(*LANE[:depth]).id)]


async def test_what_begins_at_the_street_climbs_nowhere_and_alarms(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    await new_rule(tx, "env.garbage", first_level=1)
    issue_id = await street.reported()
    assert await vacancies(tx, issue_id) == []
    clock.forward(minutes=60)
    for moved in (1, 0):
        assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == moved
    assert await alarms(tx, issue_id) == 1


async def test_reopened_at_the_street_it_stays_there_and_is_alarmed_anew(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    await new_rule(tx, "env.garbage", first_level=1)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    issue_id = await street.reported()
    await street.done(dispatcher, issue_id, "accept")
    await street.done(dispatcher, issue_id, "resolve", text="已处理")
    body = await street.done(street.reporter, issue_id, "reopen", text="没有")
    assert (body["hand"]["level"], body["times_reopened"]) == (1, 1)
    clock.forward(minutes=60)
    for moved in (1, 0):
        assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=clock.now) == moved
    assert await alarms(tx, issue_id) == 1
    refused(
        await dispatcher.post(f"/issues/{issue_id}/escalate", json={"text": "上"}),
        409,
        "nobody_above",
    )
