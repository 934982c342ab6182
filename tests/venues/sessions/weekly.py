"""Weekly series as staff make and change them."""

from datetime import date, timedelta
from typing import Any

from httpx import AsyncClient

from neighborhood_api.venues.models import Venue
from tests.venues.arranging import TUESDAY
from tests.venues.sessions.arranging import SERIES

THURSDAY = TUESDAY + timedelta(days=2)
WEEK = timedelta(days=7)
DATES = [
    TUESDAY,
    THURSDAY,
    TUESDAY + WEEK,
    THURSDAY + WEEK,
    TUESDAY + 2 * WEEK,
    THURSDAY + 2 * WEEK,
]


def iso(*days: date) -> list[str]:
    return [day.isoformat() for day in days]


async def made(staff: AsyncClient, venue: Venue, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await staff.post(f"/venues/{venue.id}/series", json=SERIES | changes)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def change(series: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """The body that changes a series from what it is."""
    plan: dict[str, Any] = series["plan"]
    return plan | {"version": series["version"], "outside_hours": True} | changes


async def put(staff: AsyncClient, series: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await staff.put(f"/series/{series['id']}", json=change(series, **changes))
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def dates(series: dict[str, Any]) -> list[str]:
    return [one["on"] for one in series["sessions"] if one["cancelled_at"] is None]
