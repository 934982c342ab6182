"""Reading venues: what there is, for whom, and when it can be had."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, tuple_
from sqlalchemy.orm import aliased

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node, Residence
from neighborhood_api.grid.service import ResidenceUnknown, current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Reader
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.opening import Limits, Span, slots
from neighborhood_api.venues.audience import VENUE_NODE, around, serving
from neighborhood_api.venues.models import (
    OpeningRule,
    Room,
    SessionKind,
    TutoringSession,
    Venue,
)
from neighborhood_api.venues.queries import (
    OPENING_HOURS,
    ROOM_BOOKINGS,
    ROOM_LIMITS,
    ROOM_USES,
    SESSIONS,
    BookingRow,
    RoomRow,
    SessionRow,
)
from neighborhood_api.venues.reasons import NO_HOURS, shown
from neighborhood_api.venues.schemas import AvailabilityOut, DayOut, SlotOut

LONGEST_DAYS = 14
"""Days that one answer covers."""
DAYS_SHOWN = 7
"""Days shown when the caller does not say how many."""
_YEARS = range(2000, 2200)


class VenueNotFound(Problem):
    """The id names no venue."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such venue"
    message = "没有找到这个服务中心，请返回列表重新选择"


class RoomNotFound(Problem):
    """The id names no room."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such room"
    message = "没有找到这个活动室，请返回列表重新选择"


class BadPeriod(Problem):
    """The days asked for run backwards or are too many."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The period runs backwards or is too long"
    message = "日期范围不正确，一次最多查看14天"


def limits_of(room: Room | RoomRow) -> Limits:
    """Return how `room` may be asked for."""
    return Limits(
        slot_minutes=room.slot_minutes,
        shortest_minutes=room.shortest_minutes,
        longest_minutes=room.longest_minutes,
        notice_minutes=room.notice_minutes,
        horizon_days=room.horizon_days,
    )


async def venues_for(
    tx: ReadTx, actor: Actor, node_id: UUID | None, *, now: datetime
) -> Select[Venue, str]:
    """Select the venues around a node; without one, those that the caller uses or runs.

    Raises: NodeNotFound, ResidenceUnknown.
    """
    where = await _nearby(tx, actor, node_id, now)
    return venues_with_node().where(where)


def venues_with_node() -> Select[Venue, str]:
    """Select venues with the name of the place that each serves."""
    return select(Venue, Node.name).join(Node, Node.id == VENUE_NODE)


async def read_venue(
    tx: ReadTx, venue_id: UUID
) -> tuple[Venue, str, list[tuple[Room, list[OpeningRule]]]]:
    """Return a venue, the name of the place it serves, and its rooms with their hours.

    Raises: VenueNotFound.
    """
    found = await tx.execute(venues_with_node().where(Venue.id == venue_id))
    row = found.one_or_none()
    if row is None:
        raise VenueNotFound
    venue, node_name = row
    rooms = await tx.scalars(select(Room).where(Room.venue_id == venue_id).order_by(Room.id))
    return venue, node_name, await with_opening_rules(tx, rooms.all())


async def read_room(tx: ReadTx, room_id: UUID) -> tuple[Room, list[OpeningRule]]:
    """Return a room with its hours.

    Raises: RoomNotFound.
    """
    room = await tx.get(Room, room_id)
    if room is None:
        raise RoomNotFound
    return (await with_opening_rules(tx, [room]))[0]


async def with_opening_rules(
    tx: ReadTx, rooms: Sequence[Room]
) -> list[tuple[Room, list[OpeningRule]]]:
    """Join rooms with their weekly hours, in the order of the week."""
    rules: dict[UUID, list[OpeningRule]] = defaultdict(list)
    wanted = select(OpeningRule).where(OpeningRule.room_id.in_([room.id for room in rooms]))
    for rule in await tx.scalars(wanted.order_by(OpeningRule.weekday, OpeningRule.opens_at)):
        rules[rule.room_id].append(rule)
    return [(room, rules[room.id]) for room in rooms]


async def read_availability(
    source: Reader | ReadTx,
    room_id: UUID,
    since: date | None,
    until: date | None,
    *,
    now: datetime,
) -> AvailabilityOut:
    """Show which slots of a room can be had, day by day, by the rules that booking applies.

    Raises: RoomNotFound, BadPeriod.
    """
    days = _days(since, until, now)
    room = await ROOM_LIMITS.first(source, room_id=room_id)
    if room is None:
        raise RoomNotFound
    limits = limits_of(room)
    rules = await OPENING_HOURS.all(source, room_id=room_id)
    uses = await ROOM_USES.all(source, room_id=room_id, **_bounds(days))
    busy: dict[date, list[Span]] = defaultdict(list)
    for use in uses:
        for day in {local_day(use.starts_at), local_day(use.ends_at)}:
            busy[day].append(Span(use.starts_at, use.ends_at))
    shown_days = []
    for day in days:
        grid = slots(rules, limits, day, busy=busy[day], now=now)
        cells = []
        for slot in grid:
            state, why = shown(slot, limits, accepts_bookings=room.accepts_bookings)
            starts_at, ends_at = slot.span
            cells.append(SlotOut(starts_at=starts_at, ends_at=ends_at, state=state, reason=why))
        shown_days.append(DayOut(date=day, reason=None if cells else NO_HOURS, slots=cells))
    return AvailabilityOut(
        room_id=room_id,
        shortest_minutes=limits.shortest_minutes,
        longest_minutes=limits.longest_minutes,
        days=shown_days,
    )


async def room_bookings(
    tx: ReadTx,
    actor: Actor,
    room_id: UUID,
    since: date | None,
    until: date | None,
    *,
    now: datetime,
) -> list[BookingRow]:
    """Return who uses a room, in order, for the staff of its place.

    Raises: RoomNotFound, Forbidden, BadPeriod.
    """
    venue = await tx.scalar(
        select(Venue).join(Room, Room.venue_id == Venue.id).where(Room.id == room_id)
    )
    if venue is None:
        raise RoomNotFound
    actor.require(Permission.BOOKING_READ, at=venue.place)
    days = _days(since, until, now)
    return await ROOM_BOOKINGS.all(tx, room_id=room_id, **_bounds(days))


async def upcoming_sessions(
    tx: ReadTx,
    actor: Actor,
    kind: SessionKind | None,
    node_id: UUID | None,
    page: PageRequest,
    *,
    now: datetime,
) -> list[SessionRow]:
    """Return the sessions that are not over, soonest first, of the venues nearby.

    Raises: NodeNotFound, ResidenceUnknown, BadCursor.
    """
    query = SESSIONS.where(await _nearby(tx, actor, node_id, now))
    query = query.where(
        TutoringSession.ends_at > now, TutoringSession.starts_at > now - timedelta(days=1)
    )
    if kind is not None:
        query = query.where(TutoringSession.kind == kind.value)
    if page.after is not None:
        last = aliased(TutoringSession)
        ends_previous = select(last.starts_at, last.id).where(last.id == page.below)
        query = query.where(
            tuple_(TutoringSession.starts_at, TutoringSession.id)
            > ends_previous.scalar_subquery()
        )
    rows = await tx.execute(query.limit(page.fetch))
    return [SessionRow(*row) for row in rows]


async def _nearby(
    tx: ReadTx, actor: Actor, node_id: UUID | None, now: datetime
) -> ColumnElement[bool]:
    if node_id is not None:
        return around((await current_node(tx, node_id, now=now)).place)
    home = await tx.get(Residence, actor.person_id)
    runs = actor.reach(Permission.VENUE_MANAGE, Venue)
    if home is not None:
        return or_(serving(home.place), runs)
    if not actor.posts:
        raise ResidenceUnknown
    return runs


def _days(since: date | None, until: date | None, now: datetime) -> list[date]:
    first = since or local_day(now)
    if first.year not in _YEARS:
        raise BadPeriod(longest_days=LONGEST_DAYS)
    count = DAYS_SHOWN if until is None else (until - first).days + 1
    if not 0 < count <= LONGEST_DAYS:
        raise BadPeriod(longest_days=LONGEST_DAYS)
    return [first + timedelta(days=n) for n in range(count)]


def _bounds(days: list[date]) -> dict[str, datetime]:
    """Return the first moment of the first day and the first after the last one."""
    first, after = days[0], days[-1] + timedelta(days=1)
    return {
        "since": datetime.combine(first, time(), SHOWN_ZONE).astimezone(UTC),
        "until": datetime.combine(after, time(), SHOWN_ZONE).astimezone(UTC),
    }
