"""The database is killed and started anew while clients make moves: no promise is broken.

The API and the worker stay as they are. A client that is told to try again sends the same
request with the same key until it is done.
"""

import asyncio
from random import Random
from time import monotonic

from soak import checks
from soak.ground import Ground
from soak.lives import LIVES, Life, Promised
from soak.processes import SIGNALS, Postgres, verify_trail
from soak.report import Report
from soak.world import Run, World, pause, world

CLIENTS = 8
BETWEEN_KILLS = 1.0, 5.0
"""Seconds, least and most, that the database is left alone."""
_TIMELINES = """
SELECT case_id::text AS id, array_agg(move ORDER BY id) AS moves FROM case_entry
WHERE by <> 'system' GROUP BY case_id
"""
_SUPPORT = """
SELECT s.case_id::text AS id, array_agg(s.person_id::text) AS people,
    count(*) = max(i.supporters) AS counted
FROM issue_support AS s JOIN issue AS i ON i.case_id = s.case_id GROUP BY s.case_id
"""
MERGED = "SELECT count(*) FROM case_file WHERE state = 'merged'"
"""What is merged in the lives that are lived here is to follow its main issue."""


async def outages(run: Run) -> Report:
    """Kill the database under load."""
    promised = Promised()
    async with world(run) as on:
        until = monotonic() + run.seconds
        run.tell(f"killing PostgreSQL for {run.seconds:.0f} seconds")
        down: list[float] = []
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(live(on, promised, number, until))
            group.create_task(kill_database(on.postgres, run.random, until, down))
        run.tell("waiting for what is left to be done")
        left = await on.until_quiet(MERGED)
        return await _report(on, promised, down, left)


async def live(on: Ground, promised: Promised, number: int, until: float) -> None:
    """Begin one life after another, and end each that was begun."""
    people = on.town.residents[2 * number], on.town.residents[2 * number + 1]
    turn = number
    while monotonic() < until:
        await LIVES[turn % len(LIVES)](Life(on, promised, people))
        turn += 1


async def kill_database(
    postgres: Postgres,
    random: Random,
    until: float,
    down: list[float],
    between: tuple[float, float] = BETWEEN_KILLS,
) -> None:
    """Take the database away, in each of the ways in turn, and bring it back."""
    turn = 0
    while True:
        await pause(random, *between)
        if monotonic() > until:
            return
        begun = monotonic()
        await postgres.kill(SIGNALS[turn % len(SIGNALS)])
        await pause(random, 0, 2)
        await postgres.start()
        down.append(monotonic() - begun)
        turn += 1


async def _report(on: World, promised: Promised, down: list[float], left: str | None) -> Report:
    report = Report("outages: the database is killed under load")
    seen = on.clients.seen
    report.figures |= {
        "database killed": on.postgres.kills,
        "seconds without it": round(sum(down)),
        "clients": CLIENTS,
        "issues": len(promised.lives),
        "moves acknowledged": promised.moves,
    }
    report.figures |= {f"  answered {kind}": n for kind, n in sorted(seen.statuses.items())}
    report.require("everything was done in the end", [left] if left else [])
    for name, violations in (await kept(on, promised)).items():
        report.require(name, violations)
    report.require("only 503 while it was away", seen.violations)
    lived = [one for one in (on.api.program, *on.workers) if not one.is_running()]
    report.require("the API and the worker lived on", [" ".join(one.command) for one in lived])
    for name, violations in (await checks.broken(on.url)).items():
        report.require(name, violations)
    whole, said = await verify_trail(on.run.home, on.url)
    report.require("the audit trail verifies", [] if whole else [said])
    return report


async def kept(on: Ground, promised: Promised) -> dict[str, list[str]]:
    """Return which promises were broken."""
    return {
        "no move was lost, none doubled": await _compared(on, promised),
        "no support was lost": await _supported(on, promised),
        "each key was kept once": await keys_kept(on),
    }


async def _compared(on: Ground, promised: Promised) -> list[str]:
    """Compare what was acknowledged of each issue with its timeline, line by line."""
    stored = {row["id"]: row["moves"] for row in await on.sql(_TIMELINES)}
    return [
        f"{issue_id}: promised {promised.lives.get(issue_id)}, stored {stored.get(issue_id)}"
        for issue_id in stored.keys() | promised.lives.keys()
        if stored.get(issue_id) != promised.lives.get(issue_id)
    ]


async def _supported(on: Ground, promised: Promised) -> list[str]:
    rows = await on.sql(_SUPPORT)
    stored = {row["id"]: set(row["people"]) for row in rows}
    wrong = [f"{row['id']}: counted wrongly" for row in rows if not row["counted"]]
    return wrong + ([] if stored == promised.supporters else ["not what was promised"])


async def keys_kept(on: Ground) -> list[str]:
    """Say so when not exactly what was acknowledged has its key kept."""
    kept = (await on.sql("SELECT count(*) FROM idempotency_key"))[0][0]
    acknowledged = on.clients.seen.acknowledged
    return [] if kept == acknowledged else [f"{acknowledged} acknowledged, {kept} kept"]
