"""Rules of what becomes of those who are enrolled when a session gets another time or room.

They keep their enrolments and are told. Whoever is somewhere else at the new time stands in
the way of the change, unless staff say that such enrolments shall be cancelled.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.kit.db import Handle
from neighborhood_api.registrations import events
from neighborhood_api.registrations.ending import cancel
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.queries import (
    BUSY,
    LIVE_OF,
    RESOURCE,
    RegistrationRow,
    ResourceRow,
)
from neighborhood_api.registrations.states import Act, State
from neighborhood_api.registrations.writing import (
    entry,
    event,
    give_back,
    has_place,
    store,
    take,
    tell,
)
from neighborhood_api.venues.sessions.occupying import Clash

WHY = "时间调整后与您的其他预约冲突"
ELSEWHERE = "participant_elsewhere"
PRESENT = "participant_present"
_TIME_OF_HER_OWN = (State.PENDING, State.CONFIRMED)


class NewTime(NamedTuple):
    """When a session takes place from now on."""

    starts_at: datetime
    ends_at: datetime


async def elsewhere(handle: Handle, resource_id: UUID, time: NewTime) -> list[Clash]:
    """Return who has something else at another time, or is there already."""
    found = []
    for row in await LIVE_OF.all(handle, id=resource_id):
        if row.state == State.CHECKED_IN and time != (row.starts_at, row.ends_at):
            found.append(Clash(PRESENT, f"B{row.number}已签到，不能再改时间", *time))
        elif await _is_busy(handle, row, time):
            text = f"已报名的B{row.number}在新时间另有预约"
            found.append(Clash(ELSEWHERE, text, *time))
    return found


async def retime(
    handle: Handle, resource: ResourceRow, time: NewTime, *, by_id: UUID, now: datetime
) -> ResourceRow:
    """Take along whoever is enrolled or waits, after the resource got its new time or place.

    The caller has locked everybody, and hands on what is freed by those who are elsewhere.

    Emits: Moved, Cancelled.
    """
    for row in await LIVE_OF.all(handle, id=resource.id):
        if await _is_busy(handle, row, time):
            await cancel(
                handle,
                resource,
                row,
                by_id=by_id,
                by_staff=True,
                why=WHY,
                now=now,
                hand_on=False,
            )
        else:
            await _move(handle, resource, row, time, by_id=by_id, now=now)
    fresh = await RESOURCE.first(handle, id=resource.id)
    if fresh is None:
        raise LookupError(resource.id)
    return fresh


async def _move(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    time: NewTime,
    *,
    by_id: UUID,
    now: datetime,
) -> None:
    terms = await terms_of(handle, row.policy_id)
    until = None if row.until is None else min(row.until, time.starts_at)
    moved = row._replace(starts_at=time.starts_at, ends_at=time.ends_at, until=until)
    if time != (row.starts_at, row.ends_at):
        resource = await give_back(handle, resource, row, terms)
        moved = await store(handle, moved, terms, now=now)
        if has_place(State(row.state), terms):
            await take(handle, resource, moved, None, terms)
    before = {"starts_at": row.starts_at.isoformat(), "ends_at": row.ends_at.isoformat()}
    line = entry(moved, Act.MOVE, now=now, by_id=by_id, before=before)
    tell(handle, line, event(events.Moved, moved, resource))


async def _is_busy(handle: Handle, row: RegistrationRow, time: NewTime) -> bool:
    """Tell whether somebody with a place is somewhere else; who waits may be anywhere."""
    if time == (row.starts_at, row.ends_at) or row.who_id == row.id:
        return False
    if row.state not in _TIME_OF_HER_OWN:
        return False
    since, until = time
    busy = await BUSY.first(handle, id=row.who_id, since=since, until=until, but=row.id)
    return busy is not None
