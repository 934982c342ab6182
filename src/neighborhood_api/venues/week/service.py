"""A venue's week: its hours, and who has what of each room, put together for its staff."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import Source
from neighborhood_api.registrations.states import State
from neighborhood_api.schedules.openings.plans import Plan
from neighborhood_api.schedules.openings.queries import plans_of
from neighborhood_api.schedules.openings.reasons import day_reason
from neighborhood_api.schedules.openings.schemas import ClosingOut, OpenDayOut, OpenSpanOut
from neighborhood_api.schedules.openings.spans import Span, without
from neighborhood_api.venues.bookings.queries import BookingRow
from neighborhood_api.venues.bookings.views import holder_view
from neighborhood_api.venues.rooms.availability import bounds, days_shown
from neighborhood_api.venues.rooms.models import RoomKind
from neighborhood_api.venues.rooms.queries import ROOMS_OF, USES, RoomRow, UnitOfRoom
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.week.queries import (
    GROUND,
    ROOM_BOOKINGS,
    SESSIONS_OF,
    WeekSession,
)
from neighborhood_api.venues.week.schemas import (
    VenueWeekOut,
    WeekBookingOut,
    WeekDayOut,
    WeekRoomOut,
    WeekSessionOut,
    WeekUnitOut,
)

WEEK = 7
OnDay = tuple[UUID | None, date]


class _Week(NamedTuple):
    """All that the days of a week are made of."""

    plans: dict[UUID, Plan]
    bookings: dict[OnDay, list[BookingRow]]
    """By room and day."""
    sessions: dict[OnDay, list[WeekSession]]
    """By room, None without one, and day."""
    busy: dict[int, list[Span]]
    """What takes each timetable."""


async def read_venue_week(
    source: Source, actor: Actor, venue_id: UUID, since: date | None, *, now: datetime
) -> VenueWeekOut:
    """Show seven days of a venue, from Monday of this week unless said otherwise.

    Six statements however much there is.

    Raises: VenueNotFound, Forbidden, BadPeriod.
    """
    today = local_day(now)
    first = since or today - timedelta(days=today.weekday())
    shown = days_shown(first, _week_after(first), now)
    ground = await GROUND.first(source, id=venue_id)
    if ground is None:
        raise VenueNotFound
    actor.require(Permission.BOOKING_READ, at=ground.place)
    rooms = await ROOMS_OF.all(source, id=venue_id)
    openings = [ground.opening_id, *(room.opening_id for room in rooms)]
    plans = await plans_of(source, openings, shown[0], shown[-1])
    week = await _read(source, venue_id, rooms, plans, shown, now)
    return VenueWeekOut(
        venue_id=ground.id,
        venue_name=ground.name,
        days=[
            WeekDayOut(
                day=OpenDayOut.of(plans[ground.opening_id].day(day)),
                rooms=[_room(week, room, day) for room in rooms],
                sessions=[_session(one) for one in week.sessions[None, day]],
            )
            for day in shown
        ],
    )


async def _read(
    source: Source,
    venue_id: UUID,
    rooms: Sequence[RoomRow],
    plans: dict[UUID, Plan],
    shown: Sequence[date],
    now: datetime,
) -> _Week:
    begins, ends = bounds(shown)
    bookings: dict[OnDay, list[BookingRow]] = defaultdict(list)
    for row in await ROOM_BOOKINGS.all(source, id=venue_id, since=begins, until=ends, now=now):
        bookings[row.resource_id, local_day(row.starts_at)].append(row)
    sessions: dict[OnDay, list[WeekSession]] = defaultdict(list)
    for one in await SESSIONS_OF.all(source, id=venue_id, since=begins, until=ends):
        sessions[one.room_id, local_day(one.starts_at)].append(one)
    busy: dict[int, list[Span]] = defaultdict(list)
    numbers = [unit.number for room in rooms for unit in room.units]
    for use in await USES.all(source, numbers=numbers, since=begins, until=ends, now=now):
        busy[use.timetable_number].append(Span(use.starts_at, use.ends_at))
    return _Week(plans, bookings, sessions, busy)


def _week_after(first: date) -> date:
    """Return the last day of the week; years that no calendar knows are refused later."""
    try:
        return first + timedelta(days=WEEK - 1)
    except OverflowError:
        return first


def _room(week: _Week, room: RoomRow, date_: date) -> WeekRoomOut:
    day = week.plans[room.opening_id].day(date_)
    why = day_reason(day)
    bookings = week.bookings[room.id, date_]
    named = {unit.name for unit in room.units}
    placed = [row for row in bookings if row.unit_name in named and _has_its_unit(row)]
    return WeekRoomOut(
        id=room.id,
        name=room.name,
        kind=RoomKind(room.kind),
        accepts_bookings=room.accepts_bookings,
        open=_spans(day.open),
        reason=None if why is None else str(why["message"]),
        closures=[ClosingOut.model_validate(closing) for closing in day.closings],
        sessions=[_session(one) for one in week.sessions[room.id, date_]],
        units=[_unit(week, unit, day.open, placed) for unit in room.units],
        unplaced=[_booking(row) for row in bookings if row not in placed],
    )


def _has_its_unit(row: BookingRow) -> bool:
    return State(row.state) is not State.WAITLISTED


def _unit(
    week: _Week, unit: UnitOfRoom, opened: Sequence[Span], placed: Sequence[BookingRow]
) -> WeekUnitOut:
    free = without(opened, week.busy[unit.number]) if unit.active else []
    return WeekUnitOut(
        id=unit.id,
        name=unit.name,
        active=unit.active,
        bookings=[_booking(row) for row in placed if row.unit_name == unit.name],
        free=_spans(free),
    )


def _booking(row: BookingRow) -> WeekBookingOut:
    return WeekBookingOut(
        id=row.id,
        code=f"B{row.number}",
        state=State(row.state),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        party_size=row.seats,
        purpose=row.purpose,
        holder=holder_view(row),
        unit_name=row.unit_name,
    )


def _session(one: WeekSession) -> WeekSessionOut:
    return WeekSessionOut.model_validate(one)


def _spans(spans: Sequence[Span]) -> list[OpenSpanOut]:
    return [OpenSpanOut(starts_at=one.starts_at, ends_at=one.ends_at) for one in spans]
