"""What is booked on units of a room that are put out of use: nothing may be."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select

from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.locking import lock_resource
from neighborhood_api.registrations.models import Occupation, Registration, Timetable, Unit
from neighborhood_api.registrations.promoting import expire_run_out


class UnitBooked(Problem):
    """A unit that is put out of use is booked; `bookings` says what to move or cancel first."""

    title = "A unit that is put out of use is booked"
    message = "要停用的台位已有预约，请先将名单中的预约改到其他台位或取消，再停用"


async def require_unbooked(
    tx: Tx, room_id: UUID, unit_ids: Collection[UUID], *, now: datetime
) -> None:
    """Refuse to put units of a locked room out of use that somebody has from now on.

    Raises: UnitBooked.
    """
    if not unit_ids:
        return
    await expire_run_out(tx, await lock_resource(tx, room_id), now=now)
    rows = await tx.execute(
        select(
            Registration.id,
            Registration.number,
            Unit.name,
            Registration.starts_at,
            Registration.ends_at,
        )
        .join(Occupation, Occupation.registration_id == Registration.id)
        .join(Timetable, Timetable.number == Occupation.timetable_number)
        .join(Unit, Unit.id == Timetable.id)
        .where(Unit.id.in_(unit_ids), Registration.ends_at > now, Occupation.ends_at > now)
        .order_by(Registration.starts_at, Registration.number)
    )
    found: list[JsonValue] = [
        {
            "booking_id": str(row.id),
            "code": f"B{row.number}",
            "unit_name": row.name,
            "starts_at": row.starts_at.astimezone(SHOWN_ZONE).isoformat(timespec="seconds"),
            "ends_at": row.ends_at.astimezone(SHOWN_ZONE).isoformat(timespec="seconds"),
        }
        for row in rows
    ]
    if found:
        raise UnitBooked(bookings=found)
