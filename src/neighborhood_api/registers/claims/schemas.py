"""What residences and claims accept and return."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from neighborhood_api.grid.models import Confirmation
from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.registers.names import CONFIRMATION_NAMES
from neighborhood_api.registers.schemas import SOME_ID, MemberOut, example


class ClaimState(StrEnum):
    """What became of what somebody said of where she lives."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


CLAIM_NAMES: dict[ClaimState, str] = {
    ClaimState.WAITING: "待确认",
    ClaimState.CONFIRMED: "已确认",
    ClaimState.REFUSED: "未通过",
}


class ResidenceOut(Out):
    """Where the caller lives."""

    lane_id: UUID
    lane_name: str
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    address: str
    """门牌（已规范书写）· Door, as the register writes it."""
    household_id: UUID | None
    """与登记册一致时的户号 · The register's household, when the door is one of it."""
    state: ClaimState
    """waiting 待确认 confirmed 已确认 refused 未通过 · Whether it is confirmed."""
    state_name: str = named("state", CLAIM_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    refusal: str | None
    """未通过的原因 · Why it was refused."""
    confirmed_at: Moment | None
    version: int


class LeaveResidenceIn(In):
    """That the caller does not live there any more."""

    model_config = example(version=1)
    version: int
    """读到的版本号 · The version that was read."""


class MyHouseholdOut(Out):
    """The caller's household, for who is confirmed to live in it."""

    id: UUID
    address: str
    representative: str | None
    """户代表，只显示姓 · Who speaks for it, masked."""
    members: list[MemberOut]
    """住址已确认的成员 · Accounts whose residence here is confirmed, the caller included."""
    chosen_id: UUID | None
    """我选的户代表 · Whom the caller has chosen."""


class RepresentativeIn(In):
    """Who should speak for the household."""

    model_config = example(person_id=SOME_ID)
    person_id: UUID | None
    """成员编号，空为不选 · One of its members; null for nobody."""


class ClaimOut(Out):
    """Somebody who waits for her residence to be confirmed."""

    id: UUID
    """人员编号 · The person's id."""
    name: str | None
    """称呼 · What she calls herself."""
    phone: str | None
    """已验证的手机号，中间四位隐藏 · Verified number, masked."""
    lane_id: UUID
    lane_name: str
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    address: str
    """填报的门牌 · The door that she says."""
    household_id: UUID | None
    """登记册中的户，空为册中无此门牌 · The register's household; null where it has none."""
    name_is_registered: bool
    """该户登记册中有同名的人 · Whether somebody of that name is registered there."""
    refused_before: bool
    """同一门牌曾被拒绝 · Whether staff refused her at this door before."""
    stated_at: Moment
    version: int
    """版本号，办理时带上 · Send it back with the decision."""


class ConfirmResidenceIn(In):
    """That somebody lives where she says."""

    model_config = example(version=1)
    version: int
    """读到的版本号 · The version that was read."""
    household_id: UUID | None = None
    """登记册无此门牌时指定同巷的户 · A household of the lane, if the door was not found."""
    resident_id: UUID | None = None
    """对应的在册人员 · Whose entry of the register she is."""


class RefuseResidenceIn(In):
    """That somebody does not live where she says, or not any more."""

    model_config = example(version=1, reason="该户为出租房，请填写实际居住的房号")
    version: int
    """读到的版本号 · The version that was read."""
    reason: Annotated[Line, Field(min_length=2, max_length=200)]
    """原因，会告诉本人 · Why; she is told."""


class DecidedResidenceOut(Out):
    """What was decided about somebody's residence."""

    id: UUID
    """人员编号 · The person's id."""
    state: ClaimState
    state_name: str = named("state", CLAIM_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    how: Confirmation | None
    """phone 号码相符 staff 工作人员 · How it was confirmed."""
    how_name: str | None = named("how", CONFIRMATION_NAMES)
    """确认方式 · The same in Chinese, to be shown as it is."""
    household_id: UUID | None
    version: int


class MoveOut(Out):
    """Somebody whose residence was confirmed left; where to is not shown."""

    id: UUID
    name: str | None
    """称呼，只显示姓 · Masked."""
    lane_id: UUID
    lane_name: str
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    address: str
    household_id: UUID | None
    resident_id: UUID | None
    """仍在册的登记，核实后请办理迁出 · Her entry that is still open, to be ended."""
    began_at: Moment
    """确认居住的时间 · Since when it was confirmed."""
    ended_at: Moment
