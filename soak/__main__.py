"""`python -m soak [NAME]`: run one scenario or all, and exit with 1 on any violation."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from random import Random
from secrets import randbelow
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from neighborhood_api.identity.personal_keys import new_key
from neighborhood_api.kit.local_postgres import PostgresNotStarted
from neighborhood_api.kit.sealing import SealingKey, Seals, use_seals
from soak.booking import booking
from soak.bookings import bookings
from soak.clients import Refused
from soak.deadlines import deadlines
from soak.exports import exports
from soak.outages import outages
from soak.processes import NotStarted, folder
from soak.report import Report, show
from soak.world import Run

Scenario = Callable[[Run], Coroutine[None, None, Report]]
SCENARIOS: dict[str, Scenario] = {
    "deadlines": deadlines,
    "outages": outages,
    "exports": exports,
    "booking": booking,
    "bookings": bookings,
}
console = Console()


def main(
    name: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join(SCENARIOS)}; all without it.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.05, help="How long things are killed in each scenario.")
    ] = 2,
    seed: Annotated[int | None, typer.Option(help="The plan of an earlier run.")] = None,
) -> None:
    """Kill real processes for some minutes, and see that nothing is lost or done twice."""
    if name is not None and name not in SCENARIOS:
        raise typer.BadParameter(f"there are {', '.join(SCENARIOS)}")
    chosen = [name] if name is not None else list(SCENARIOS)
    number = randbelow(1_000_000) if seed is None else seed
    for library in ("alembic", "httpx"):
        logging.getLogger(library).setLevel(logging.WARNING)
    results = [_played(one, minutes, number) for one in chosen]
    if not all(results):
        raise typer.Exit(1)


def _played(name: str, minutes: float, seed: int) -> bool:
    begun = monotonic()
    with folder() as home, console.status(name) as status:
        random = Random(seed)  # noqa: S311  (a plan, not a secret)
        use_seals(Seals([SealingKey(bytes.fromhex(new_key()))]))
        run = Run(home, minutes * 60, random, lambda said: status.update(f"{name}: {said}"))
        try:
            report = asyncio.run(SCENARIOS[name](run))
        except* (NotStarted, PostgresNotStarted, Refused) as group:
            told = [str(exc) for exc in group.exceptions]
            report = Report(name, violations=told)
    report.figures |= {"seed": seed, "seconds": round(monotonic() - begun)}
    show(console, report)
    return not report.violations


if __name__ == "__main__":
    typer.run(main)
