"""What the operations of watching accept and return."""

from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.warnings import Colour
from neighborhood_api.issues.categories.schemas import LimitBody
from neighborhood_api.issues.names import COLOUR_NAMES, PURPOSE_NAMES
from neighborhood_api.issues.schemas import Photos, Text
from neighborhood_api.kit.schema import In, Moment, Out, named
from neighborhood_api.schedules.clocks import Clock

_DAY: dict[str, Any] = {"clock": "working_days", "amount": 1}


class UrgeIn(In):
    """The reporter asks where it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "三天了还没人来。"}]})
    text: Text | None = None
    """催办的话，可不填 · A word with it, if any."""


class OrderIn(In):
    """What a superior orders."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"text": "请于明日前说明进展和办结日期。", "answer_within": _DAY}]
        }
    )
    text: Text
    """督办要求（仅工作人员可见）· What is ordered; for staff."""
    answer_within: LimitBody
    """须在多久内回复 · Within what it must be answered."""


class AnswerOrderIn(In):
    """What the hands answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"text": "配件已到，今日下午完成更换。", "photo_ids": []}]
        }
    )
    text: Text
    """回复内容（仅工作人员可见）· The answer; for staff."""
    photo_ids: Photos = Field(default=[])
    """照片 · Photos."""


class DecideOrderIn(In):
    """Whether the superior is content."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"accept": False, "text": "请附现场照片。", "answer_within": _DAY},
                {"accept": True, "text": "同意销号。"},
            ]
        }
    )
    accept: bool
    """true 同意销号，false 再次督办 · Content, or asking again."""
    text: Text
    """审核意见（仅工作人员可见）· Why; for staff."""
    answer_within: LimitBody | None = None
    """再次督办的期限，不填同上次 · The new limit; else as before."""


class OrderOut(Out):
    """An order, and what came of it."""

    id: UUID
    issue_id: UUID
    issue_code: str
    category_name: str
    lane_name: str
    text: str
    given_by: str
    """督办人岗位和姓名 · Who gave it."""
    given_at: Moment
    clock: Clock
    amount: int
    answer_by: Moment | None
    """应在此前回复 · By when it must be answered (the last time it was asked)."""
    overdue: bool
    """逾期未回复 · Whether the limit passed without an answer."""
    times_asked: int
    answer: str | None
    answered_by: str | None
    answered_at: Moment | None
    settled_at: Moment | None
    """何时销号 · When the superior was content."""


class WarningOut(Out):
    """A warning to the caller."""

    id: UUID
    issue_id: UUID
    issue_code: str
    category_name: str
    lane_name: str
    purpose: Purpose
    """respond 回应 / resolve 办结 / verify 核查 / check_in 报到 / order 督办 / remedy 整改。

    Which limit it is about.
    """
    purpose_name: str = named("purpose", PURPOSE_NAMES)
    """哪项时限 · The same in Chinese, to be shown as it is."""
    colour: Colour
    """yellow 即将超时 / red 已超时 · Nearly used up, or passed."""
    colour_name: str = named("colour", COLOUR_NAMES)
    """程度 · The same in Chinese, to be shown as it is."""
    due_at: Moment
    """到期时间 · When the limit ends or ended."""
    raised_at: Moment
    read_at: Moment | None
    """已读时间，未读为 null · Null while unread."""
