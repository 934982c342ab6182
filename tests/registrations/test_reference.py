"""Days drawn at random: what the database says, and what plain lists and minutes say."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import not_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from neighborhood_api.kit.db import Database, Handle, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations import deciding, ending, promoting, sweeps
from neighborhood_api.registrations.granting import register
from neighborhood_api.registrations.locking import (
    lock_registration,
    lock_resource,
    lock_resources,
)
from neighborhood_api.registrations.models import (
    Unit,
)
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.queries import RegistrationRow, ResourceRow
from neighborhood_api.registrations.states import State
from neighborhood_api.registrations.wishes import Applicant, Wish
from neighborhood_api.registrations.writing import store
from tests.registrations.comparing import BASE, HEAD, World, at, compare
from tests.registrations.reference import DAY, LIVE, Claim, No, Reference, Thing
from tests.registrations.things import new_happening, new_person, new_thing
from tests.support.places import Town

pytestmark = pytest.mark.slow

Work = Callable[[Handle], Awaitable[Any]]
PEOPLE = range(5)
STARTS = [HEAD + 30 * n for n in range(6)]
WAITS = (1, 5, 29, 31, 60, 121, HEAD - 70, HEAD)
QUOTA = {"owner": "person", "window": "day", "limit": DAY, "scope": "kind"}


def things() -> dict[str, Thing]:
    """A room with two tables, one to be approved, and two sessions."""
    return {
        "tables": Thing("tables", units=2, buffer=10),
        "room": Thing("room", units=1, approval=True, blocks=False, offer=30),
        "class": Thing("class", capacity=3, span=(HEAD + 30, HEAD + 90), check_in=True),
        "trip": Thing(
            "trip", capacity=2, span=(HEAD + 60, HEAD + 150), approval=True, offer=30
        ),
    }


class Days(RuleBasedStateMachine):
    """Everybody books, waits, answers, gives up and is moved, and time passes."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.model = Reference(things())
        self.ids: list[UUID] = []
        self.undo = world.run(self._begin())

    async def _begin(self) -> Any:  # noqa: ANN401
        return await self.world.connection.begin_nested()

    @override
    def teardown(self) -> None:
        self.world.run(self.undo.rollback())

    def do(self, work: Work, act: str, *arguments: object, fast: bool = False) -> None:
        """Let both do something: they refuse it for the same reasons, or neither does."""
        note(f"{act}{arguments}")
        before, reasons = self.model, None
        try:
            self.model = before.attempt(act, *arguments)
        except No as no:
            reasons = no.codes
        assert self.world.run(self._attempt(work, fast=fast)) == reasons

    @property
    def now(self) -> Any:  # noqa: ANN401
        return at(self.model.now)

    @rule(
        thing=st.sampled_from(sorted(things())),
        who=st.sampled_from(PEOPLE),
        start=st.sampled_from(STARTS),
        slots=st.integers(1, 3),
        seats=st.integers(1, 2),
        hold=st.booleans(),
        wait=st.booleans(),
        fast=st.booleans(),
    )
    def wish(self, thing: str, who: int, start: int, **how: Any) -> None:  # noqa: ANN401
        end, seats = start + 30 * how["slots"], how["seats"]
        hold, wait = how["hold"] and not how["wait"], how["wait"]
        if (self.model.things[thing].span[0] or start) < self.model.now:
            return  # its domain says no: nobody asks for what has begun

        async def work(handle: Handle) -> None:
            resource = await lock_resource(handle, self.world.things[thing])
            applicant = Applicant(self.world.people[who])
            wanted = Wish(at(start), at(end), seats, hold=hold, wait=wait)
            row = await register(handle, resource, applicant, wanted, now=self.now)
            self.ids.append(row.id)

        self.do(work, "register", thing, who, start, end, seats, hold, wait, fast=how["fast"])

    @rule(who=st.sampled_from(PEOPLE), thing=st.sampled_from(["class", "trip"]))
    def queue_up(self, who: int, thing: str) -> None:
        self.wish(thing, who, HEAD, slots=1, seats=1, hold=False, wait=True, fast=True)

    @precondition(lambda self: self.model.claims)
    @rule(
        data=st.data(),
        act=st.sampled_from(["confirm", "accept", "approve", "reject", "cancel"]),
    )
    def answer(self, data: st.DataObject, act: str) -> None:
        claim = self._claim(data, ACTED_ON[act])
        more: tuple[Any, ...] = ()
        if act == "confirm":
            more = (data.draw(st.integers(1, 2)),)
        elif act == "cancel":
            more = (data.draw(st.booleans()),)

        async def work(handle: Handle) -> None:
            resource, row = await lock_registration(handle, self.ids[claim.number])
            await self._answer(handle, resource, row, act, *more)

        self.do(work, act, claim.number, *more, fast=data.draw(st.booleans()))

    @precondition(lambda self: self.model.claims)
    @rule(data=st.data())
    def come(self, data: st.DataObject) -> None:
        claim = self._claim(data, ("confirmed",))

        async def work(handle: Handle) -> None:
            _, row = await lock_registration(handle, self.ids[claim.number])
            if row.state != State.CONFIRMED:
                raise deciding.NotInThatState
            terms = await terms_of(handle, row.policy_id)
            there = row._replace(state=State.CHECKED_IN.value, checked_in_at=self.now)
            await store(handle, there, terms, now=self.now)

        self.do(work, "check_in", claim.number)

    @precondition(lambda self: self._booked())
    @rule(
        data=st.data(),
        name=st.sampled_from(["tables", "room"]),
        start=st.sampled_from(STARTS),
    )
    def move(self, data: st.DataObject, name: str, start: int) -> None:
        booked = [claim.number for claim in self._booked()]
        claim = self.model.claims[data.draw(st.sampled_from(booked))]
        length = claim.end - claim.start
        if start < self.model.now:
            return
        there = self.world.things[name]

        async def work(handle: Handle) -> None:
            both = {self.world.things[claim.thing], there}
            locked = await lock_resources(handle, both)
            resource, row = await lock_registration(handle, self.ids[claim.number])
            wanted = Wish(at(start), at(start + length), by_id=self.world.people[0])
            pair = resource, locked[there]
            await deciding.move(handle, pair, row, wanted, now=self.now)

        self.do(work, "move", claim.number, name, start)

    @rule(name=st.sampled_from(["class", "trip"]), capacity=st.integers(1, 4))
    def resize(self, name: str, capacity: int) -> None:
        async def work(handle: Handle) -> None:
            resource = await lock_resource(handle, self.world.things[name])
            await promoting.set_capacity(handle, resource, capacity, now=self.now)

        self.do(work, "resize", name, capacity)

    @rule(name=st.sampled_from(["tables", "room"]))
    def break_or_mend(self, name: str) -> None:
        async def work() -> None:
            async with self.world.database.transaction() as tx:
                its = update(Unit).where(
                    Unit.resource_id == self.world.things[name], Unit.position == 0
                )
                await tx.execute(its.values(active=not_(Unit.active)))

        self.world.run(work())
        self.model = self.model.attempt("break_or_mend", name, 0)

    @rule(minutes=st.sampled_from(WAITS), swept=st.booleans())
    def let_time_pass(self, minutes: int, *, swept: bool) -> None:
        self.model.now += minutes
        if swept:
            self.world.run(sweeps.pass_all_time(self.world.database, now=self.now))
            self.model = self.model.attempt("sweep")

    @invariant()
    def the_database_says_the_same(self) -> None:
        self.world.run(compare(self.world, self.model, self.ids))

    def _booked(self) -> list[Claim]:
        return [c for c in self.model.claims if self.model.things[c.thing].units]

    def _claim(self, data: st.DataObject, states: tuple[str, ...]) -> Claim:
        """One that it is likely to be possible with, or any."""
        likely = [c for c in self.model.claims if c.state in states]
        numbers = [claim.number for claim in likely or self.model.claims]
        return self.model.claims[data.draw(st.sampled_from(numbers))]

    async def _attempt(self, work: Work, *, fast: bool) -> set[str] | None:
        try:
            async with self.world.handle(fast=fast) as handle:
                await work(handle)
        except Problem as problem:
            reasons: Any = problem.members.get("reasons", [{"code": problem.code()}])
            return {one["code"] for one in reasons}
        return None

    async def _answer(
        self,
        handle: Handle,
        resource: ResourceRow,
        row: RegistrationRow,
        act: str,
        *more: Any,  # noqa: ANN401
    ) -> None:
        staff, now = self.world.people[0], self.now
        match act:
            case "confirm":
                who, final = Applicant(row.person_id), deciding.Final(more[0], "下棋")
                await deciding.confirm_hold(handle, resource, row, who, final, now=now)
            case "accept":
                await deciding.accept_offer(handle, resource, row, now=now)
            case "approve":
                await deciding.approve(handle, resource, row, by_id=staff, now=now)
            case "reject":
                await deciding.reject(handle, resource, row, by_id=staff, why="无", now=now)
            case _:
                await ending.cancel(
                    handle,
                    resource,
                    row,
                    by_id=staff if more[0] else row.person_id,
                    by_staff=more[0],
                    why="有事",
                    now=now,
                )


ACTED_ON = {
    "confirm": ("held",),
    "accept": ("offered",),
    "approve": ("pending",),
    "reject": ("pending",),
    "cancel": LIVE,
}


@pytest.fixture
async def world(
    town: Town, rolled_back: Database, connection: AsyncConnection, tx: Tx
) -> World:
    made = {}
    for name, thing in things().items():
        waitlist = {"longest": thing.longest, "offer_minutes": thing.offer}
        terms: dict[str, Any] = {
            "waitlist": waitlist,
            "quotas": [QUOTA],
            "approval": thing.approval,
            "pending_blocks": thing.blocks,
            "pending_minutes": Thing.pending,
            "check_in": thing.check_in,
            "release_minutes": Thing.release,
            "cancel_minutes": Thing.cancel_minutes,
            "hold_minutes": Thing.hold,
            "buffer_after_minutes": thing.buffer,
            "strikes": {"limit": 100},
        }
        place = town.place(1, 1)
        if thing.units:
            made[name] = await new_thing(tx, place, units=thing.units, **terms)
        else:
            first, last = thing.span
            made[name] = await new_happening(
                tx,
                place,
                thing.capacity,
                starts_at=BASE + timedelta(minutes=first),
                minutes=last - first,
                **terms,
            )
    people = [(await new_person(tx)).id for _ in PEOPLE]
    await tx.commit()
    return World(asyncio.get_running_loop(), rolled_back, connection, made, people)


async def test_every_day_goes_as_lists_and_minutes_say(world: World) -> None:
    bounds = settings(
        max_examples=int(os.environ.get("DAYS", "8")),
        stateful_step_count=30,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes here
        suppress_health_check=list(HealthCheck),
    )
    machine: Any = partial(Days, world)
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=bounds)
