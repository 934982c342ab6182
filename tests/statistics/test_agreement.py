"""Numbers are what their formulae say, and every list has exactly the issues of its number."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from httpx import AsyncClient

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.statistics.dimensions import HELD, Dimension
from neighborhood_api.statistics.keeping import write_facts
from neighborhood_api.statistics.measures import MEASURES, Kind, Metric, Part
from neighborhood_api.statistics.models import Changed
from tests.statistics.population import Life, populate
from tests.statistics.reference import minutes, percentile, verdict
from tests.support.clock import Clock
from tests.support.issues import Street
from tests.support.people import Caller
from tests.support.places import Town

pytestmark = pytest.mark.slow

COUNT = 60
SAMPLE = 5
"""How many numbers of a part are compared with their lists."""
LISTS_EACH = 3
"""Of so many numbers each seat compares one with its list: each is compared by two seats."""
FAR_BACK = 59
SEATS: dict[str, tuple[Role, tuple[int, ...], int | None]] = {
    "grid leader": (Role.GRID_LEADER, (1, 1, 1), None),
    "community secretary": (Role.COMMUNITY_SECRETARY, (1, 1), None),
    "dispatcher": (Role.STREET_DISPATCHER, (1,), None),
    "street secretary": (Role.STREET_SECRETARY, (1,), None),
    "officer": (Role.DEPARTMENT_OFFICER, (1,), 0),
    "operator": (Role.OPERATOR, (), None),
}


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Random:
    return Random(request.node.name)  # noqa: S311  (not for secrets)


@pytest.fixture
async def lives(street: Street, tx: Tx, rng: Random, clock: Clock) -> list[Life]:
    """Some are read as they were written down, others have changed since."""
    made = await populate(tx, street.town, rng, now=clock.now, count=COUNT)
    assert await write_facts(tx) >= COUNT
    tx.add_all(Changed(case_id=life.case.id) for life in made[::3])
    await tx.commit()
    return made


def period(clock: Clock) -> dict[str, str]:
    first = clock.now + timedelta(hours=8) - timedelta(days=FAR_BACK)
    return {"from": first.date().isoformat()}


def counted(life: Life, clock: Clock) -> bool:
    first = (clock.now + timedelta(hours=8) - timedelta(days=FAR_BACK)).date()
    return (life.case.opened_at + timedelta(hours=8)).date() >= first


def sees(seat: str, life: Life, town: Town) -> bool:
    """Who counts what, said once more."""
    case = life.case
    place = {
        "grid leader": case.grid_id == town.at(1, 1, 1).id,
        "community secretary": case.community_id == town.at(1, 1).id,
        "dispatcher": case.street_id == town.at(1).id,
        "street secretary": case.street_id == town.at(1).id,
        "officer": any(c.organization_id == town.organizations[0].id for c in life.calls),
        "operator": True,
    }[seat]
    return place and (seat == "street secretary" or not case.confidential)


async def read(caller: AsyncClient, **wish: Any) -> Any:  # noqa: ANN401
    answer = await caller.get("/statistics", params=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(caller: AsyncClient, address: str, metric: Metric, part: Part) -> set[str]:
    """Every issue behind a number, page by page."""
    found: list[str] = []
    url = f"http://api{address}&metric={metric}&part={part}&limit=37"
    after = ""
    while True:
        answer = await caller.get(f"{url}{after}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(found) == len(set(found))
    assert found == sorted(found, reverse=True)
    return set(found)


def numbers(figures: dict[str, Any]) -> Iterator[tuple[Metric, Part, int]]:
    """Every number of issues that an answer tells."""
    for metric, measure in MEASURES.items():
        shown = figures[metric.value]
        if measure.kind is Kind.COUNT:
            yield metric, Part.OF, shown
            continue
        yield metric, Part.OF, shown["n"]
        if measure.kind is Kind.RATE:
            yield metric, Part.HITS, shown["hits"]
            yield metric, Part.MISSES, shown["n"] - shown["hits"]
            expected = None if not shown["n"] else shown["hits"] / shown["n"]
            assert shown["rate"] == (expected if expected is None else round(expected, 4))


@pytest.mark.parametrize("seat", SEATS)
async def test_every_number_is_what_its_formula_says_and_so_is_its_list(
    seat: str, street: Street, lives: list[Life], clock: Clock
) -> None:
    role, path, body = SEATS[seat]
    caller = await street.staff(role, *path, body=body)
    answer = await read(caller, **period(clock))
    mine = [one for one in lives if counted(one, clock) and sees(seat, one, street.town)]
    assert len(mine) > 3
    figures = answer["total"]["figures"]
    turn = [*SEATS].index(seat)
    for which, (metric, part, number) in enumerate(numbers(figures), turn):
        wanted = {Part.OF: {True, False}, Part.HITS: {True}, Part.MISSES: {False}}[part]
        expected = {str(o.case.id) for o in mine if verdict(metric, o, clock.now) in wanted}
        assert number == len(expected), (metric, part)
        if which % LISTS_EACH == 0:  # the next seat looks at the others
            found = await listed(caller, answer["total"]["issues"], metric, part)
            assert found == expected, (metric, part)
    for metric, measure in MEASURES.items():
        if measure.kind is Kind.MINUTES:
            took = [minutes(metric, o) for o in mine if verdict(metric, o, clock.now)]
            for name, share in (("p50", 0.5), ("p80", 0.8), ("p90", 0.9)):
                shown = figures[metric.value][name]
                assert shown == pytest.approx(percentile(took, share), abs=0.06)


@pytest.mark.parametrize("dimension", [*Dimension])
async def test_every_number_of_every_part_agrees_with_its_list(
    dimension: Dimension, street: Street, lives: list[Life], clock: Clock, rng: Random
) -> None:
    caller = await street.staff(Role.STREET_SECRETARY, 1)
    assert len(lives) == COUNT
    answer = await read(caller, dimension=dimension.value, **period(clock))
    parts = answer["items"]
    assert len(parts) > 1
    assert len({part["key"] for part in parts}) == len(parts)
    for part in parts[:4]:
        every = [*numbers(part["figures"])]
        for metric, which, number in rng.sample(every, SAMPLE):
            found = await listed(caller, part["issues"], metric, which)
            assert len(found) == number, (part["key"], metric, which)
    total = [number for _, _, number in numbers(answer["total"]["figures"])]
    summed = [sum(each) for each in zip(*(_plain(part) for part in parts), strict=True)]
    if dimension in HELD:
        assert any(a > b for a, b in zip(summed, total, strict=True))
    else:
        assert summed == total


def _plain(part: dict[str, Any]) -> list[int]:
    return [number for _, _, number in numbers(part["figures"])]


@pytest.mark.parametrize("level", [1, 2, 3, 4])
async def test_places_can_be_looked_at_on_each_level(
    level: int, street: Street, lives: list[Life], clock: Clock
) -> None:
    caller = await street.staff(Role.OPERATOR)
    answer = await read(caller, dimension="node", level=level, **period(clock))
    column = ("street_id", "community_id", "grid_id", "lane_id")[level - 1]
    mine = [one for one in lives if counted(one, clock) and not one.case.confidential]
    expected: dict[str, int] = {}
    for one in mine:
        key = str(getattr(one.case, column) or "none")
        expected[key] = expected.get(key, 0) + 1
    assert {p["key"]: p["figures"]["opened"] for p in answer["items"]} == expected
    for part in answer["items"][:5]:
        found = await listed(caller, part["issues"], Metric.OPENED, Part.OF)
        assert len(found) == part["figures"]["opened"]


@pytest.mark.parametrize("narrow", [{"category": "road.light"}, {"group": "env"}, {"node": 1}])
async def test_what_is_narrowed_is_narrowed_in_the_list_too(
    narrow: dict[str, Any], street: Street, lives: list[Life], clock: Clock
) -> None:
    caller = await street.staff(Role.STREET_DISPATCHER, 1)
    assert len(lives) == COUNT
    wish = {"node_id": str(street.town.at(1, 1).id)} if "node" in narrow else narrow
    whole = await read(caller, **period(clock))
    answer = await read(caller, **wish, **period(clock))
    figures = answer["total"]["figures"]
    assert 0 < figures["opened"] < whole["total"]["figures"]["opened"]
    for metric, part, number in [*numbers(figures)][::4]:
        found = await listed(caller, answer["total"]["issues"], metric, part)
        assert len(found) == number, (metric, part)


async def test_time_in_hands_adds_up_to_the_age_of_the_issues(
    street: Street, lives: list[Life], clock: Clock
) -> None:
    caller: Caller = await street.staff(Role.STREET_SECRETARY, 1)
    answer = await caller.get("/statistics/hands", params=period(clock))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    mine = [
        life
        for life in lives
        if counted(life, clock)
        and sees("street secretary", life, street.town)
        and verdict(Metric.ASSESSED, life, clock.now)
    ]
    assert body["n"] == len(mine)
    age = idle = 0.0
    for life in mine:
        end = life.case.closed_at or clock.now
        age += (end - life.case.opened_at).total_seconds() / 60
        for page in life.pages:
            if page.idle:
                assert page.held_until is not None
                idle += (page.held_until - page.held_from).total_seconds() / 60
    assert idle > 0
    assert sum(one["minutes"] for one in body["items"]) == pytest.approx(age - idle, abs=5)
    for one in body["items"]:
        assert 0 <= one["paused_minutes"] <= one["minutes"] + 0.1
        found = await caller.get(f"http://api{one['issues']}&limit=100")
        assert len(found.json()["items"]) == one["n"]
    paused = sum(
        max(0.0, (min(rest.ended_at or end, end) - max(rest.started_at, start)).total_seconds())
        for life in mine
        for rest in life.rests
        for page in life.pages
        if not page.idle
        for start, end in [(page.held_from, page.held_until or clock.now)]
    )
    shown = sum(one["paused_minutes"] for one in body["items"])
    assert shown == pytest.approx(paused / 60, abs=5)
