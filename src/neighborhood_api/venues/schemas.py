"""What the API accepts and returns about venues."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StringConstraints

from neighborhood_api.files.schemas import FileOut
from neighborhood_api.grid.schemas import DutyPhone, PositionIn, PositionOut
from neighborhood_api.kit.schema import In, Line, Moment, Out, Whole, named
from neighborhood_api.schedules.openings.plans import OnHolidays
from neighborhood_api.schedules.openings.schemas import OpenDayOut
from neighborhood_api.venues.models import (
    Equipment,
    EquipmentItem,
    EquipmentState,
    VenueKind,
)
from neighborhood_api.venues.names import EQUIPMENT_NAMES, FOUND_NAMES, VENUE_NAMES
from neighborhood_api.venues.rooms.schemas import RoomOut

MOST_PHOTOS = 9
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


def _different(ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
    if len(set(ids)) < len(ids):
        raise ValueError("照片重复，请去掉重复的")
    return ids


_EXAMPLE: dict[str, JsonValue] = {
    "kind": "care_station",
    "name": "文魁街党员爱心驿站",
    "address": "文魁街18号",
    "host": "便民药店",
    "phone": "0752-9000901",
    "services": "歇脚、饮水、充电、借伞",
    "position": {"longitude": 114.2862, "latitude": 23.1727, "coordinate_system": "gcj02"},
    "photo_ids": [],
}


class VenueBaseIn(In):
    """What a venue is like."""

    kind: VenueKind
    """种类：党群服务中心、服务站、驿站、文明实践站、书屋等 · What it is."""
    name: Annotated[Line, Field(max_length=60)]
    """名称 · Name."""
    address: Annotated[Line, Field(max_length=120)]
    """地址 · Address."""
    phone: DutyPhone
    """公开电话 · Public number of its desk."""
    host: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)] = ""
    """承办或所在单位，如驿站所在商铺 · Who runs it, e.g. the shop that a station is in."""
    services: Words = ""
    """服务内容 · What one finds there."""
    position: PositionIn | None = None
    """位置，可用地图选点(gcj02)· Where it is."""
    photo_ids: Annotated[
        tuple[UUID, ...], Field(max_length=MOST_PHOTOS), AfterValidator(_different)
    ] = ()
    """照片，先用 POST /files 上传，最多 9 张 · Uploaded before with `POST /files`; up to 9."""


class VenueIn(VenueBaseIn):
    """A venue that shall be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_EXAMPLE | {"node_id": "0198c0de-0000-7000-8000-000000000001"}]
        }
    )
    node_id: UUID
    """所属地点，任何一级；服务该处及以下居民 · Its place, at any level, whom it serves."""
    on_holidays: OnHolidays = OnHolidays.CLOSED
    """法定节假日 · What becomes of its hours on public holidays."""


class VenueChangeIn(Whole, VenueBaseIn):
    """A venue as it shall be from now on, whole; its hours have operations of their own."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"version": 1}]})
    version: int
    """读到的版本号 · The version read."""


class EquipmentCheckIn(In):
    """What was found of one item."""

    item: EquipmentItem
    """设施 · The item."""
    state: EquipmentState
    """有、缺、坏 · What was found."""
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    """说明 · A remark."""


def _once(checks: tuple[EquipmentCheckIn, ...]) -> tuple[EquipmentCheckIn, ...]:
    if len({check.item for check in checks}) < len(checks):
        raise ValueError("同一项设施只能填一次")
    return checks


class EquipmentIn(In):
    """What was found at a check; items that were not looked at are left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"item": "drinks", "state": "present"},
                        {"item": "umbrellas", "state": "missing", "note": "全部借出"},
                    ]
                }
            ]
        }
    )
    items: Annotated[
        tuple[EquipmentCheckIn, ...],
        Field(min_length=1, max_length=len(EquipmentItem)),
        AfterValidator(_once),
    ]
    """查看过的设施 · The items that were looked at."""


class EquipmentOut(Out):
    """One item of the checklist of eight (八有)."""

    item: EquipmentItem
    item_name: str = named("item", EQUIPMENT_NAMES)
    """设施名称 · The same in Chinese, to be shown as it is."""
    state: EquipmentState | None
    """有、缺、坏；没有检查过为空 · Null when nobody has looked."""
    state_name: str | None = named("state", FOUND_NAMES)
    """检查结果 · The same in Chinese, to be shown as it is."""
    note: str
    checked_at: Moment | None

    @classmethod
    def of(cls, item: EquipmentItem, found: Equipment | None) -> Self:
        """Show an item, checked or not."""
        if found is None:
            return cls(item=item, state=None, note="", checked_at=None)
        return cls(
            item=item,
            state=EquipmentState(found.state),
            note=found.note,
            checked_at=found.checked_at,
        )


class EquipmentGapOut(Out):
    """An item that a venue has not, or not in order."""

    id: UUID
    venue_id: UUID
    venue_name: str
    item: EquipmentItem
    item_name: str = named("item", EQUIPMENT_NAMES)
    """设施名称 · The same in Chinese, to be shown as it is."""
    state: EquipmentState
    state_name: str = named("state", FOUND_NAMES)
    """检查结果 · The same in Chinese, to be shown as it is."""
    note: str
    checked_at: Moment
    checked_by: str | None
    """检查人 · Who looked."""


class VenueOut(Out):
    """A service centre, station or other venue."""

    id: UUID
    kind: VenueKind
    kind_name: str = named("kind", VENUE_NAMES)
    """种类名称 · The same in Chinese, to be shown as it is."""
    name: str
    address: str
    phone: str
    """公开电话 · Public number of its desk."""
    host: str
    """承办或所在单位 · Who runs it."""
    services: str
    """服务内容 · What one finds there."""
    position: PositionOut | None
    """位置(gcj02)· Where it is, for maps in China."""
    metres: int | None
    """距离（米），查询时给出位置才有 · How far from the position asked for."""
    photos: list[FileOut]
    """照片 · Photos."""
    node_id: UUID
    node_name: str
    """服务范围：住在这里的居民可预约 · Whose residents may book: this place and below."""
    open_now: bool
    """现在是否开放 · Whether it is open at this moment."""
    today: OpenDayOut
    """今天的开放时间 · Today's hours."""
    opens_at: Moment | None
    """下次开放时间，开放中为空 · When it opens next; null while open, or if not for weeks."""
    closed_at: Moment | None
    """停办时间，正常为空 · Since when it is no more; null normally."""
    close_reason: str | None
    """停办原因 · Why it is no more."""
    version: int
    """版本号，修改时带上 · Send it back when changing the venue."""


class VenueDetailOut(VenueOut):
    """A venue with its checklist and rooms."""

    equipment: list[EquipmentOut]
    """“八有”设施 · The checklist of eight."""
    rooms: list[RoomOut]
