"""Grids that become one: one leader, one primary worker, one shape, no issue left behind."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from shapely.geometry import shape as solid
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from neighborhood_api.cases.models import Case, Hand
from neighborhood_api.grid.models import Appointment, Boundary, Node
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx, constraint_of
from tests.reorganisation.arranging import Planner, split_in_two
from tests.reorganisation.digests import digests, restored_tables
from tests.support.issues import Street
from tests.support.people import Callers
from tests.support.places import Town, new_node
from tests.support.posts import appoint, appointment_at, somebody
from tests.support.refusals import refused

pytestmark = pytest.mark.slow

WRITTEN_AT_A_NODE = (
    "appointment",
    "organization",
    "canned_reply",
    "shift",
    "handling_rule",
    "boundary",
    "layer_cover",
)
"""What lies at a node by its id alone."""


def square(east: float) -> dict[str, Any]:
    """A hundredth of a degree, `east` of a place where nothing is."""
    x, y, side = 101 + east, 30.0, 0.01
    ring = [(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture
async def two_grids(planner: Planner, town: Town, tx: Tx) -> None:
    """Both grids of a community have a shape, and a worker who is responsible."""
    for number in (1, 2):
        node = town.at(1, 1, number)
        body = {"geometry": square(number / 100), "coordinate_system": "wgs84", "version": 0}
        answer = await planner.operator.put(f"/grid/nodes/{node.id}/boundary", json=body)
        assert answer.status_code == 200, answer.text
        worker = await appointment_at(tx, node, Role.GRID_WORKER)
        worker.is_primary = True
    await tx.commit()


async def join(planner: Planner, town: Town) -> None:
    """The first grid takes over the second, whose leader comes in place of its own."""
    first, second = town.at(1, 1, 1), town.at(1, 1, 2)
    merging = {"do": "merge", "nodes": [str(second.id)], "into": str(first.id)}
    await planner.drafts([merging])
    shown = await planner.preview()
    changes = {one["node_id"]: one["change"] for one in shown["places"]}
    assert (changes[str(first.id)], changes[str(second.id)]) == ("receives", "ends")
    decisions = [
        {"key": one["key"], "to": str(first.id) if one["node_id"] == str(second.id) else None}
        for one in shown["questions"]
    ]
    assert len(decisions) == 2
    await planner.done("decisions", decisions=decisions)
    await planner.done("apply")


@pytest.mark.usefixtures("two_grids")
async def test_a_leader_who_makes_way_leaves_no_issue_behind_and_comes_back(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    first, second = town.at(1, 1, 1), town.at(1, 1, 2)
    left, comes = (town.staff[Role.GRID_LEADER, one.id].id for one in (first, second))
    issue = await street.reported()
    await street.done(street.chief, issue, "escalate", text="请网格协调")
    names = [*restored_tables(), "boundary", "boundary_ring"]
    before = await digests(tx, names)
    assert (await tx.get_one(Case, issue)).hand_person_id == left
    asked = (await tx.get_one(Node, first.id)).duty_changes
    await join(planner, town)
    tx.expunge_all()
    # Who reports in this moment, and was told the leader of before, asks once more.
    assert (await tx.get_one(Node, first.id)).duty_changes > asked
    case = await tx.get_one(Case, issue)
    assert (case.hand_node_id, case.hand_person_id) == (first.id, comes)
    page = select(Hand).where(Hand.case_id == case.id, Hand.held_until.is_(None))
    assert (await tx.scalars(page)).one().person_id == comes
    primary = select(Appointment.person_id).where(
        Appointment.node_id == first.id, Appointment.is_primary
    )
    assert list(await tx.scalars(primary)) == [town.staff[Role.GRID_WORKER, first.id].id]
    shape = (await planner.operator.get(f"/grid/nodes/{first.id}/boundary")).json()
    assert solid(shape["geometry"]).area == pytest.approx(2e-4)
    planner.operator = await callers.staff(town, Role.OPERATOR)
    await planner.done("undo")
    after = await digests(tx, names)
    assert {name for name in names if before[name] != after[name]} == set()
    tx.expunge_all()
    assert (await tx.get_one(Case, issue)).hand_person_id == left


@pytest.mark.usefixtures("two_grids")
async def test_what_office_did_since_is_not_undone_with_the_plan(
    planner: Planner, callers: Callers, town: Town, tx: Tx
) -> None:
    first, second = town.at(1, 1, 1), town.at(1, 1, 2)
    await join(planner, town)
    leader = await appointment_at(tx, first, Role.GRID_LEADER)
    assert leader.person_id == town.staff[Role.GRID_LEADER, second.id].id
    path = f"/appointments/{leader.id}/end"
    assert (await planner.operator.post(path)).status_code == 200
    redrawn = update(Boundary).where(Boundary.node_id == first.id)
    await tx.execute(redrawn.values(version=Boundary.version + 1))
    await tx.commit()
    newcomer = await appoint(tx, first, Role.GRID_LEADER, (await somebody(tx)).id)
    given_out = new_node(town.at(1, 2, 1), 9)
    given_out.code = second.code
    tx.add(given_out)
    await tx.commit()
    planner.operator = await callers.staff(town, Role.OPERATOR)
    refusal = refused(await planner.does("undo"), 409, "new_things_depend")
    assert {one["name"] for one in refusal["dependents"]} == {"任职", "已另用的编码"}
    newcomer.ended_at = datetime.now(UTC)
    await tx.delete(given_out)
    await tx.commit()
    await planner.done("undo")
    await tx.refresh(leader)
    assert leader.node_id == second.id
    assert leader.ended_at is not None
    back = await appointment_at(tx, first, Role.GRID_LEADER)
    assert back.person_id == town.staff[Role.GRID_LEADER, first.id].id
    shape = (await planner.operator.get(f"/grid/nodes/{first.id}/boundary")).json()
    assert solid(shape["geometry"]).area == pytest.approx(2e-4)


async def at_the_community(street: Street) -> str:
    issue = await street.reported()
    await street.done(street.chief, issue, "escalate", text="请社区协调")
    await street.done(street.leader, issue, "escalate", text="请社区协调")
    return issue


async def test_a_merged_issue_that_is_separated_later_goes_on_at_the_successor(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    main, other = [await at_the_community(street) for _ in range(2)]
    clerk_id = town.staff[Role.COMMUNITY_WORKER, town.at(1, 1).id].id
    clerk = await callers.person(clerk_id)
    await street.done(clerk, other, "merge", into_id=main, text="同一处")
    await planner.drafts(split_in_two(town))
    await planner.decides(appointment=planner.new("east"))
    await planner.done("apply")
    clerk = await callers.person(clerk_id)
    await street.done(clerk, other, "unmerge", text="不是一件事")
    case = await tx.get_one(Case, UUID(other))
    assert (str(case.hand_node_id), case.hand_person_id) == (planner.new("east"), clerk_id)
    page = select(Hand).where(Hand.case_id == case.id, Hand.held_until.is_(None))
    assert str((await tx.scalars(page)).one().node_id) == planner.new("east")


async def counts(caller: Any, node_id: UUID) -> int:  # noqa: ANN401
    """How many issues the worklist has at a place."""
    answer = await caller.get(f"/staff/issues?node_id={node_id}")
    assert answer.status_code == 200, answer.text
    return len(answer.json()["items"])


async def test_links_and_filters_with_an_old_id_lead_to_its_one_successor(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    first, second = town.at(1, 1, 1), town.at(1, 1, 2)
    neighbour = await callers.resident(town.place(1, 1, 2, 1))
    lane = str(town.at(1, 1, 2, 1).id)
    assert (await neighbour.post("/issues", json=street.wish(lane_id=lane))).status_code == 200
    await street.reported()
    clerk = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
    saved = {"name": "二格", "filter": {"node_id": str(second.id)}}
    assert (await clerk.post("/staff/filters", json=saved)).json()["count"] == 1
    await join(planner, town)
    path = f"/grid/nodes/{second.id}"
    contacts = (await clerk.get(f"{path}/contacts")).json()
    assert contacts["node"]["id"] == str(first.id)
    assert len((await clerk.get(f"{path}/children")).json()["items"]) == 4
    assert (await clerk.get(f"{path}/on-call")).json()["node"]["id"] == str(first.id)
    named = refused(await clerk.get(f"{path}/organizations"), 404, "node_not_found")
    assert [one["id"] for one in named["succeeded_by"]] == [str(first.id)]
    assert await counts(clerk, second.id) == 2
    (kept,) = (await clerk.get("/staff/filters")).json()["items"]
    assert kept["count"] == 2
    empty = await clerk.get(f"/grid/nodes/{lane}/children")
    assert (empty.status_code, empty.json()["items"]) == (200, [])
    with pytest.raises(DBAPIError) as caught:  # somebody who brings in a lane of before
        async with tx.begin_nested():
            tx.add(new_node(second, 9))
    assert constraint_of(caught.value) == "place_is_of_today"
    for name in WRITTEN_AT_A_NODE:  # somebody who waited writes what she looked up before
        with pytest.raises(DBAPIError) as caught:
            async with tx.begin_nested():
                await tx.execute(
                    text(f"INSERT INTO {name} (node_id) VALUES (:node_id)"),  # noqa: S608
                    {"node_id": second.id},
                )
        assert constraint_of(caught.value) == "place_is_of_today", name


async def test_an_old_id_with_several_successors_names_them_and_its_filter_finds_all(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    old = town.at(1, 1).id
    await street.reported()
    west = await callers.resident(town.place(1, 1, 2, 1))
    lane = str(town.at(1, 1, 2, 1).id)
    assert (await west.post("/issues", json=street.wish(lane_id=lane))).status_code == 200
    await planner.drafts(split_in_two(town))
    await planner.decides()
    await planner.done("apply")
    clerk = await callers.staff(town, Role.STREET_DISPATCHER, 1)
    heirs = {planner.new("east"), planner.new("west")}
    for what in ("contacts", "children", "on-call", "organizations", "appointments"):
        answer = await clerk.get(f"/grid/nodes/{old}/{what}")
        body = refused(answer, 404, "node_not_found")
        assert {one["id"] for one in body["succeeded_by"]} == heirs, what
    assert await counts(clerk, old) == 2
    assert await counts(clerk, UUID(planner.new("west"))) == 1
    leader = await callers.staff(town, Role.GRID_LEADER, 1, 1, 2)
    assert await counts(leader, old) == 1
    assert await tx.scalar(select(func.count(Case.id))) == 2
