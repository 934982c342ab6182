"""Routers that cannot be meant say so; whatever is meant is found as without them."""

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Scope
from typing_extensions import override

from neighborhood_api.kit.finding import find_by_shape
from tests.support.client import Client

first, second, odd = APIRouter(), APIRouter(), APIRouter()


@first.get("/rooms")
@first.get("/rooms/{room}")
@first.put("/rooms/{room}/units")
async def room(room: str = "") -> str:
    """Answer for rooms."""
    return f"room {room}"


@second.get("/rooms/{room}/bookings")
@second.get("/{kind}/of/today")
async def booking(room: str = "", kind: str = "") -> str:
    """Answer for bookings; the first part of an address may vary."""
    return f"booking {room}{kind}"


@odd.get("/files/{name:path}")
async def file(name: str) -> str:
    """Answer for whatever lies below."""
    return f"file {name}"


class Asked(BaseRoute):
    """Counts how often a router is asked."""

    def __init__(self, route: BaseRoute) -> None:
        self.times, self._ask = 0, route.matches

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        self.times += 1
        return self._ask(scope)


@pytest.fixture
def rooms() -> FastAPI:
    app = FastAPI()
    for router in (first, second, odd):
        app.include_router(router, prefix="/api/v1")
    return app


@pytest.fixture(params=["by shape", "one after the other"])
def served(request: pytest.FixtureRequest, rooms: FastAPI) -> FastAPI:
    if request.param == "by shape":
        find_by_shape(rooms, "/api/v1")
    return rooms


@pytest.mark.parametrize(
    ("method", "path", "status", "answer"),
    [
        ("GET", "/rooms", 200, "room "),
        ("GET", "/rooms/7", 200, "room 7"),
        ("PUT", "/rooms/7/units", 200, "room 7"),
        ("GET", "/rooms/7/units", 405, None),
        ("GET", "/rooms/7/bookings", 200, "booking 7"),
        ("GET", "/chess/of/today", 200, "booking chess"),
        ("GET", "/files/a/b/c", 200, "file a/b/c"),
        ("GET", "/rooms/7/nothing", 404, None),
        ("GET", "/", 404, None),
    ],
)
async def test_what_is_meant_is_found(
    served: FastAPI, method: str, path: str, status: int, answer: str | None
) -> None:
    async with Client(served) as client:
        found = await client.request(method, path)

    assert found.status_code == status
    assert answer is None or found.json() == answer


async def test_below_the_path_of_a_gateway_too(served: FastAPI) -> None:
    served.root_path = "/community"
    async with Client(served) as client:
        below = await client.get("http://api/community/api/v1/rooms/7")

    assert below.json() == "room 7"


async def test_a_router_that_cannot_be_meant_is_not_asked(rooms: FastAPI) -> None:
    asked = []
    for route in rooms.router.routes[-3:]:
        asked.append(Asked(route))
        route.matches = asked[-1].matches  # type: ignore[method-assign]
    find_by_shape(rooms, "/api/v1")
    async with Client(rooms) as client:
        await client.get("/rooms/7/bookings")
        await client.get("/files/a")

    assert [one.times for one in asked] == [0, 1, 1]
