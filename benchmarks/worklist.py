"""`python -m benchmarks worklist`: what a page of the worklist costs.

The same grid is loaded with few issues, all in one lane, and with many, as many of them in that
lane. A page must cost about the same at either size, at the beginning and far down, for the
lane's chief and for the whole street. What is timed is the request as its caller sees it.
"""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from rich.table import Table

from benchmarks.ground import Server, durable_database, folder, server
from benchmarks.load import LoadFailed
from benchmarks.population import ISSUES_EACH, District, load
from benchmarks.turns import Question, take_turns
from neighborhood_api.identity.access import Post, Role
from neighborhood_api.identity.keys import Keyring
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.identity.tokens import Standing, Tokens
from neighborhood_api.kit.ids import new_id
from neighborhood_api.migrate import migrate

ALLOWED = 1.5
"""How much longer the dearer of two pages may take."""
ROWS = 20
"""Issues on a page, as many as callers get who do not say."""
DEEP = 500
"""The page that is compared with the first."""
CROWDED = ROWS * DEEP
"""Issues in the lane that is asked about: as many as it has such pages."""
ROLES = {Level.LANE: Role.LANE_CHIEF, Level.STREET: Role.STREET_DISPATCHER}
ROUNDS = 200


@dataclass(frozen=True)
class Loaded:
    """A district that is being served."""

    issues: int
    home: Path
    url: str
    district: District
    product: Server


@dataclass(frozen=True)
class Listing:
    """One page of the worklist."""

    issues: int
    level: Level
    deep: bool
    question: Question


def measure(
    small: int, large: int, tell: Callable[[str], None], *, rounds: int = ROUNDS
) -> list[Listing]:
    """Load two districts, and time their pages in turn.

    Raises: LoadFailed, ServerFailed.
    """
    with ExitStack() as stack:
        both = [_loaded(stack, issues, tell) for issues in (small, large)]
        pages = [page for at in both for page in _listings(at)]
        for page in pages:
            if len(json.loads(page.question.ask())["items"]) != ROWS:
                raise LoadFailed(f"{page.question.path} gave no whole page")
        take_turns([page.question for page in pages], rounds, tell)
    return pages


def ratios(pages: list[Listing]) -> dict[str, float]:
    """Compare the dearest with the cheapest: pages of a post, and all."""
    found = {
        level.name.lower(): _ratio([page for page in pages if page.level is level])
        for level in ROLES
    }
    return found | {"all": _ratio(pages)}


def table(pages: list[Listing]) -> Table:
    """Lay the figures out."""
    made = Table(title="A page of the worklist, one request at a time")
    for heading in ("post", "issues", "page", "ms (p50)"):
        made.add_column(heading, justify="right")
    for page in sorted(pages, key=lambda page: (page.level, page.issues)):
        made.add_row(*map(str, _row(page).values()))
    made.caption = "; ".join(
        f"{name}: the dearest costs {ratio:.2f} × the cheapest"
        for name, ratio in ratios(pages).items()
    )
    return made


def figures(pages: list[Listing]) -> dict[str, Any]:
    """Return the figures as they are kept."""
    found = ratios(pages)
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "rows_of_a_page": ROWS,
        "pages": [_row(page) for page in pages],
        "dearest_to_cheapest": {name: round(ratio, 3) for name, ratio in found.items()},
        "allowed": ALLOWED,
        "reached": all(ratio <= ALLOWED for ratio in found.values()),
    }


def _row(page: Listing) -> dict[str, Any]:
    return {
        "post": page.level.name.lower(),
        "issues": page.issues,
        "page": DEEP if page.deep else 1,
        "p50_ms": round(page.question.p50, 2),
    }


def _ratio(pages: list[Listing]) -> float:
    taken = [page.question.p50 for page in pages]
    return max(taken) / min(taken)


def _loaded(stack: ExitStack, issues: int, tell: Callable[[str], None]) -> Loaded:
    home = stack.enter_context(folder())
    url = stack.enter_context(durable_database(home))
    migrate(url)
    tell(f"loading {issues:,} issues")
    loading = load(
        url, residents=issues // ISSUES_EACH, issues=issues, crowded=CROWDED, trail=False
    )
    district = asyncio.run(loading)
    product = stack.enter_context(server("product", home, url))
    return Loaded(issues, home, url, district, product)


def _listings(at: Loaded) -> Iterator[Listing]:
    tokens = Tokens(Keyring.from_folder(at.home / "keys"))
    for level, role in ROLES.items():
        place = at.district.places[level][0]
        post = Post(role, level, place.node_id)
        token = tokens.make(new_id(), new_id(), 0, Standing((post,)), datetime.now(UTC))
        last = _before_page(at.url, level, place.node_id)
        after = urlsafe_b64encode(last.bytes).decode().rstrip("=")
        path = f"/api/v1/staff/issues?limit={ROWS}"
        for deep in (False, True):
            asked = f"{path}&after={after}" if deep else path
            yield Listing(at.issues, level, deep, Question.to(at.product, asked, token))


def _before_page(url: str, level: Level, node_id: UUID) -> UUID:
    """Return the issue after which page `DEEP` begins."""
    listed = f"""
        SELECT id FROM case_file WHERE {COLUMNS[level]} = %s ORDER BY id DESC
        OFFSET {(DEEP - 1) * ROWS - 1} LIMIT 1
    """  # noqa: S608  (our own names)
    with psycopg.connect(url) as connection:
        found = connection.execute(listed, [node_id]).fetchone()
    if found is None:
        raise LoadFailed(f"there is no page {DEEP}")
    last: UUID = found[0]
    return last
