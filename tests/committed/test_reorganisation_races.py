"""A reorganisation is one change: whoever writes meanwhile waits, then writes into the new."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from neighborhood_api.cases.models import Case, Hand
from neighborhood_api.grid.models import Node, Residence
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database
from neighborhood_api.reorganisation.models import Reorganisation
from tests.issues.categories.arranging import rule
from tests.reorganisation.arranging import Planner, split_in_two
from tests.reorganisation.digests import digests
from tests.support.issues import LANE, Street, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import build_town

PATIENCE_SECONDS = 60
LATE = "LOCK TABLE revocation IN SHARE MODE"
"""What a plan in the middle waits for, nearly at its end."""
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
    # Her token still says where she lived; with the next one she reports it again.
    assert (await at_home).json()["code"] == "token_revoked"
    made, moved = await report, await moving_in
    assert (made.status_code, moved.status_code) == (200, 200), (made.text, moved.text)
    async with live_database.transaction() as tx:
        case = await tx.get_one(Case, made.json()["id"])
        lane = await tx.get_one(Node, town.at(*LANE).id)
        assert case.place == lane.place
        assert str(case.community_id) == planner.new("east")
        hand = await tx.get_one(Node, case.hand_node_id)
        assert (hand.valid_until, str(hand.id)) == (None, planner.new("east"))
        pages = list(await tx.scalars(select(Hand).where(Hand.case_id == case.id)))
        assert [page.node_id for page in pages] == [hand.id]
        residence = await tx.get_one(Residence, newcomer.person_id)
        assert str(residence.community_id) == planner.new("west")


async def test_a_plan_waits_for_who_was_in_the_middle_of_a_change(
    street: Street, planner: Planner, live_database: Database
) -> None:
    issue = await street.reported()
    async with live_database.transaction() as moving:
        case = await moving.get_one(Case, UUID(issue), with_for_update=True)
        applying = asyncio.create_task(planner.does("apply"))
        await waiting_for(live_database, "case_file")
        assert not applying.done()
        case.times_urged += 1
    assert (await applying).status_code == 200
    async with live_database.transaction() as tx:
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
