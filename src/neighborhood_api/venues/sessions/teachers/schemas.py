"""What the API accepts and returns about teachers."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from neighborhood_api.kit.schema import In, Line, Out
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
    """已注册的手机号，关联账号后可看点名册 · Of her account, with which she reads rosters."""


class TeacherChangeIn(TeacherIn):
    """A teacher as she shall be, whole."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [EXAMPLE | {"active": True, "version": 1}]}
    )
    active: bool = True
    """停用后退出所有未开始的课 · Off, and she drops out of everything that has not begun."""
    keep_account: bool = False
    """不改关联的账号，此时不填手机号 · Leave the account as it is; then without a phone."""
    version: int
    """读到的版本号 · The version read."""


class TeacherOut(Out):
    """A volunteer who teaches or helps."""

    id: UUID
    name: str
    subjects: str
    active: bool
    phone: str | None
    """关联账号的手机号（已隐去中间四位）· Of the account, masked; null without one."""
    upcoming: int
    """未开始的课次 · Sessions that have not begun."""
    version: int
    """版本号，修改时带上 · Send it back when changing her."""


class TeacherList(Out):
    """Teachers, in the order of their names."""

    items: list[TeacherOut]


class TaughtSessionOut(SessionOut):
    """A session that the caller teaches or helps in."""

    role: TeacherRole
    """主讲或助教 · Whether she leads or helps."""
