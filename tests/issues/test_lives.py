"""Whole lives drawn at random, against a model too simple to be wrong in the same way."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.paths import Offer
from neighborhood_api.cases.timekeeping import Request
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.issues import service
from neighborhood_api.issues.schemas import IssueIn
from neighborhood_api.issues.settling import service as settling
from neighborhood_api.issues.settling.schemas import ReopenIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from tests.issues.lives import FROM, PEOPLE, Life
from tests.support.hands import check_ledger, pages_of
from tests.support.issues import LANE, Street
from tests.support.moves import BESIDE, attempt
from tests.support.people import actor_of
from tests.support.places import Town

T = TypeVar("T")
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
WAITS = (0, 1, 29, 60, 61, 600, 3 * 1440, 7 * 1440, 8 * 1440)
"""Minutes: around every limit of the rule."""


@dataclass(frozen=True)
class World:
    """What every life needs, and the loop in which the database lives."""

    loop: asyncio.AbstractEventLoop
    database: Database
    connection: AsyncConnection
    town: Town
    actors: dict[str, Actor]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something with the database from the thread of the machine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)


class Lives(RuleBasedStateMachine):
    """One issue, moved by everybody and by time."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.life = Life(START, START)
        self.undo = world.run(self._begin())

    async def _begin(self) -> Any:  # noqa: ANN401
        return await self.world.connection.begin_nested()

    @override
    def teardown(self) -> None:
        self.world.run(self.undo.rollback())

    @initialize()
    def report(self) -> None:
        self.issue_id: UUID = self.world.run(self._report())

    @rule(data=st.data())
    def do_what_may_be_done(self, data: st.DataObject) -> None:
        choices = [(w, m) for w in PEOPLE for m in FROM if self.life.may(w, m)]
        if choices:
            who, move = data.draw(st.sampled_from(choices))
            note(f"{who} {move}")
            assert self.world.run(self._attempt(who, move)) is None
            self.life.make(who, move)

    @rule(who=st.sampled_from(PEOPLE), move=st.sampled_from(list(FROM)))
    def try_anything(self, who: str, move: Move) -> None:
        refused = self.world.run(self._attempt(who, move))
        assert (refused is None) == self.life.may(who, move), (who, move, refused)
        if refused is None:
            self.life.make(who, move)

    @precondition(lambda self: self.life.state is not State.WITHDRAWN)
    @rule(minutes=st.sampled_from(WAITS))
    def let_time_pass(self, minutes: int) -> None:
        self.life.now += timedelta(minutes=minutes)
        self.world.run(self._sweep())
        self.life.pass_time()

    @invariant()
    def the_database_says_the_same(self) -> None:
        self.world.run(self._compare())

    async def _report(self) -> UUID:
        wish = IssueIn(
            category_code="env.garbage",
            text="垃圾桶满了两天",
            lane_id=self.world.town.at(*LANE).id,
        )
        async with self.world.database.transaction() as tx:
            actor = self.world.actors["reporter"]
            return (await service.report_issue(tx, actor, wish, now=START)).id

    async def _attempt(self, who: str, move: Move) -> Problem | None:
        actor, now = self.world.actors[who], self.life.now
        try:
            async with self.world.database.transaction() as tx:
                if move is Move.REOPEN:
                    wish = ReopenIn(text="没有办好")
                    await settling.reopen_issue(tx, actor, self.issue_id, wish, now=now)
                else:
                    town = self.world.town
                    await attempt(tx, town, actor, self.issue_id, move, now=now)
        except Problem as problem:
            return problem
        return None

    async def _sweep(self) -> None:
        for sweep in (
            sweeps.pass_up_unanswered,
            sweeps.lapse_offers,
            sweeps.resume_suspended,
            sweeps.close_silent,
        ):
            await sweep(self.world.database, ISSUE, now=self.life.now)

    async def _compare(self) -> None:
        async with self.world.database.sessions() as session:
            tx = Tx(ReadTx(session))
            case = await tx.get_one(Case, self.issue_id)
            assert stored(case) == expected(self.life)
            mine = select(func.count()).where(Entry.case_id == self.issue_id)
            assert (await tx.scalar(mine), case.version) == (self.life.entries,) * 2
            await self._compare_paths(tx)
            await self._compare_pages(tx, case)
            await check_ledger(tx, self.issue_id, now=self.life.now)

    async def _compare_paths(self, tx: Tx) -> None:
        offer = select(Offer.answer_by).where(
            Offer.case_id == self.issue_id, Offer.answered_at.is_(None)
        )
        assert await tx.scalar(offer) == self.life.offer_ends
        request = select(Request.kind).where(
            Request.case_id == self.issue_id, Request.decided_at.is_(None)
        )
        kinds = {Move.SUSPEND: "suspension", Move.EXTEND: "extension"}
        wish = self.life.wish
        assert await tx.scalar(request) == (kinds[wish.kind] if wish else None)

    async def _compare_pages(self, tx: Tx, case: Case) -> None:
        nodes = nodes_of(self.world.town)
        pages = await pages_of(tx, self.issue_id)
        hands = [(one.node_id, one.organization_id is not None, one.idle) for one in pages]
        assert hands == [
            (nodes[one.hands], one.hands == "body", one.idle) for one in self.life.pages
        ]
        times = [(one.held_from, one.held_until) for one in pages]
        assert times == [(one.since, one.until) for one in self.life.pages]
        assert case.hand_node_id == nodes[self.life.hands]
        assert (case.organization_id is not None) == (self.life.hands == "body")
        assert case.lane_id == nodes[self.life.lane]


def nodes_of(town: Town) -> dict[str, UUID]:
    """Where the model's hands lie."""
    ladder = {name: LANE[:depth] for name, depth in (("street", 1), ("community", 2))}
    paths = ladder | {"grid": LANE[:3], "lane": LANE, "beside": BESIDE, "body": LANE[:1]}
    return {name: town.at(*path).id for name, path in paths.items()}


def stored(case: Case) -> dict[str, object]:
    """What the database says of an issue, in the model's words."""
    return {
        "state": case.standing,
        "returned": case.times_returned,
        "passed up": case.times_passed_up,
        "reopened": case.times_reopened,
        "adjudicated": case.adjudicated,
        "first answer due": case.respond_due_at,
        "first answer": case.first_responded_at,
        "due": case.resolve_due_at,
        "goes up": case.pass_up_at,
        "is closed": case.close_at,
        "goes on": case.resume_at,
        "closed": case.closed_at,
    }


def expected(life: Life) -> dict[str, object]:
    """The same by the model."""
    return {
        "state": life.state,
        "returned": life.returned,
        "passed up": life.passed_up,
        "reopened": life.reopened,
        "adjudicated": life.adjudicated,
        "first answer due": life.opened + timedelta(minutes=60),
        "first answer": life.responded_at,
        "due": life.due,
        "goes up": life.up_at,
        "is closed": life.close_at,
        "goes on": life.resume_at,
        "closed": life.closed_at,
    }


@pytest.fixture
async def world(
    street: Street, rolled_back: Database, connection: AsyncConnection, tx: Tx
) -> World:
    town = street.town
    people = {
        "reporter": street.reporter.person_id,
        "chief": street.chief.person_id,
        "neighbour": town.staff[Role.LANE_CHIEF, town.at(*BESIDE).id].id,
        "leader": street.leader.person_id,
        "worker": town.staff[Role.COMMUNITY_WORKER, town.at(1, 1).id].id,
        "dispatcher": town.staff[Role.STREET_DISPATCHER, town.at(1).id].id,
        "secretary": town.staff[Role.STREET_SECRETARY, town.at(1).id].id,
        "officer": town.staff[Role.DEPARTMENT_OFFICER, town.organizations[0].id].id,
    }
    actors = {name: await actor_of(tx, person_id) for name, person_id in people.items()}
    loop = asyncio.get_running_loop()
    return World(loop, rolled_back, connection, town, actors)


async def test_every_life_goes_as_the_model_says(world: World) -> None:
    bounds = settings(
        max_examples=6,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine: Any = partial(Lives, world)
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=bounds)
