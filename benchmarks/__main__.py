"""`python -m benchmarks`: load, measure, print, and write `benchmarks/results.json`.

`python -m benchmarks requests`, `worklist`, `statistics`, `booking`, `imports` or `county` does
one part of it.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import booking, county, imports, report, results, statistics, worklist
from benchmarks.ground import ServerFailed, durable_database, flush_milliseconds, folder
from benchmarks.load import LoadFailed, generator_name
from benchmarks.measure import Run, Variant, measure
from benchmarks.population import load
from neighborhood_api.kit.local_postgres import PostgresNotStarted
from neighborhood_api.migrate import migrate

console = Console()
SMALL = 10_000
QUICK_TURNS = 20


class What(StrEnum):
    """A part of the measurements."""

    REQUESTS = "requests"
    WORKLIST = "worklist"
    STATISTICS = "statistics"
    BOOKING = "booking"
    IMPORTS = "imports"
    COUNTY = "county"


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    rounds: int
    seconds: float
    people: int
    large: int
    counted: int
    booked: int
    imported: int
    quick: bool = False

    @property
    def turns(self) -> dict[str, int]:
        """How often questions are asked, when not as often as usual."""
        return {"rounds": QUICK_TURNS} if self.quick else {}


def main(
    parts: Annotated[
        list[What] | None, typer.Argument(help="What to measure; else everything.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often requests are measured.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="How long each time.")] = 6,
    people: Annotated[
        int, typer.Option(min=2000, help="Residents, and as many issues.")
    ] = 100_000,
    large: Annotated[
        int, typer.Option(min=SMALL, help="Issues of the larger district with a worklist.")
    ] = 1_000_000,
    counted: Annotated[
        int, typer.Option(min=SMALL, help="Issues that the statistics count.")
    ] = 200_000,
    booked: Annotated[
        int, typer.Option(min=SMALL, help="Past bookings of the busier venue.")
    ] = 1_000_000,
    imported: Annotated[
        int, typer.Option(min=SMALL, help="Households of the county that is imported.")
    ] = 500_000,
    *,
    quick: Annotated[
        bool, typer.Option(help="Few of everything, one short round; writes no file.")
    ] = False,
) -> None:
    """Measure requests against bare ASGI applications, and what waits for the database."""
    sizes = Sizes(rounds, seconds, people, large, counted, booked, imported)
    if quick:
        sizes = Sizes(1, 2, 2000, 2 * SMALL, SMALL, 2 * SMALL, SMALL, quick=True)
    wanted = parts or list(What)
    with _failing_in_words():
        for what, measuring in MEASURING.items():
            if what in wanted:
                measuring(sizes)
    if not quick:
        console.print(f"Written to {results.PATH.parent.name}/{results.PATH.name}.")


@contextmanager
def _failing_in_words() -> Iterator[None]:
    try:
        yield
    except (LoadFailed, ServerFailed, PostgresNotStarted) as exc:
        console.print(str(exc), style="bold red", markup=False, highlight=False)
        raise typer.Exit(1) from exc


def _measure_requests(sizes: Sizes) -> None:
    with console.status("starting PostgreSQL") as status:
        facts, found = _run(sizes.rounds, sizes.seconds, sizes.people, status.update)
    console.print(report.table(found))
    if not facts.values["machine"]["durable"]:
        console.print("This PostgreSQL is not durable: its writes say nothing.", style="red")
    if not sizes.quick:
        others = {name: part for name, part in results.kept().items() if name in results.PARTS}
        report.write(results.PATH, facts, found)
        results.keep(**others)


def _measure_worklist(sizes: Sizes) -> None:
    with console.status("worklist") as status:
        pages = worklist.measure(SMALL, sizes.large, status.update, **sizes.turns)
    console.print(worklist.table(pages))
    if not sizes.quick:
        results.keep(worklist=worklist.figures(pages))


def _measure_statistics(sizes: Sizes) -> None:
    with console.status("statistics") as status:
        numbers = statistics.measure(sizes.counted, status.update, **sizes.turns)
    console.print(statistics.table(numbers))
    if not sizes.quick:
        results.keep(statistics=statistics.figures(numbers))


def _measure_booking(sizes: Sizes) -> None:
    with console.status("booking") as status:
        tried = booking.measure(sizes.rounds, sizes.seconds, sizes.booked, status.update)
    for one in booking.tables(tried):
        console.print(one)
    if not sizes.quick:
        results.keep(booking=booking.figures(tried))


def _measure_county(sizes: Sizes) -> None:
    size = county.SMALL if sizes.quick else county.COUNTY
    with console.status("county") as status:
        asked = county.measure(size, status.update, **sizes.turns)
    console.print(county.table(asked))
    if not sizes.quick:
        results.keep(county=county.figures(asked))


def _measure_imports(sizes: Sizes) -> None:
    with console.status("imports") as status:
        taken = imports.measure(sizes.imported, status.update)
    console.print(imports.table(taken))
    if not sizes.quick:
        results.keep(imports=imports.figures(taken))


MEASURING: dict[What, Callable[[Sizes], None]] = {
    What.REQUESTS: _measure_requests,
    What.WORKLIST: _measure_worklist,
    What.STATISTICS: _measure_statistics,
    What.BOOKING: _measure_booking,
    What.IMPORTS: _measure_imports,
    What.COUNTY: _measure_county,
}


def _run(
    rounds: int, seconds: float, people: int, tell: Callable[[str], None]
) -> tuple[report.Facts, list[Variant]]:
    with folder() as home:
        flush_ms = flush_milliseconds(home)
        with durable_database(home) as url:
            migrate(url)
            tell(f"loading {people:,} residents and {people:,} issues")
            district = asyncio.run(load(url, residents=people, issues=people))
            console.print(
                f"{people:,} residents and {people:,} issues are loaded;"
                f" the load comes from {generator_name()}."
            )
            run = Run(home, url, district, rounds, seconds, tell)
            return report.Facts.of(run, flush_ms), measure(run)


if __name__ == "__main__":
    typer.run(main)
