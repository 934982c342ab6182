"""What the worklist accepts and returns."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, field_validator, model_validator

from neighborhood_api.cases.workflow import State
from neighborhood_api.issues.categories.models import Urgency
from neighborhood_api.issues.worklists.boxes import Box
from neighborhood_api.issues.worklists.words import words_query
from neighborhood_api.kit.schema import In, Line, Moment, Out, Whole

Name = Annotated[Line, Field(max_length=20)]
Code = Annotated[str, Field(max_length=60)]


class FilterIn(In):
    """Which issues of the worklist are wanted: the query of `GET /staff/issues` as it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"box": "overdue", "group": "env", "text": "垃圾"}]}
    )
    box: Box | None = None
    """工作箱；不填为全部可见 · Box; all that the caller sees without one."""
    state: Annotated[str, Field(max_length=200)] | None = None
    """状态，可用逗号分隔多个 · States, comma-separated."""
    category: Code | None = None
    """类别代码 · Category code."""
    group: Code | None = None
    """类别大类代码 · Code of a group of categories."""
    node_id: UUID | None = None
    """只看此地点及以下 · Only at this place and below."""
    overdue: bool | None = None
    """只看超时 / 未超时 · Only late ones, or only others."""
    urgency: Annotated[str, Field(max_length=60)] | None = None
    """紧急程度，可用逗号分隔多个 · Urgencies, comma-separated."""
    opened_from: AwareDatetime | None = None
    """上报时间不早于 · Reported at this moment or later."""
    opened_to: AwareDatetime | None = None
    """上报时间早于 · Reported before this moment."""
    text: Annotated[str, Field(max_length=50)] | None = None
    """搜索内容、位置、编号、来电人 · Words in the text, location, code or caller's name."""
    assigned_to_me: bool = False
    """只看本岗位在办，同 box=node · Only what my posts hold now, as `box=node`."""

    @property
    def states(self) -> list[str]:
        """The states asked for."""
        return _several(self.state)

    @property
    def urgencies(self) -> list[str]:
        """The urgencies asked for."""
        return _several(self.urgency)

    @field_validator("state")
    @classmethod
    def _known_states(cls, given: str | None) -> str | None:
        return _known(given, State)

    @field_validator("urgency")
    @classmethod
    def _known_urgencies(cls, given: str | None) -> str | None:
        return _known(given, Urgency)

    @field_validator("text")
    @classmethod
    def _has_words(cls, given: str | None) -> str | None:
        if given and given.strip() and words_query(given) is None:
            raise ValueError("没有可以搜索的文字")
        return given

    @field_validator("opened_from", "opened_to")
    @classmethod
    def _storable(cls, given: datetime | None) -> datetime | None:
        if given is not None and not _FIRST_YEAR <= given.year <= _LAST_YEAR:
            raise ValueError(f"年份须在 {_FIRST_YEAR}–{_LAST_YEAR}")
        return given

    @model_validator(mode="after")
    def _one_box(self) -> Self:
        if self.assigned_to_me and self.box not in {None, Box.NODE}:
            raise ValueError("assigned_to_me 与 box 只能选其一")
        return self


_FIRST_YEAR, _LAST_YEAR = 2000, 2199


def _known(given: str | None, kind: type[StrEnum]) -> str | None:
    """Refuse names that are none of their kind, saying which there are."""
    unknown = [name for name in _several(given) if name not in {*kind}]
    if unknown:
        raise ValueError(f"没有 {'、'.join(unknown)}，可用（逗号分隔）：{'、'.join(kind)}")
    return given


def _several(given: str | None) -> list[str]:
    return [name.strip() for name in (given or "").split(",") if name.strip()]


class CountOut(Out):
    """How many there are, as far as anybody wants to know."""

    count: int
    """数量，最多数到 999 · Up to 999."""
    more: bool
    """实际可能更多 · Whether there may be more."""
    shown: str
    """显示用，如 12、999+ · As it is to be shown."""


class BoxOut(CountOut):
    """A box of the worklist."""

    box: Box
    name: str
    """名称 · What it is called."""


class BoxList(Out):
    """The boxes that the caller's posts have."""

    boxes: list[BoxOut]


class SavedFilterIn(In):
    """A filter to keep under a name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "超时垃圾", "filter": {"box": "overdue", "group": "env"}}]
        }
    )
    name: Name
    """名称，不能与自己的其他筛选重复 · Name; unique among one's own."""
    filter: FilterIn
    """筛选条件 · What it asks for."""
    position: Annotated[int, Field(ge=0, le=999)] = 0
    """排列顺序，小的在前 · Order among one's own, smallest first."""


class SavedFilterChangeIn(Whole, SavedFilterIn):
    """A saved filter as it shall be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "超时", "filter": {"box": "overdue"}, "position": 0, "version": 1}
            ]
        }
    )
    version: int
    """读取时的版本 · The version that was read."""


class SavedFilterOut(CountOut):
    """A saved filter, and how many issues it finds now."""

    id: UUID
    name: str
    filter: FilterIn
    position: int
    version: int


class SavedFilterList(Out):
    """The caller's saved filters."""

    items: list[SavedFilterOut]


class ExportIn(In):
    """Which issues shall be exported."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"filter": {"box": "overdue"}}]})
    filter: FilterIn = FilterIn()
    """筛选条件，同工作台 · As for the worklist."""


class ExportState(StrEnum):
    """How far an export is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ExportOut(Out):
    """An export of issues on its way."""

    id: UUID
    state: ExportState
    state_name: str
    """状态（中文）· As it is shown."""
    rows_done: int
    rows_total: int
    percent: int
    """进度 0–100 · Progress."""
    requested_at: Moment
    expires_at: Moment | None
    """文件删除时间 · When the file is deleted."""
    url: str | None
    """下载地址（相对），十分钟后失效 · Relative, good for ten minutes; read again then."""
    problem: str | None
    """失败原因代码，如 export_too_large · Why it failed, as a problem's code."""
    message: str | None
    """失败原因 · Why it failed, to be shown."""
