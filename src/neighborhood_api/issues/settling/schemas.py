"""What settling accepts and returns."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, field_validator, model_validator

from neighborhood_api.grid.schemas import PositionIn
from neighborhood_api.issues.schemas import Photos, Text
from neighborhood_api.issues.settling.models import CallReason, Channel
from neighborhood_api.kit.schema import In, Line, Moment, Out, named

Stars = Annotated[int, Field(ge=1, le=5)]
ItemCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
RATING_NAMES = {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}
"""The five levels of 好差评. Source: the provincial 好差评 rules that norms are taken from."""


class EvidencePositionIn(PositionIn):
    """Where the work was done, as the phone gives it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"longitude": 114.2862, "latitude": 23.1727, "accuracy_metres": 15}]
        }
    )
    accuracy_metres: Annotated[float, Field(ge=0, le=100_000)] | None = None
    """定位精度（米），手机给出时填写 · Accuracy as the phone gives it, in metres."""


class ResolveIn(In):
    """What was done, and the evidence."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "垃圾已清运，桶已消毒。",
                    "before_photo_ids": [],
                    "photo_ids": [],
                    "position": {"longitude": 114.2862, "latitude": 23.1727},
                    "done_at": "2026-11-22T15:30:00+08:00",
                }
            ]
        }
    )
    text: Text
    """办理结果 · What was done."""
    before_photo_ids: Photos = Field(default=[])
    """处理前照片；部分类别必须提供 · How it was before; some categories demand it."""
    photo_ids: Photos = Field(default=[])
    """处理后照片；部分类别必须提供 · How it is now; some categories demand it."""
    position: EvidencePositionIn | None = None
    """办理地点定位；部分类别必须提供 · Where it was done; some categories demand it."""
    done_at: AwareDatetime | None = None
    """实际办好的时间，不填为现在 · When it was done; now, unless said."""

    @model_validator(mode="after")
    def _photos_once(self) -> Self:
        photos = [*self.before_photo_ids, *self.photo_ids]
        if len(set(photos)) != len(photos):
            raise ValueError("照片重复，请去掉重复的")
        return self


class VerifyIn(In):
    """A third person found the result as it was described."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "现场已清理干净。", "photo_ids": []}]}
    )
    text: Text | None = None
    """核查情况，诉求人可见 · What was found; the reporter reads it."""
    photo_ids: Photos = Field(default=[])
    """核查照片 · Photos of the check."""


class RefuseResultIn(In):
    """A third person found that it is not settled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "墙角仍有垃圾，请再清理。", "photo_ids": []}]}
    )
    text: Text
    """不通过的原因，诉求人可见 · Why not; the reporter reads it."""
    photo_ids: Photos = Field(default=[])
    """核查照片 · Photos of the check."""


class ReopenIn(In):
    """The reporter says why it is not settled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "只清了一半。", "photo_ids": []}]}
    )
    text: Text
    """要求重办的原因 · Why it must be handled again."""
    photo_ids: Photos = Field(default=[])
    """现状照片 · Photos of how it is."""


class RateIn(In):
    """How well it was handled (好差评)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"rating": 5, "text": "很及时", "items": {"efficiency": 5}, "form_version": 1}
            ]
        }
    )
    rating: Stars
    """5 非常满意 4 满意 3 基本满意 2 不满意 1 非常不满意 · From 5, very content, to 1."""
    text: Text | None = None
    """评语 · A comment."""
    items: Annotated[dict[ItemCode, Stars], Field(max_length=20)] = Field(default={})
    """分项评价，代码见 GET /rating-form · Single sub-items, by code."""
    channel: Channel = Channel.ONLINE
    """online 线上 / offline 线下，决定有哪些分项 · Which sub-items there are."""
    form_version: int | None = None
    """所填评价表的版本，不填为现行 · Version of the form filled in; the present one if none."""


class RatingItemBody(In):
    """A sub-item that may be rated."""

    code: ItemCode
    """代码 · Stable name."""
    name: Annotated[Line, Field(max_length=20)]
    """名称 · What residents read."""


Items = Annotated[list[RatingItemBody], Field(min_length=1, max_length=20)]


class RatingFormIn(In):
    """The sub-items from now on, as a whole."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "online": [{"code": "overall", "name": "整体满意度"}],
                    "offline": [{"code": "attitude", "name": "服务态度"}],
                }
            ]
        }
    )
    version: int
    """所依据的现行版本 · The version that this change was made from."""
    online: Items
    """线上分项 · Sub-items for what was done online."""
    offline: Items
    """线下分项 · Sub-items for what was done in person or by telephone."""

    @field_validator("online", "offline")
    @classmethod
    def _codes_once(cls, given: list[RatingItemBody]) -> list[RatingItemBody]:
        if len({item.code for item in given}) != len(given):
            raise ValueError("分项代码重复")
        return given


class LevelOut(Out):
    """One of the five levels."""

    rating: int
    name: str


class RatingItemOut(Out):
    """A sub-item that may be rated."""

    code: str
    name: str


class RatingFormOut(Out):
    """The rating form in force."""

    version: int
    valid_from: Moment
    """何时起生效 · Since when it is in force."""
    levels: list[LevelOut]
    """五级，从高到低 · The five levels, the best first."""
    online: list[RatingItemOut]
    offline: list[RatingItemOut]


class ItemRatedOut(Out):
    """What was said of one sub-item."""

    code: str
    name: str
    rating: int


RATED_NAMES: dict[Channel, str] = {Channel.ONLINE: "线上", Channel.OFFLINE: "线下"}


class RatingOut(Out):
    """One rating of one handling."""

    id: UUID
    handling: int
    """第几次办理，0 为首次 · Reopened so often before; 0 for the first handling."""
    rating: int
    rating_name: str
    text: str | None
    channel: Channel
    channel_name: str = named("channel", RATED_NAMES)
    """评价渠道 · The same in Chinese, to be shown as it is."""
    form_version: int
    items: list[ItemRatedOut]
    rated_at: Moment
    by_call_back: bool
    """是否由回访代为记录 · Whether it was written down when she was called back."""


class RatingList(Out):
    """Every rating of an issue, the oldest first."""

    items: list[RatingOut]


class CallBackState(StrEnum):
    """What is still to be done about a call-back."""

    TO_CALL = "to_call"
    TO_REMEDY = "to_remedy"
    DONE = "done"


CALL_BACK_NAMES: dict[CallBackState, str] = {
    CallBackState.TO_CALL: "待回访",
    CallBackState.TO_REMEDY: "待整改",
    CallBackState.DONE: "已完成",
}
CALL_REASON_NAMES: dict[CallReason, str] = {
    CallReason.BAD_RATING: "差评",
    CallReason.SAMPLE: "抽样",
}


class CallBackIn(In):
    """What came of a call."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"reached": True, "solved": False, "satisfied": False, "text": "说只清了一半"}
            ]
        }
    )
    reached: bool
    """是否接通 · Whether she answered."""
    solved: bool | None = None
    """诉求人是否认为已解决；没有表态为 null · Whether it is settled, as she says."""
    satisfied: bool | None = None
    """诉求人是否满意；没有表态为 null · Whether she is content."""
    rating: Stars | None = None
    """无账号的来电群众口头评价 · The rating of a caller who has no account."""
    items: Annotated[dict[ItemCode, Stars], Field(max_length=20)] = Field(default={})
    """其分项评价，按线下分项 · Her sub-items, those of the channel offline."""
    text: Text
    """回访记录（仅工作人员可见）· What was said, for staff."""

    @model_validator(mode="after")
    def _answers_need_somebody(self) -> Self:
        if not self.reached and (self.solved, self.satisfied, self.rating) != (None,) * 3:
            raise ValueError("未接通时不能填写诉求人的答复")
        if self.items and self.rating is None:
            raise ValueError("有分项评价时须填写总体评价")
        return self


class RemedyIn(In):
    """What was done to make good a bad rating."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "已重新清运并上门致歉。", "photo_ids": []}]}
    )
    text: Text
    """整改情况，诉求人可见 · What was done; the reporter reads it."""
    photo_ids: Photos = Field(default=[])
    """整改照片 · Photos."""


class CallBackOut(Out):
    """A call to make, or made, and the remedy that follows from it."""

    id: UUID
    issue_id: UUID
    issue_code: str
    issue_text: str
    category_name: str
    lane_name: str
    handling: int
    """第几次办理，0 为首次 · Reopened so often before; 0 for the first handling."""
    reason: CallReason
    """bad_rating 差评、sample 抽样 · Why."""
    reason_name: str = named("reason", CALL_REASON_NAMES)
    """回访原因 · The same in Chinese, to be shown as it is."""
    state: CallBackState
    """to_call 待回访、to_remedy 待整改、done 已完成 · What is still to be done."""
    state_name: str = named("state", CALL_BACK_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    rating: int | None
    rating_text: str | None
    opened_at: Moment
    attempts: int
    """已拨打次数 · How often she was called."""
    name: str | None
    """诉求人 · Who reported."""
    phone: str | None
    """已遮盖；领取回访后用 reporter-phone 查看 · Masked; ask `reporter-phone` for it."""
    taken_by: str | None
    """由谁回访 · Who makes the call."""
    called_at: Moment | None
    reached: bool | None
    solved: bool | None
    satisfied: bool | None
    text: str | None
    remedy_due_at: Moment | None
    """整改期限；无需整改时为 null · By when it must be made good; null where nothing is."""
    remedied_at: Moment | None
