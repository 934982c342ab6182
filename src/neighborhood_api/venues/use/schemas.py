"""What the API returns about use, with the formula of each number."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from neighborhood_api.kit.schema import In, Moment, Out, named
from neighborhood_api.kit.sheets import SheetFormat
from neighborhood_api.venues.names import SESSION_NAMES
from neighborhood_api.venues.sessions.models import SessionKind

Rate = Annotated[float, Field(ge=0)]


class SessionTotalsOut(Out):
    """What the sessions that begin in the period come to; cancelled ones count apart."""

    sessions: int
    """场次，不含已取消 · Sessions that take or took place."""
    cancelled: int
    """已取消的场次 · Sessions that were called off."""
    seats: int
    """名额合计 · Seats of `sessions`."""
    enrolled: int
    """报名成功人数：已确认、已签到、已结束、未到 · Who had a seat, came or not."""
    came: int
    """到场人数：已签到或已结束 · Who came; without check-in, everyone who kept the seat."""
    no_shows: int
    """未到人数 · Who had a seat and did not come."""
    waited: int
    """候补中或候补未成的人数 · Who wait, or waited in vain."""
    filled: Rate | None
    """满员率 = 报名人数 ÷ 名额 · enrolled ÷ seats; null without seats."""


class UseOut(Out):
    """How much was used: whatever begins in the period; lists of bookings give the same."""

    open_minutes: int
    """可用分钟 = 每天实际开放分钟 × 在用台位数，按现在的开放时间和台位 · Open × units."""
    booked_minutes: int
    """预约分钟：已确认、已签到、已结束、未到的预约，从开始到结束 · Of `bookings`."""
    used_minutes: int
    """使用分钟：签到（无需签到的从开始）到签退或结束，限于预约时间内、现在之前 · Presence."""
    session_minutes: int
    """课程和活动占用分钟 = 时长 × 台位数 · Sessions in the rooms: duration × units."""
    booked_rate: Rate | None
    """预约率 = （预约 + 课程占用）÷ 可用 · (booked + session) ÷ open; null when never open."""
    used_rate: Rate | None
    """使用率 = （使用 + 课程占用）÷ 可用 · (used + session) ÷ open; null when never open."""
    bookings: int
    """预约数：已确认、已签到、已结束、未到 · Bookings that had their unit for good."""
    persons: int
    """预约人数，同一人只算一次 · Distinct holders of `bookings`; a guest by the number."""
    visitors: int
    """到场人次 = 已签到、已结束的预约人数之和 · Party sizes of those who came."""
    no_shows: int
    """未到的预约数 · Bookings to which nobody came."""
    late_cancellations: int
    """临近取消的预约数 · Bookings given up late."""
    walk_ins: int
    """现场登记的预约数（已含在预约数中）· Those of `bookings` made at the door."""


class RoomUseOut(UseOut):
    """How much a room was used."""

    room_id: UUID
    name: str
    units: int
    """在用台位数 · Units in use now."""


class SessionUseOut(Out):
    """Who came to a session."""

    session_id: UUID
    title: str
    kind: SessionKind
    kind_name: str = named("kind", SESSION_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    starts_at: Moment
    ends_at: Moment
    cancelled_at: Moment | None
    """取消时间，正常为空 · When it was called off."""
    seats: int
    """名额 · Seats."""
    enrolled: int
    """报名成功人数 · Who had a seat, came or not."""
    came: int
    """到场人数 · Who came."""
    no_shows: int
    """未到人数 · Who did not."""
    waited: int
    """候补中或候补未成的人数 · Who wait, or waited in vain."""


class VenueUseOut(UseOut):
    """How much a venue was used."""

    venue_id: UUID
    name: str
    session_totals: SessionTotalsOut
    """课程和活动合计 · Its sessions together."""


class VenueUseDetailOut(VenueUseOut):
    """How much a venue was used, by room and session."""

    first_on: date
    last_on: date
    rooms: list[RoomUseOut]
    sessions: list[SessionUseOut]
    """按时间排列 · In the order of time."""


class PlaceUseOut(UseOut):
    """How much the venues of a place were used."""

    node_id: UUID | None
    """下级地点；直属本级的场地为空 · A place below; null for venues of the place itself."""
    name: str | None
    venues: int
    """场地数 · How many venues."""
    session_totals: SessionTotalsOut
    """课程和活动合计 · Their sessions together."""


class NodeUseOut(Out):
    """How much the venues of a place and below were used."""

    first_on: date
    last_on: date
    whole: PlaceUseOut
    """合计；人数去重 · All together; persons are counted once."""
    parts: list[PlaceUseOut]
    """按下级地点 · By the places right below."""
    venues: list[VenueUseOut]
    """按场地 · By venue."""


class ExportBookingsIn(In):
    """A wish to take the bookings of a venue's rooms out as a file."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"first_on": "2026-11-01", "last_on": "2026-11-30", "format": "xlsx"}]
        }
    )
    first_on: date
    """首日 · First day."""
    last_on: date
    """末日，最多92天 · Last day, 92 days at most."""
    format: SheetFormat = SheetFormat.XLSX
    """文件格式 · Form of the file."""
    room_id: UUID | None = None
    """只导出一个活动室，不填为全部 · One room only; all when left out."""
