"""Changes of opening hours: looked at first, then confirmed."""

from datetime import date
from typing import Any
from uuid import UUID

from httpx import AsyncClient, Response

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.openings.models import Opening
from tests.support.people import Callers
from tests.support.places import Town
from tests.venues.arranging import TUESDAY, at

Body = dict[str, Any]


def closure(start: float, end: float, day: date = TUESDAY, version: int = 1) -> Body:
    """The body that takes something out of use between two local hours."""
    return {
        "version": version,
        "starts_at": at(start, day).isoformat(),
        "ends_at": at(end, day).isoformat(),
        "reason": "空调检修",
    }


def exception(*hours: tuple[str, str], day: date = TUESDAY, version: int = 1) -> Body:
    """The body that gives a day other hours, or none."""
    return {
        "version": version,
        "first_on": day.isoformat(),
        "last_on": day.isoformat(),
        "hours": [{"opens_at": opens, "closes_at": closes} for opens, closes in hours],
        "reason": "社区大扫除",
    }


async def preview(caller: AsyncClient, url: str, body: Body) -> Body:
    """What a change would hit."""
    answer = await caller.post(url, json=body | {"preview": True})
    assert answer.status_code == 200, answer.text
    seen: Body = answer.json()
    assert not seen["applied"]
    assert not seen["cancelled"]
    return seen


async def confirm(caller: AsyncClient, url: str, body: Body, seen: Body) -> Response:
    return await caller.post(url, json=body | {"hits_seen": seen["hits_seen"]})


def ids(listed: Body, of: str = "bookings") -> list[str]:
    return [one["id"] for one in listed[of]]


async def version_of(tx: Tx, opening_id: UUID) -> int:
    return (await tx.get_one(Opening, opening_id, populate_existing=True)).version


async def made_a_holiday(callers: Callers, town: Town, day: date) -> None:
    """The operator publishes a year in which `day` is off."""
    operator = await callers.staff(town, Role.OPERATOR)
    body = {
        "district_id": str(town.at().id),
        "source": "通知",
        "version": 0,
        "days": [{"day": str(day), "is_workday": False, "name": "放假"}],
    }
    answer = await operator.put(f"/working-calendar/years/{day.year}", json=body)
    assert answer.status_code == 200, answer.text
