"""What the API accepts and returns about strikes."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from neighborhood_api.kit.schema import In, Line, Moment, Out

Words = Annotated[Line, Field(max_length=500)]


class AppealIn(In):
    """Why a strike should be taken back."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "当天发烧就医，已电话告知前台"}]}
    )
    text: Words
    """申诉理由 · Why."""


class AnswerAppealIn(In):
    """What staff answer to an appeal."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lift": True, "text": "情况属实，予以撤销"}]}
    )
    lift: bool
    """是否撤销 · Whether the strike is taken back."""
    text: Words
    """答复，本人会看到 · The answer; she reads it."""


class LiftIn(In):
    """Why staff take a strike back without an appeal."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "场馆临时停电"}]})
    text: Words
    """原因，本人会看到 · Why; she reads it."""


class StrikeOut(Out):
    """A mark for cancelling late or not coming."""

    id: UUID
    booking_id: UUID
    booking_code: str
    """预约号 · The booking's code."""
    title: str
    """活动室或课程、活动 · The room or session."""
    venue_name: str
    starts_at: Moment
    reason: str
    """late_cancel 临近取消；no_show 未到 · Cancelled late, or did not come."""
    struck_at: Moment
    expires_at: Moment
    """失效时间，此后不再累计 · From then on it leads to no further suspension."""
    counts: bool
    """是否仍计入或正因此暂停预约，此时可申诉 · Whether it counts, or suspends now."""
    appeal: str | None
    """申诉理由 · The appeal."""
    appealed_at: Moment | None
    answer: str | None
    """答复 · What staff answered."""
    answered_at: Moment | None
    lifted_at: Moment | None
    """撤销时间 · When it was taken back."""
    person_name: str | None = None
    """姓名，仅工作人员可见 · Whose it is; for staff only."""
