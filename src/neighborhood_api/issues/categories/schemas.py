"""What the categories API accepts and returns."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, field_validator, model_validator

from neighborhood_api.identity.places import Level
from neighborhood_api.issues.categories.models import Evidence, Publicity, ReopenBy, Urgency
from neighborhood_api.issues.categories.names import URGENCY_NAMES
from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.schedules.clocks import Clock

YEAR_MINUTES = 366 * 24 * 60
YEAR_WORKING_DAYS = 366
"""No limit is longer than a year."""

Minutes = Annotated[int, Field(ge=1, le=YEAR_MINUTES)]
Days = Annotated[int, Field(ge=1, le=365)]
Name = Annotated[Line, Field(max_length=20)]
Reason = Annotated[Line, Field(max_length=500)]

_RULE: dict[str, JsonValue] = {
    "first_level": 4,
    "accept_minutes": 30,
    "respond": {"clock": "working_hours", "amount": 60},
    "resolve": {"clock": "working_hours", "amount": 240},
    "check_in_minutes": 120,
    "verify": {"clock": "working_days", "amount": 1},
    "urgency": "ordinary",
    "evidence": ["text", "photo_after"],
    "publicity": "at_once",
    "confidential": False,
    "verification": False,
    "reopen_days": 7,
    "silence_days": 3,
    "reopen_by": ["reporter", "supporter"],
    "returns_allowed": 2,
    "extension_amount": 240,
    "department_ids": [],
}


class LimitBody(In):
    """A time limit."""

    clock: Clock
    """calendar 自然时间、working_hours 工作时、working_days 工作日 · What is counted."""
    amount: Minutes
    """working_days 填天数，其余填分钟 · Days for `working_days`, minutes for the others."""

    @model_validator(mode="after")
    def _within_a_year(self) -> Self:
        if self.clock is Clock.WORKING_DAYS and self.amount > YEAR_WORKING_DAYS:
            raise ValueError(f"工作日数不能大于 {YEAR_WORKING_DAYS}")
        return self


class RuleBody(In):
    """How issues of a category are handled; always given and shown as a whole."""

    first_level: Level
    """谁先办：4 街巷、3 网格、2 社区、1 街道 · Who handles first: lane, grid, … street."""
    accept_minutes: Minutes
    """每一级须在多少分钟内受理，否则上报（巷长快办）· Each level takes it on, or it goes up."""
    respond: LimitBody
    """首次回应时限 · By when the reporter is answered."""
    resolve: LimitBody
    """办结时限 · By when it is settled."""
    check_in_minutes: Minutes
    """被吹哨部门多少分钟内报到 · A called department checks in within so many minutes."""
    verify: LimitBody
    """核查时限 · How long whoever verifies has."""
    urgency: Urgency
    """ordinary 一般、urgent 紧急、emergency 危急 · How urgent it is."""
    evidence: Annotated[list[Evidence], Field(max_length=len(Evidence))]
    """办结须有：text 说明、photo_before 处理前照片、photo_after 处理后照片、position 定位。

    What resolving demands; the moment is always recorded.
    """
    publicity: Publicity
    """never 不公开、moderated 审核后公开、at_once 立即公开 · Whether the public sees it."""
    confidential: bool
    """是否保密（只有指定岗位可见）· Whether only named posts see it."""
    verification: bool
    """办结后是否先由第三人核查 · Whether a third person verifies before she is asked."""
    reopen_days: Days
    """结案后多少天内可要求重办 · Days after closing in which it may be reopened."""
    silence_days: Days
    """诉求人多少天不表态即结案 · After so many days of silence it is closed."""
    reopen_by: Annotated[list[ReopenBy], Field(max_length=len(ReopenBy))]
    """谁可要求重办：reporter 诉求人、supporter 附议人 · Who may reopen it."""
    returns_allowed: Annotated[int, Field(ge=0, le=9)]
    """最多退单次数，再退由街道裁定 · Returns; the next one goes to adjudication."""
    extension_amount: Annotated[int, Field(ge=0, le=YEAR_MINUTES)]
    """延期一次可加多少（单位同办结时限），0 为不可延期 · What the one extension adds."""
    department_ids: Annotated[list[UUID], Field(max_length=50)]
    """可吹哨、可派遣的部门，空为当地全部 · Who may be called; empty for any of the place."""

    @field_validator("evidence", "reopen_by", "department_ids")
    @classmethod
    def _each_once_and_in_order(cls, given: list[Any]) -> list[Any]:
        """Write a set one way, so that the same rule is recognised."""
        return sorted(set(given))


class RuleIn(In):
    """A rule for a place, or for everywhere."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "node_id": "0198c0de-0000-7000-8000-000000000001",
                    "version": None,
                    "reason": "创卫期间提速",
                    "rule": _RULE,
                }
            ]
        }
    )
    node_id: UUID | None
    """区县、街道或社区；null 为各地默认 · The place; null for the default everywhere."""
    version: int | None = None
    """所依据的现行版本，当地还没有规则时为 null · The version this change was made from."""
    reason: Reason | None = None
    """修改原因 · Why."""
    rule: RuleBody
    """规则全文 · The whole rule."""


class WithdrawRuleIn(In):
    """Which rule of a place no longer applies."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "node_id": "0198c0de-0000-7000-8000-000000000001",
                    "version": 1,
                    "reason": "活动结束，恢复默认",
                }
            ]
        }
    )
    node_id: UUID
    """规则所在的地点 · The place whose rule it is."""
    version: int
    """现行版本 · The version in force."""
    reason: Reason
    """撤销原因 · Why."""


class RuleOut(Out):
    """One version of a rule."""

    id: UUID
    category_code: str
    node_id: UUID | None
    """适用地点，null 为各地默认 · Where it applies; null for everywhere."""
    node_name: str | None
    version: int
    in_force: bool
    """是否现行 · Whether it is the one in force there."""
    created_at: Moment
    created_by: str | None
    """制定人，null 为系统自带 · Who made it; null for what the project brings along."""
    reason: str | None
    superseded_at: Moment | None
    """何时被新版本替代或撤销 · When the next version replaced it, or it was withdrawn."""
    withdrawn_reason: str | None
    """撤销原因 · Why it was withdrawn, if it was."""
    rule: RuleBody


class LimitOut(Out):
    """A time limit, for programs and for people."""

    clock: Clock
    """calendar 自然时间、working_hours 工作时、working_days 工作日 · What is counted."""
    amount: int
    unit: str
    """minutes 分钟或 days 天 · minutes, or days."""
    text: str
    """可直接显示，如 4 个工作时内 · To show as it is."""


class CategoryOut(Out):
    """What an issue can be about, and what to expect."""

    code: str
    name: str
    group_code: str
    group_name: str
    aliases: list[str]
    """俗称，便于搜索 · How people say it."""
    hint: str | None
    """选择提示 · Helps to choose."""
    urgency: Urgency
    """ordinary 一般、urgent 紧急、emergency 危急 · How urgent it is."""
    urgency_name: str = named("urgency", URGENCY_NAMES)
    """紧急程度 · The same in Chinese, to be shown as it is."""
    respond: LimitOut
    """首次回应时限 · By when somebody answers."""
    resolve: LimitOut
    """办结时限 · By when it is settled."""
    evidence: list[Evidence]
    """办结须提供的材料 · What resolving demands."""
    public: bool
    """是否会公开（匿名）· Whether the public list may show it, without names."""
    confidential: bool
    """是否保密（只有指定岗位可见）· Whether only named posts see it."""


class CategoryList(Out):
    """All categories in use at a place, in the order to show them."""

    items: list[CategoryOut]


class SuggestionOut(CategoryOut):
    """A category that a text seems to be about."""

    matched: list[str]
    """文中出现的说法 · The words of the text that led to it."""


class SuggestionList(Out):
    """Candidates, the best first."""

    items: list[SuggestionOut]


class CategoryIn(In):
    """A category, created or changed as a whole."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "垃圾堆放与清运",
                    "group_name": "环境与绿化",
                    "aliases": ["垃圾", "垃圾桶满"],
                    "hint": "垃圾桶满溢、乱倒垃圾、垃圾没人清",
                    "position": 10,
                    "active": True,
                    "standard_code": "030302",
                    "version": 1,
                }
            ]
        }
    )
    name: Name
    """名称 · Name."""
    group_name: Name
    """大类名称，同一大类一并更改 · Name of the group; the whole group takes it."""
    aliases: Annotated[list[Name], Field(max_length=60)]
    """俗称，用于搜索和推荐 · How people say it."""
    hint: Annotated[Line, Field(max_length=100)] | None
    """选择提示 · Helps to choose."""
    position: Annotated[int, Field(ge=0, le=100_000)]
    """显示顺序 · Where it stands in lists."""
    active: bool
    """是否启用 · Whether it may be chosen."""
    standard_code: Annotated[str, Field(pattern=r"^\d{6}$")] | None
    """广东 12345 分类代码（DB44/T 2479-2024）· Nearest code of the Guangdong standard."""
    version: int | None = None
    """所依据的版本，新建为 null · The version this change was made from; null to create."""

    @field_validator("aliases")
    @classmethod
    def _each_once(cls, given: list[str]) -> list[str]:
        return list(dict.fromkeys(given))


class ManagedCategoryOut(Out):
    """A category as operators see it."""

    code: str
    name: str
    group_code: str
    group_name: str
    aliases: list[str]
    hint: str | None
    position: int
    active: bool
    standard_code: str | None
    ready: bool
    """是否已有各地默认的办理规则；没有则不能选用 · Whether it has a rule for everywhere."""
    version: int


class ManagedCategoryList(Out):
    """All categories, also those out of use."""

    items: list[ManagedCategoryOut]
