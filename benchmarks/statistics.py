"""`python -m benchmarks statistics`: how long a district waits for the numbers of its year.

Every issue of the year is in them. What is timed is the request as its caller sees it.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from rich.table import Table
from sqlalchemy import text

from benchmarks.ground import durable_database, folder, server
from benchmarks.load import LoadFailed
from benchmarks.population import ISSUES_EACH, load
from benchmarks.turns import Question, take_turns
from neighborhood_api.identity.access import Post, Role
from neighborhood_api.identity.keys import Keyring
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.identity.tokens import Standing, Tokens
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.migrate import migrate
from neighborhood_api.statistics.keeping import write_facts

ALLOWED_MS = 500
ROUNDS = 20
DIMENSIONS = (None, "month", "node", "category")


@dataclass(frozen=True)
class Numbers:
    """The numbers of a year, in all or broken down."""

    dimension: str | None
    question: Question


@dataclass(frozen=True)
class Measured:
    """What came out."""

    issues: int
    facts_seconds: float
    """How long the job takes for all of them at once."""
    numbers: list[Numbers]


def measure(issues: int, tell: Callable[[str], None], *, rounds: int = ROUNDS) -> Measured:
    """Load a district, and time its numbers in turn.

    Raises: LoadFailed, ServerFailed.
    """
    with ExitStack() as stack:
        home = stack.enter_context(folder())
        url = stack.enter_context(durable_database(home))
        migrate(url)
        tell(f"loading {issues:,} issues")
        loading = load(url, residents=issues // ISSUES_EACH, issues=issues, trail=False)
        district = asyncio.run(loading).places[Level.DISTRICT][0]
        tell(f"writing down the facts of {issues:,} issues")
        begun = perf_counter()
        asyncio.run(_write_facts(url))
        taken = perf_counter() - begun
        product = stack.enter_context(server("product", home, url))
        token = _token(Tokens(Keyring.from_folder(home / "keys")), district)
        asked = [
            Numbers(one, Question.to(product, _path(district, one), token))
            for one in DIMENSIONS
        ]
        for one in asked:
            answer = json.loads(one.question.ask())
            if answer["total"]["figures"]["opened"] != issues:
                raise LoadFailed(f"{one.question.path} does not count {issues} issues")
        take_turns([one.question for one in asked], rounds, tell, warm_up=2)
    return Measured(issues, taken, asked)


def table(measured: Measured) -> Table:
    """Lay the figures out."""
    made = Table(title=f"The numbers of a year with {measured.issues:,} issues")
    made.add_column("broken down by")
    made.add_column("ms (p50)", justify="right")
    for one in measured.numbers:
        made.add_row(one.dimension or "nothing", f"{one.question.p50:.0f}")
    made.caption = f"allowed: {ALLOWED_MS} ms, one request at a time"
    return made


def figures(measured: Measured) -> dict[str, Any]:
    """Return the figures as they are kept."""
    took = {one.dimension or "total": round(one.question.p50) for one in measured.numbers}
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "issues": measured.issues,
        "facts_written_seconds": round(measured.facts_seconds, 1),
        "p50_ms": took,
        "allowed_ms": ALLOWED_MS,
        "reached": max(took.values()) <= ALLOWED_MS,
    }


async def _write_facts(url: str) -> None:
    """Do what the job does; loaded past the triggers, every issue counts as changed."""
    database = Database(url)
    async with database.transaction() as tx:
        noted = "INSERT INTO issue_changed (case_id) SELECT id FROM case_file ORDER BY id"
        await tx.execute(text(noted))
    written = 1
    while written:
        async with database.transaction() as tx:
            written = await write_facts(tx)
    async with database.transaction() as tx:
        await tx.execute(text("ANALYZE issue_fact"))
    await database.close()


def _token(tokens: Tokens, district: Place) -> str:
    post = Post(Role.OPERATOR, Level.DISTRICT, district.node_id)
    return tokens.make(new_id(), new_id(), 0, Standing((post,)), datetime.now(UTC))


def _path(district: Place, dimension: str | None) -> str:
    today = datetime.now(UTC).date()
    wish = {
        "node_id": district.node_id,
        "from": today - timedelta(days=366),
        "to": today + timedelta(days=1),
    }
    if dimension is not None:
        wish["dimension"] = dimension
    return f"/api/v1/statistics?{urlencode(wish)}"
