"""What the working-calendar API accepts and returns."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from neighborhood_api.kit.schema import In, Line, Out
from neighborhood_api.schedules.calendar import WEEK, OfficeHours, Windows

WallTime = Annotated[
    str,
    StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
    Field(examples=["08:30"]),
]
"""Hours and minutes of the local day; 24:00 is its end."""
DISTRICT = "0198c0de-0000-7000-8000-000000000001"
_HOUR = 60


def minutes_of(wall: str) -> int:
    """Return minutes after midnight."""
    hours, minutes = wall.split(":")
    return int(hours) * _HOUR + int(minutes)


def wall_of(minutes: int) -> str:
    """Return minutes after midnight as `HH:MM`."""
    return f"{minutes // _HOUR:02}:{minutes % _HOUR:02}"


class SpecialDayIn(In):
    """A day that differs from Monday-to-Friday."""

    day: date
    """日期 · The day."""
    is_workday: bool
    """true 为调休上班，false 为放假 · Whether it is worked: a make-up workday, or a holiday."""
    name: Annotated[Line, Field(max_length=20)]
    """节日名称 · The festival."""


class WorkingYearIn(In):
    """All special days of a year, as its notice says."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "district_id": DISTRICT,
                    "source": "国务院办公厅关于2026年部分节假日安排的通知",
                    "days": [
                        {"day": "2026-01-01", "is_workday": False, "name": "元旦"},
                        {"day": "2026-01-04", "is_workday": True, "name": "元旦"},
                    ],
                    "version": 0,
                }
            ]
        }
    )
    district_id: UUID
    """适用的区县 · The district that it holds for."""
    source: Annotated[Line, Field(max_length=200)]
    """依据的通知 · The notice that says so."""
    days: Annotated[list[SpecialDayIn], Field(min_length=1, max_length=100)]
    """全年放假和调休上班的日期，取代之前的 · Every special day, in place of those before."""
    version: int
    """读到的版本号，首次为 0 · The version read; 0 for the first time."""


class SpecialDayOut(Out):
    """A day that differs from Monday-to-Friday."""

    day: date
    is_workday: bool
    """true 为调休上班，false 为放假 · Whether it is worked."""
    name: str
    """节日名称 · The festival."""


class WorkingYearOut(Out):
    """What is known of a year."""

    year: int
    published: bool
    """安排是否已载入 · Whether its notice is loaded; otherwise days are guessed by weekday."""
    own: bool
    """是否为本区县自行设定 · Whether the district has set it itself."""
    source: str | None
    """依据的通知 · The notice that says so."""
    days: list[SpecialDayOut]
    version: int
    """修改时带上；0 表示本区县尚未设定 · Send it back when changing; 0 when not set here."""


class OfficeWindowOut(Out):
    """When offices are open on a day."""

    opens_at: WallTime
    closes_at: WallTime

    @classmethod
    def of(cls, windows: Windows) -> list[Self]:
        """Show the hours of a day."""
        return [cls(opens_at=wall_of(w.opens), closes_at=wall_of(w.closes)) for w in windows]


class CalendarDayOut(Out):
    """A day of the working calendar."""

    day: date
    is_workday: bool
    """是否工作日 · Whether it is worked."""
    name: str | None
    """放假或调休的节日 · The festival of a holiday or make-up workday."""
    provisional: bool
    """该年安排尚未发布，按星期推算 · The year is not published: a guess by weekday."""
    hours: list[OfficeWindowOut]
    """办公时间，不上班为空 · Office hours; empty when nobody works."""


class WorkingCalendarOut(Out):
    """Which days are worked."""

    district_id: UUID | None
    """适用的区县，空为全国 · The district that it holds for; null for the whole country."""
    days: list[CalendarDayOut]


class OfficeWindowIn(In):
    """Hours of one day of the week."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    """星期，1 为星期一；六、日只用于调休上班 · ISO weekday; 6 and 7 for make-up workdays."""
    opens_at: WallTime
    """上班 · Opens, local time."""
    closes_at: WallTime
    """下班，最晚 24:00 · Closes, local time, 24:00 at the latest."""


class OfficeHoursIn(In):
    """A district's office hours from a day on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "district_id": DISTRICT,
                    "valid_from": "2026-12-01",
                    "windows": [
                        {"weekday": 1, "opens_at": "08:30", "closes_at": "12:00"},
                        {"weekday": 1, "opens_at": "14:00", "closes_at": "17:30"},
                    ],
                    "version": 0,
                }
            ]
        }
    )
    district_id: UUID
    """适用的区县 · The district."""
    valid_from: date
    """从这天起适用 · First day on which they hold."""
    windows: Annotated[list[OfficeWindowIn], Field(min_length=1, max_length=70)]
    """一周的办公时间 · The hours of the week."""
    version: int
    """修改同一天起的安排时带上版本号，新增为 0 · The version read; 0 for a new first day."""

    def week(self) -> list[list[list[int]]]:
        """Return the windows as they are stored, in order."""
        days: list[list[list[int]]] = [[] for _ in range(WEEK)]
        for window in self.windows:
            opens, closes = minutes_of(window.opens_at), minutes_of(window.closes_at)
            days[window.weekday - 1].append([opens, closes])
        return [sorted(day) for day in days]


class WeekdayWindowOut(OfficeWindowOut):
    """Hours of one day of the week."""

    weekday: int
    """星期，1 为星期一 · ISO weekday, 1 is Monday."""


class OfficeHoursOut(Out):
    """Office hours from a day on."""

    valid_from: date | None
    """从这天起适用；空为默认 · First day; null for the usual hours before any were set."""
    windows: list[WeekdayWindowOut]
    version: int
    """修改时带上 · Send it back when changing them."""

    @classmethod
    def of(cls, hours: OfficeHours, valid_from: date | None, version: int) -> Self:
        """Show the hours of a week; those of a weekend are for make-up workdays."""
        windows = [
            WeekdayWindowOut(
                weekday=n + 1, opens_at=wall_of(window.opens), closes_at=wall_of(window.closes)
            )
            for n in range(WEEK)
            for window in hours.on(n)
        ]
        return cls(valid_from=valid_from, windows=windows, version=version)


class OfficeHoursList(Out):
    """A district's office hours, the earliest first."""

    district_id: UUID
    items: list[OfficeHoursOut]
