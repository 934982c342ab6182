"""What the API accepts and returns about bookings."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.registrations.names import ACT_NAMES, CHANNEL_NAMES, STATE_NAMES
from neighborhood_api.registrations.states import Channel, State
from neighborhood_api.schedules.openings.schemas import WholeMinute

BirthMonth = Annotated[str, StringConstraints(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]
Purpose = Annotated[Line, Field(max_length=100)]
PartySize = Annotated[int, Field(ge=1, le=10_000)]
Why = Annotated[Line, Field(max_length=200)]


class GuestIn(In):
    """Somebody who telephoned or came, for whom staff book."""

    name: Annotated[Line, Field(max_length=20)]
    """姓名 · Name."""
    phone: Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{9}$")]
    """手机号 · Mobile number."""


class TimesIn(In):
    """From when to when a room is wanted."""

    starts_at: WholeMinute
    """开始时间（带时区，整分）· First moment of use, with offset, whole minutes."""
    ends_at: WholeMinute
    """结束时间（带时区，整分）· First moment the room is free again."""
    unit_id: UUID | None = None
    """台位，不填为任一空闲台位 · A unit; any free one when left out."""


class BookingIn(TimesIn):
    """A wish to use a room."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "starts_at": "2026-11-24T14:00:00+08:00",
                    "ends_at": "2026-11-24T15:30:00+08:00",
                    "party_size": 4,
                    "purpose": "邻居练球",
                }
            ]
        }
    )
    party_size: PartySize = 1
    """到场人数 · How many people come."""
    purpose: Purpose
    """用途，工作人员可见 · What for; shown to the venue's staff."""
    wait: bool = False
    """没有空位时加入候补 · Join the waitlist when nothing is left."""
    birth_month: BirthMonth | None = None
    """出生年月，对年龄有要求时填写，不保存 · Where an age is asked for; it is not kept."""
    on_behalf_of: GuestIn | None = None
    """工作人员代来电、来访群众预约 · Staff book for somebody who telephoned or came."""


class HoldIn(TimesIn):
    """A wish to have a slot kept while the form is filled."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "starts_at": "2026-11-24T14:00:00+08:00",
                    "ends_at": "2026-11-24T15:30:00+08:00",
                }
            ]
        }
    )


class HoldConfirmIn(In):
    """The rest of a form whose slot was kept."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"party_size": 4, "purpose": "邻居练球"}]}
    )
    party_size: PartySize = 1
    """到场人数 · How many people come."""
    purpose: Purpose
    """用途，工作人员可见 · What for; shown to the venue's staff."""
    birth_month: BirthMonth | None = None
    """出生年月，对年龄有要求时填写，不保存 · Where an age is asked for; it is not kept."""


class MoveIn(TimesIn):
    """Another time, unit or room for a booking."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "starts_at": "2026-11-25T14:00:00+08:00",
                    "ends_at": "2026-11-25T15:30:00+08:00",
                    "reason": "原时段设备检修",
                }
            ]
        }
    )
    room_id: UUID | None = None
    """换到的活动室，不填为原活动室 · Another room; the same when left out."""
    reason: Why
    """原因，预约人会看到 · Why; the holder reads it."""


class CancelIn(In):
    """A wish to cancel a booking."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "临时有事"}]})
    reason: Why | None = None
    """原因；工作人员取消时必填，预约人会看到 · Why; staff must say, and the holder reads it."""


class RejectIn(In):
    """Why staff reject what was asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "当天有街道活动"}]})
    reason: Why
    """原因，预约人会看到 · Why; the holder reads it."""


class HolderPhoneIn(In):
    """A wish to ring whoever holds a booking."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "活动室临时停用，需电话通知"}]}
    )
    reason: Why
    """理由，预约人会看到 · Why; the holder reads it."""


class HolderPhoneOut(Out):
    """The whole number of whoever holds a booking."""

    name: str | None
    phone: str
    """手机号（完整）· Mobile number, unmasked."""


class HolderOut(Out):
    """Who holds a booking, as the venue's staff see it."""

    name: str | None
    phone: str | None
    """手机号（已隐去中间四位）；用 holder-phone 查看 · Masked; ask `holder-phone` for it."""
    untold: bool
    """没有账号，系统无法通知，请打电话 · Has no account, so the system tells nothing: ring."""


class CheckInWindowOut(Out):
    """When one may check in."""

    opens_at: Moment
    closes_at: Moment
    """此后未签到即释放，可能记爽约 · After this it is given up, which may be a strike."""


class BookingOut(Out):
    """A booking of a room, or an enrolment in a session."""

    id: UUID
    code: str
    """预约号，如 B100042 · What one says at the desk."""
    kind: str
    """room 为活动室，session 为课程或活动 · What is booked: `room` or `session`."""
    state: State
    state_name: str = named("state", STATE_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    title: str
    """活动室名称或课程、活动标题 · Name of the room, or title of the session."""
    venue_id: UUID
    venue_name: str
    venue_address: str
    room_id: UUID | None
    """活动室；课程不占用活动室则为空 · Null for a session without a room."""
    room_name: str | None
    """活动室名称 · Name of the room."""
    session_id: UUID | None
    """课程或活动 · Null for a room."""
    unit_name: str | None
    """台位 · The unit."""
    starts_at: Moment
    ends_at: Moment
    party_size: int
    """到场人数 · How many people come."""
    purpose: str
    child_name: str | None
    """参加的孩子 · The child that takes part."""
    channel: Channel
    channel_name: str = named("channel", CHANNEL_NAMES)
    """预约方式 · The same in Chinese, to be shown as it is."""
    created_at: Moment
    waits_at: int | None
    """候补第几位 · Place in the waitlist; null when not waiting."""
    answer_by: Moment | None
    """保留到何时，需在此前确认 · A hold or an offer: confirm before then."""
    cancel_free_until: Moment | None
    """在此之前取消不记爽约，为空则不会记 · No strike until then; null: never."""
    check_in: CheckInWindowOut | None
    """签到时段，不需签到为空 · Null where one need not check in."""
    checked_in_at: Moment | None
    checked_out_at: Moment | None
    policy_version: int
    """适用的规则版本 · Under which version of the rules it was made."""
    cancelled_at: Moment | None
    cancelled_by_staff: bool
    """是否由工作人员取消 · Whether the venue's staff took it back."""
    cancelled_late: bool
    """是否临近取消 · Whether it was given up late, which may be a strike."""
    cancel_reason: str | None
    """取消或未通过的原因 · Why it was cancelled or rejected."""
    holder: HolderOut | None = None
    """预约人，仅工作人员可见 · Who holds it; for the venue's staff only."""


class BookingEntryOut(Out):
    """One line of a booking's history."""

    acted_at: Moment
    act: str
    """发生了什么 · What happened."""
    act_name: str = named("act", ACT_NAMES)
    """发生了什么 · The same in Chinese, to be shown as it is."""
    state: State
    """之后的状态 · Where it stood afterwards."""
    state_name: str = named("state", STATE_NAMES)
    """之后的状态名称 · The same in Chinese, to be shown as it is."""
    by_staff: bool
    """是否由工作人员办理 · Whether staff did it."""
    text: str | None
    """说明 · What the holder is told."""
    flags: list[str] | None
    """签到异常，如 far_away、clock_off，仅工作人员可见 · What is strange; for staff only."""
    device_at: Moment | None
    """签到设备的时间，仅工作人员可见 · Time of the device; for staff only."""
