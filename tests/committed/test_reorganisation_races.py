"""A reorganisation is one change: whoever writes meanwhile waits, then writes into the new."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from neighborhood_api.cases.models import Case, Hand
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Node, Residence
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.imports import working
from neighborhood_api.kit.db import Database
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.reorganisation.models import Reorganisation
from tests.imports.bringing import LIMITS, checked, shown
from tests.issues.categories.arranging import rule
from tests.reorganisation.arranging import Planner, split_in_two
from tests.reorganisation.digests import digests
from tests.support.issues import LANE, Street, act, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import build_town
from tests.support.posts import appointment_at, phone_number
from tests.support.refusals import refused
from tests.venues.arranging import new_room, new_venue, wish

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60
LATE = "LOCK TABLE revocation IN SHARE MODE"
"""What a plan in the middle waits for, nearly at its end."""
PLANNED = "LOCK TABLE appointment_selection IN ACCESS EXCLUSIVE MODE"
"""What an import of posts waits for once it knows the grid, and a plan has no use for."""
WAITING = text(
    "SELECT pid, relation::regclass::text AS what FROM pg_locks"
    " WHERE NOT granted AND relation IS NOT NULL"
)


@pytest.fixture
async def street(live_database: Database, live_callers: Callers) -> Street:
    await ensure_categories(live_database)
    async with live_database.transaction() as tx:
        town = await build_town(tx, now=datetime.now(UTC))
    return await street_of(town, live_callers)


@pytest.fixture
async def planner(street: Street) -> Planner:
    """A plan that only waits to be applied."""
    made = Planner(await street.callers.staff(street.town, Role.OPERATOR), street.town)
    await made.drafts(split_in_two(street.town))
    await made.decides()
    return made


async def waiting_for(database: Database, what: str, *, number: int = 1) -> list[int]:
    """Return the backends that wait for a lock on a table, once there are so many."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with database.transaction() as tx:
                found = (await tx.execute(WAITING)).all()
            pids = [row.pid for row in found if row.what == what]
            if len(pids) >= number:
                return pids
            await asyncio.sleep(0.02)


async def test_who_writes_meanwhile_waits_and_lands_in_the_new_grid(
    street: Street, planner: Planner, live_database: Database
) -> None:
    town = street.town
    body = {"node_id": str(town.at().id), "reason": "社区先办", "rule": rule(first_level=2)}
    path = "/issue-categories/env.garbage/rule"
    assert (await planner.operator.put(path, json=body)).status_code == 200
    newcomer = await street.callers.resident()
    passer_by = await street.callers.resident(town.place(2, 1, 1, 1))
    home = {"lane_id": str(town.at(1, 1, 2, 2).id), "address": "9号"}
    async with live_database.transaction() as holding:
        await holding.execute(text(LATE))
        applying = asyncio.create_task(planner.does("apply"))
        await waiting_for(live_database, "revocation")
        report = asyncio.create_task(passer_by.post("/issues", json=street.wish()))
        at_home = asyncio.create_task(street.report())
        moving_in = asyncio.create_task(newcomer.put("/me/residence", json=home))
        await waiting_for(live_database, "case_file", number=2)
        await waiting_for(live_database, "residence")
        assert not report.done()
        assert not moving_in.done()
    assert (await applying).status_code == 200
    made, moved, hers = await report, await moving_in, (await at_home).json()
    assert (made.status_code, moved.status_code) == (200, 200), (made.text, moved.text)
    async with live_database.transaction() as tx:
        case = await tx.get_one(Case, made.json()["id"])
        if "id" in hers:  # her second look may come before this process has heard of the end
            assert (await tx.get_one(Case, hers["id"])).place == case.place
        else:  # her token still says where she lived; with the next one she reports it again
            assert hers["code"] == "token_revoked"
        lane = await tx.get_one(Node, town.at(*LANE).id)
        assert case.place == lane.place
        assert str(case.community_id) == planner.new("east")
        hand = await tx.get_one(Node, case.hand_node_id)
        assert (hand.valid_until, str(hand.id)) == (None, planner.new("east"))
        pages = list(await tx.scalars(select(Hand).where(Hand.case_id == case.id)))
        assert [page.node_id for page in pages] == [hand.id]
        residence = await tx.get_one(Residence, newcomer.person_id)
        assert str(residence.community_id) == planner.new("west")


async def test_an_import_planned_in_the_old_grid_is_not_written_and_can_be_checked_again(
    street: Street, planner: Planner, live_app: FastAPI, live_database: Database
) -> None:
    now, store = datetime.now(UTC), live_app.state.store
    old = street.town.at(1, 1)
    known = street.town.staff[Role.COMMUNITY_WORKER, old.id]
    lines = (
        "街道,社区,姓名,职务,手机号码,值班电话",
        f"1号街道,1号社区,{known.name},社区工作者,{known.phone},",
        f"1号街道,1号社区,新人,社区工作者,{phone_number()},0752-9100001",
    )
    operator = await street.callers.staff(street.town, Role.OPERATOR)
    found = await checked(
        *(live_database, store, operator, street.town),
        content="\n".join(lines).encode(),
        now=now,
    )
    path, import_id = f"/imports/{found['id']}", UUID(found["id"])
    assert (await operator.post(f"{path}/apply")).status_code == 200
    async with live_database.transaction() as holding:
        await holding.execute(text(PLANNED))
        writing = asyncio.create_task(
            working.run_apply(live_database, store, import_id, limits=LIMITS, now=now)
        )
        await waiting_for(live_database, "appointment_selection")
        answer = await planner.does("apply")
        assert answer.status_code == 200, answer.text
        assert not writing.done()
    await writing
    operator = await street.callers.staff(street.town, Role.OPERATOR)
    failed = await shown(operator, found["id"])
    assert (failed["state"], failed["problem"]) == ("failed", "ground_changed")
    assert "重新核对" in failed["message"]
    assert (await operator.post(f"{path}/check")).status_code == 200
    await working.run_check(live_database, store, import_id, limits=LIMITS, now=now)
    again = await shown(operator, found["id"])
    assert (again["state"], again["totals"][0]["fault"]) == ("checked", 2)
    there = text("SELECT count(*) FROM appointment WHERE node_id = :id AND ended_at IS NULL")
    async with live_database.transaction() as tx:
        assert await tx.scalar(there, {"id": old.id}) == 0


async def test_a_plan_waits_for_who_was_in_the_middle_of_a_change(
    street: Street, planner: Planner, live_database: Database
) -> None:
    issue = await street.reported()
    async with live_database.transaction() as moving:
        case = await moving.get_one(Case, UUID(issue), with_for_update=True)
        applying = asyncio.create_task(planner.does("apply"))
        await waiting_for(live_database, "case_file")
        assert not applying.done()
        await asyncio.sleep(0.5)
        case.times_urged += 1
        written_at = datetime.now(UTC)
    assert (await applying).status_code == 200
    async with live_database.transaction() as tx:
        plan = await tx.get_one(Reorganisation, UUID(planner.plan["id"]))
        assert plan.applied_at is not None
        # Or what is written meanwhile would count as new, and forbid undoing.
        assert plan.applied_at > written_at - timedelta(seconds=0.3)
        found = await tx.get_one(Case, UUID(issue))
        assert (found.times_urged, str(found.community_id)) == (1, planner.new("east"))


async def test_a_crash_in_the_middle_changes_nothing(
    street: Street, planner: Planner, live_database: Database
) -> None:
    await street.reported()
    async with live_database.transaction() as tx:
        before = await digests(tx)
    async with live_database.transaction() as holding:
        await holding.execute(text(LATE))
        applying = asyncio.create_task(planner.does("apply"))
        (pid,) = await waiting_for(live_database, "revocation")
        async with live_database.transaction() as killer:
            await killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        answer = await applying
    assert answer.status_code >= 500
    async with live_database.transaction() as tx:
        assert await digests(tx) == before
        plan = await tx.get_one(Reorganisation, UUID(planner.plan["id"]))
        assert plan.state == "draft"
    await planner.done("apply")
    assert planner.plan["state"] == "applied"


async def test_of_two_who_apply_at_once_one_wins(
    planner: Planner, live_database: Database
) -> None:
    answers: list[Any] = await asyncio.gather(*(planner.does("apply") for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (refused,) = [answer for answer in answers if answer.status_code == 409]
    assert refused.json()["code"] == "not_a_draft"
    made = text("SELECT count(*) FROM reorganised_node WHERE made AND reorganisation_id = :id")
    async with live_database.transaction() as tx:
        assert await tx.scalar(made, {"id": UUID(planner.plan["id"])}) == 2


async def all_waiting(database: Database, number: int) -> None:
    """Wait until so many backends wait for a table."""
    waiting = text(
        "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND relation > 0"
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with database.transaction() as tx:
                if (await tx.scalar(waiting) or 0) >= number:
                    return
            await asyncio.sleep(0.02)


LEFT_BEHIND = (
    "SELECT count(*) FROM appointment WHERE node_id = :old AND ended_at IS NULL",
    "SELECT count(*) FROM shift WHERE node_id = :old AND cancelled_at IS NULL",
    "SELECT count(*) FROM boundary WHERE node_id = :old",
    "SELECT count(*) FROM resource WHERE community_id = :old",
    "SELECT count(*) FROM case_file WHERE community_id = :old OR hand_node_id = :old",
    "SELECT count(*) FROM residence WHERE community_id = :old",
)
"""What would be at a place that ended."""


def _appointed(node: Node) -> dict[str, Any]:
    return {
        "node_id": str(node.id),
        "role": "community_worker" if node.level == Level.COMMUNITY else "grid_worker",
        "person": {"name": "新人", "phone": phone_number()},
        "duty_phone": "0752-9100001",
        "starts_on": "2026-01-01",
    }


async def test_what_comes_in_the_same_moment_is_neither_lost_nor_left_at_what_ended(
    street: Street, planner: Planner, live_database: Database
) -> None:
    """A booking, a report, an issue taken on, posts that change, a roster, a boundary."""
    town, operator = street.town, planner.operator
    old, grid = town.at(1, 1), town.at(1, 1, 1)
    async with live_database.transaction() as tx:
        room = await new_room(tx, await new_venue(tx, old.place), range(1, 8))
        post = await appointment_at(tx, old, Role.COMMUNITY_SECRETARY)
        worker_id = town.staff[Role.COMMUNITY_WORKER, old.id].id
    await planner.decides(venue=planner.new("west"))
    issue = await street.reported()
    guest, neighbour = [
        await street.callers.resident(town.place(*lane))
        for lane in ((1, 1, 2, 1), (1, 2, 1, 1))
    ]
    day = local_day(datetime.now(UTC)) + timedelta(days=2)
    tonight = datetime.now(UTC) + timedelta(hours=6)
    shift = {
        "person_id": str(worker_id),
        "starts_at": tonight.isoformat(),
        "ends_at": (tonight + timedelta(hours=8)).isoformat(),
    }
    ring = [[101.0, 30.0], [101.1, 30.0], [101.1, 30.1], [101.0, 30.0]]
    shape = {"geometry": {"type": "Polygon", "coordinates": [ring]}, "version": 0}
    path = f"/grid/nodes/{old.id}"
    async with live_database.transaction() as holding:
        await holding.execute(text(LATE))
        applying = asyncio.create_task(planner.does("apply"))
        await waiting_for(live_database, "revocation")
        meanwhile = {
            "booked": guest.post(f"/rooms/{room.id}/bookings", json=wish(9.5, 10.5, day)),
            "reported": neighbour.post("/issues", json=street.wish()),
            "accepted": act(street.chief, issue, "accept"),
            "ended": operator.post(f"/appointments/{post.id}/end"),
            "there": operator.post("/appointments", json=_appointed(grid)),
            "appointed": operator.post("/appointments", json=_appointed(old)),
            "rostered": operator.post(f"{path}/roster", json=shift),
            "drawn": operator.put(f"{path}/boundary", json=shape),
        }
        tasks = {name: asyncio.create_task(one) for name, one in meanwhile.items()}
        await all_waiting(live_database, len(tasks) + 1)
        assert not any(task.done() for task in tasks.values())
    assert (await applying).status_code == 200
    answers = {name: await task for name, task in tasks.items()}
    heirs = {planner.new("east"), planner.new("west")}
    for name in ("booked", "reported", "accepted", "ended", "there"):
        assert answers[name].status_code == 200, (name, answers[name].text)
    refused(answers["rostered"], 422, "not_on_call_here")
    for name in ("appointed", "drawn"):
        body = refused(answers[name], 404, "node_not_found")
        assert {one["id"] for one in body["succeeded_by"]} == heirs, name
    async with live_database.transaction() as tx:
        for query in LEFT_BEHIND:
            assert await tx.scalar(text(query), {"old": old.id}) == 0, query
        booked = await tx.get_one(Registration, UUID(answers["booked"].json()["id"]))
        resource = await tx.get_one(Resource, booked.resource_id)
        assert str(resource.community_id) == planner.new("west")
        taken = await tx.get_one(Case, UUID(issue))
        assert (taken.state, str(taken.community_id)) == ("accepted", planner.new("east"))
        secretary = await tx.get_one(Appointment, post.id)
        assert secretary.ended_at is not None
        assert str(secretary.node_id) in heirs


async def test_what_comes_while_a_plan_is_taken_back_lies_in_the_old_grid(
    street: Street, planner: Planner, live_database: Database
) -> None:
    town = street.town
    await planner.done("apply")
    operator = planner.operator = await street.callers.staff(town, Role.OPERATOR)
    neighbour = await street.callers.resident(town.place(1, 2, 1, 1))
    async with live_database.transaction() as tx:
        made = await tx.get_one(Node, UUID(planner.new("east")))
    async with live_database.transaction() as holding:
        await holding.execute(text(LATE))
        undoing = asyncio.create_task(planner.does("undo"))
        await waiting_for(live_database, "revocation")
        report = asyncio.create_task(neighbour.post("/issues", json=street.wish()))
        appointing = asyncio.create_task(operator.post("/appointments", json=_appointed(made)))
        await all_waiting(live_database, 3)
    assert (await undoing).status_code == 200, (await undoing).text
    refused(await appointing, 404, "node_not_found")
    answer = await report
    assert answer.status_code == 200, answer.text
    async with live_database.transaction() as tx:
        case = await tx.get_one(Case, UUID(answer.json()["id"]))
        assert case.community_id == town.at(1, 1).id
        for query in LEFT_BEHIND:
            assert await tx.scalar(text(query), {"old": made.id}) == 0, query
