"""What the API accepts and returns about rooms."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StringConstraints

from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.registrations.policies import Terms
from neighborhood_api.schedules.openings.schemas import OpeningRuleOut
from neighborhood_api.venues.names import ROOM_NAMES
from neighborhood_api.venues.rooms.models import RoomKind

Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
UnitName = Annotated[Line, Field(max_length=20)]
MOST_UNITS = 100
WHOLE_ROOM = "整间"
"""What the only unit of a room is called that is booked as a whole."""


def _different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("台位名称不能重复")
    return names


ROOM_EXAMPLE: dict[str, JsonValue] = {
    "name": "乒乓球室",
    "kind": "table_tennis",
    "house_rules": "请自带球拍",
    "units": ["1号台", "2号台"],
    "policy": {
        "slot_minutes": 30,
        "shortest_minutes": 30,
        "longest_minutes": 120,
        "largest_party": 4,
        "notice_minutes": 30,
        "horizon_days": 14,
        "quotas": [{"owner": "household", "window": "week", "limit": 2}],
        "waitlist": {"longest": 5, "offer_minutes": 30},
    },
}


class RoomIn(In):
    """A room and how it may be booked."""

    model_config = ConfigDict(json_schema_extra={"examples": [ROOM_EXAMPLE]})
    name: Annotated[Line, Field(max_length=40)]
    """名称 · Name."""
    kind: RoomKind
    """种类 · Kind of room."""
    house_rules: Paragraph = ""
    """使用须知 · What users must mind."""
    accepts_bookings: bool = True
    """是否开放预约 · Whether it can be booked now; what is booked stays booked."""
    policy: Terms = Terms()
    """预约规则 · How it may be booked."""
    units: Annotated[
        tuple[UnitName, ...],
        Field(min_length=1, max_length=MOST_UNITS),
        AfterValidator(_different),
    ] = (WHOLE_ROOM,)
    """台位，各自可预约；不分台位时不填 · Bookable parts; leave out for the whole room."""


class RoomChangeIn(In):
    """A room as it shall be from now on, whole; its units have an operation of their own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {name: value for name, value in ROOM_EXAMPLE.items() if name != "units"}
                | {"accepts_bookings": True, "version": 1}
            ]
        }
    )
    name: Annotated[Line, Field(max_length=40)]
    """名称 · Name."""
    kind: RoomKind
    """种类 · Kind of room."""
    house_rules: Paragraph
    """使用须知 · What users must mind."""
    accepts_bookings: bool
    """是否开放预约 · Whether it can be booked now; what is booked stays booked."""
    policy: Terms
    """预约规则；改后只对新预约生效 · Rules; a change holds for new bookings only."""
    version: int
    """读到的版本号 · The version read."""


class UnitIn(In):
    """A unit as it shall be."""

    id: UUID | None = None
    """已有台位的编号，新增时不填 · Of a unit that is there; null for a new one."""
    name: UnitName
    """名称 · Name."""
    active: bool = True
    """是否可用；有预约的不能停用 · Off for a broken table; not while it is booked."""


def _once(units: list[UnitIn]) -> list[UnitIn]:
    known = [one.id for one in units if one.id is not None]
    if len(set(known)) < len(known):
        raise ValueError("同一个台位只能填一次")
    return units


class UnitsIn(In):
    """All units of a room, in their order; one that is left out is put out of use."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 1, "units": [{"name": "1号台"}]}]}
    )
    version: int
    """读到的活动室版本号 · The room's version, as read."""
    units: Annotated[
        list[UnitIn], Field(min_length=1, max_length=MOST_UNITS), AfterValidator(_once)
    ]
    """全部台位 · All units."""


class UnitOut(Out):
    """One bookable part of a room."""

    id: UUID
    name: str
    active: bool
    """是否可用 · Whether it can be booked."""


class RoomOut(Out):
    """A room and how it may be booked."""

    id: UUID
    venue_id: UUID
    name: str
    kind: RoomKind
    kind_name: str = named("kind", ROOM_NAMES)
    """用途名称 · The same in Chinese, to be shown as it is."""
    house_rules: str
    """使用须知 · What users must mind."""
    accepts_bookings: bool
    """是否开放预约 · Whether it can be booked now."""
    confirmed_only: bool
    """是否只限住址已确认的居民预约，本人情况见 GET /me/residence ·
    Whether only residents book it whose residence in the district is confirmed."""
    policy: Terms
    """预约规则 · How it may be booked."""
    policy_version: int
    """规则版本；每个预约保留预约时的版本 · A booking keeps the version it was made under."""
    units: list[UnitOut]
    """台位 · Bookable parts."""
    opening_rules: list[OpeningRuleOut]
    """每周开放时间，为空则按服务中心的时间 · Weekly hours; none follows the venue's."""
    version: int
    """版本号，修改时带上 · Send it back when changing the room."""


class SlotState(StrEnum):
    """Whether a slot can be had."""

    FREE = "free"
    TAKEN = "taken"
    CLOSED = "closed"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"


class SlotOut(Out):
    """One slot of a room; neighbouring slots with the same free unit may be booked together."""

    starts_at: Moment
    ends_at: Moment
    state: SlotState
    reason: str | None
    """不能预约的原因 · Why it can't be had; null when free."""
    free_units: list[UUID]
    """空闲的台位 · Units that are free."""


class DayOut(Out):
    """One day of a room."""

    date: date
    reason: str | None
    """当天不开放或时间有变的原因 · Why it is closed, or has other hours than usual."""
    slots: list[SlotOut]


class AvailabilityOut(Out):
    """When a room can be had."""

    room_id: UUID
    room_name: str
    shortest_minutes: int
    """最短使用分钟数 · Shortest use."""
    longest_minutes: int
    """最长使用分钟数 · Longest use."""
    confirmed_only: bool
    """是否只限住址已确认的居民预约，本人情况见 GET /me/residence ·
    Whether only residents book it whose residence in the district is confirmed."""
    days: list[DayOut]


class VenueAvailabilityOut(Out):
    """When the rooms of a venue can be had."""

    rooms: list[AvailabilityOut]
