"""What the API returns about rosters: names, and of children what a teacher needs."""

from uuid import UUID

from pydantic import ConfigDict

from neighborhood_api.kit.schema import In, Moment, Out, named
from neighborhood_api.kit.sheets import SheetFormat
from neighborhood_api.registrations.names import STATE_NAMES
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.bookings.schemas import Why


class RosterPickUpOut(Out):
    """Somebody who may fetch a child."""

    name: str
    relation: str
    """关系 · Relation."""


class RosterLineOut(Out):
    """Somebody who comes."""

    booking_id: UUID
    """签到、签退用 · For checking in and out."""
    code: str
    """预约号 · What one says at the desk."""
    state: State
    state_name: str = named("state", STATE_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    name: str | None
    """参加人姓名；信息已删除的为空 · Who comes; null when the data were deleted."""
    is_child: bool
    grade: int | None
    """年级 1–12 · School grade of a child."""
    guardian_name: str | None
    """监护人姓名 · Who enrolled the child."""
    pick_ups: list[RosterPickUpOut]
    """可接走孩子的人，监护人除外 · Who may fetch the child, besides the guardian."""
    party_size: int
    """人数 · How many people come."""
    checked_in_at: Moment | None
    checked_out_at: Moment | None
    picked_up_by: str | None
    """接走孩子的人 · Who fetched the child."""


class RosterOut(Out):
    """Who comes to a session."""

    session_id: UUID
    title: str
    starts_at: Moment
    ends_at: Moment
    capacity: int
    expected: int
    """应到人数 · How many people are expected."""
    present: int
    """已签到、尚未签退的人数 · How many are there now."""
    waiting: int
    """候补人数 · How many wait."""
    lines: list[RosterLineOut]
    """按报名先后 · In the order of enrolment."""


class RosterLookIn(In):
    """Why staff who do not teach there read the names of children."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "核对接送"}]})
    reason: Why
    """理由，孩子的监护人会看到 · Why; the guardians of the children read it."""


class RosterExportIn(In):
    """A wish to take a roster out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"format": "xlsx", "reason": "核对接送"}]}
    )
    format: SheetFormat = SheetFormat.XLSX
    """格式 · Format."""
    reason: Why | None = None
    """理由；有孩子的名册，非授课人员必填 · Why; staff must say where there are children."""


class SheetOut(Out):
    """A file."""

    name: str
    """文件名 · Name of the file."""
    media_type: str
    content: str
    """文件内容，Base64 · The file in Base64."""
