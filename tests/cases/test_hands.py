"""Every minute has an owner: the ledger of hands over whole lives."""

from datetime import timedelta
from typing import Any

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from tests.support.clock import Clock
from tests.support.hands import check_ledger, pages_of
from tests.support.issues import Street
from tests.support.people import Caller


async def test_the_ledger_is_whole_at_every_step_of_a_long_life(
    street: Street, clock: Clock, tx: Tx
) -> None:
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    department = {"organization_id": str(street.town.organizations[0].id)}
    issue_id = await street.reported()
    life: list[tuple[Caller, str, dict[str, Any]]] = [
        (street.chief, "accept", {}),
        (street.chief, "escalate", {"text": "需网格协调"}),
        (street.leader, "accept", {}),
        (dispatcher, "dispatch", department),
        (officer, "take-over", {}),
        (officer, "escalate", {"text": "退回调度"}),
        (dispatcher, "dispatch", department),
        (officer, "take-over", {}),
        (officer, "resolve", {"text": "已处理"}),
        (street.reporter, "reopen", {"text": "没有处理好"}),
        (dispatcher, "accept", {}),
        (dispatcher, "resolve", {"text": "再次处理"}),
        (street.reporter, "confirm", {}),
        (street.reporter, "rate", {"rating": 4}),
    ]
    await check_ledger(tx, issue_id, now=clock.now)
    for caller, move, body in life:
        clock.forward(minutes=17)
        await street.done(caller, issue_id, move, **body)
        await check_ledger(tx, issue_id, now=clock.now)
    held = [
        (page.role, page.organization_id is not None) for page in await pages_of(tx, issue_id)
    ]
    assert held == [
        ("lane_chief", False),
        ("grid_leader", False),
        ("department_officer", True),
        ("street_dispatcher", False),
        ("department_officer", True),
        ("street_dispatcher", False),
    ]


async def test_the_ledger_ends_when_it_is_over_and_not_before(
    street: Street, clock: Clock, tx: Tx
) -> None:
    endings: list[tuple[Caller, str, dict[str, str]]] = [
        (street.chief, "reject", {"text": "不属于本街道"}),
        (street.reporter, "withdraw", {}),
    ]
    for caller, move, body in endings:
        issue_id = await street.reported()
        clock.forward(minutes=5)
        await street.done(caller, issue_id, move, **body)
        ended = clock.now
        clock.forward(days=30)
        (page,) = await pages_of(tx, issue_id)
        assert page.held_until == ended
        await check_ledger(tx, issue_id, now=clock.now)


async def test_who_waited_for_the_lock_may_bring_an_older_time(
    street: Street, clock: Clock, tx: Tx
) -> None:
    """A request reads the clock before it waits for the case; the ledger stays in order."""
    issue_id = await street.reported()
    await street.done(street.chief, issue_id, "escalate", text="先上报")
    case = await lock_case(tx, ISSUE, (await tx.get_one(Case, issue_id)).id)
    standing = await standing_of(tx, street.leader.person_id, clock.now)
    leader = Actor(street.leader.person_id, street.leader.person_id, standing.posts)
    earlier = clock.now - timedelta(seconds=3)
    await move_case(tx, ISSUE, case, Move.ESCALATE, leader, Said(text="再上报"), now=earlier)
    await tx.flush()
    await check_ledger(tx, issue_id, now=clock.now)
    assert len(await pages_of(tx, issue_id)) == 3
