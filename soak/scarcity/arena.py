"""Where many compete for scarce things: people, things, and what each attempt came to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import aliased

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Place, columns_of
from neighborhood_api.kit.db import Database, Handle
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.granting import register
from neighborhood_api.registrations.locking import lock_resource
from neighborhood_api.registrations.models import (
    Occupation,
    Registration,
    Resource,
    Timetable,
    Unit,
)
from neighborhood_api.registrations.policies import Terms, new_policy
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.states import OCCUPYING, Mode
from neighborhood_api.registrations.wishes import Applicant, Wish

CLIENTS = 50
POOL = CLIENTS // 2
"""Half of the clients are sessions and half are plain writers: each has a connection."""
HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
START = NOW + timedelta(days=30)

Work = Callable[[Handle], Awaitable[Any]]


@dataclass
class Arena:
    """A database, and who competes in it."""

    database: Database
    place: Place
    random: Random
    people: list[UUID] = field(default_factory=list)
    households: list[UUID] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    attempts: int = 0
    won: int = 0
    rounds: int = 0

    async def fill(self) -> None:
        """Let people move in, two to a household."""
        people = [Person(name="居民") for _ in range(2 * CLIENTS)]
        homes = [
            Household(
                id=new_id(),
                address=f"{new_id().hex}号",
                **columns_of(self.place),  # type: ignore[arg-type]
            )
            for _ in range(CLIENTS)
        ]
        async with self.database.transaction() as tx:
            tx.add_all([*people, *homes])
        self.people = [person.id for person in people]
        self.households = [home.id for home in homes]

    async def pairs(self, count: int) -> list[tuple[UUID, UUID]]:
        """Make people of whom each turned out to be the other of the pair."""
        async with self.database.transaction() as tx:
            known = [Person(name="居民") for _ in range(count)]
            tx.add_all(known)
            await tx.flush()
            twice = [Person(name="居民") for _ in known]
            tx.add_all(twice)
            await tx.flush()
            return [(a.id, b.id) for a, b in zip(twice, known, strict=True)]

    async def become_one(self, pairs: Iterable[tuple[UUID, UUID]]) -> None:
        """Note that they are one, as whoever finds it out does before all else."""
        async with self.database.transaction() as tx:
            for one, into in pairs:
                (await tx.get_one(Person, one)).merged_into_id = into

    def next_start(self) -> datetime:
        """A time that no earlier round used, so that nobody is busy because of one."""
        self.rounds += 1
        return START + timedelta(days=3 * self.rounds)

    async def at_once(self, works: Sequence[Work]) -> list[Any]:
        """Let clients do something at the same moment: its result, or the problem."""
        gate = asyncio.Event()

        async def client(number: int, work: Work) -> Any:  # noqa: ANN401
            await gate.wait()
            return await self.attempt(work, fast=bool(number % 2))

        order = list(range(len(works)))
        self.random.shuffle(order)
        tasks = [asyncio.create_task(client(n, works[n])) for n in order]
        gate.set()
        done = dict(zip(order, await asyncio.gather(*tasks), strict=True))
        return [done[n] for n in range(len(works))]

    async def attempt(self, work: Work, *, fast: bool) -> Any:  # noqa: ANN401
        """Do something in a transaction of either kind."""
        self.attempts += 1
        try:
            async with self.handle(fast=fast) as handle:
                result = await work(handle)
        except Problem as problem:
            self.outcomes[problem.code()] += 1
            return problem
        except Exception as exc:  # noqa: BLE001  (whatever it is, it must not happen)
            self.outcomes["unexpected"] += 1
            self.violations.append(f"{type(exc).__name__}: {exc}"[:300])
            return exc
        self.outcomes["done"] += 1
        return result

    @asynccontextmanager
    async def handle(self, *, fast: bool) -> AsyncIterator[Handle]:
        """Open a transaction of either kind."""
        if not fast:
            async with self.database.transaction() as tx:
                yield tx
            return
        writer = self.database.writers.writer()
        try:
            yield writer
            await writer.commit()
        finally:
            await writer.close()

    def require(self, what: str, found: object, wanted: object) -> None:
        """Note what is not as it must be."""
        if found != wanted:
            self.violations.append(f"{what}: {found!r} instead of {wanted!r}")

    async def room(self, *, group_id: UUID | None = None, **terms: Any) -> UUID:  # noqa: ANN401
        """Make something with one unit."""
        async with self.database.transaction() as tx:
            resource = await self._resource(tx, Mode.EXCLUSIVE, group_id, terms)
            timetable = Timetable(id=new_id())
            tx.add_all([resource, timetable])
            await tx.flush()
            tx.add(Unit(id=timetable.id, resource_id=resource.id, name="1"))
        return resource.id

    async def session(
        self,
        capacity: int,
        starts_at: datetime,
        **terms: Any,  # noqa: ANN401
    ) -> UUID:
        """Make something that happens once."""
        async with self.database.transaction() as tx:
            resource = await self._resource(tx, Mode.COUNTED, None, terms)
            resource.starts_at, resource.ends_at = starts_at, starts_at + HOUR
            resource.capacity = capacity
            tx.add(resource)
        return resource.id

    async def _resource(
        self, handle: Handle, mode: Mode, group_id: UUID | None, terms: dict[str, Any]
    ) -> Resource:
        policy = await new_policy(handle, new_id(), Terms(**terms), by_id=None, now=NOW)
        return Resource(
            kind="thing",
            mode=mode.value,
            group_id=group_id or new_id(),
            name="某物",
            policy_id=policy.id,
            **columns_of(self.place),  # type: ignore[arg-type]
        )

    async def rows(self, *resources: UUID) -> list[Registration]:
        """Return what is registered for some things, in the order of coming."""
        found = select(Registration).where(Registration.resource_id.in_(resources))
        async with self.database.transaction() as tx:
            return list(await tx.scalars(found.order_by(Registration.number)))

    async def taken(self, resource_id: UUID) -> int:
        """Return how many seats the thing says are taken."""
        async with self.database.transaction() as tx:
            return (await tx.get_one(Resource, resource_id)).taken

    async def check_seats(self, resource_id: UUID, wanted: int) -> None:
        """Require that seats are counted right, and are as many as they should be."""
        rows = await self.rows(resource_id)
        seats = sum(row.seats for row in rows if row.standing in OCCUPYING)
        self.require("seats of those who have one", seats, wanted)
        self.require("seats counted", await self.taken(resource_id), wanted)

    async def check_time(self, resources: Iterable[UUID]) -> None:
        """Require that nothing overlaps, and that who has a place occupies it."""
        rows = await self.rows(*resources)
        having = {row.id for row in rows if row.standing in OCCUPYING}
        other = aliased(Occupation)
        mine = Occupation.registration_id.in_([row.id for row in rows])
        clashes = select(Occupation.id).where(
            mine,
            Occupation.timetable_number == other.timetable_number,
            Occupation.id < other.id,
            Occupation.starts_at < other.ends_at,
            other.starts_at < Occupation.ends_at,
        )
        async with self.database.transaction() as tx:
            occupying = set(await tx.scalars(select(Occupation.registration_id).where(mine)))
            self.require("overlaps", len((await tx.scalars(clashes)).all()), 0)
        self.require("who occupies", occupying, having)

    async def deadlocks(self) -> int:
        """Return how many deadlocks the database has seen."""
        async with self.database.transaction() as tx:
            await tx.execute(text("SELECT pg_stat_clear_snapshot()"))
            counted = text(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            )
            return int(await tx.scalar(counted) or 0)


def wishing(
    resource_id: UUID,
    person_id: UUID,
    starts_at: datetime,
    *,
    ends_at: datetime | None = None,
    household_id: UUID | None = None,
    now: datetime = NOW,
    **more: Any,  # noqa: ANN401
) -> Work:
    """Ask for an hour of something."""

    async def work(handle: Handle) -> RegistrationRow:
        resource = await lock_resource(handle, resource_id)
        wish = Wish(starts_at, ends_at or starts_at + HOUR, **more)
        applicant = Applicant(person_id, household_id)
        return await register(handle, resource, applicant, wish, now=now)

    return work


def won(results: Iterable[Any]) -> list[RegistrationRow]:
    """Return what was had."""
    return [one for one in results if isinstance(one, RegistrationRow)]
