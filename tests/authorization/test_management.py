"""Who may change what is not one issue: rules, calendars, replies, boundaries, posts.

Everybody else is told 403 and changes nothing; the far operator leads another district.
"""

from typing import Any, NamedTuple

import pytest

from tests.authorization.attempts import acts_kept, rows_written
from tests.authorization.cast import CHIEF, EVERYBODY, FROM_GRID, LEADING, OPERATORS
from tests.authorization.seats import undone
from tests.authorization.world import World
from tests.issues.categories.arranging import rule

pytestmark = pytest.mark.slow

OWN = {"own operator"}


class Change(NamedTuple):
    """An operation, who may, and what they send."""

    method: str
    path: str
    allowed: set[str]
    body: dict[str, Any] | None = None


_WINDOWS = [{"weekday": day, "opens_at": "08:30", "closes_at": "17:30"} for day in range(1, 6)]
_CATEGORY: dict[str, Any] = {
    "group_name": "环境",
    "name": "垃圾",
    "aliases": [],
    "hint": None,
    "position": 1,
    "active": True,
    "standard_code": None,
    "version": 1,
}
_REPLY = {"move": "respond", "title": "已派人", "text": "您好，已派人处理。"}
_RING = [[114.281, 23.171], [114.289, 23.171], [114.289, 23.176]]
_WEIGHTS = {"response": 30, "solution": 40, "satisfaction": 30, "version": 0}
_YEAR = {"days": [{"day": "2027-01-01", "is_workday": False, "name": "元旦"}], "version": 0}
_ITEM = [{"code": "overall", "name": "整体满意度"}]

CHANGES = (
    Change("PUT", "/issue-categories/env.garbage", CHIEF, _CATEGORY),
    Change(
        "PUT",
        "/issue-categories/env.garbage/rule",
        OWN,
        {"node_id": "{district}", "reason": "提速", "rule": rule(accept_minutes=30)},
    ),
    Change(
        "PUT",
        "/issue-categories/env.garbage/rule",
        CHIEF,
        {"node_id": None, "reason": "提速", "rule": rule(accept_minutes=30)},
    ),
    Change("PUT", "/rating-form", CHIEF, {"online": _ITEM, "offline": _ITEM, "version": 1}),
    Change(
        "PUT",
        "/working-calendar/office-hours",
        OWN,
        {
            "district_id": "{district}",
            "valid_from": "2031-01-01",
            "version": 0,
            "windows": _WINDOWS,
        },
    ),
    Change(
        "PUT",
        "/working-calendar/years/2027",
        OWN,
        _YEAR | {"district_id": "{district}", "source": "通知"},
    ),
    Change(
        "PUT",
        "/statistics/weights",
        OWN,
        _WEIGHTS | {"district_id": "{district}", "reason": "考核办法"},
    ),
    Change(
        "POST", "/canned-replies", OWN | {"own dispatcher"}, _REPLY | {"node_id": "{street}"}
    ),
    Change("POST", "/canned-replies", CHIEF, _REPLY | {"node_id": None}),
    Change(
        "PUT",
        "/grid/nodes/{lane}/boundary",
        OWN,
        {
            "coordinate_system": "gcj02",
            "geometry": {"type": "Polygon", "coordinates": [_RING]},
            "version": 0,
        },
    ),
    Change("GET", "/grid/nodes/{lane}/households", FROM_GRID | {"own chief"} | OWN),
    Change("GET", "/grid/nodes/{lane}/appointments", LEADING),
    Change("GET", "/issue-categories/env.garbage/rules", OPERATORS),
)


def name_of(change: Change) -> str:
    where = (change.body or {}).get("node_id", "")
    return f"{change.method} {change.path} {where}".strip()


@pytest.mark.parametrize("change", CHANGES, ids=name_of)
async def test_a_place_is_managed_by_whom_the_policy_names(
    change: Change, world: World
) -> None:
    path = f"http://api/api/v1{change.path.format(**world.ids)}"
    body = None if change.body is None else world.filled(change.body)
    found = {}
    before = await rows_written(world.connection)
    for who in sorted(EVERYBODY - change.allowed):
        found[who] = (await world.client(who).request(change.method, path, json=body)).text
    assert await rows_written(world.connection) == before
    assert {who for who, text in found.items() if '"code":"forbidden"' not in text} == set()
    answer = await world.client("nobody").request(change.method, path, json=body)
    assert answer.status_code == 401
    for who in sorted(change.allowed):
        by = world.cast[who].person_id
        async with undone(world.connection):
            kept = await acts_kept(world.connection, by)
            answer = await world.client(who).request(change.method, path, json=body)
            leaves = await acts_kept(world.connection, by) - kept
        assert answer.status_code in {200, 409}, (who, answer.text)  # 409: older version
        changed = change.method != "GET" and answer.status_code == 200
        assert leaves == changed, who
