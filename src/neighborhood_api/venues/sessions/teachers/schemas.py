"""What the API accepts and returns about teachers."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from neighborhood_api.kit.schema import In, Line, Out, Whole, named
from neighborhood_api.venues.names import TEACHER_ROLE_NAMES
from neighborhood_api.venues.sessions.models import TeacherRole
from neighborhood_api.venues.sessions.schemas import SessionOut

EXAMPLE: dict[str, JsonValue] = {
    "name": "陈敏华",
    "subjects": "数学、英语",
    "phone": "15400000021",
}


class TeacherIn(In):
    """A volunteer who teaches or helps."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    name: Annotated[Line, Field(max_length=20)]
    """姓名 · Name."""
    subjects: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)] = ""
    """能教的科目 · What she teaches."""
    phone: Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{9}$")] | None = None
    """本人手机号；本人在小程序确认后关联账号 · Whoever has it is asked to link her account."""


class TeacherChangeIn(Whole, TeacherIn):
    """A teacher as she shall be, whole."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [EXAMPLE | {"active": True, "version": 1}]}
    )
    may_be_left_out: ClassVar = frozenset({"keep_phone"})
    active: bool = True
    """停用后退出所有未开始的课 · Off, and she drops out of everything that has not begun."""
    keep_phone: bool = False
    """不改手机号和关联的账号；否则换号即解除关联 · Leave number and account as they are."""
    version: int
    """读到的版本号 · The version read."""


class TeacherOut(Out):
    """A volunteer who teaches or helps."""

    id: UUID
    name: str
    subjects: str
    active: bool
    phone: str | None
    """登记的手机号（已隐去中间四位）· As staff gave it, masked."""
    linked: bool
    """本人是否已确认关联账号 · Whether she accepted, and reads her rosters."""
    upcoming: int
    """未开始的课次 · Sessions that have not begun."""
    version: int
    """版本号，修改时带上 · Send it back when changing her."""


class TeachingOfferOut(Out):
    """A question whether the caller is a teacher of a place."""

    teacher_id: UUID
    name: str
    """登记的姓名 · Her name as staff gave it."""
    subjects: str
    node_name: str
    """在哪里授课 · Where she teaches."""


class TeachingOfferList(Out):
    """What the caller is asked."""

    items: list[TeachingOfferOut]


class TeacherList(Out):
    """Teachers, in the order of their names."""

    items: list[TeacherOut]


class TaughtSessionOut(SessionOut):
    """A session that the caller teaches or helps in."""

    role: TeacherRole
    """主讲或助教 · Whether she leads or helps."""
    role_name: str = named("role", TEACHER_ROLE_NAMES)
    """主讲或助教 · The same in Chinese, to be shown as it is."""
