"""What the children API accepts and returns."""

import re
from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from neighborhood_api.identity.schemas import Mobile
from neighborhood_api.kit.schema import In, Line, Moment, Out
from neighborhood_api.venues.children.grades import GRADES
from neighborhood_api.venues.children.models import MOST_PICK_UPS

_MONTH = r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])"


def _first_of_month(value: object) -> object:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or re.fullmatch(_MONTH, value) is None:
        raise ValueError("出生年月格式应如 2018-05")
    return date(int(value[:4]), int(value[5:]), 1)


BirthMonth = Annotated[
    date,
    BeforeValidator(_first_of_month),
    PlainSerializer(lambda month: f"{month:%Y-%m}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_MONTH}$", "examples": ["2018-05"]}),
]
MaskedMobile = Annotated[str, StringConstraints(pattern=r"^1[0-9]{2}\*{4}[0-9]{4}$")]
"""As the guardian reads it back."""
ChildName = Annotated[Line, Field(max_length=40)]
Grade = Annotated[int, Field(ge=GRADES[0], le=GRADES[-1])]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Version = Annotated[str, StringConstraints(min_length=1, max_length=40)]

_CHILD: dict[str, JsonValue] = {
    "name": "黄小满",
    "birth_month": "2018-05",
    "grade": 3,
    "note": "对花生过敏",
    "pick_ups": [{"name": "林秀英", "relation": "外婆", "phone": "15400000011"}],
}


class ConsentTextOut(Out):
    """The text by which a guardian agrees."""

    version: str
    """版本号，同意时带上 · Send it back when agreeing."""
    since: date
    """自哪天起使用 · The day on which it began."""
    present: bool
    """是否为现行版本 · Whether it is the one that holds now."""
    text: str
    """全文，请完整展示 · The whole text; show it as it is."""
    kept_days: int
    """孩子的信息在最后一次活动后实际保存的天数 · How long a child's data are kept here."""
    look_days: int
    """活动结束后工作人员还能打开记录的天数 · How long staff may still open a record."""


class PickUpIn(In):
    """Somebody who may fetch the child."""

    name: ChildName
    """姓名 · Name."""
    relation: Annotated[Line, Field(max_length=20)]
    """与孩子的关系 · Relation to the child."""
    phone: Mobile | MaskedMobile | None = None
    """手机号；不填或遮盖的，沿用同名接送人原来的 · Left out or masked: the one known."""


class _ChildIn(In):
    name: ChildName
    """孩子的姓名 · The child's name."""
    birth_month: BirthMonth
    """出生年月 · Month of birth; the day is not asked for."""
    grade: Grade | None = None
    """现在的年级：小学1–6,初中7–9,高中10–12;每年9月自动升级 · Grade now; it moves up."""
    note: Note = ""
    """给老师的提醒，如过敏 · What the teacher must know, e.g. allergies."""
    pick_ups: Annotated[tuple[PickUpIn, ...], Field(max_length=MOST_PICK_UPS)] = ()
    """接送人，最多4位 · Who may fetch the child, four at most."""

    @model_validator(mode="after")
    def _each_is_named_once(self) -> Self:
        if len({person.name for person in self.pick_ups}) < len(self.pick_ups):
            raise ValueError("接送人的姓名不能重复")
        return self


class ChildIn(_ChildIn):
    """A child, and the guardian's consent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_CHILD | {"consent_version": "2026-11-22-0123456789ab"}]
        }
    )
    consent_version: Version
    """已阅读并同意的监护人同意书版本 · The version of the text that was read and agreed to."""


class ChildChangeIn(_ChildIn):
    """A child as it shall be from now on, whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHILD | {"version": 1}]})
    grade: Grade | None
    """现在的年级，没有则为 null · Grade now; null for none."""
    note: Note
    """给老师的提醒 · What the teacher must know."""
    pick_ups: Annotated[tuple[PickUpIn, ...], Field(max_length=MOST_PICK_UPS)]
    """全部接送人 · All who may fetch the child."""
    version: int
    """读到的版本号 · The version read."""


class ConsentIn(In):
    """A guardian's consent to another version of the text."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"consent_version": "2026-11-22-0123456789ab"}]}
    )
    consent_version: Version
    """已阅读并同意的监护人同意书版本 · The version of the text that was read and agreed to."""


class WithdrawIn(In):
    """A wish to have a child's data deleted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cancel_enrolments": True}]})
    cancel_enrolments: bool = False
    """同时取消孩子未开始的报名 · Cancel what the child is enrolled in; else it is refused."""


class LookIn(In):
    """A wish to open a child's record."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "孩子发烧，需要联系家长"}]}
    )
    reason: Annotated[Line, Field(max_length=200)]
    """理由，监护人会看到 · Why; the guardian will see it."""


class PickUpOut(Out):
    """Somebody who may fetch the child."""

    name: str
    relation: str
    phone: str
    """手机号；列表中只显示前三位和后四位 · Masked, but in a record that was opened."""


class ConsentOut(Out):
    """What the guardian agreed to."""

    version: str
    given_at: Moment
    present: bool
    """是否为现行版本；否则下次报名前须重新同意 · If not, agree anew before enrolling."""


class ChildOut(Out):
    """A child, for its guardian."""

    id: UUID
    name: str
    birth_month: BirthMonth
    """出生年月 · Month of birth."""
    grade: int | None
    """现在的年级 · Grade now."""
    note: str
    """给老师的提醒 · What the teacher must know."""
    pick_ups: list[PickUpOut]
    consent: ConsentOut
    created_at: Moment
    version: int
    """版本号，修改时带上 · Send it back with a change."""


class ChildList(Out):
    """The caller's children."""

    items: list[ChildOut]


class GuardianOut(Out):
    """How to reach the guardian."""

    name: str | None
    phone: str | None
    """手机号（完整）· Unmasked; null where none is bound."""


class ChildRecordOut(Out):
    """A child's record, opened by staff; that it was opened is logged."""

    look_id: UUID
    """查看记录编号 · What the log says of this look."""
    name: str
    grade: int | None
    note: str
    """给老师的提醒 · What the teacher must know."""
    guardian: GuardianOut
    pick_ups: list[PickUpOut]
    """接送人（完整号码）· With whole numbers."""


class ChildLookOut(Out):
    """That somebody opened the child's record."""

    id: UUID
    looked_at: Moment
    role: str
    """身份：岗位，或 teacher 老师 · As what: a post, or teacher."""
    name: str | None
    """查看人 · Who looked."""
    reason: str
    """理由 · Why."""
