"""What special care accepts and returns."""

from datetime import date
from uuid import UUID

from neighborhood_api.kit.schema import In, Out, named
from neighborhood_api.registers.models import CareKind
from neighborhood_api.registers.names import CARE_NAMES
from neighborhood_api.registers.schemas import Remark, ResidentRecordOut, example


class CareFlagIn(In):
    """That somebody needs special care."""

    model_config = example(kind="living_alone", since_on="2026-09-01", note="每周二走访")
    kind: CareKind
    """empty_nest 空巢 living_alone 独居 disabled 残疾 child_in_need 困境儿童 … · Why."""
    since_on: date | None = None
    """从哪天起，不填为今天 · Since when; today when left out."""
    note: Remark | None = None
    """说明，加密保存 · Kept sealed."""


class CareFlagChangeIn(In):
    """A change of what is known; what is left out stays, null empties it."""

    model_config = example(note="每周二、周五走访", version=1)
    since_on: date | None = None
    """从哪天起 · Since when."""
    note: Remark | None = None
    """说明，加密保存 · Kept sealed."""
    version: int
    """读到的版本号 · The version that was read."""


class EndCareFlagIn(In):
    """That somebody does not need it any more."""

    model_config = example(version=1)
    version: int
    """读到的版本号 · The version that was read."""


class CareFlagOut(Out):
    """That somebody needs special care, as lists show it: not who, and not where exactly."""

    id: UUID
    kind: CareKind
    """empty_nest 空巢 living_alone 独居 disabled 残疾 child_in_need 困境儿童 … · Why."""
    kind_name: str = named("kind", CARE_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    lane_id: UUID
    lane_name: str
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    name: str
    """姓名，只显示姓 · Masked."""
    since_on: date
    ended_on: date | None
    version: int


class CareDetailOut(Out):
    """One reason why somebody needs special care."""

    id: UUID
    kind: CareKind
    kind_name: str = named("kind", CARE_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    since_on: date
    note: str | None
    """说明 · Note."""
    version: int


class CareRecordOut(Out):
    """Who it is, and everything that is known of her care; that it was shown is recorded."""

    resident: ResidentRecordOut
    flags: list[CareDetailOut]
    """现有的关爱标记 · Why she needs it, now."""
