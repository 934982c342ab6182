"""What publishing accepts and returns."""

import re
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from neighborhood_api.cases.workflow import Move
from neighborhood_api.grid.schemas import PositionOut
from neighborhood_api.issues.categories.models import Publicity
from neighborhood_api.issues.publishing.masking import Personal
from neighborhood_api.issues.publishing.models import PublicState
from neighborhood_api.issues.schemas import PhotoOut, Text
from neighborhood_api.kit.schema import In, Line, Moment, Out, Whole

PLACEHOLDERS = frozenset({"code", "category", "lane"})
_SOME_ID = "0198c0de-0000-7000-8000-000000000001"


class PublicSide(StrEnum):
    """How far an issue is, as the public tells it."""

    OPEN = "open"
    SETTLED = "settled"


class PublicIssueOut(Out):
    """An issue as everybody may see it."""

    id: UUID
    code: str
    """诉求编号 · What people call it."""
    category_code: str
    category_name: str
    text: str
    """诉求内容，个人信息已遮盖 · What is wrong, without personal data."""
    state: PublicSide
    """open 办理中、settled 已有结果 · Whether there is a result."""
    state_name: str
    """状态（中文）· What residents read."""
    lane_id: UUID | None
    lane_name: str | None
    """事发街巷 · The lane."""
    community_name: str | None
    """所在社区 · The community."""
    position: PositionOut | None
    """大致位置，约百米；没有定位时为街巷位置 · Rounded to some 100 m; else the lane's."""
    photos: list[PhotoOut]
    """审核人员同意公开的照片 · Photos, where a moderator allowed them."""
    reporter: str
    """匿名居民，或只显示姓 · "匿名居民", or the first sign of a name."""
    answered_by: str
    """由哪个岗位办理 · Which post answers; never a person."""
    reported_at: Moment
    responded_at: Moment | None
    """首次回应时间 · When the reporter first heard."""
    settled_at: Moment | None
    """有结果的时间 · When there was a result."""
    result: str | None
    """办理结果，个人信息已遮盖 · The result, without personal data."""
    supporters: int
    """附议人数 · How many said "me too"."""


class FindingOut(Out):
    """Personal data in a text."""

    kind: Personal
    name: str
    """是什么（中文）· What it is called."""
    start: int
    """起始位置，按 JavaScript 字符串下标 · Where it begins, as JavaScript counts."""
    end: int
    """结束位置（不含）· Where it ends, exclusive."""


class PreviewIn(In):
    """A report that is still being written."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "路灯坏了，请打13800138000联系我。",
                    "anonymous": True,
                    "category_code": "road.light",
                    "lane_id": _SOME_ID,
                }
            ]
        }
    )
    text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    """诉求内容 · What is wrong."""
    anonymous: bool = True
    """对公众匿名 · Hidden from the public."""
    category_code: Annotated[str, Field(max_length=60)] | None = None
    """类别；填写后告知是否公开 · With a category the answer tells when it is public."""
    lane_id: UUID | None = None
    """事发街巷，不填按住址 · The lane; else where the caller lives."""


class PreviewOut(Out):
    """How the public would see it."""

    text: str
    """公众看到的内容 · What the public would read."""
    reporter: str
    """公众看到的诉求人 · How the reporter would be called."""
    findings: list[FindingOut]
    """发现的个人信息，建议删去 · Personal data found, better left out."""
    publicity: Publicity | None
    """never 不公开、moderated 审核后公开、at_once 立即公开；类别未知为 null。

    Whether it would be public; null without a category in use.
    """


class PublicationOut(Out):
    """Whether the public sees an issue, and how it does or would."""

    state: PublicState
    """hidden 不公开、pending 待审核、shown 已公开、refused 未通过或已撤下 · Where it stands."""
    state_name: str
    reason: str | None
    """审核说明，诉求人可见 · What the moderator said; the reporter reads it."""
    decided_at: Moment | None
    published_at: Moment | None
    photos_shown: bool
    findings: list[FindingOut]
    """原文中的个人信息（公开时自动遮盖）· Personal data in the original; masked in public."""
    public: PublicIssueOut
    """公众看到的样子（未公开时为预览）· As the public sees it, or would."""
    version: int


class PendingOut(Out):
    """An issue that waits for a moderator."""

    id: UUID
    code: str
    category_name: str
    lane_name: str | None
    text: str
    """原文 · The original."""
    public_text: str
    """遮盖后的内容 · As the public would read it."""
    findings: list[FindingOut]
    photos: list[PhotoOut]
    reported_at: Moment
    version: int
    """审核时带回 · Goes into the decision."""


class ModerateIn(In):
    """A moderator's decision."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"version": 1, "show": True, "text": "巷口路灯不亮。", "photos": True},
                {"version": 2, "show": False, "reason": "涉及邻里隐私，撤下。"},
            ]
        }
    )
    version: int
    """所依据的版本 · The version that was looked at."""
    show: bool
    """是否公开 · Whether the public may see it."""
    text: Text | None = None
    """公开的文字；不填用原文（自动遮盖）· Other words; else the original, masked."""
    photos: bool = False
    """是否公开照片 · Whether the photos are public too."""
    reason: Annotated[Line, Field(max_length=200)] | None = None
    """说明，诉求人可见；不公开时必填 · Why; needed when it is not shown."""

    @model_validator(mode="after")
    def _reason_for_hiding(self) -> Self:
        if not self.show and self.reason is None:
            raise ValueError("不公开时请说明理由")
        return self


class HideIn(In):
    """The reporter's wish that the public shall not see her issue."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "不想公开"}]})
    reason: Annotated[Line, Field(max_length=200)] | None = None
    """原因，可不填 · Why, if she likes to say."""


class PhoneOut(Out):
    """The reporter's whole number."""

    name: str | None
    """称呼 · What the reporter is called."""
    phone: str
    """完整号码；本次查看已记录 · The whole number; this look was recorded."""


class LookOut(Out):
    """Somebody looked at the reporter's number."""

    post: str
    """查看人的岗位 · The post."""
    who: str | None
    """查看人姓名（仅上级可见）· Her name, for those above only."""
    looked_at: Moment


def _known_placeholders(text: str) -> str:
    unknown = set(re.findall(r"\{([^{}]*)\}", text)) - PLACEHOLDERS
    if unknown:
        raise ValueError("占位符只能用 {code}、{category}、{lane}")
    return text


ReplyText = Annotated[Text, AfterValidator(_known_placeholders)]


class ReplyBody(In):
    """What a canned reply says, and when it is offered."""

    move: Move
    """用于哪个操作 · The move that it is for."""
    title: Annotated[Line, Field(max_length=30)]
    """标题 · What it is found by."""
    text: ReplyText
    """内容，可用 {code} 编号、{category} 类别、{lane} 街巷 · May use these placeholders."""
    category_code: Annotated[str, Field(max_length=60)] | None = None
    """适用类别，不填为全部 · Its category; none for all."""
    position: Annotated[int, Field(ge=0, le=10_000)] = 0
    """排序，小的在前 · Its place, smallest first."""


_REPLY: dict[str, Any] = {
    "move": "respond",
    "title": "已派人",
    "text": "您好，{lane}的{category}已派人处理。",
}


class ReplyIn(ReplyBody):
    """A new canned reply."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REPLY | {"node_id": _SOME_ID}]})
    node_id: UUID | None = None
    """适用地点，不填为各地（总管理员）· Its place; none for everywhere."""


class ReplyChangeIn(Whole, ReplyBody):
    """A canned reply in other words; its place stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_REPLY | {"category_code": "env.garbage", "position": 0, "version": 1}]
        }
    )
    version: int
    """所依据的版本 · The version that this change was made from."""


class WithdrawReplyIn(In):
    """A canned reply that is not offered any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1}]})
    version: int
    """所依据的版本 · The version that was looked at."""


class ReplyOut(Out):
    """A canned reply."""

    id: UUID
    node_id: UUID | None
    node_name: str | None
    """适用地点，各地通用为 null · Its place; null for everywhere."""
    category_code: str | None
    move: Move
    move_name: str
    title: str
    text: str
    """内容；指定诉求时占位符已填好 · With an issue given, its placeholders are filled."""
    position: int
    version: int


class ReplyList(Out):
    """Canned replies, the nearest place and the category's own first."""

    items: list[ReplyOut]
