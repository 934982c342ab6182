"""`python -m benchmarks county`: whether a whole county is as fast as the demonstration.

A tree as small as that of the demonstration and one of a county are served side by side. Who
is responsible for a resident, which lane a position lies in, and whether somebody may read a
roster must cost about the same in both.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import asyncpg
from rich.table import Table

from benchmarks.ground import durable_database, folder, server
from benchmarks.load import LoadFailed
from benchmarks.population import load_people
from benchmarks.population_people import District, Row
from benchmarks.turns import Question, take_turns
from neighborhood_api.grid.areas.coordinates import Point
from neighborhood_api.grid.areas.shapes import written
from neighborhood_api.grid.models import Boundary, BoundaryRing
from neighborhood_api.identity.access import Post, Role
from neighborhood_api.identity.keys import Keyring
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.tokens import Standing, Tokens
from neighborhood_api.kit.copying import copy_rows
from neighborhood_api.kit.db import plain_url
from neighborhood_api.kit.ids import new_id
from neighborhood_api.migrate import migrate

ALLOWED = 1.3
"""How much longer an answer may take in a county."""
ROUNDS = 200
ASKED = 20
"""Of each kind, all over the county, so that no answer comes from one page of memory."""
_APART = 0.002
"""Degrees between the middles of two lanes."""
_HALF = 0.0009
_IN_A_ROW = 250


@dataclass(frozen=True)
class Size:
    """How large a tree is."""

    name: str
    children: tuple[int, int, int, int]
    residents: int


DEMO = Size("demonstration", (1, 2, 4, 8), 300)
SMALL = Size("small county", (2, 5, 10, 6), 20_000)
COUNTY = Size("county", (20, 25, 20, 6), 2_000_000)


@dataclass(frozen=True)
class Asked:
    """One kind of question, put to one of the two."""

    kind: str
    size: Size
    questions: list[Question]

    @property
    def p50(self) -> float:
        """How long an answer takes, the median of the medians."""
        return sorted(one.p50 for one in self.questions)[len(self.questions) // 2]


def measure(
    size: Size, tell: Callable[[str], None], *, rounds: int = ROUNDS // ASKED
) -> list[Asked]:
    """Load both, and ask both in turn.

    Raises: LoadFailed, ServerFailed.
    """
    with ExitStack() as stack:
        asked = [one for at in (DEMO, size) for one in _served(stack, at, tell)]
        take_turns([q for one in asked for q in one.questions], rounds, tell)
    return asked


def ratios(asked: list[Asked]) -> dict[str, float]:
    """Compare the county with the demonstration, by kind."""
    by_kind: dict[str, list[float]] = {}
    for one in asked:
        by_kind.setdefault(one.kind, []).append(one.p50)
    return {kind: large / small for kind, (small, large) in by_kind.items()}


def table(asked: list[Asked]) -> Table:
    """Lay the figures out."""
    made = Table(title="A county and the demonstration, one request at a time")
    for heading in ("question", "tree", "ms (p50)"):
        made.add_column(heading, justify="right")
    for one in sorted(asked, key=lambda one: one.kind):
        made.add_row(one.kind, one.size.name, f"{one.p50:.2f}")
    made.caption = "; ".join(f"{kind}: {ratio:.2f} ×" for kind, ratio in ratios(asked).items())
    return made


def figures(asked: list[Asked]) -> dict[str, Any]:
    """Return the figures as they are kept."""
    found = ratios(asked)
    large = asked[-1].size
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "children": large.children,
        "residents": large.residents,
        "p50_ms": [
            {"question": one.kind, "tree": one.size.name, "p50_ms": round(one.p50, 2)}
            for one in asked
        ],
        "county_to_demonstration": {kind: round(ratio, 3) for kind, ratio in found.items()},
        "allowed": ALLOWED,
        "reached": all(ratio <= ALLOWED for ratio in found.values()),
    }


def _served(stack: ExitStack, size: Size, tell: Callable[[str], None]) -> Iterator[Asked]:
    home = stack.enter_context(folder())
    url = stack.enter_context(durable_database(home))
    migrate(url)
    tell(f"loading a {size.name} of {size.residents:,} residents")
    district = District(children=size.children)
    asyncio.run(_load(url, district, size.residents))
    product = stack.enter_context(server("product", home, url))
    tokens, now = Tokens(Keyring.from_folder(home / "keys")), datetime.now(UTC)

    def token(standing: Standing, person_id: Any = None) -> str:  # noqa: ANN401  (an id)
        return tokens.make(person_id or new_id(), new_id(), 0, standing, now)

    neighbours = _spread(district.residents)
    yield Asked(
        "me/grid",
        size,
        [
            Question.to(product, "/api/v1/me/grid", token(Standing((), r.home), r.person_id))
            for r in neighbours
        ],
    )
    lanes = district.places[Level.LANE]
    anybody = token(Standing(()))
    located = [
        Question.to(product, f"/api/v1/grid/locate?{_query(number)}", anybody)
        for number in _spread(range(len(lanes)))
    ]
    for question in located:
        if not json.loads(question.ask())["by_boundary"]:
            raise LoadFailed(f"{question.path} lies in no lane")
    yield Asked("grid/locate", size, located)
    yield Asked(
        "permission",
        size,
        [
            Question.to(
                product,
                f"/api/v1/grid/nodes/{place.node_id}/appointments",
                token(Standing((Post(Role.GRID_LEADER, Level.GRID, place.node_id),))),
            )
            for place in _spread(district.places[Level.GRID])
        ],
    )


def _spread(every: Any) -> Any:  # noqa: ANN401  (a sequence of anything)
    """Choose some from all over."""
    return list(islice(every[:: max(1, len(every) // ASKED)], ASKED))


async def _load(url: str, district: District, residents: int) -> None:
    connection = await asyncpg.connect(plain_url(url))
    try:
        await load_people(connection, district, residents)
        lanes = district.places[Level.LANE]
        bounds: Iterator[Row] = (
            {"node_id": lane.node_id, "parts": 1, "version": 1} for lane in lanes
        )
        await copy_rows(connection, Boundary, bounds)
        await copy_rows(
            connection,
            BoundaryRing,
            (
                {"node_id": lane.node_id, "part": 0, "number": 0, "ring": _square(number)}
                for number, lane in enumerate(lanes)
            ),
        )
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _middle(number: int) -> Point:
    return Point(
        114 + number % _IN_A_ROW * _APART,
        23 + number // _IN_A_ROW * _APART,
    )


def _square(number: int) -> str:
    x, y = _middle(number)
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return written(tuple(Point(x + east * _HALF, y + north * _HALF) for east, north in corners))


def _query(number: int) -> str:
    middle = _middle(number)
    spot = f"longitude={middle.longitude}&latitude={middle.latitude}"
    return f"{spot}&coordinate_system=wgs84"
