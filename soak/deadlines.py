"""Workers are killed at random while deadlines pass: each is seen to exactly once.

Limits are days away, so deadlines are brought forward in the database, and every one that was
is written down beside it; the sweeps of every minute are asked for several times a second.
"""

import asyncio
from time import monotonic

from soak import checks, due
from soak.plots import PLOTS, Street
from soak.processes import Program, verify_trail
from soak.report import Report
from soak.town import Somebody
from soak.world import Run, World, ids, pause, world

WORKERS = 2
MAKERS = 2
EXPORTERS = ("street_dispatcher", "street_secretary", "community_worker", "grid_leader")

_FREE = """
SELECT $1::uuid WHERE NOT EXISTS (
    SELECT FROM issue_export WHERE person_id = $1 AND state IN ('queued', 'running'))
"""


async def deadlines(run: Run) -> Report:
    """Kill workers while deadlines pass."""
    async with world(run, workers=WORKERS) as on:
        await due.prepare(on)
        async with asyncio.TaskGroup() as group:
            passing = group.create_task(_pass_time(on))
            run.tell(f"killing workers for {run.seconds:.0f} seconds")
            await _make_and_kill(on, monotonic() + run.seconds)
            run.tell("waiting for what is left to be done")
            left = await on.until_quiet(due.UNMET)
            passing.cancel()
        if left is None:
            await on.defer(*due.SWEEPS)  # once more: there must be nothing left to do
            left = await on.until_quiet(due.UNMET, due.SWEEPING)
        return await _report(on, left)


async def _make_and_kill(on: World, until: float) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(MAKERS):
            group.create_task(_make_issues(on, number, until))
        group.create_task(_ask_for_exports(on, until))
        group.create_task(_kill_workers(on, until))


async def _make_issues(on: World, number: int, until: float) -> None:
    residents = on.town.residents[number::MAKERS]
    turn = 0
    while monotonic() < until:
        street = Street(on, residents[turn % len(residents)])
        turn += 1
        for plot, make in PLOTS.items():
            issue_id = await make(street)
            await due.plant(on, issue_id, plot)


async def _pass_time(on: World) -> None:
    while True:
        await due.pass_time(on)
        await asyncio.sleep(0.5)


async def _ask_for_exports(on: World, until: float) -> None:
    exporters: list[Somebody] = [on.town.staff[role] for role in EXPORTERS]
    while monotonic() < until:
        for who in exporters:
            if await on.sql(_FREE, who.person_id):
                await on.clients.post(who, "/staff/exports")
        await pause(on.run.random, 1, 3)


async def _kill_workers(on: World, until: float) -> None:
    """Let one worker at a time do some work, kill it, and start it anew."""
    while monotonic() < until:
        victim: Program = on.run.random.choice(on.workers)
        await victim.until_logged("job_done")
        await pause(on.run.random, 0, 1)
        victim.kill()
        victim.start()


async def _report(on: World, left: str | None) -> Report:
    report = Report("deadlines: workers are killed")
    kinds = await due.kinds(on)
    report.figures |= {
        "workers killed": sum(one.kills for one in on.workers),
        "jobs cut off and taken up again": on.logged("job_rescued"),
        "jobs done": on.logged("job_done"),
        "issues": len(await on.sql("SELECT FROM soak_plot")),
        "deadlines": sum(kinds.values()),
        "exports": len(await on.sql("SELECT FROM issue_export")),
        "latest seen to after, seconds": (await on.sql(due.LATEST))[0][0],
    }
    report.figures |= {f"  {kind}": count for kind, count in kinds.items()}
    report.require("everything was done in the end", [left] if left else [])
    report.require("each deadline was seen to exactly once", await due.not_once(on))
    undone = await on.sql("SELECT id FROM issue_export WHERE state <> 'done'")
    report.require("every export was done", [str(one) for one in ids(undone)])
    for name, violations in (await checks.broken(on.url)).items():
        report.require(name, violations)
    whole, said = await verify_trail(on.run.home, on.url)
    report.require("the audit trail verifies", [] if whole else [said])
    report.require("the API answered as documented", on.clients.seen.violations)
    return report
