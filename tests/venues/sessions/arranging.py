"""Sessions, teachers and series as staff ask for them."""

from typing import Any
from uuid import UUID

from httpx import AsyncClient
from sqlalchemy import select

from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.registrations.models import Occupation, Timetable
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.venues.arranging import at

PLAN: dict[str, Any] = {
    "title": "四点半课堂·三年级数学",
    "subject": "数学",
    "grade": "三年级",
    "capacity": 3,
    "policy": {"horizon_days": 60, "notice_minutes": 30, "waitlist": {"longest": 5}},
    "about": "",
    "room_id": None,
    "teachers": [],
    "fewest": None,
    "children_per_helper": None,
    "accepts_enrolments": True,
    "outside_hours": True,  # of the venue, which has no hours of its own here
}
SERIES: dict[str, Any] = PLAN | {
    "kind": "tutoring",
    "weekdays": [2, 4],
    "starts": "16:30",
    "ends": "18:00",
    "first_on": "2026-11-24",
    "last_on": "2026-12-10",
}
"""Tuesdays and Thursdays of three weeks."""

TIMES: dict[str, Any] = {"enrol_from": None, "enrol_until": None, "decide_at": None}
TEACHER: dict[str, Any] = {"name": "陈敏华", "subjects": "", "phone": None, "active": True}
"""Whole, as a change has it."""


def plan(start: float = 16.5, hours: float = 1.5, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """The body of a session on Tuesday, by its local hour."""
    times = {"starts_at": at(start).isoformat(), "ends_at": at(start + hours).isoformat()}
    return PLAN | TIMES | times | changes


async def added(
    staff: AsyncClient,
    venue: Venue,
    start: float = 16.5,
    hours: float = 1.5,
    **changes: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Add a session, which must succeed; return it as staff see it."""
    body = {"kind": "tutoring"} | plan(start, hours, **changes)
    answer = await staff.post(f"/venues/{venue.id}/sessions", json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def changed(
    staff: AsyncClient,
    session: dict[str, Any],
    start: float = 16.5,
    hours: float = 1.5,
    **changes: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Change a session, which must succeed; return it as staff see it."""
    body = plan(start, hours, **{"version": session["version"]} | changes)
    answer = await staff.put(f"/sessions/{session['id']}", json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def hired(
    staff: AsyncClient,
    venue: Venue,
    name: str = "陈敏华",
    **changes: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Add a teacher, which must succeed."""
    body = {"name": name} | changes
    answer = await staff.post(f"/venues/{venue.id}/teachers", json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def linked(
    staff: AsyncClient,
    venue: Venue,
    phone: tuple[str, AsyncClient],
    name: str = "陈敏华",
) -> dict[str, Any]:
    """Add a teacher who accepts with her own account, which must succeed."""
    number, herself = phone
    teacher = await hired(staff, venue, name, phone=number)
    await accepted(herself, teacher)
    return teacher


async def accepted(herself: AsyncClient, teacher: dict[str, Any]) -> None:
    """Link the caller's account to a teacher, which must succeed."""
    answer = await herself.post(f"/me/teaching/offers/{teacher['id']}/accept")
    assert answer.status_code == 200, answer.text


async def enrolled(
    caller: AsyncClient,
    session_id: object,
    **wish: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Enrol, which must succeed."""
    answer = await caller.post(f"/sessions/{session_id}/bookings", json=wish)
    assert answer.status_code == 200, answer.text
    booking: dict[str, Any] = answer.json()
    return booking


def lead(teacher: dict[str, Any]) -> dict[str, Any]:
    return {"teacher_id": teacher["id"], "role": "lead"}


def helper(teacher: dict[str, Any]) -> dict[str, Any]:
    return {"teacher_id": teacher["id"], "role": "helper"}


async def occupied(tx: Tx, session_id: str) -> int:
    """How many timetables a session takes."""
    query = select(Occupation).where(Occupation.resource_id == UUID(session_id))
    return len((await tx.scalars(query)).all())


async def busy_at(tx: Tx, whose: UUID | str) -> list[tuple[Any, Any]]:
    """When somebody or something is taken."""
    query = (
        select(Occupation.starts_at, Occupation.ends_at)
        .join(Timetable, Timetable.number == Occupation.timetable_number)
        .where(Timetable.id == UUID(str(whose)))
        .order_by(Occupation.starts_at)
    )
    return [(row.starts_at, row.ends_at) for row in await tx.execute(query)]


async def told(tx: Tx, name: str) -> list[dict[str, Any]]:
    """What was announced under a name, in order."""
    rows = select(OutboxRow.payload).where(OutboxRow.name == name).order_by(OutboxRow.id)
    return list(await tx.scalars(rows))


def unit_of(room: RoomRow) -> UUID:
    return room.units[0].id
