"""What the operations of whistling accept and return."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.grid.schemas import PositionIn, PositionOut
from neighborhood_api.issues.schemas import PhotoOut, Photos, Text
from neighborhood_api.kit.schema import In, Line, Moment, Out

_SOME_ID = "0198c0de-0000-7000-8000-000000000001"
_OTHER_ID = "0198c0de-0000-7000-8000-000000000002"

CheckInMinutes = Annotated[int, Field(ge=5, le=7 * 24 * 60)]


class WantedIn(In):
    """One department that shall come."""

    organization_id: UUID
    """部门 · The department."""
    lead: bool = False
    """是否牵头 · Whether it leads; the others assist."""
    task: Text | None = None
    """要它做什么 · What it is wanted for."""
    check_in_minutes: CheckInMinutes | None = None
    """多少分钟内报到；不填按集合时间或办理规则 · Else by the meeting, or by the rule."""


class WhistleIn(In):
    """Why departments are called, and where they meet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "占道经营引发口角，需联合处置。",
                    "meet_at": None,
                    "meeting_place": "巷口",
                    "departments": [
                        {"organization_id": _SOME_ID, "lead": True, "task": "清理占道摊位"},
                        {"organization_id": _OTHER_ID, "check_in_minutes": 30},
                    ],
                }
            ]
        }
    )
    reason: Text
    """吹哨原因（仅工作人员可见）· Why; for staff."""
    meet_at: AwareDatetime | None = None
    """集合时间，7 天以内 · When to meet, within 7 days."""
    meeting_place: Annotated[Line, Field(max_length=200)] | None = None
    """集合地点 · Where to meet."""
    departments: Annotated[list[WantedIn], Field(min_length=1, max_length=20)]
    """调度的部门，一个牵头、其余配合 · Who shall come: one leads, the others assist."""

    @model_validator(mode="after")
    def _departments_once(self) -> Self:
        wanted = [one.organization_id for one in self.departments]
        if len(set(wanted)) != len(wanted):
            raise ValueError("部门重复，请去掉重复的")
        return self


class CheckInIn(In):
    """Where the officer is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"position": {"longitude": 114.2862, "latitude": 23.1727}}]
        }
    )
    position: PositionIn | None = None
    """当前位置；较远时只作标记，不拒绝 · Where you are; far away is noted, and not refused."""


class ReportIn(In):
    """What a called department did."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "已劝离摊贩三户。", "photo_ids": []}]}
    )
    text: Text
    """处置情况（仅工作人员可见）· What was done; for staff."""
    photo_ids: Photos = Field(default=[])
    """现场照片 · Photos."""


class ReleaseIn(In):
    """Letting a department go."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "处置完毕。"}]})
    text: Text | None = None
    """说明；部门未反馈时必填 · Why; needed when it has not reported."""


class RateCallIn(In):
    """How well a department answered the whistle (双考核)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rating": 5, "text": "到得快，处置到位。"}]}
    )
    rating: Annotated[int, Field(ge=1, le=5)]
    """5 很好 … 1 很差 · From 5, very good, to 1."""
    text: Text | None = None
    """评语 · A comment."""


class CallOut(Out):
    """One department called to an issue, and what came of it."""

    id: UUID
    whistle_id: UUID
    """同一次吹哨的部门相同 · The same for all that one whistle called."""
    reason: str
    meet_at: Moment | None
    meeting_place: str | None
    organization_id: UUID
    organization: str
    lead: bool
    """牵头 true、配合 false · Whether it leads."""
    task: str | None
    called_at: Moment
    called_by: str | None
    """吹哨人岗位和姓名 · Who whistled."""
    check_in_by: Moment
    """应在此前报到 · By when it must check in."""
    overdue: bool
    """已过报到时限仍未报到 · Whether the deadline passed without a check-in."""
    checked_in_at: Moment | None
    checked_in_by: str | None
    position: PositionOut | None
    """报到位置 · Where it checked in."""
    metres_away: int | None
    """距事发地多少米，未知为 null · Metres from the issue; null when not known."""
    far: bool
    """报到位置较远（仅标记）· Checked in from far away."""
    late: bool
    """逾期报到 · Checked in late."""
    report: str | None
    report_photos: list[PhotoOut]
    reported_at: Moment | None
    released_at: Moment | None
    released_by: str | None
    """解除人，自动解除为 null · Who released it; null when the issue went on without it."""
    release_reason: str | None
    rating: int | None
    rating_text: str | None
    rated_at: Moment | None
    moves: list[Move]
    """您现在可对它做的操作 · What the caller may do with it now."""


class CallList(Out):
    """Every department called to an issue, the first called first."""

    items: list[CallOut]


class CalledIssueOut(Out):
    """The issue that a department is called to, in short."""

    id: UUID
    code: str
    category_name: str
    text: str
    state: State
    state_name: str
    lane_name: str
    location: str | None


class StaffCallOut(CallOut):
    """A call in the list of its department."""

    issue: CalledIssueOut
