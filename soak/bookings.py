"""The database, the API and the worker are killed while people book and enrol.

Nothing that was acknowledged may be lost or done twice, and no seat or hour may stay with
nobody. Clients ask again with the same key until they are told something: 503 and no answer
at all are no answers.
"""

import asyncio
from contextlib import suppress
from time import monotonic

import asyncpg

from soak import checks
from soak.ground import Ground
from soak.outages import keys_kept
from soak.premises import Premises, furnish
from soak.processes import SIGNALS, verify_trail
from soak.report import Report
from soak.users import Clerk, Promises, Resident, User
from soak.world import Run, World, pause, world

RESIDENTS = 14
CLERKS = ("community_worker", "community_secretary")
BETWEEN_KILLS = 2.0, 6.0
"""Seconds, least and most, that everything is there."""
VICTIMS = (
    {"database"},
    {"api"},
    {"database"},
    {"worker"},
    {"api", "database"},
    {"database"},
    {"worker", "database"},
    {"api", "worker", "database"},
)
"""What goes away, in turn."""
SWEEP = "registrations.pass_time"
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

_LOCK = "SELECT FROM resource ORDER BY id FOR NO KEY UPDATE"
_FORWARD = (
    """
    UPDATE registration SET until = now() - interval '1 second',
        due_at = now() - interval '1 second'
    WHERE state IN ('held', 'offered') AND until > now() AND random() < $1
    """,
    """
    UPDATE registration SET due_at = now() - interval '1 second'
    WHERE state = 'pending' AND due_at > now() AND random() < $1 / 2
    """,
    """
    UPDATE occupation AS o SET until = r.until FROM registration AS r
    WHERE r.id = o.registration_id AND o.until > now() AND r.until <= now()
    """,
)
"""Lets what is kept for somebody run out, as minutes would, the things being locked."""
STALE = "SELECT count(*) FROM registration WHERE due_at <= now()"
FREED = f"SELECT count(*) FROM ({checks.WAITS_IN_VAIN}) AS freed"  # noqa: S608  (our own)
_STORED = """
SELECT r.id::text AS id, 'B' || r.number AS code, r.person_id::text AS person_id,
    array_agg(e.act ORDER BY e.act) AS acts
FROM registration AS r
JOIN (SELECT registration_id, CASE act WHEN 'decline' THEN 'cancel' ELSE act END AS act
      FROM registration_entry WHERE by_id IS NOT NULL) AS e ON e.registration_id = r.id
GROUP BY r.id
"""
"""Whether it was offered when it was given up, who gives it up cannot know."""
_KINDS = """
SELECT s.kind, count(*) FROM registration AS r JOIN resource AS s ON s.id = r.resource_id
GROUP BY s.kind ORDER BY s.kind
"""
_STATES = "SELECT state, count(*) FROM registration GROUP BY state ORDER BY state"
_ACTS = """
SELECT act || CASE WHEN by_id IS NULL THEN ' by itself' ELSE '' END AS act, count(*)
FROM registration_entry GROUP BY 1 ORDER BY 1
"""


async def bookings(run: Run) -> Report:
    """Kill everything while people book."""
    promises, down = Promises(), list[float]()
    async with world(run) as on:
        premises = await furnish(on.url, on.town)
        on.clients.cut_off_at_times = True
        over = asyncio.Event()
        run.tell(f"killing everything for {run.seconds:.0f} seconds")
        async with asyncio.TaskGroup() as group:
            for user in users(on, premises, promises):
                group.create_task(user.live(over))
            group.create_task(_pass_time(on, over))
            await _kill_in_turn(on, monotonic() + run.seconds, down)
            over.set()
        run.tell("waiting for what is left to be done")
        await let_run_out(on, 1.0)
        await on.defer(SWEEP)
        left = await on.until_quiet(STALE, FREED)
        return await _report(on, promises, down, left)


def users(
    on: World, premises: Premises, promises: Promises, residents: int = RESIDENTS
) -> list[User]:
    """Return everybody who uses the station."""
    random, town = on.run.random, on.town
    several = [
        Resident(on, premises, promises, who, random) for who in town.residents[:residents]
    ]
    clerks = [Clerk(on, premises, promises, town.staff[role], random) for role in CLERKS]
    return [*several, *clerks]


async def let_run_out(on: Ground, share: float) -> None:
    """Bring the ends of a share of what is kept or waits for approval forward."""
    async with on.pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK)
        for statement in _FORWARD[:2]:
            await connection.execute(statement, share)
        await connection.execute(_FORWARD[2])


async def _pass_time(on: World, over: asyncio.Event) -> None:
    while not over.is_set():
        with suppress(*_AWAY):  # it may be killed just then
            await let_run_out(on, 0.2)
            await on.defer(SWEEP)
        await pause(on.run.random, 0.5, 1.5)


async def _kill_in_turn(on: World, until: float, down: list[float]) -> None:
    turn = 0
    while monotonic() < until:
        await pause(on.run.random, *BETWEEN_KILLS)
        begun = monotonic()
        await take_away(on, VICTIMS[turn % len(VICTIMS)])
        down.append(monotonic() - begun)
        turn += 1
    _revive(on)


async def take_away(on: World, victims: set[str]) -> None:
    """Kill one or several of the processes at once, and bring them back."""
    if "worker" in victims:
        for worker in on.workers:
            worker.kill()
    if "api" in victims:
        on.api.program.kill()
    if "database" in victims:
        await on.postgres.kill(SIGNALS[on.postgres.kills % len(SIGNALS)])
        await pause(on.run.random, 0, 1.5)
        await on.postgres.start()
    if "api" in victims:
        await on.api.start()
    _revive(on)


def _revive(on: World) -> None:
    """Start workers that are gone, as a service manager does.

    One that begins while there is no database ends.
    """
    for worker in on.workers:
        if not worker.is_running():
            worker.start()


async def kept(on: Ground, promises: Promises) -> dict[str, list[str]]:
    """Return which promises were broken."""
    return {
        "no booking was lost, nothing was done twice": await _compared(on, promises),
        "each key was kept once": await keys_kept(on),
    }


async def _compared(on: Ground, promises: Promises) -> list[str]:
    """Compare what was acknowledged of each booking with what people did by its history."""
    stored = {
        row["id"]: (row["code"], row["person_id"], row["acts"]) for row in await on.sql(_STORED)
    }
    promised = {
        one: (promise.code, promise.person_id, sorted(promise.acts))
        for one, promise in promises.bookings.items()
    }
    return [
        f"{one}: promised {promised.get(one)}, stored {stored.get(one)}"
        for one in stored.keys() | promised.keys()
        if stored.get(one) != promised.get(one)
    ]


async def _report(on: World, promises: Promises, down: list[float], left: str | None) -> Report:
    report = Report("bookings: the database, the API and the worker are killed")
    seen = on.clients.seen
    report.figures |= {
        "database killed": on.postgres.kills,
        "API killed": on.api.program.kills,
        "worker killed": sum(one.kills for one in on.workers),
        "seconds without one of them": round(sum(down)),
        "people": RESIDENTS + len(CLERKS),
        "bookings acknowledged": len(promises.bookings),
        "acts acknowledged": promises.acts,
    }
    report.figures |= {f"  answered {kind}": n for kind, n in sorted(seen.statuses.items())}
    report.figures |= {f"  refused {code}": n for code, n in sorted(seen.refusals.items())}
    report.figures |= {f"  of a {row['kind']}": row["count"] for row in await on.sql(_KINDS)}
    report.figures |= {f"  {row['act']}": row["count"] for row in await on.sql(_ACTS)}
    report.figures |= {f"  now {row['state']}": row["count"] for row in await on.sql(_STATES)}
    report.require("everything was done in the end", [left] if left else [])
    for name, violations in (await kept(on, promises)).items():
        report.require(name, violations)
    report.require("only 503 and refusals while something was away", seen.violations)
    for name, violations in (await checks.broken(on.url)).items():
        report.require(name, violations)
    whole, said = await verify_trail(on.run.home, on.url)
    report.require("the audit trail verifies", [] if whole else [said])
    return report
