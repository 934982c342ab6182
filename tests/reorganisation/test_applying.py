"""A plan takes effect as a whole."""

from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.grid.models import Household, Node
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.reorganisation.arranging import Planner, split_in_two
from tests.support.issues import Street
from tests.support.people import Callers
from tests.support.places import Town


async def test_a_community_splits_and_everything_in_it_lies_with_its_successors(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    resident = await callers.resident(town.place(1, 1, 2, 1))
    issue = await street.reported()
    before = await tx.get_one(Case, issue)
    clocks = before.respond_due_at, before.resolve_due_at, before.opened_at, before.code
    tx.expunge_all()
    await planner.drafts(split_in_two(town))
    asked = (await planner.preview())["questions"]
    assert {one["key"].split(":")[0] for one in asked} == {"appointment"}
    refused = await planner.does("apply")
    assert refused.json()["code"] == "decisions_missing"
    await planner.decides()
    await planner.done("apply")
    assert planner.plan["state"] == "applied"
    east, west = planner.new("east"), planner.new("west")
    lane = await tx.get_one(Node, town.at(1, 1, 2, 1).id)
    assert str(lane.community_id) == west
    assert str(lane.grid_id) == str(town.at(1, 1, 2).id)
    doors = select(Household.community_id).where(Household.lane_id == lane.id).distinct()
    assert [str(one) for one in await tx.scalars(doors)] == [west]
    case = await tx.get_one(Case, issue)
    assert str(case.community_id) == east
    assert (case.respond_due_at, case.resolve_due_at, case.opened_at, case.code) == clocks
    lines = select(Entry.text).where(Entry.case_id == case.id).order_by(Entry.id)
    assert "网格重组" in (list(await tx.scalars(lines))[-1] or "")
    mine = await resident.get("/me/grid")
    assert mine.status_code == 401  # the token still named the old community
    old = (await street.reporter.get(f"/grid/nodes/{town.at(1, 1).id}")).status_code
    assert old == 401
    operator = await callers.staff(town, Role.OPERATOR)
    shown = (await operator.get(f"/grid/nodes/{town.at(1, 1).id}")).json()
    assert {one["id"] for one in shown["succeeded_by"]} == {east, west}


async def test_an_issue_in_the_communitys_hands_comes_into_the_successors(
    planner: Planner, street: Street, town: Town, tx: Tx
) -> None:
    issue = await street.reported()
    await street.done(street.chief, issue, "escalate", text="需社区协调")
    await street.done(street.leader, issue, "escalate", text="需社区协调")
    await planner.drafts(split_in_two(town))
    await planner.decides(appointment=planner.new("east"))
    await planner.done("apply")
    case = await tx.get_one(Case, issue)
    assert str(case.hand_node_id) == planner.new("east")
    assert case.hand_person_id == town.staff[Role.COMMUNITY_WORKER, town.at(1, 1).id].id
    pages = select(Hand).where(Hand.case_id == case.id).order_by(Hand.page)
    *_, last_but_one, last = await tx.scalars(pages)
    assert last_but_one.held_until == last.held_from
    assert (last.held_until, str(last.node_id)) == (None, planner.new("east"))


async def test_numbers_of_an_old_place_are_those_of_what_it_has_become(
    planner: Planner, street: Street, callers: Callers, town: Town
) -> None:
    await street.reported()
    east = await callers.resident(town.place(1, 1, 2, 1))
    lane = str(town.at(1, 1, 2, 1).id)
    assert (await east.post("/issues", json=street.wish(lane_id=lane))).status_code == 200
    secretary = await callers.staff(town, Role.STREET_SECRETARY, 1)
    old = {"node_id": str(town.at(1, 1).id)}
    before = (await secretary.get("/statistics", params=old)).json()
    await planner.drafts(split_in_two(town))
    await planner.decides()
    await planner.done("apply")
    secretary = await callers.staff(town, Role.STREET_SECRETARY, 1)
    after = (await secretary.get("/statistics", params=old)).json()
    assert after["total"]["figures"] == before["total"]["figures"]
    part = {"node_id": planner.new("west")}
    half = (await secretary.get("/statistics", params=part)).json()
    assert half["total"]["figures"]["opened"] < after["total"]["figures"]["opened"]
    operator = await callers.staff(town, Role.OPERATOR)
    shown = (await operator.get(f"{planner.path}/comparison")).json()
    (community,) = [one for one in shown["places"] if one["node_id"] == old["node_id"]]
    assert community["before"]["issues"] == community["now"]["issues"] == 2
    assert {one["name"]: one["figures"]["issues"] for one in community["parts"]} == {
        "东社区": 1,
        "西社区": 1,
    }
