"""The nearest venue that is open now."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.grid.areas.coordinates import Point, metres_between
from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.openings.models import Closure, OpeningException, OpeningRule
from neighborhood_api.venues import service
from neighborhood_api.venues.models import Venue
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TUESDAY, at, new_venue

HERE = Point(114.28, 23.17)
ASKED = {"longitude": "114.28", "latitude": "23.17", "coordinate_system": "wgs84"}


async def a_venue(
    tx: Tx,
    town: Town,
    name: str,
    *,
    east: float = 0,
    hours: tuple[float, float] | None = (8, 20),
) -> Venue:
    """A venue some degrees east of here, open on Tuesdays."""
    venue = await new_venue(tx, town.place(2, 2), name)
    venue.longitude, venue.latitude = HERE.longitude + east, HERE.latitude
    if hours is not None:
        opens, closes = (round(hour * 60) for hour in hours)
        rule = OpeningRule(
            opening_id=venue.opening_id, weekday=2, opens_minute=opens, closes_minute=closes
        )
        tx.add(rule)
    await tx.flush()
    return venue


async def names(caller: Caller, **params: str) -> list[str]:
    answer = await caller.get("/venues", params=params)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


@pytest.fixture
def tuesday_ten(clock: Clock) -> Clock:
    clock.now = at(10)
    return clock


async def test_the_nearest_come_first_with_their_distance_wherever_one_lives(
    callers: Callers, town: Town, tx: Tx, tuesday_ten: Clock
) -> None:
    del tuesday_ten
    newcomer = await callers.resident(None)
    far = await a_venue(tx, town, "远", east=0.02)
    await a_venue(tx, town, "近", east=-0.005)
    await a_venue(tx, town, "外省", east=3)
    nowhere = await a_venue(tx, town, "无位置")
    nowhere.longitude = nowhere.latitude = None
    await tx.commit()
    items = (await newcomer.get("/venues", params=ASKED)).json()["items"]
    assert [one["name"] for one in items] == ["近", "远"]
    metres = metres_between(HERE, Point(far.longitude or 0, far.latitude or 0))
    assert items[1]["metres"] == round(metres)
    assert await names(newcomer, **ASKED, node_id=str(town.at(1).id)) == []
    half = await newcomer.get("/venues", params={"longitude": "114.28"})
    assert (half.status_code, half.json()["code"]) == (422, "half_a_position")


async def test_a_phones_position_is_read_in_the_system_of_chinese_maps(
    callers: Callers, town: Town, tx: Tx, tuesday_ten: Clock
) -> None:
    del tuesday_ten
    newcomer = await callers.resident(None)
    await a_venue(tx, town, "驿站")
    await tx.commit()
    (shown,) = (await newcomer.get("/venues", params=ASKED)).json()["items"]
    phone = {name: str(shown["position"][name]) for name in ("longitude", "latitude")}
    (again,) = (await newcomer.get("/venues", params=phone)).json()["items"]
    assert again["metres"] == 0


async def test_equally_near_venues_and_pages_keep_one_order(
    callers: Callers, town: Town, tx: Tx, tuesday_ten: Clock
) -> None:
    del tuesday_ten
    newcomer = await callers.resident(None)
    for n in range(7):
        await a_venue(tx, town, str(n), east=0.001 * (n // 3))
    await tx.commit()
    seen: list[str] = []
    params: dict[str, str] = ASKED | {"limit": "2"}
    while True:
        page = (await newcomer.get("/venues", params=params)).json()
        seen += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        params["after"] = page["next"]
    assert seen == ["0", "1", "2", "3", "4", "5", "6"]


async def test_only_what_is_open_at_this_moment_is_shown_as_open(
    callers: Callers, town: Town, tx: Tx, tuesday_ten: Clock
) -> None:
    newcomer = await callers.resident(None)
    await a_venue(tx, town, "开", east=0.003)
    await a_venue(tx, town, "未开", east=0.001, hours=(11, 20))
    await a_venue(tx, town, "已关", east=0.001, hours=(8, 10))
    await a_venue(tx, town, "没有时间", east=0.001, hours=None)
    closed = await a_venue(tx, town, "停用", east=0.002)
    changed = await a_venue(tx, town, "今天不开", east=0.002)
    special = await a_venue(tx, town, "今天特开", east=0.004, hours=None)
    someone = newcomer.person_id
    tx.add(
        Closure(
            opening_id=closed.opening_id,
            starts_at=at(9),
            ends_at=at(12),
            reason="停电",
            made_at=at(8),
            made_by_id=someone,
        )
    )
    tx.add_all(
        OpeningException(
            opening_id=venue.opening_id,
            first_on=TUESDAY,
            last_on=TUESDAY,
            hours=hours,
            reason="调整",
            made_at=at(8),
            made_by_id=someone,
        )
        for venue, hours in ((changed, []), (special, [[540, 660]]))
    )
    await tx.commit()
    assert await names(newcomer, **ASKED, open_now="true") == ["开", "今天特开"]
    assert await names(newcomer, open_now="true", node_id=str(town.at(2, 2).id)) == [
        "今天特开",
        "开",
    ]
    every = (await newcomer.get("/venues", params=ASKED)).json()["items"]
    shown: dict[str, Any] = {one["name"]: one for one in every}
    assert {name for name, one in shown.items() if one["open_now"]} == {"开", "今天特开"}
    assert shown["未开"]["opens_at"] == at(11).isoformat()
    assert shown["停用"]["opens_at"] == at(12).isoformat()
    assert shown["已关"]["opens_at"] == at(8, TUESDAY + timedelta(days=7)).isoformat()
    assert (shown["开"]["opens_at"], shown["没有时间"]["opens_at"]) == (None, None)
    assert shown["今天不开"]["today"]["reason"]["code"] == "closed_day"
    tuesday_ten.now = at(20)
    assert await names(newcomer, **ASKED, open_now="true") == []


async def test_venues_are_filtered_by_kind(
    callers: Callers, town: Town, tx: Tx, tuesday_ten: Clock
) -> None:
    del tuesday_ten
    newcomer = await callers.resident(None)
    (await a_venue(tx, town, "驿站")).kind = "care_station"
    await a_venue(tx, town, "服务站")
    await tx.commit()
    assert await names(newcomer, **ASKED, kind="care_station") == ["驿站"]
    assert (await newcomer.get("/venues", params={"kind": "pub"})).status_code == 422


async def test_the_nearest_open_now_cost_two_statements_however_many_there_are(
    callers: Callers,
    town: Town,
    tx: Tx,
    tuesday_ten: Clock,
    connection: AsyncConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del tuesday_ten
    newcomer = await callers.resident(None)
    for n in range(30):
        await a_venue(
            tx, town, f"{n:02}", east=0.001 * n, hours=(8, 20) if n % 3 == 0 else None
        )
    await tx.commit()
    await names(newcomer, **ASKED)  # this process now knows the working calendar
    asked: list[str] = []

    def hear(_: Any, __: Any, statement: str, *___: Any) -> None:  # noqa: ANN401
        if "SAVEPOINT" not in statement:
            asked.append(statement)

    event.listen(connection.sync_connection, "before_cursor_execute", hear)
    found = await names(newcomer, **ASKED, open_now="true", limit="5")
    event.remove(connection.sync_connection, "before_cursor_execute", hear)
    assert found == ["00", "03", "06", "09", "12"]
    assert len(asked) == 2, asked  # the venues, and when they are open
    # Also where more look open than are read at once, none is missed and none comes twice.
    monkeypatch.setattr(service, "LOOKED_AT", 3)
    assert len(await names(newcomer, **ASKED, open_now="true")) == 10
