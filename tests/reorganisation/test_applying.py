"""A plan takes effect as a whole."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.cases.paths import Offer
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.models import Profile
from neighborhood_api.grid.models import (
    Appointment,
    Boundary,
    Household,
    Node,
    Organization,
    Vacancy,
)
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.reorganisation.arranging import Planner, split_in_two
from tests.support.issues import LANE, Street
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import appoint
from tests.venues.arranging import new_room, new_venue, wish


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


LIES_AT = {
    "residents": "residence t WHERE",
    "households": "household t WHERE t.ended_on IS NULL AND",
    "appointments": "appointment a JOIN node t ON t.id = a.node_id"
    " WHERE a.ended_at IS NULL AND",
    "open_issues": "case_file t WHERE t.closed_at IS NULL AND",
    "future_bookings": "registration g JOIN resource t ON t.id = g.resource_id"
    " WHERE g.ends_at > now() AND g.cancelled_at IS NULL AND",
    "departments": "organization o JOIN node t ON t.id = o.node_id WHERE",
    "rooms": "resource t WHERE t.mode = 'exclusive' AND",
    "boundaries": "boundary b JOIN node t ON t.id = b.node_id WHERE b.parts > 0 AND",
    "shifts": "shift s JOIN node t ON t.id = s.node_id WHERE s.cancelled_at IS NULL AND",
}
"""What a preview counts, asked of the tables themselves."""


async def test_what_the_preview_counts_lies_with_the_successors_afterwards(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    old, now = town.at(1, 1), datetime.now(UTC)
    resident = await callers.resident(town.place(1, 1, 2, 1))
    await street.reported()
    room = await new_room(tx, await new_venue(tx, old.place), range(1, 8))
    grid = town.at(1, 1, 2).id
    worker = town.staff[Role.COMMUNITY_WORKER, old.id].id
    tx.add(Boundary(node_id=grid, parts=1))
    body = Organization(node_id=old.id, name="综治办")
    tx.add(body)
    await tx.flush()
    officer = await appoint(tx, old, Role.DEPARTMENT_OFFICER, worker, organization_id=body.id)
    hours: dict[str, Any] = {
        "starts_at": now + timedelta(hours=6),
        "ends_at": now + timedelta(hours=9),
    }
    post: dict[str, Any] = {"role": Role.COMMUNITY_WORKER.value, "duty_phone": "0752-9100000"}
    tx.add(Shift(node_id=old.id, person_id=worker, made_by_id=worker, **post, **hours))
    await tx.commit()
    when = wish(9.5, 10.5, local_day(now) + timedelta(days=2))
    booked = await resident.post(f"/rooms/{room.id}/bookings", json=when)
    assert booked.status_code == 200, booked.text

    async def at(*places: UUID) -> dict[str, int]:
        found = {}
        for name, rows in LIES_AT.items():
            query = text(f"SELECT count(*) FROM {rows} t.community_id = ANY(:places)")  # noqa: S608
            found[name] = await tx.scalar(query, {"places": list(places)})
        return found

    await planner.drafts(split_in_two(town))
    shown = await planner.preview()
    (ends,) = [one for one in shown["places"] if one["change"] == "ends"]
    counted = {name: ends["counts"][name] for name in LIES_AT}
    assert counted == await at(old.id)
    assert 0 not in counted.values()
    assert not [one for one in shown["questions"] if str(officer.id) in one["key"]]
    await planner.decides(organization=planner.new("west"))
    await planner.done("apply")
    east, west = (UUID(planner.new(key)) for key in ("east", "west"))
    assert counted == await at(east, west)
    assert set((await at(old.id)).values()) == {0}
    await tx.refresh(officer)
    await tx.refresh(body)
    assert officer.node_id == body.node_id == west


async def test_an_offer_to_another_street_is_withdrawn_and_one_that_comes_along_waits_there(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    """Its community goes to the second street, and one of two departments goes with it."""
    here, there = town.at(1), town.at(2)
    body, other = town.organizations[:2]
    (await tx.get_one(Organization, other.id)).node_id = town.at().id
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    lost, kept, near, solved, above = [await street.reported() for _ in range(5)]
    await street.done(dispatcher, lost, "dispatch", organization_id=str(body.id))
    await street.done(dispatcher, kept, "dispatch", organization_id=str(other.id))
    to_neighbours = {"node_id": str(town.at(1, 2).id), "text": "属邻社区"}
    for issue in (near, solved, above):
        await street.done(street.chief, issue, "transfer", **to_neighbours)
    held = await street.dispatched(0)
    offers = {str(one.case_id): one.id for one in await tx.scalars(select(Offer))}
    moving = {"do": "move", "node": str(town.at(1, 1).id), "under": str(there.id)}
    await planner.drafts([moving])
    await planner.decides()
    await planner.done("apply")
    tx.expunge_all()
    answers = {one: (await tx.get_one(Offer, offers[one])).answer for one in (lost, kept, near)}
    assert answers == {lost: "void", kept: None, near: "void"}
    waiting = await tx.get_one(Offer, offers[kept])
    assert (waiting.node_id, waiting.street_id) == (there.id, there.id)
    officer = await callers.staff(town, Role.DEPARTMENT_OFFICER, 1, body=0)
    for issue in (lost, held):
        assert (await officer.get(f"/issues/{issue}")).status_code == 404
    lines = select(Entry.text).where(Entry.case_id == lost).order_by(Entry.id.desc()).limit(1)
    assert "转办已撤回" in (await tx.scalar(lines) or "")

    planner.operator = await callers.staff(town, Role.OPERATOR)
    chief = await callers.staff(town, Role.LANE_CHIEF, *LANE)
    again = {"node_id": str(town.at(2, 2).id), "text": "属邻社区"}
    await street.done(chief, near, "transfer", **again)
    await street.done(chief, solved, "accept")
    await street.done(chief, solved, "resolve", text="已清运")
    await street.done(chief, above, "escalate", text="需网格协调")
    await planner.done("undo")
    tx.expunge_all()
    for issue in (lost, kept):
        back = await tx.get_one(Offer, offers[issue])
        assert (back.answer, back.street_id, back.node_id) == (None, here.id, here.id)
    for issue in (near, solved, above):
        assert (await tx.get_one(Offer, offers[issue])).answer == "void"
    went_on = Offer.case_id.in_([near, solved, above])
    open_ones = select(Offer.id).where(went_on, Offer.answered_at.is_(None))
    assert (await tx.scalars(open_ones)).all() == []
    officer = await callers.staff(town, Role.DEPARTMENT_OFFICER, 1, body=0)
    await street.done(officer, lost, "take-over")
    assert (await officer.get(f"/issues/{held}")).status_code == 200


async def test_a_vacant_post_of_a_successor_raises_the_alarm_at_once(
    planner: Planner, callers: Callers, town: Town, tx: Tx
) -> None:
    called = {Role.COMMUNITY_SECRETARY.value: "片区书记"}
    profile = Profile(
        district_id=town.at().id, level_names=[], kinds=[], role_names=called, version=0
    )
    tx.add(profile)
    await tx.commit()
    await planner.drafts(split_in_two(town))
    east, west = planner.new("east"), planner.new("west")
    asked = " ".join(one["what"] for one in (await planner.preview())["questions"])
    assert "片区书记" in asked
    assert "社区工作者" in asked
    await planner.decides(appointment=east)
    await planner.done("apply")
    alarms = select(Vacancy.node_id, Vacancy.role).where(Vacancy.filled_at.is_(None))
    found = {(str(row[0]), row[1]) for row in await tx.execute(alarms)}
    assert found == {(west, "community_worker"), (west, "community_secretary")}
    told = select(OutboxRow.payload).where(OutboxRow.name == "grid.post_vacant")
    assert {one["node_id"] for one in await tx.scalars(told)} == {west}
    lane = town.at(1, 1, 1, 1)
    planner.operator = await callers.staff(town, Role.OPERATOR)
    await planner.done("undo")
    assert (await tx.execute(alarms)).all() == []
    ends = {"do": "merge", "nodes": [str(lane.id)], "into": str(town.at(1, 1, 1, 2).id)}
    chief = town.staff[Role.LANE_CHIEF, lane.id].id
    planner.operator = await callers.staff(town, Role.OPERATOR)
    await tx.execute(delete(Household).where(Household.lane_id == lane.id))
    await planner.drafts([ends])
    asked = (await planner.preview())["questions"]
    nobody = [{"key": one["key"], "to": None} for one in asked]
    assert len(nobody) == 2
    await planner.done("decisions", decisions=nobody)
    await planner.done("apply")
    found = {(str(row[0]), row[1]) for row in await tx.execute(alarms)}
    assert found == {(str(town.at(1, 1, 1, 2).id), "lane_chief")}
    assert chief not in set(
        await tx.scalars(select(Appointment.person_id).where(Appointment.ended_at.is_(None)))
    )
