"""What the API accepts and returns about weekly series."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, model_validator

from neighborhood_api.kit.schema import In, Moment, Out, Whole, named
from neighborhood_api.schedules.openings.schemas import UsualDay
from neighborhood_api.schedules.openings.spans import midnight_of
from neighborhood_api.schedules.schemas import WallTime, minutes_of
from neighborhood_api.venues.bookings.schemas import Why
from neighborhood_api.venues.names import SESSION_NAMES
from neighborhood_api.venues.sessions.models import SessionKind
from neighborhood_api.venues.sessions.schemas import PLAN_EXAMPLE, PLAN_WHOLE, SessionPlan
from neighborhood_api.venues.sessions.series.dates import dates_of
from neighborhood_api.venues.sessions.shapes import Shape

LONGEST_DAYS = 366
_DAY_MINUTES = 24 * 60
MinutesBefore = Annotated[int, Field(ge=1, le=60 * _DAY_MINUTES)]


def _in_order(weekdays: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(weekdays)))


class OnClash(StrEnum):
    """What becomes of a date on which something is in the way."""

    FAIL = "fail"
    """Nothing is done at all, and every such date is told."""
    SKIP = "skip"
    """That date stays as it is, or is left out, and is told with its reason."""


class SeriesPlan(SessionPlan):
    """What the sessions of a series are like."""

    weekdays: Annotated[
        tuple[Annotated[int, Field(ge=1, le=7)], ...],
        Field(min_length=1, max_length=7),
        AfterValidator(_in_order),
    ]
    """每周几，1 为星期一 · ISO weekdays, 1 is Monday."""
    starts: WallTime
    """开始（当地时间）· Start of each, local time."""
    ends: WallTime
    """结束 · End of each."""
    last_on: UsualDay
    """末日 · Last day."""
    skip_holidays: bool = True
    """法定节假日不上 · Leave out public holidays."""
    decide_minutes_before: MinutesBefore | None = None
    """开始前多少分钟判断是否达到最低人数 · When it is seen whether enough have enrolled."""

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        length = minutes_of(self.ends) - minutes_of(self.starts)
        if not 0 < length <= _DAY_MINUTES // 2:
            raise ValueError("结束时间要晚于开始时间，最长12小时")
        if (self.fewest is None) != (self.decide_minutes_before is None):
            raise ValueError("最低人数和判断时间要一起填写")
        return self

    def shape(self, on: date) -> Shape:
        """Return the session of a day as the series wants it."""
        midnight, before = midnight_of(on), self.decide_minutes_before
        return Shape(
            title=self.title,
            subject=self.subject,
            grade=self.grade,
            about=self.about,
            starts_at=midnight + timedelta(minutes=minutes_of(self.starts)),
            ends_at=midnight + timedelta(minutes=minutes_of(self.ends)),
            room_id=self.room_id,
            teachers=self.teaching,
            capacity=self.capacity,
            children_per_helper=self.children_per_helper,
            fewest=self.fewest,
            decide_before=None if before is None else timedelta(minutes=before),
            enrol_from=None,
            enrol_until=None,
            open=self.accepts_enrolments,
            policy=self.policy,
        )

    def days(self, first_on: date) -> set[date]:
        """Return its days from one on, public holidays or not."""
        on = dates_of(
            self.weekdays, first_on, self.last_on, lambda _: None, skip_holidays=False
        ).on
        return set(on)

    def starts_at(self, on: date) -> datetime:
        """Return when the session of a day begins."""
        return midnight_of(on) + timedelta(minutes=minutes_of(self.starts))


DAYS_EXAMPLE: dict[str, JsonValue] = {
    "weekdays": [2, 4],
    "starts": "16:30",
    "ends": "18:00",
    "last_on": "2027-01-15",
}


class SeriesIn(SeriesPlan):
    """A weekly series."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "tutoring",
                    "for_children": True,
                    "first_on": "2026-11-24",
                    "on_clash": "skip",
                    **PLAN_EXAMPLE,
                    **DAYS_EXAMPLE,
                }
            ]
        }
    )
    kind: SessionKind
    """辅导或活动 · What it is."""
    for_children: bool = False
    """是否由监护人为孩子报名 · Whether guardians enrol children."""
    first_on: UsualDay
    """首日 · First day."""
    draw_minutes_before: MinutesBefore | None = None
    """每场开始前多少分钟抽签，不抽签不填 · When seats are drawn by lot; null without a draw."""
    on_clash: OnClash = OnClash.FAIL
    """有冲突的日期：都不建，或跳过并列出 · Refuse all, or leave such dates out and tell."""
    outside_hours: bool = False
    """确认在非开放时间举行；停用和临时关闭的日子除外 · Hold it outside the opening hours."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if not 0 <= (self.last_on - self.first_on).days < LONGEST_DAYS:
            raise ValueError("末日不能早于首日，一次最多一年")
        draw, decide = self.draw_minutes_before, self.decide_minutes_before
        if draw is not None and decide is not None and draw < decide:
            raise ValueError("抽签时间不能晚于判断最低人数的时间")
        return self

    @property
    def plan(self) -> SeriesPlan:
        """What of it can change."""
        return SeriesPlan(**{name: getattr(self, name) for name in SeriesPlan.model_fields})


class SeriesChangeIn(Whole, SeriesPlan):
    """A series as it shall be, from one of its sessions on or all that have not begun."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **PLAN_WHOLE,
                    **DAYS_EXAMPLE,
                    "skip_holidays": True,
                    "decide_minutes_before": 1440,
                    "version": 1,
                }
            ]
        }
    )
    may_be_left_out: ClassVar = frozenset(
        {"from_session_id", "on_clash", "cancel_conflicting", "outside_hours"}
    )
    version: int
    """读到的版本号 · The version read."""
    from_session_id: UUID | None = None
    """从这一场起（含），不填为所有未开始的 · This and following; all to come when left out."""
    on_clash: OnClash = OnClash.FAIL
    """有冲突的日期：都不改，或保持原样并列出 · Refuse all, or leave such dates as they are."""
    cancel_conflicting: bool = False
    """改时间后有人冲突时，取消这些报名 · Cancel those who are elsewhere then."""
    outside_hours: bool = False
    """确认在非开放时间举行；停用和临时关闭的日子除外 · Hold it outside the opening hours."""

    @property
    def plan(self) -> SeriesPlan:
        """What it shall be like."""
        return SeriesPlan(**{name: getattr(self, name) for name in SeriesPlan.model_fields})


class SeriesCancelIn(In):
    """Why a series ends, or a part of it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 1, "reason": "学期结束"}]}
    )
    version: int
    """读到的版本号 · The version read."""
    from_session_id: UUID | None = None
    """从这一场起（含），不填为所有未开始的 · This and following; all to come when left out."""
    reason: Why
    """原因，报名的人会看到 · Why; whoever is enrolled reads it."""


class SeriesSessionOut(Out):
    """One session of a series."""

    session_id: UUID
    on: date
    """系列中的日期 · For which date of the series it stands."""
    starts_at: Moment
    ends_at: Moment
    taken: int
    """已报名人数 · How many have a seat."""
    cancelled_at: Moment | None
    version: int


class ClashOut(Out):
    """Something that is in the way on a date."""

    code: str
    """如 `room_taken`、`teacher_taken`、`out_of_use`、`outside_hours` · What it is."""
    message: str
    """说明 · In words."""
    starts_at: Moment
    ends_at: Moment


class SkippedOut(Out):
    """A date that was left out, or stays as it was."""

    on: date
    code: str
    """原因代码 · Why: `holiday`, `in_the_past`, or the first of what is in the way."""
    message: str
    """原因 · Why, in words."""
    clashes: list[ClashOut]
    """全部冲突 · All that is in the way; empty when it is something else."""


class KeptOut(Out):
    """What a session that was changed alone keeps of its own."""

    session_id: UUID
    on: date
    fields: list[str]
    """未随系列改变的内容 · What did not change with the series."""


class SeriesOut(Out):
    """A weekly series."""

    id: UUID
    venue_id: UUID
    kind: SessionKind
    kind_name: str = named("kind", SESSION_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    for_children: bool
    first_on: date
    last_on: date
    plan: SeriesPlan
    """每场的内容 · What its sessions are like."""
    draw_minutes_before: int | None
    split_from_id: UUID | None
    """此前日期的系列 · The series of the dates before it was changed."""
    sessions: list[SeriesSessionOut]
    """各场，按日期 · Its sessions, by date."""
    version: int
    """版本号，修改时带上 · Send it back when changing it."""


class SeriesResultOut(SeriesOut):
    """A series after it was made or changed."""

    skipped: list[SkippedOut]
    """没有建立或保持原样的日期及原因 · Dates left out or left as they were, with the reason."""
    kept: list[KeptOut]
    """单独改过的场次保留的内容 · What sessions that were changed alone keep."""
