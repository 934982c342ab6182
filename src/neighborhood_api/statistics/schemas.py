"""What the statistics API accepts and returns."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from neighborhood_api.issues.schemas import Text
from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.statistics.dimensions import Dimension
from neighborhood_api.statistics.measures import Kind, Metric
from neighborhood_api.statistics.models import ExclusionReason

Weight = Annotated[int, Field(ge=0, le=100)]


class ExclusionState(StrEnum):
    """How far a request has come."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


EXCLUSION_NAMES: dict[ExclusionState, str] = {
    ExclusionState.PENDING: "待审核",
    ExclusionState.APPROVED: "已同意",
    ExclusionState.REFUSED: "未同意",
}
REASON_NAMES: dict[ExclusionReason, str] = {
    ExclusionReason.OUT_OF_DUTY: "超出职责或权限",
    ExclusionReason.OTHER_ROUTE: "应走诉讼、信访或紧急渠道",
    ExclusionReason.REPEATED: "重复且无新情况",
    ExclusionReason.ABUSE: "虚假或滥用",
    ExclusionReason.FORCE_MAJEURE: "不可抗力",
    ExclusionReason.MISTAKE: "误登记或误判",
    ExclusionReason.OTHER: "其他",
}


class RateOut(Out):
    """A rate; `null` where there is nothing to judge."""

    hits: int
    """达到的件数 · How many of them."""
    n: int
    """应计的件数；件数少时请慎用比率 · Of how many; mind small ones."""
    rate: float | None
    """hits ÷ n，n 为 0 时为 null · Null when n is 0."""


class MinutesOut(Out):
    """Percentiles of a time in minutes, by linear interpolation; `null` without issues."""

    n: int
    p50: float | None
    p80: float | None
    p90: float | None


class FiguresOut(Out):
    """Every number, as `GET /statistics/formulae` defines it."""

    opened: int
    """受理量 · Issues reported in the period."""
    excluded: int
    """不纳入考核 · Not assessed."""
    assessed: int
    """考核量 · Assessed; all that follows is about these."""
    merged: int
    """并案 · Handled with another."""
    withdrawn: int
    """撤回 · Withdrawn."""
    rejected: int
    """不予受理 · Refused."""
    overdue: int
    """目前超期 · Overdue now."""
    returned: int
    """退过单的 · Returned at least once."""
    passed_up: int
    """上报过上级的 · Passed up at least once."""
    urged: int
    """被催办的 · Urged at least once."""
    response: RateOut
    """响应率 · Responded in time."""
    solution: RateOut
    """解决率 · Solved, as the reporters say."""
    satisfaction: RateOut
    """满意率 · Satisfied, as the reporters say."""
    score: float | None
    """综合得分（0–1），任一比率未知时为 null · Weighted mean of the three rates."""
    resolution_in_time: RateOut
    """按时办结率 · Resolved in time."""
    reopened: RateOut
    """重办率 · Reopened."""
    check_in: RateOut
    """报到率 · Whistles to which every department came in time."""
    first_response_minutes: MinutesOut
    """首次响应用时（自然分钟）· To the first response, wall clock."""
    resolution_minutes: MinutesOut
    """办结用时（自然分钟）· To the present result, wall clock."""
    resolution_net_minutes: MinutesOut
    """办结净用时（扣除暂停）· The same without the time in which the clock rested."""


class PartOut(Out):
    """The numbers of one part."""

    key: str | None
    """细分项；合计为 null · Of which part; null for the total."""
    name: str
    issues: str
    """诉求清单地址：加上 `&metric=字段名`，比率再加 `&part=hits` 或 `&part=misses`。

    Where the issues behind the numbers are listed: add `&metric=` with a field's name, and
    for rates `&part=hits` or `&part=misses`.
    """
    figures: FiguresOut


class WeightsOut(Out):
    """How much each of the three rates weighs."""

    response: int
    solution: int
    satisfaction: int
    version: int
    """0 为默认 1:1:1（未见规范规定权重）· 0 is the default 1:1:1; no norm names weights."""
    valid_from: Moment | None
    reason: str | None


class WeightsList(Out):
    """Every version of the weights of a district, the one in force first."""

    district_id: UUID
    items: list[WeightsOut]


class StatisticsOut(Out):
    """The numbers of a period, and of each part of it."""

    node_id: UUID | None
    """统计地点；null 为本人岗位所管 · The place; null for all that the caller counts."""
    node_name: str | None
    first_on: date
    last_on: date
    counted_at: Moment
    """统计时刻 · When it was counted."""
    weights: WeightsOut
    """期末时有效的权重 · Those in force at the end of the period."""
    dimension: Dimension | None
    total: PartOut
    items: list[PartOut]
    """没有诉求的细分项不列出 · Parts without issues are left out."""


class HandTimeOut(Out):
    """How long assessed issues were in the hands of one post or department."""

    key: str
    name: str
    """地点和岗位，或部门 · The place and post, or the department."""
    n: int
    """经手的诉求数 · Issues that it had in hand."""
    times: int
    """经手次数 · How often one came into its hands."""
    minutes: float
    """在手总时长 · Minutes in hand, in all."""
    paused_minutes: float
    """其中暂停的时长（等待诉求人、挂账等）· Of these, minutes in which the clock rested."""
    median_minutes: float
    """每次在手时长的中位数 · Median of one time in hand."""
    issues: str
    """诉求清单 · Where these issues are listed."""


class HandTimesOut(Out):
    """The time in hands of a period's issues."""

    first_on: date
    last_on: date
    counted_at: Moment
    n: int
    """考核量 · Assessed issues."""
    items: list[HandTimeOut]


class FormulaOut(Out):
    """How one number is made."""

    metric: Metric
    kind: Kind
    """count 件数、rate 比率、minutes 分钟 · A count, a rate or minutes."""
    name: str
    definition: str
    """中文定义 · In Chinese."""
    definition_en: str
    """英文定义 · In English."""


class FormulaeOut(Out):
    """Every formula, and the weights in force."""

    items: list[FormulaOut]
    score: str
    """综合得分的算法 · How the score is made."""
    score_en: str
    weights: WeightsOut


class PublicRateOut(Out):
    """A rate as the public sees it; nothing of fewer than five issues."""

    percent: int | None
    """百分比；不足 5 件时为 null · Whole percent; null below 5 issues."""
    n: int | None
    """应计的件数；不足 5 件时为 null · Of how many; null below 5."""


class PublicStatisticsOut(Out):
    """The public board of a street or community for a month."""

    node_id: UUID
    node_name: str
    first_on: date
    last_on: date
    opened: int | None
    """受理量；不足 5 件时为 null · Issues reported; null below 5."""
    response: PublicRateOut
    solution: PublicRateOut
    satisfaction: PublicRateOut
    resolution_in_time: PublicRateOut
    note: str
    """说明 · What to know about it."""


class ExcludeIn(In):
    """Why an issue shall not be assessed, or shall be again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "out_of_duty", "text": "属法院执行事项，已告知途径。"}]
        }
    )
    reason: ExclusionReason
    """out_of_duty 超出职责 / other_route 应走其他渠道 / repeated 重复无新情况 / abuse 虚假滥用
    / force_majeure 不可抗力 / mistake 误登记误判 / other 其他 · The reason."""
    text: Text
    """具体情况 · What is behind it."""


class DecideExclusionIn(In):
    """What the second person decides."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"approve": True, "text": "情况属实，同意。"}]}
    )
    approve: bool
    """true 同意，false 不同意 · Whether it is approved."""
    text: Text
    """审核意见 · Why."""


class ExclusionOut(Out):
    """A request about the assessment of an issue, and what was decided."""

    id: UUID
    issue_id: UUID
    issue_code: str
    category_name: str
    excluded: bool
    """true 申请不纳入考核，false 申请恢复考核 · To take it out, or in again."""
    reason: ExclusionReason
    reason_name: str = named("reason", REASON_NAMES)
    """理由名称 · The same in Chinese, to be shown as it is."""
    text: str
    requested_by: str | None
    requested_at: Moment
    state: ExclusionState
    """pending 待审核、approved 已同意、refused 未同意 · How far it has come."""
    state_name: str = named("state", EXCLUSION_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    decided_by: str | None
    decided_at: Moment | None
    answer: str | None


class WeightsIn(In):
    """Other weights for a district."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "district_id": "0198c0de-0000-7000-8000-000000000001",
                    "version": 0,
                    "response": 30,
                    "solution": 40,
                    "satisfaction": 30,
                    "reason": "年度考核办法",
                }
            ]
        }
    )
    district_id: UUID
    """区县 · The district."""
    version: int
    """所依据的现行版本，尚未设置时为 0 · The version this change was made from."""
    response: Weight
    """响应率权重 · Of the response rate."""
    solution: Weight
    """解决率权重 · Of the solution rate."""
    satisfaction: Weight
    """满意率权重 · Of the satisfaction rate."""
    reason: Annotated[Line, Field(max_length=500)]
    """调整依据 · Why."""

    @model_validator(mode="after")
    def _something_weighs(self) -> Self:
        if self.response + self.solution + self.satisfaction == 0:
            raise ValueError("权重不能全为 0")
        return self
