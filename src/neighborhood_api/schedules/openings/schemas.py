"""What APIs of things that open accept and return; their domains add the routes."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.schema import In, Line, Moment, Out
from neighborhood_api.schedules.calendar import Window, Windows
from neighborhood_api.schedules.openings.models import (
    Closure,
    Opening,
    OpeningException,
    OpeningRule,
)
from neighborhood_api.schedules.openings.plans import (
    Closing,
    Day,
    Hours,
    OnHolidays,
    OtherHours,
    Sheet,
)
from neighborhood_api.schedules.openings.reasons import day_reason
from neighborhood_api.schedules.schemas import OfficeWindowOut, WallTime, minutes_of, wall_of

LONGEST_DAYS = 366
"""Days that one exception or closure may last."""
_YEARS = range(2000, 2200)
"""Far from where adding an offset or a day leaves what a datetime can hold."""


def _whole_minute(moment: datetime) -> datetime:
    if moment.second or moment.microsecond:
        raise ValueError("时间要精确到整分，秒数为零")
    if moment.year not in _YEARS:
        raise ValueError("年份不正确，请重新选择时间")
    return moment


def _usual_year(day: date) -> date:
    if day.year not in _YEARS:
        raise ValueError("年份不正确，请重新选择日期")
    return day


WholeMinute = Annotated[AwareDatetime, AfterValidator(_whole_minute)]
UsualDay = Annotated[date, AfterValidator(_usual_year)]
Cause = Annotated[Line, Field(max_length=100)]


class OpenHoursIn(In):
    """Hours of a day."""

    opens_at: WallTime
    """开门（当地时间）· Opens, local time."""
    closes_at: WallTime
    """关门（当地时间），最晚 24:00 · Closes, local time, 24:00 at the latest."""

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if minutes_of(self.opens_at) >= minutes_of(self.closes_at):
            raise ValueError("关门时间要晚于开门时间")
        return self

    def window(self) -> Window:
        """Return the hours in minutes after midnight."""
        return Window(minutes_of(self.opens_at), minutes_of(self.closes_at))


class OpeningRuleIn(OpenHoursIn):
    """Weekly opening hours."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    """星期，1 为星期一 · ISO weekday, 1 is Monday."""
    valid_from: UsualDay | None = None
    """从这天起适用，不填为一直 · First day on which it holds."""
    valid_until: UsualDay | None = None
    """到这天起不再适用，不填为长期 · First day on which it no longer holds."""

    @model_validator(mode="after")
    def _is_valid_some_day(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError("停止适用的日期要晚于开始适用的日期")
        return self

    def hours(self) -> Hours:
        """Return the rule as plans know it."""
        return Hours(self.weekday, *self.window(), self.valid_from, self.valid_until)


class OpeningRulesIn(In):
    """All weekly opening hours; they replace those there are."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "rules": [{"weekday": 2, "opens_at": "09:00", "closes_at": "12:00"}],
                }
            ]
        }
    )
    version: int
    """读到的版本号 · The version, as read."""
    rules: Annotated[list[OpeningRuleIn], Field(max_length=100)]
    """全部每周开放时间；为空则按所在场地的时间 · All of them; none follows the venue's."""

    def on(self, sheet: Sheet) -> Sheet:
        """Return what the opening of `sheet` would say."""
        return replace(sheet, rules=tuple(rule.hours() for rule in self.rules))


class HolidaysIn(In):
    """What becomes of the weekly hours on public holidays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 1, "on_holidays": "as_sunday"}]}
    )
    version: int
    """读到的版本号 · The version, as read."""
    on_holidays: OnHolidays | None
    """法定节假日：照常、关闭或按星期日；空为与所在场地一致 · Null as the venue has it."""

    def on(self, sheet: Sheet) -> Sheet:
        """Return what the opening of `sheet` would say."""
        return replace(sheet, on_holidays=self.on_holidays)


class OpeningExceptionIn(In):
    """Other hours than the weekly ones on some days, or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "first_on": "2026-12-01",
                    "last_on": "2026-12-03",
                    "hours": [{"opens_at": "09:00", "closes_at": "11:00"}],
                    "reason": "设备检修",
                }
            ]
        }
    )
    version: int
    """读到的版本号 · The version, as read."""
    first_on: UsualDay
    """首日 · First day."""
    last_on: UsualDay
    """末日 · Last day."""
    hours: Annotated[list[OpenHoursIn], Field(max_length=10)]
    """这些天的开放时间，取代每周的；为空则不开放 · Hours of these days; closed when empty."""
    reason: Cause
    """原因，所有人可见 · Why; shown to everybody."""

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.first_on > self.last_on:
            raise ValueError("末日不能早于首日")
        if (self.last_on - self.first_on).days >= LONGEST_DAYS:
            raise ValueError("一次最多设置一年")
        return self

    def windows(self) -> Windows:
        """Return the hours in minutes after midnight, in order."""
        return tuple(sorted(hours.window() for hours in self.hours))

    def on(self, sheet: Sheet, *, now: datetime) -> Sheet:
        """Return what the opening of `sheet` would say."""
        exception = OtherHours(
            new_id(), self.first_on, self.last_on, self.windows(), self.reason, now
        )
        return replace(sheet, exceptions=(*sheet.exceptions, exception))


class ClosureIn(In):
    """A stretch of time in which it is out of use."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "starts_at": "2026-12-01T14:00:00+08:00",
                    "ends_at": "2026-12-02T12:00:00+08:00",
                    "reason": "空调检修",
                }
            ]
        }
    )
    version: int
    """读到的版本号 · The version, as read."""
    starts_at: WholeMinute
    """从何时起停用（带时区，整分）· First moment, with offset, whole minutes."""
    ends_at: WholeMinute
    """何时恢复 · First moment at which it can be used again."""
    reason: Cause
    """原因，所有人可见 · Why; shown to everybody."""

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.starts_at >= self.ends_at:
            raise ValueError("恢复时间要晚于停用时间")
        if self.ends_at - self.starts_at > timedelta(days=LONGEST_DAYS):
            raise ValueError("一次最多停用一年")
        return self

    def on(self, sheet: Sheet) -> Sheet:
        """Return what the opening of `sheet` would say."""
        closing = Closing(new_id(), self.starts_at, self.ends_at, self.reason)
        return replace(sheet, closings=(*sheet.closings, closing))


class RevokeIn(In):
    """A wish to withdraw an exception or to lift a closure."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2}]})
    version: int
    """读到的版本号 · The version of the opening hours, as read."""


class OpeningRuleOut(Out):
    """Weekly opening hours."""

    weekday: int
    """星期，1 为星期一 · ISO weekday, 1 is Monday."""
    opens_at: WallTime
    """开门（当地时间）· Opens, local time."""
    closes_at: WallTime
    """关门（当地时间）· Closes, local time."""
    valid_from: date | None
    """从这天起适用 · First day on which it holds; null for always."""
    valid_until: date | None
    """到这天起不再适用 · First day on which it no longer holds; null for always."""

    @classmethod
    def of(cls, rule: OpeningRule) -> Self:
        """Show a rule."""
        return cls(
            weekday=rule.weekday,
            opens_at=wall_of(rule.opens_minute),
            closes_at=wall_of(rule.closes_minute),
            valid_from=rule.valid_from,
            valid_until=rule.valid_until,
        )


class OpeningExceptionOut(Out):
    """Other hours than the weekly ones on some days, or none."""

    id: UUID
    first_on: date
    last_on: date
    hours: list[OfficeWindowOut]
    """这些天的开放时间；为空则不开放 · Hours of these days; closed when empty."""
    reason: str
    """原因 · Why."""
    made_at: Moment

    @classmethod
    def of(cls, exception: OpeningException) -> Self:
        """Show an exception."""
        windows = tuple(Window(opens, closes) for opens, closes in exception.hours)
        return cls(
            id=exception.id,
            first_on=exception.first_on,
            last_on=exception.last_on,
            hours=OfficeWindowOut.of(windows),
            reason=exception.reason,
            made_at=exception.made_at,
        )


class ClosingOut(Out):
    """A stretch of time in which it is out of use."""

    id: UUID
    starts_at: Moment
    ends_at: Moment
    """何时恢复 · First moment at which it can be used again."""
    reason: str
    """原因 · Why."""


class ClosureOut(ClosingOut):
    """A closure, as staff see it."""

    made_at: Moment


class OpeningOut(Out):
    """When something is open, as it says itself."""

    on_holidays: OnHolidays | None
    """法定节假日：照常、关闭或按星期日；空为与所在场地一致 · Null as the venue has it."""
    rules: list[OpeningRuleOut]
    """每周开放时间；为空则按所在场地的时间 · Weekly hours; none follows the venue's."""
    exceptions: list[OpeningExceptionOut]
    """今天起的例外 · Exceptions that are not over."""
    closures: list[ClosureOut]
    """尚未结束的停用 · Closures that are not over."""
    version: int
    """修改时带上 · Send it back when changing any of it."""

    @classmethod
    def of(
        cls,
        opening: Opening,
        rules: list[OpeningRule],
        exceptions: list[OpeningException],
        closures: list[Closure],
    ) -> Self:
        """Show an opening with what belongs to it."""
        return cls(
            on_holidays=None
            if opening.on_holidays is None
            else OnHolidays(opening.on_holidays),
            rules=[OpeningRuleOut.of(rule) for rule in rules],
            exceptions=[OpeningExceptionOut.of(exception) for exception in exceptions],
            closures=[ClosureOut.model_validate(closure) for closure in closures],
            version=opening.version,
        )


class OpenSpanOut(Out):
    """A stretch of time in which it is open."""

    starts_at: Moment
    ends_at: Moment


class DayReasonOut(Out):
    """Why a day is closed, or has other hours than usual."""

    code: str
    """outside_opening_hours、closed_day 或 public_holiday · What it is."""
    message: str
    """可直接显示 · Show it as it is."""
    opening_hours: list[str]
    """当天的开放时间，如 09:00–12:00 · Its hours, none when closed."""
    holiday: str | None = None
    """节日名称 · The public holiday."""
    reason: str | None = None
    """调整的原因 · Why staff changed the hours."""
    first_on: date | None = None
    """调整的首日 · First day of the change."""
    last_on: date | None = None
    """调整的末日 · Last day of the change."""


class OpenDayOut(Out):
    """When something is open on a day."""

    day: date
    open: list[OpenSpanOut]
    """开放时段，已除去停用 · When it is open, closures taken out."""
    reason: DayReasonOut | None
    """当天不开放或时间有变的原因 · Why it is closed, or has other hours than usual."""
    closures: list[ClosingOut]
    """当天的停用 · What takes it out of use on this day."""
    provisional: bool
    """该年放假安排尚未发布 · The public holidays of its year are not known yet."""

    @classmethod
    def of(cls, day: Day) -> Self:
        """Show a day of a plan."""
        why = day_reason(day)
        return cls(
            day=day.day,
            open=[OpenSpanOut(starts_at=s.starts_at, ends_at=s.ends_at) for s in day.open],
            reason=None if why is None else DayReasonOut.model_validate(why),
            closures=[ClosingOut.model_validate(closing) for closing in day.closings],
            provisional=day.provisional,
        )
