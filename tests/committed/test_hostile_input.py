"""Whatever is sent to whichever operation, it is answered, and never with a 500."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import cycle, islice, product
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database
from tests.support.people import Caller, Callers
from tests.support.places import Town, build_town
from tests.support.wechat import phones_before

pytestmark = pytest.mark.slow

JSON = {"content-type": "application/json"}
NOBODY = str(UUID(int=7))
LAST_MOMENT = "9999-12-31T23:59:59Z"
ODD: list[Any] = [
    "a\0b",
    "\ud83d",
    "\ud83d\udc4d" * 3,
    2**31,
    2**63,
    10**30,
    -1,
    float("nan"),
    float("inf"),
    None,
    True,
    "",
    " ",
    [],
    {},
    ["\0"],
    {"\ud800": 1},
    "9999-12-31T23:59:59+23:59",
    "0001-01-01T00:00:00-23:59",
    "9999-12-31",
    "x" * 10_000,
]


EACH = 2
"""How many of them are put in one place; the next place gets the next ones."""


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401
    """The way to every value inside a body, the body itself included."""
    yield path
    steps: Any = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, inner in steps:
        yield from leaves(inner, (*path, step))


def replaced(value: Any, path: tuple[str | int, ...], odd: Any) -> Any:  # noqa: ANN401
    """A copy of a body with one value put in place of another."""
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


@pytest.fixture
async def town(live_database: Database) -> Town:
    """A town of one's own, for whatever a strange request may change."""
    async with live_database.transaction() as tx:
        return await build_town(tx, now=datetime.now(UTC))


@pytest.fixture
async def app(live_app: FastAPI) -> AsyncIterator[FastAPI]:
    """The application as it is served, before WeChat's stand-in."""
    async with phones_before(live_app):
        yield live_app


@pytest.fixture
async def everybody(live_callers: Callers, town: Town) -> list[Caller]:
    """A resident at home, and staff with every permission between them."""
    callers = live_callers
    return [
        await callers.resident(town.place(1, 1, 1, 1)),
        await callers.staff(town, Role.OPERATOR),
        await callers.staff(town, Role.STREET_DISPATCHER, 1),
    ]


def described(app: FastAPI, *methods: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = [
        (path, method, operation)
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
        if method in methods
    ]
    assert len(found) > 10
    return found


def example_of(operation: dict[str, Any], schemas: dict[str, Any]) -> Any:  # noqa: ANN401
    """The body that the description shows; None where there is none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    name = content["schema"]["$ref"].rsplit("/", 1)[1]
    return next(iter(schemas[name].get("examples", ())), None)


def filled(path: str, town: Town) -> str:
    """An address with ids of things that are there, where there are any."""
    lane = town.at(1, 1, 1, 1)
    path = path.replace("{node_id}", str(lane.id)).replace("{code}", str(lane.plate_code))
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        path = path[:start] + NOBODY + path[end + 1 :]
    return "http://api" + path


async def test_an_odd_value_anywhere_in_a_body_is_answered(
    app: FastAPI, everybody: list[Caller], town: Town
) -> None:
    schemas = app.openapi()["components"]["schemas"]
    attempts, tried = cycle(product(everybody, ODD)), 0
    for path, method, operation in described(app, "post", "put"):
        example = example_of(operation, schemas)
        for way in leaves(example):
            for caller, odd in islice(attempts, EACH):
                body = json.dumps(replaced(example, way, odd))
                answer = await caller.request(
                    method, filled(path, town), content=body, headers=JSON
                )
                tried += 1
                sent = (method, path, way, odd, answer.text)
                assert answer.status_code < 500 or "wechat" in path, sent
                assert answer.status_code in {200, 503} or answer.json()["message"], sent
    assert tried > 20 * len(ODD)


async def test_an_odd_value_in_any_query_is_answered(
    app: FastAPI, everybody: list[Caller], town: Town
) -> None:
    values = [
        "a%00b",
        "%ED%A0%80",
        "",
        "9" * 40,
        "-1",
        "nan",
        "%2C%2C",
        LAST_MOMENT,
        "x" * 3000,
    ]
    attempts = cycle(product(everybody, values))
    for path, _, operation in described(app, "get"):
        names = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
        sound = {p: _sound(p) for p in names}
        for name in names:
            for caller, value in islice(attempts, EACH):
                rest = "&".join(f"{k}={v}" for k, v in sound.items() if k != name)
                answer = await caller.get(f"{filled(path, town)}?{name}={value}&{rest}")
                assert answer.status_code < 500, (path, name, value, answer.text)


def _sound(name: str) -> str:
    """A value that many parameters of this name take."""
    sound = {
        "longitude": "114.28",
        "latitude": "23.17",
        "q": "巷",
        "limit": "5",
        "expires": "2000000000",
        "signature": "x",
        "variant": "original",
        "from": "2026-11-22",
        "to": "2026-11-23",
        "kind": "",
    }
    return sound.get(name, "")


@pytest.mark.parametrize(
    "odd", ["%00", "a%00b", "%ED%A0%80", "x" * 500, "9" * 40, "%2e%2e", "%0a"]
)
async def test_an_odd_value_in_any_address_is_answered(
    app: FastAPI, everybody: list[Caller], odd: str
) -> None:
    for path, method, _ in described(app, "get", "post", "put", "delete"):
        if "{" not in path:
            continue
        start, end = path.index("{"), path.index("}")
        address = f"http://api{path[:start]}{odd}{path[end + 1 :]}"
        while "{" in address:
            start, end = address.index("{"), address.index("}")
            address = address[:start] + NOBODY + address[end + 1 :]
        answer = await everybody[1].request(method, address)
        assert 400 <= answer.status_code < 500, (method, address, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
