"""What the API accepts about coming and leaving."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from neighborhood_api.grid.areas.coordinates import Point, to_wgs84
from neighborhood_api.grid.schemas import PositionIn
from neighborhood_api.kit.schema import In, Line
from neighborhood_api.registrations.checking_in import Presence
from neighborhood_api.registrations.states import CheckInMethod
from neighborhood_api.venues.bookings.schemas import BirthMonth, PartySize

EXAMPLE: dict[str, JsonValue] = {
    "id": "0199a2f4-6f6e-7c3a-9a53-2f6d0c1b7e11",
    "device_at": "2026-11-24T13:58:00+08:00",
    "position": {"longitude": 114.2809, "latitude": 23.1709, "coordinate_system": "gcj02"},
    "accuracy_metres": 20,
}


class PresenceIn(In):
    """How a device says that somebody is there."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    id: UUID
    """设备生成的编号，重发不会重复 · Made by the device; sent again, it is the same."""
    device_at: AwareDatetime | None = None
    """设备时间；与服务器相差过大只作标记 · Device time; one that is off is flagged."""
    position: PositionIn | None = None
    """位置；离得远只作标记，不拒绝 · Position; far away is flagged, not refused."""
    accuracy_metres: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """定位精度（米）· Accuracy of the position in metres."""

    def presence(self, method: CheckInMethod, by_id: UUID) -> Presence:
        """Return what the engine takes."""
        return Presence(
            id=self.id,
            method=method,
            by_id=by_id,
            device_at=self.device_at,
            position=self._wgs84(),
            accuracy_metres=self.accuracy_metres,
        )

    def _wgs84(self) -> Point | None:
        given = self.position
        if given is None:
            return None
        return to_wgs84(Point(given.longitude, given.latitude), given.coordinate_system)


class ScanIn(PresenceIn):
    """What a phone sends that scanned the sign at a room's door."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [EXAMPLE | {"code": "k3Jx0pQm5vYtR8aZ"}]}
    )
    code: Annotated[Line, Field(max_length=40)]
    """门口二维码的内容 · What the sign at the door says."""


class CheckOutIn(PresenceIn):
    """Somebody leaves."""

    picked_up_by: Annotated[Line, Field(max_length=40)] | None = None
    """接走孩子的人 · Who takes the child home."""


class WalkInIn(ScanIn):
    """Somebody stands at the door without a booking."""

    party_size: PartySize = 1
    """人数 · How many people come."""
    slots: Annotated[int, Field(ge=1, le=48)] = 1
    """用几格，含当前这一格 · How many slots, the present one included."""
    unit_id: UUID | None = None
    """台位，不填为任一空闲台位 · A unit; any free one when left out."""
    birth_month: BirthMonth | None = None
    """出生年月，对年龄有要求时填写，不保存 · Where an age is asked for; it is not kept."""
