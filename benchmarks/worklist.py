"""`python -m benchmarks.worklist`: what a page of the worklist costs.

The same district is loaded with few issues and with many. A page must cost about the same at
either size, at the beginning and far down, for a lane chief and for a whole street.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated
from uuid import UUID

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.ground import Server, durable_database, folder, server
from benchmarks.load import Sample, send
from benchmarks.population import ISSUES_EACH, District, load
from neighborhood_api.identity.access import Post, Role
from neighborhood_api.identity.keys import Keyring
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.identity.tokens import Standing, Tokens
from neighborhood_api.kit.ids import new_id
from neighborhood_api.migrate import migrate

ALLOWED = 1.5
"""How much longer the dearer of two pages may take."""
DEEP = 500
"""The page that is compared with the first, or the last where there are fewer."""
ROWS = {Level.STREET: 20, Level.LANE: 5}
"""Rows on a page; a lane has few issues where there are few in all."""
ROLES = {Level.STREET: Role.STREET_DISPATCHER, Level.LANE: Role.LANE_CHIEF}
console = Console()


@dataclass
class Loaded:
    """A district that is being served."""

    issues: int
    home: Path
    url: str
    district: District
    product: Server


@dataclass
class Listing:
    """One page, asked for again and again."""

    at: Loaded
    level: Level
    deep: bool
    requests: list[bytes]
    samples: list[Sample] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """How long it takes, the median of all rounds."""
        return median(sample.p50_ms for sample in self.samples)


def main(
    small: Annotated[int, typer.Option(min=10_000, help="Issues of the small one.")] = 10_000,
    large: Annotated[int, typer.Option(min=10_000, help="Of the large one.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    seconds: Annotated[float, typer.Option(min=1, max=60)] = 3,
) -> None:
    """Compare pages of the worklist."""
    with ExitStack() as stack, console.status("loading") as status:
        both = [_loaded(stack, issues, status.update) for issues in (small, large)]
        pages = [page for at in both for page in _listings(at)]
        for number in range(1, rounds + 1):
            status.update(f"round {number} of {rounds}")
            for page in pages:
                _ = send(page.at.product, page.requests, page.at.home, seconds=1)
                sample = send(page.at.product, page.requests, page.at.home, seconds=seconds)
                page.samples.append(sample)
    if not _report(pages):
        raise typer.Exit(1)


def _loaded(stack: ExitStack, issues: int, tell: Callable[[str], None]) -> Loaded:
    home = stack.enter_context(folder())
    url = stack.enter_context(durable_database(home))
    migrate(url)
    tell(f"loading {issues:,} issues")
    residents = issues // ISSUES_EACH
    district = asyncio.run(load(url, residents=residents, issues=issues))
    product = stack.enter_context(server("product", home, url))
    return Loaded(issues, home, url, district, product)


def _listings(at: Loaded) -> Iterator[Listing]:
    tokens = Tokens(Keyring.from_folder(at.home / "keys"))
    for level, rows in ROWS.items():
        place = at.district.places[level][0]
        post = Post(ROLES[level], level, place.node_id)
        token = tokens.make(new_id(), new_id(), 0, Standing((post,)), datetime.now(UTC))
        last = _before_page(at.url, level, place.node_id, rows)
        for deep in (False, True):
            after = urlsafe_b64encode(last.bytes).decode().rstrip("=") if deep else None
            query = f"limit={rows}" + (f"&after={after}" if after else "")
            yield Listing(at, level, deep, [_request(query, token)])


def _before_page(url: str, level: Level, node_id: UUID, rows: int) -> UUID:
    """Return the issue after which page `DEEP` begins, or the last full page."""
    column = COLUMNS[level]
    listed = f"SELECT id FROM case_file WHERE {column} = %s ORDER BY id DESC"  # noqa: S608
    with psycopg.connect(url) as connection:
        ids = [row[0] for row in connection.execute(listed, [node_id]).fetchall()]
    begin = min((DEEP - 1) * rows, len(ids) - rows)
    last: UUID = ids[max(begin, 1) - 1]
    return last


def _request(query: str, token: str) -> bytes:
    lines = [
        f"GET /api/v1/staff/issues?{query} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        f"Authorization: Bearer {token}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _report(pages: list[Listing]) -> bool:
    """Print what each page took, and tell whether all are within what is allowed."""
    table = Table("issues", "post", "page", "rows", "ms (p50)", "requests/s")
    for page in pages:
        per_second = median(sample.per_second for sample in page.samples)
        table.add_row(
            f"{page.at.issues:,}",
            page.level.name.lower(),
            "deep" if page.deep else "first",
            str(ROWS[page.level]),
            f"{page.milliseconds:.2f}",
            f"{per_second:.0f}",
        )
    console.print(table)
    fine = True
    for level in ROWS:
        taken = {(p.at.issues, p.deep): p.milliseconds for p in pages if p.level is level}
        ratio = max(taken.values()) / min(taken.values())
        fine = fine and ratio <= ALLOWED
        console.print(
            f"{level.name.lower()}: the dearest page costs {ratio:.2f} × the cheapest"
        )
    return fine


if __name__ == "__main__":
    typer.run(main)
