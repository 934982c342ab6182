"""What the venues API accepts and returns."""

import re
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from neighborhood_api.grid.schemas import PositionOut
from neighborhood_api.kit.schema import In, Line, Moment, Out
from neighborhood_api.venues.models import RoomKind, SessionKind, VenueKind

DAY_MINUTES = 24 * 60
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_YEARS = range(2000, 2200)
"""Far from where adding an offset or a day leaves what a datetime can hold."""


def _clock_time(value: object) -> object:
    if not isinstance(value, time) and not re.fullmatch(_CLOCK, str(value)):
        raise ValueError("时间格式应如 09:00")
    return value


def _whole_minute(moment: datetime) -> datetime:
    if moment.second or moment.microsecond:
        raise ValueError("时间要精确到整分，秒数为零")
    if moment.year not in _YEARS:
        raise ValueError("年份不正确，请重新选择时间")
    return moment


ClockTime = Annotated[
    time,
    BeforeValidator(_clock_time),
    PlainSerializer(lambda clock: f"{clock:%H:%M}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK}$", "examples": ["09:00"]}),
]
WholeMinute = Annotated[AwareDatetime, AfterValidator(_whole_minute)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class OpeningRuleIn(In):
    """Weekly opening hours."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    """星期,1 为星期一 · ISO weekday, 1 is Monday."""
    opens_at: ClockTime
    """开门（当地时间）· Opens, local time."""
    closes_at: ClockTime
    """关门（当地时间）· Closes, local time."""
    valid_from: date | None = None
    """从这天起适用，不填为一直 · First day on which it holds."""
    valid_until: date | None = None
    """到这天起不再适用，不填为长期 · First day on which it no longer holds."""

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.opens_at >= self.closes_at:
            raise ValueError("关门时间要晚于开门时间")
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError("停止适用的日期要晚于开始适用的日期")
        return self


class OpeningRulesIn(In):
    """All opening hours of a room; they replace those it has."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "rules": [{"weekday": 2, "opens_at": "09:00", "closes_at": "12:00"}],
                }
            ]
        }
    )
    version: int
    """读到的活动室版本号 · The room's version, as read."""
    rules: Annotated[list[OpeningRuleIn], Field(max_length=100)]
    """全部开放时间 · All opening hours."""


class OpeningRuleOut(Out):
    """Weekly opening hours."""

    weekday: int
    """星期,1 为星期一 · ISO weekday, 1 is Monday."""
    opens_at: ClockTime
    """开门（当地时间）· Opens, local time."""
    closes_at: ClockTime
    """关门（当地时间）· Closes, local time."""
    valid_from: date | None
    """从这天起适用 · First day on which it holds; null for always."""
    valid_until: date | None
    """到这天起不再适用 · First day on which it no longer holds; null for always."""


class RoomIn(In):
    """A room and how it may be booked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "乒乓球室",
                    "kind": "table_tennis",
                    "capacity": 8,
                    "slot_minutes": 30,
                    "shortest_minutes": 30,
                    "longest_minutes": 120,
                    "notice_minutes": 30,
                    "horizon_days": 14,
                }
            ]
        }
    )
    name: Annotated[Line, Field(max_length=40)]
    """名称 · Name."""
    kind: RoomKind
    """种类 · Kind of room."""
    capacity: Annotated[int, Field(ge=1, le=10_000)]
    """最多人数 · How many people at most."""
    slot_minutes: Annotated[int, Field(ge=5, le=DAY_MINUTES)]
    """每格分钟数 · Opening hours are cut into slots of this length."""
    shortest_minutes: Annotated[int, Field(ge=5, le=DAY_MINUTES)]
    """最短使用分钟数 · Shortest use."""
    longest_minutes: Annotated[int, Field(ge=5, le=DAY_MINUTES)]
    """最长使用分钟数 · Longest use."""
    notice_minutes: Annotated[int, Field(ge=0, le=60 * DAY_MINUTES)]
    """至少提前多少分钟 · How long before the start one must book."""
    horizon_days: Annotated[int, Field(ge=0, le=366)]
    """最多提前几天（今天不计）· How many days ahead one may book, today not counted."""
    house_rules: Paragraph = ""
    """使用须知 · What users must mind."""
    accepts_bookings: bool = True
    """是否开放预约 · Whether it can be booked now; what is booked stays booked."""

    @model_validator(mode="after")
    def _lengths_fit_together(self) -> Self:
        if self.shortest_minutes > self.longest_minutes:
            raise ValueError("最长使用时间不能短于最短使用时间")
        if self.slot_minutes > self.longest_minutes:
            raise ValueError("最长使用时间不能短于一格")
        return self


class RoomChangeIn(RoomIn):
    """A room as it shall be from now on, whole."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "乒乓球室",
                    "kind": "table_tennis",
                    "capacity": 8,
                    "slot_minutes": 30,
                    "shortest_minutes": 30,
                    "longest_minutes": 120,
                    "notice_minutes": 30,
                    "horizon_days": 14,
                    "house_rules": "请自带球拍",
                    "accepts_bookings": True,
                    "version": 1,
                }
            ]
        }
    )
    house_rules: Paragraph
    """使用须知 · What users must mind."""
    accepts_bookings: bool
    """是否开放预约 · Whether it can be booked now; what is booked stays booked."""
    version: int
    """读到的版本号 · The version read."""


class RoomOut(Out):
    """A room and how it may be booked."""

    id: UUID
    venue_id: UUID
    name: str
    kind: RoomKind
    capacity: int
    """最多人数 · How many people at most."""
    slot_minutes: int
    """每格分钟数 · Opening hours are cut into slots of this length, from opening on."""
    shortest_minutes: int
    """最短使用分钟数 · Shortest use."""
    longest_minutes: int
    """最长使用分钟数 · Longest use."""
    notice_minutes: int
    """至少提前多少分钟 · How long before the start one must book."""
    horizon_days: int
    """最多提前几天（今天不计）· How many days ahead one may book, today not counted."""
    house_rules: str
    """使用须知 · What users must mind."""
    accepts_bookings: bool
    """是否开放预约 · Whether it can be booked now."""
    opening_rules: list[OpeningRuleOut]
    """每周开放时间 · Weekly opening hours."""
    version: int
    """版本号，修改时带上 · Send it back when changing the room."""


class VenueOut(Out):
    """A service centre or station."""

    id: UUID
    kind: VenueKind
    name: str
    address: str
    phone: str
    """公开电话 · Public number of its desk."""
    services: str
    """服务内容 · What one finds there."""
    position: PositionOut | None
    """位置(gcj02)· Where it is, for maps in China."""
    node_id: UUID
    node_name: str
    """服务范围：住在这里的居民可预约 · Whose residents may book: this place and below."""
    version: int


class VenueDetailOut(VenueOut):
    """A service centre or station with its rooms."""

    rooms: list[RoomOut]


class BookingIn(In):
    """A wish to use a room."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "starts_at": "2026-11-24T14:00:00+08:00",
                    "ends_at": "2026-11-24T15:30:00+08:00",
                    "party_size": 4,
                    "purpose": "邻居练球",
                }
            ]
        }
    )
    starts_at: WholeMinute
    """开始时间（带时区，整分）· First moment of use, with offset, whole minutes."""
    ends_at: WholeMinute
    """结束时间（带时区，整分）· First moment the room is free again."""
    party_size: Annotated[int, Field(ge=1, le=10_000)] = 1
    """到场人数 · How many people come."""
    purpose: Annotated[Line, Field(max_length=100)]
    """用途，工作人员可见 · What for; shown to the venue's staff."""


class BookingState(StrEnum):
    """Where a booking stands."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class HolderOut(Out):
    """Who holds a booking, as the venue's staff see it."""

    name: str | None
    phone: str | None
    """手机号（已隐去中间四位）· Mobile number, masked."""


class BookingOut(Out):
    """A reservation."""

    id: UUID
    code: str
    """预约号，如 B100042 · What one says at the desk."""
    state: BookingState
    venue_id: UUID
    venue_name: str
    venue_address: str
    room_id: UUID
    room_name: str
    starts_at: Moment
    ends_at: Moment
    party_size: int
    """到场人数 · How many people come."""
    purpose: str
    created_at: Moment
    cancelled_at: Moment | None
    cancelled_by_staff: bool
    """是否由工作人员取消 · Whether the venue's staff took it back."""
    cancel_reason: str | None
    """取消原因 · Why it was cancelled."""
    holder: HolderOut | None = None
    """预约人，仅工作人员可见 · Who holds it; for the venue's staff only."""


class CancelIn(In):
    """A wish to cancel a booking."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "临时有事"}]})
    reason: Annotated[Line, Field(max_length=200)] | None = None
    """原因；工作人员取消时必填，预约人会看到 · Why; staff must say, and the holder reads it."""


class SlotState(StrEnum):
    """Whether a slot can be had."""

    FREE = "free"
    TAKEN = "taken"
    CLOSED = "closed"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"


class SlotOut(Out):
    """One slot of a room; neighbouring free slots may be booked together."""

    starts_at: Moment
    ends_at: Moment
    state: SlotState
    reason: str | None
    """不能预约的原因 · Why it can't be had; null when free."""


class DayOut(Out):
    """One day of a room."""

    date: date
    reason: str | None
    """当天没有时段的原因 · Why the day has no slots; null when it has."""
    slots: list[SlotOut]


class AvailabilityOut(Out):
    """When a room can be had."""

    room_id: UUID
    shortest_minutes: int
    """最短使用分钟数 · Shortest use."""
    longest_minutes: int
    """最长使用分钟数 · Longest use."""
    days: list[DayOut]


class SessionOut(Out):
    """A tutoring session or activity."""

    id: UUID
    kind: SessionKind
    title: str
    subject: str
    """科目或内容 · What it is about."""
    grade: str
    """适合对象 · For whom."""
    teacher_name: str
    """授课志愿者 · Who leads it."""
    about: str
    """说明 · What to know before coming."""
    venue_id: UUID
    venue_name: str
    venue_address: str
    room_name: str | None
    starts_at: Moment
    ends_at: Moment
    capacity: int
    """名额 · How many may take part."""
