"""What lies in each box, for whom, and in which order; and that no list shows too much."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import reads_as_staff
from neighborhood_api.cases.service import find_case
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.issues.worklists import statements
from neighborhood_api.issues.worklists.boxes import Box
from neighborhood_api.issues.worklists.schemas import FilterIn
from neighborhood_api.issues.worklists.service import count_boxes, list_issues
from neighborhood_api.kit.db import Database, Tx
from tests.support.clock import Clock
from tests.support.issues import LANE, Street
from tests.support.people import Caller, actor_of
from tests.support.posts import appoint
from tests.support.refusals import refused


async def listed(caller: Caller, query: str) -> list[str]:
    answer = await caller.get(f"/staff/issues?limit=100&{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


async def boxes(caller: Caller) -> dict[str, int]:
    answer = await caller.get("/staff/issues/boxes")
    assert answer.status_code == 200, answer.text
    return {one["box"]: one["count"] for one in answer.json()["boxes"]}


async def force(tx: Tx, issue_id: str, **values: Any) -> str:  # noqa: ANN401
    """Put a case where it takes many moves to come."""
    await tx.execute(update(Case).where(Case.id == UUID(issue_id)).values(**values))
    await tx.commit()
    return issue_id


async def offer(street: Street, **to: str) -> str:
    issue_id = await street.reported()
    await street.done(street.chief, issue_id, "transfer", text="不在本巷", **to)
    return issue_id


async def whistled(street: Street) -> str:
    """An issue that the first department leads and the second assists."""
    issue_id = await street.accepted()
    await street.done(street.chief, issue_id, "escalate", text="需要部门配合")
    first, second = (str(body.id) for body in street.town.organizations)
    answer = await street.leader.post(
        f"/issues/{issue_id}/whistle",
        json={
            "reason": "夜间占道",
            "departments": [
                {"organization_id": first, "lead": True},
                {"organization_id": second},
            ],
        },
    )
    assert answer.status_code == 200, answer.text
    return issue_id


async def test_what_is_in_hand_lies_with_the_person_her_node_and_those_above(
    street: Street, tx: Tx
) -> None:
    mine = await street.reported()
    up = await street.reported()
    await street.done(street.chief, up, "escalate", text="办不了")
    await street.resolved()  # lies in no box: nobody must act
    worker = await street.staff(Role.GRID_WORKER, *LANE[:3])
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    for caller, box, expected in (
        (street.chief, "mine", [mine]),
        (street.chief, "node", [mine]),
        (street.chief, "below", []),
        (street.leader, "mine", [up]),
        (street.leader, "node", [up]),
        (street.leader, "below", [mine]),
        (worker, "mine", []),
        (worker, "node", [up]),
        (secretary, "mine", []),
        (secretary, "node", []),
        (secretary, "below", [up, mine]),
    ):
        assert await listed(caller, f"box={box}") == expected, (caller.person_id, box)
    hand = select(Case.hand_person_id).where(Case.id == UUID(mine))
    assert await tx.scalar(hand) == street.chief.person_id


async def test_offers_and_calls_lie_with_whom_they_are_made_to(street: Street) -> None:
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    other = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)
    to_body = await offer(street, organization_id=str(street.town.organizations[0].id))
    to_grid = await offer(street, node_id=str(street.town.at(1, 2, 1).id))
    held = await street.dispatched(0)
    called = await whistled(street)
    across = await street.staff(Role.GRID_LEADER, 1, 2, 1)
    community = await street.staff(Role.COMMUNITY_WORKER, 1, 2)
    for caller, box, expected in (
        (officer, "offered", [to_body]),
        (other, "offered", []),
        (across, "offered", [to_grid]),
        (community, "offered", []),  # it sees the offer, which is another's
        (street.chief, "offered", []),
        (officer, "called", [called]),
        (other, "called", [called]),
        (street.chief, "called", []),
        (officer, "node", [held]),
        (officer, "mine", [held]),
        (dispatcher, "node", []),
        (dispatcher, "below", [called, held, to_grid, to_body]),
    ):
        assert await listed(caller, f"box={box}") == expected, (caller.person_id, box)
    assert await listed(community, "") == [to_grid]
    assert await listed(officer, "") == [called, held, to_body]


async def test_states_and_histories_have_boxes_of_their_own(street: Street, tx: Tx) -> None:
    lies: dict[str, dict[str, Any]] = {
        "waiting": {"state": "waiting"},
        "suspended": {"state": "suspended"},
        "adjudicating": {"state": "adjudicating"},
        "returned": {"times_returned": 1},
        "reopened": {"times_reopened": 2},
        "to_verify": {"state": "verifying"},
    }
    ids = {box: await force(tx, await street.accepted(), **at) for box, at in lies.items()}
    # What is over, or was verified by the caller herself, needs nothing any more.
    await force(tx, await street.resolved(), times_returned=1, times_reopened=1)
    mine = await force(tx, await street.resolved(), state="verifying")
    community = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    outside = await street.staff(Role.COMMUNITY_WORKER, 1, 2)
    for box, issue_id in ids.items():
        assert (await listed(street.leader, f"box={box}"))[-1:] == [issue_id], box
        assert issue_id in await listed(community, f"box={box}"), box
        assert await listed(outside, f"box={box}") == [], box
    assert await listed(street.leader, "box=to_verify") == [mine, ids["to_verify"]]
    assert await listed(street.chief, "box=to_verify") == [ids["to_verify"]]


async def test_late_and_pressing_ones_are_listed_by_their_deadline(
    street: Street, clock: Clock, tx: Tx
) -> None:
    noon = clock.now.replace(hour=4, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock.forward(minutes=(noon - clock.now) / timedelta(minutes=1))
    due = {
        await force(
            tx,
            await street.accepted(),
            resolve_due_at=noon + timedelta(minutes=minutes),
            first_responded_at=noon,
        ): minutes
        for minutes in (300, -30, 721, -600, 120, -3000, 719)
    }
    rests = await force(tx, await street.accepted(), resolve_due_at=None, respond_due_at=None)
    by_due = sorted(due, key=due.__getitem__)
    late = [one for one in by_due if due[one] < 0]
    today = [one for one in by_due if -720 <= due[one] < 720]
    assert await listed(street.chief, "box=overdue") == late
    assert await listed(street.chief, "box=due_today") == today
    assert set(await listed(street.chief, "overdue=true")) == set(late)
    assert set(await listed(street.chief, "overdue=false")) == {*due, rests} - set(late)
    found: list[str] = []
    page: dict[str, Any] = {}
    after = ""
    for _ in range(len(today)):
        page = (await street.chief.get(f"/staff/issues?box=due_today&limit=1{after}")).json()
        found += [row["id"] for row in page["items"]]
        after = f"&after={page['next']}"
    assert found == today
    assert page["next"] is None
    newest = (await street.chief.get("/staff/issues?limit=1")).json()["next"]
    for query in ("box=overdue&after=AAAA", f"box=overdue&after={newest}"):
        refused(await street.chief.get(f"/staff/issues?{query}"), 400, "bad_cursor")


async def test_counts_agree_with_lists(street: Street, tx: Tx, clock: Clock) -> None:
    await street.reported()
    await force(tx, await street.accepted(), state="waiting", times_reopened=1)
    await street.dispatched(0)
    await whistled(street)
    await offer(street, organization_id=str(street.town.organizations[0].id))
    clock.forward(minutes=601)
    callers = [
        street.chief,
        street.leader,
        await street.staff(Role.STREET_DISPATCHER, 1),
        await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0),
        await street.staff(Role.OPERATOR),
    ]
    for caller in callers:
        counted = await boxes(caller)
        in_lists = {box: len(await listed(caller, f"box={box}")) for box in counted}
        assert counted == in_lists
        assert sum(counted.values()) > 0
    assert "called" not in await boxes(street.chief)
    assert "below" not in await boxes(street.chief)
    refused(await street.reporter.get("/staff/issues/boxes"), 403, "forbidden")


async def test_somebody_with_two_posts_counts_nothing_twice(street: Street, tx: Tx) -> None:
    issue_id = await street.reported()
    await appoint(tx, street.town.at(*LANE[:3]), Role.GRID_WORKER, street.chief.person_id)
    both = await street.callers.person(street.chief.person_id)
    counted = await boxes(both)
    assert counted["mine"] == counted["node"] == counted["below"] == 1
    assert await listed(both, "box=mine") == [issue_id]


async def test_counts_end_at_999(
    street: Street, tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    del tx
    monkeypatch.setattr("neighborhood_api.issues.worklists.statements.COUNTED", 3)
    monkeypatch.setattr("neighborhood_api.issues.worklists.service.COUNTED", 3)
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    statements.box_counts_of.cache_clear()
    for expected in ("1", "2", "2+", "2+"):
        await street.reported()
        answer = await secretary.get("/staff/issues/boxes")
        below = next(one for one in answer.json()["boxes"] if one["box"] == "below")
        assert below["shown"] == expected
        assert below["more"] is expected.endswith("+")
    statements.box_counts_of.cache_clear()


async def test_every_list_shows_exactly_what_may_be_read(
    street: Street, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    """Over every post of the town and every box, with confidential issues among them."""
    made = [
        await street.reported(),
        await street.reported(category_code="staff.conduct"),
        await street.reported(lane_id=str(street.town.at(1, 2, 1, 1).id)),
        await street.reported(lane_id=str(street.town.at(2, 1, 1, 1).id)),
        await street.dispatched(1),
        await whistled(street),
        await offer(street, organization_id=str(street.town.organizations[1].id)),
        await offer(street, node_id=str(street.town.at(1, 2, 2).id)),
        await street.resolved(),
        await force(tx, await street.accepted(), state="suspended", confidential=True),
    ]
    cases = [await find_case(tx, ISSUE, UUID(one)) for one in made]
    clock.forward(minutes=700)
    seen_by_somebody: set[UUID] = set()
    for person in street.town.staff.values():
        actor = await actor_of(tx, person.id)
        may = {case.id for case in cases if reads_as_staff(ISSUE, case, actor)}
        reader = rolled_back.reader
        rows, _ = await list_issues(reader, actor, FilterIn(), None, 100, now=clock.now)
        assert {row.id for row in rows} == may, actor.posts
        counted = {
            one.box: one.count for one in await count_boxes(reader, actor, now=clock.now)
        }
        for box in Box:
            wish = FilterIn(box=box)
            rows, _ = await list_issues(reader, actor, wish, None, 100, now=clock.now)
            assert {row.id for row in rows} <= may, (actor.posts, box)
            assert len(rows) == counted.get(box, 0), (actor.posts, box)
            seen_by_somebody |= {row.id for row in rows}
    assert seen_by_somebody >= {case.id for case in cases} - {UUID(made[8])}
