"""Bodies of the operations that send issues on, or ask for time."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from neighborhood_api.issues.schemas import Text
from neighborhood_api.kit.schema import In, Moment, Out


class ReturnReason(StrEnum):
    """Why a body sends an issue back (退单原因)."""

    NOT_OUR_DUTY = "not_our_duty"
    NOT_OUR_PLACE = "not_our_place"
    OTHER_LEVEL = "other_level"
    UNCLEAR = "unclear"
    NO_POWER = "no_power"


RETURN_REASONS: dict[ReturnReason, str] = {
    ReturnReason.NOT_OUR_DUTY: "不属于本单位职责",
    ReturnReason.NOT_OUR_PLACE: "不在本辖区",
    ReturnReason.OTHER_LEVEL: "应由其他层级办理",
    ReturnReason.UNCLEAR: "诉求内容不清，无法办理",
    ReturnReason.NO_POWER: "没有相应执法或处置权限",
}
_SOME_ID = "0198c0de-0000-7000-8000-000000000001"


class DispatchIn(In):
    """A wish to give an issue to a department."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"organization_id": _SOME_ID, "text": "请城管办处理"}]}
    )
    organization_id: UUID
    """承办部门 · The department."""
    text: Text | None = None
    """派遣说明（仅工作人员可见）· A note for staff."""


class TargetIn(In):
    """Where an issue shall go: a department, or a place of the same street."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"node_id": _SOME_ID, "text": "实际位置在隔壁巷。"}]}
    )
    organization_id: UUID | None = None
    """转给部门 · A department."""
    node_id: UUID | None = None
    """或转给本街道内的社区、网格、街巷 · Or a community, grid or lane of this street."""
    text: Text
    """理由，诉求人可见 · Why; the reporter reads it."""


class ReturnIn(In):
    """Why an issue is sent back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "not_our_duty", "text": "路灯由供电所维护。"}]
        }
    )
    reason: ReturnReason
    """原因代码 · Reason code."""
    text: Text
    """具体说明 · In words."""


class SuspensionIn(In):
    """A wish to put an issue on file until a day (挂账)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"until": "2026-12-20T18:00:00+08:00", "text": "等管道停水检修。"}]
        }
    )
    until: AwareDatetime
    """挂账到什么时候 · Until when."""
    text: Text
    """理由 · Why."""


class ExtensionIn(In):
    """A wish for more time."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount": 2, "text": "配件要两天后到货。"}]}
    )
    amount: Annotated[int, Field(ge=1, le=100_000)]
    """延长多少（与办结时限同一单位）· How much, in the unit of the resolve limit."""
    text: Text
    """理由，批准后诉求人可见 · Why; the reporter reads it once it is approved."""


class DecisionIn(In):
    """What somebody above decides on a request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"approve": True, "text": "同意。"}]}
    )
    approve: bool
    """是否同意 · Whether it is granted."""
    text: Text
    """审批意见（仅工作人员可见）· The reasons, for staff."""


class ReasonOut(Out):
    """A reason that may be chosen."""

    code: ReturnReason
    name: str


class ReasonList(Out):
    """The reasons for sending an issue back."""

    items: list[ReasonOut]


class RequestOut(Out):
    """A request that was made for an issue."""

    id: UUID
    kind: str
    """suspension 挂账 / extension 延期 · What was asked for."""
    reason: str
    requested_by: str | None
    """申请人 · Who asked."""
    requested_at: Moment
    until: Moment | None
    amount: int | None
    approved: bool | None
    """null 为待审批 · Null while it waits."""
    decided_by: str | None
    decided_at: Moment | None
    answer: str | None


class RequestList(Out):
    """Every request of an issue, the oldest first."""

    items: list[RequestOut]


class OfferOut(Out):
    """Where an issue was offered, and what became of it."""

    id: UUID
    to: str
    """转给谁 · To whom."""
    offered_at: Moment
    answer_by: Moment
    """应在此前接收或退回 · By when it must be accepted or returned."""
    answer: str | None
    """accepted 接收 / returned 退回 / lapsed 逾期 / replaced, void 失效 · What came of it."""
    answered_at: Moment | None


class OfferList(Out):
    """Every offer of an issue, the oldest first."""

    items: list[OfferOut]
