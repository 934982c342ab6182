"""`python -m benchmarks`: load, measure, print, and write `benchmarks/results.json`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import report
from benchmarks.ground import ServerFailed, durable_database, flush_milliseconds, folder
from benchmarks.load import LoadFailed, generator_name
from benchmarks.measure import Run, Variant, measure
from benchmarks.population import load
from neighborhood_api.kit.local_postgres import PostgresNotStarted
from neighborhood_api.migrate import migrate

RESULTS = Path(__file__).with_name("results.json")
console = Console()


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="How long each time.")] = 6,
    people: Annotated[
        int, typer.Option(min=2000, help="Residents, and as many issues.")
    ] = 100_000,
    *,
    quick: Annotated[
        bool, typer.Option(help="One short round with 2,000 people; writes no file.")
    ] = False,
) -> None:
    """Measure reads and writes against bare ASGI applications."""
    if quick:
        rounds, seconds, people = 1, 2, 2000
    try:
        facts, found = _run(rounds, seconds, people)
    except (LoadFailed, ServerFailed, PostgresNotStarted) as exc:
        console.print(str(exc), style="bold red", markup=False, highlight=False)
        raise typer.Exit(1) from exc
    console.print(report.table(found))
    if not facts.values["machine"]["durable"]:
        console.print("This PostgreSQL is not durable: its writes say nothing.", style="red")
    if not quick:
        report.write(RESULTS, facts, found)
        console.print(f"Written to {RESULTS.parent.name}/{RESULTS.name}.")


def _run(rounds: int, seconds: float, people: int) -> tuple[report.Facts, list[Variant]]:
    with folder() as home, console.status("starting PostgreSQL") as status:
        flush_ms = flush_milliseconds(home)
        with durable_database(home) as url:
            migrate(url)
            status.update(f"loading {people:,} residents and {people:,} issues")
            district = asyncio.run(load(url, residents=people, issues=people))
            console.print(
                f"{people:,} residents and {people:,} issues are loaded;"
                f" the load comes from {generator_name()}."
            )
            run = Run(home, url, district, rounds, seconds, status.update)
            return report.Facts.of(run, flush_ms), measure(run)


if __name__ == "__main__":
    typer.run(main)
