"""What the API returns about a venue's week."""

from uuid import UUID

from neighborhood_api.kit.schema import Moment, Out, named
from neighborhood_api.registrations.names import STATE_NAMES
from neighborhood_api.registrations.states import State
from neighborhood_api.schedules.openings.schemas import ClosingOut, OpenDayOut, OpenSpanOut
from neighborhood_api.venues.bookings.schemas import HolderOut
from neighborhood_api.venues.names import ROOM_NAMES, SESSION_NAMES
from neighborhood_api.venues.rooms.models import RoomKind
from neighborhood_api.venues.sessions.models import SessionKind


class WeekBookingOut(Out):
    """A booking in a venue's week."""

    id: UUID
    code: str
    """预约号，如 B100042 · What one says at the desk."""
    state: State
    state_name: str = named("state", STATE_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    starts_at: Moment
    ends_at: Moment
    party_size: int
    purpose: str
    holder: HolderOut
    """预约人 · Who holds it."""
    unit_name: str | None
    """台位 · The unit."""


class WeekSessionOut(Out):
    """A session in a venue's week."""

    id: UUID
    kind: SessionKind
    kind_name: str = named("kind", SESSION_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    title: str
    starts_at: Moment
    ends_at: Moment
    capacity: int
    taken: int
    """已报名人数 · How many have a seat."""
    teacher_names: str | None
    """老师 · Who leads it and helps."""


class WeekUnitOut(Out):
    """A unit of a room on a day."""

    id: UUID
    name: str
    active: bool
    bookings: list[WeekBookingOut]
    """占用或用过这个台位的预约 · Who has it, or had."""
    free: list[OpenSpanOut]
    """开放且无人占用的时间，已除去前后间隔 · Open and taken by nobody, buffers left out."""


class WeekRoomOut(Out):
    """A room on a day."""

    id: UUID
    name: str
    kind: RoomKind
    kind_name: str = named("kind", ROOM_NAMES)
    """用途名称 · The same in Chinese, to be shown as it is."""
    accepts_bookings: bool
    open: list[OpenSpanOut]
    """开放时段，已除去停用 · When it is open, closures taken out."""
    reason: str | None
    """不开放或时间有变的原因 · Why it is closed, or has other hours than usual."""
    closures: list[ClosingOut]
    """停用 · What takes it out of use."""
    sessions: list[WeekSessionOut]
    """占用整间的课程和活动 · Sessions take the whole room."""
    units: list[WeekUnitOut]
    """台位 · Its units."""
    unplaced: list[WeekBookingOut]
    """候补和未分配台位的待审批 · Who waits, or has no unit before the approval."""


class WeekDayOut(Out):
    """A day of a venue."""

    day: OpenDayOut
    """场地当天的开放时间 · The venue's own hours."""
    rooms: list[WeekRoomOut]
    sessions: list[WeekSessionOut]
    """不占活动室的课程和活动 · Sessions that take no room."""


class VenueWeekOut(Out):
    """Seven days of a venue."""

    venue_id: UUID
    venue_name: str
    days: list[WeekDayOut]
