"""What the reorganisation API accepts and returns."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from neighborhood_api.identity.places import Level
from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.reorganisation.models import PlanState
from neighborhood_api.reorganisation.operations import Operation

Operations = Annotated[tuple[Operation, ...], Field(max_length=2000)]
PlanName = Annotated[Line, Field(max_length=60)]


class ReorganisationIn(In):
    """A plan to draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "district_id": "0198c0de-0000-7000-8000-000000000000",
                    "name": "罗阳街道社区优化调整",
                    "effective_on": "2027-01-01",
                    "operations": [
                        {
                            "do": "create",
                            "key": "guanhua",
                            "level": 2,
                            "kind": "community",
                            "parent": "0198c0de-0000-7000-8000-000000000001",
                            "code": "441322001005",
                            "name": "观华社区",
                        },
                        {
                            "do": "move",
                            "node": "0198c0de-0000-7000-8000-000000000002",
                            "under": "guanhua",
                        },
                    ],
                }
            ]
        }
    )
    district_id: UUID
    """区县 · The district whose grid it is about."""
    name: PlanName
    """方案名称 · What the plan is called."""
    effective_on: date
    """生效日期 · The day on which it takes effect."""
    operations: Operations = ()
    """调整事项 · What is founded, split, merged, moved, renamed, recoded and closed."""


class ReorganisationChangeIn(In):
    """A draft as it shall be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "罗阳街道社区优化调整",
                    "effective_on": "2027-01-01",
                    "operations": [
                        {
                            "do": "rename",
                            "node": "0198c0de-0000-7000-8000-000000000002",
                            "name": "观华东社区",
                        }
                    ],
                    "version": 1,
                }
            ]
        }
    )
    name: PlanName
    """方案名称 · What the plan is called."""
    effective_on: date
    """生效日期 · The day on which it takes effect."""
    operations: Operations
    """全部调整事项 · Everything that it does."""
    version: int
    """读到的版本号 · The version that was read."""


class PlaceDecisionIn(In):
    """Where one thing goes that was asked about."""

    key: Annotated[str, Field(max_length=120)]
    """事项代号，见预览 · The key of the question, from the preview."""
    to: UUID | None
    """去向；任职可不填，表示结束 · One of the options; null ends an appointment."""


class PlaceDecisionsIn(In):
    """Decisions of a draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "decisions": [
                        {
                            "key": "venue:0198c0de-0000-7000-8000-000000000003",
                            "to": "0198c0de-0000-7000-8000-000000000002",
                        }
                    ],
                    "version": 1,
                }
            ]
        }
    )
    decisions: Annotated[tuple[PlaceDecisionIn, ...], Field(min_length=1, max_length=2000)]
    """各事项的去向 · What goes where."""
    version: int
    """读到的版本号 · The version that was read."""


class PlanVersionIn(In):
    """The version of a plan that somebody has seen."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1}]})
    version: int
    """读到的版本号 · The version that was read."""


class PlanTroubleOut(Out):
    """What makes a plan impossible."""

    code: str
    node_id: UUID | None
    message: str
    """问题，照原样显示 · Show it as it is."""


STATE_NAMES: dict[PlanState, str] = {
    PlanState.DRAFT: "草稿",
    PlanState.SCHEDULED: "已排期",
    PlanState.APPLIED: "已生效",
    PlanState.UNDONE: "已撤销",
    PlanState.CANCELLED: "已取消",
}


class ReorganisationOut(Out):
    """A plan."""

    id: UUID
    district_id: UUID
    name: str
    effective_on: date
    state: PlanState
    """draft 草稿、scheduled 已排期、applied 已生效、undone 已撤销、cancelled 已取消 · State."""
    state_name: str = named("state", STATE_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    operations: Operations
    new_ids: dict[str, UUID]
    """新设地点的编号，按代号 · The ids of the places that it founds, by their keys."""
    decisions: dict[str, UUID | None]
    """已作的决定 · What was decided, by question."""
    refusal: list[PlanTroubleOut]
    """到期未能生效的原因 · Why it could not be applied on its day."""
    created_at: Moment
    applied_at: Moment | None
    undone_at: Moment | None
    version: int


class PlaceCountsOut(Out):
    """What lies at a place and below it."""

    residents: int
    """填了住址的居民 · Residents who said that they live there."""
    registered: int
    """登记的人口 · People in the register."""
    households: int
    """住户 · Dwellings."""
    establishments: int
    """登记的单位 · Organisations in the register."""
    appointments: int
    """在任岗位 · Posts that are held."""
    vacancies: int
    """空岗告警 · Open alarms of vacant posts."""
    departments: int
    """部门 · Departments."""
    shifts: int
    """未来的值班 · Shifts to come."""
    issues: int
    """诉求 · Issues."""
    open_issues: int
    """未办结诉求 · Those of them that are open."""
    future_bookings: int
    """未来的预约 · Bookings and enrolments to come."""
    future_sessions: int
    """未来的场次 · Sessions to come."""
    venues: int
    """场馆 · Venues."""
    rooms: int
    """活动室 · Rooms."""
    boundaries: int
    """边界 · Places with a boundary."""
    plates: int
    """公示牌 · Lane plates."""
    canned_replies: int
    """常用语 · Words at hand."""
    handling_rules: int
    """办理规则 · Handling rules of their own."""


class PlaceChange(StrEnum):
    """What a plan does with a place of today's grid."""

    ENDS = "ends"
    """撤销 · It is no more."""
    DIVIDED = "divided"
    """划出一部分 · It gives parts away."""
    MOVED = "moved"
    """划转 · It gets another parent."""
    RECODED = "recoded"
    """换码 · It gets another code."""
    RENAMED = "renamed"
    """更名 · It gets another name."""
    RECEIVES = "receives"
    """承接 · It takes over what lay elsewhere."""


CHANGE_NAMES: dict[PlaceChange, str] = {
    PlaceChange.ENDS: "撤销",
    PlaceChange.DIVIDED: "划出一部分",
    PlaceChange.MOVED: "划转",
    PlaceChange.RECODED: "换码",
    PlaceChange.RENAMED: "更名",
    PlaceChange.RECEIVES: "承接",
}


class AffectedPlaceOut(Out):
    """A place that a plan changes, and what lies there and below."""

    node_id: UUID
    level: Level
    code: str
    name: str
    change: PlaceChange
    """如何调整 · What happens to it."""
    change_name: str = named("change", CHANGE_NAMES)
    """调整方式 · The same in Chinese, to be shown as it is."""
    successors: list[UUID]
    """承接的地点 · Its successors."""
    counts: PlaceCountsOut
    """涉及的居民、住户、诉求、预约等数量 · How much lies there."""


class FoundedPlaceOut(Out):
    """A place that a plan founds."""

    id: UUID
    key: str
    level: Level
    code: str
    name: str
    parent_id: UUID | None


class OptionOut(Out):
    """A place where something can go."""

    id: UUID
    name: str


class PlanQuestionOut(Out):
    """Something that needs a decision."""

    key: str
    """事项代号 · Send it back with the decision."""
    what: str
    """是什么 · What it is."""
    node_id: UUID
    node_name: str
    number: int
    """涉及几项 · How many it is about."""
    options: list[OptionOut]
    may_end: bool
    """是否可以结束（任职）· Whether null may be chosen, which ends it."""
    decided: bool


class ReorganisationPreviewOut(Out):
    """Everything that a plan touches on today's grid."""

    possible: bool
    """没有问题且都已决定 · No troubles, and nothing left to decide."""
    troubles: list[PlanTroubleOut]
    questions: list[PlanQuestionOut]
    places: list[AffectedPlaceOut]
    founded: list[FoundedPlaceOut]
    version: int


class ComparedPartOut(Out):
    """The part of an old place that lies at one place of today."""

    node_id: UUID
    code: str
    name: str
    figures: dict[str, int]


class ComparedPlaceOut(Out):
    """An old place before, and the same ground today."""

    node_id: UUID
    code: str
    name: str
    before: dict[str, int]
    """生效前一刻 · On the eve."""
    now: dict[str, int]
    """同一范围现在 · The same ground today."""
    parts: list[ComparedPartOut]
    """同一范围现在分属何处 · Where the same ground lies today."""


class ReorganisationComparisonOut(Out):
    """Figures before and after, over the same ground."""

    applied_at: Moment
    days: int
    """前后各比较多少天的新增诉求 · How many days of new issues are compared on each side."""
    places: list[ComparedPlaceOut]
