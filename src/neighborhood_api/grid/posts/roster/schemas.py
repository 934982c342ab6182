"""What the API takes and shows of rosters."""

from datetime import date, time
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from neighborhood_api.grid.schemas import DutyPhone, NodeOut
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.schema import In, Moment, Out, Whole

LONGEST_PATTERN_DAYS = 92
MOST_WEEKLY = 42


class ShiftIn(In):
    """Hours in which somebody is to be on call."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "0198c0de-0000-7000-8000-000000000001",
                    "starts_at": "2026-12-01T18:00:00+08:00",
                    "ends_at": "2026-12-02T08:00:00+08:00",
                }
            ]
        }
    )
    person_id: UUID
    """值班人，须在本地、上级或下级任职 · Somebody with a post here, above or below."""
    starts_at: AwareDatetime
    """开始 · Beginning."""
    ends_at: AwareDatetime
    """结束 · End."""
    duty_phone: DutyPhone | None = None
    """值班电话（公开），不填用任职的值班电话 · Public; that of her post when left out."""


class ShiftChangeIn(Whole, ShiftIn):
    """A shift, written anew."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "0198c0de-0000-7000-8000-000000000001",
                    "starts_at": "2026-12-01T18:00:00+08:00",
                    "ends_at": "2026-12-02T08:00:00+08:00",
                    "duty_phone": "0752-9000001",
                    "version": 1,
                }
            ]
        }
    )
    version: int
    """版本号 · The version read."""


class ShiftSwapIn(In):
    """Two shifts whose people take each other's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "with_shift_id": "0198c0de-0000-7000-8000-000000000002",
                    "version": 1,
                    "with_version": 1,
                }
            ]
        }
    )
    with_shift_id: UUID
    """对换的另一班 · The other shift."""
    version: int
    """本班版本号 · The version read of this one."""
    with_version: int
    """另一班版本号 · The version read of the other."""


class ShiftVersionIn(In):
    """The version of a shift that was read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1}]})
    version: int
    """版本号 · The version read."""


class WeeklyShiftIn(In):
    """A shift that comes back every week."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    """星期，1 为周一 · Day of the week, 1 is Monday."""
    begins: time
    """开始时刻（北京时间）· Beginning, China's time."""
    minutes: Annotated[int, Field(ge=15, le=7 * 24 * 60)]
    """时长（分钟），可过零点 · How long, past midnight too."""
    person_id: UUID
    """值班人 · Who is on call."""
    duty_phone: DutyPhone | None = None
    """值班电话，不填用任职的值班电话 · That of her post when left out."""


class ShiftSeriesIn(In):
    """A weekly pattern of shifts, from one day to another."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "first_on": "2026-12-01",
                    "last_on": "2026-12-31",
                    "weekly": [
                        {
                            "weekday": 1,
                            "begins": "18:00:00",
                            "minutes": 840,
                            "person_id": "0198c0de-0000-7000-8000-000000000001",
                        }
                    ],
                }
            ]
        }
    )
    first_on: date
    """首日 · First day."""
    last_on: date
    """末日（含当天，最长 92 天）· Last day, included; at most 92 days."""
    weekly: Annotated[list[WeeklyShiftIn], Field(min_length=1, max_length=MOST_WEEKLY)]
    """每周的班次 · The shifts of a week."""


class ShiftOut(Out):
    """A shift of the roster."""

    id: UUID
    node_id: UUID
    person_id: UUID
    name: str | None
    """值班人姓名 · Who is on call."""
    role: Role
    role_name: str
    duty_phone: str
    starts_at: Moment
    ends_at: Moment
    series_id: UUID | None
    """按周排班的批次 · The weekly pattern that it belongs to."""
    cancelled: bool
    also_elsewhere: bool
    """同时在别处值班，请核对 · Whether she is on call elsewhere in these hours, a warning."""
    version: int


class ShiftPair(Out):
    """Two shifts."""

    items: list[ShiftOut]


class ShiftSeriesOut(Out):
    """Shifts that were made, or cancelled, together."""

    series_id: UUID
    shifts: int
    """班次数 · How many."""


class ShiftGapOut(Out):
    """Hours that nobody is on the roster for."""

    starts_at: Moment
    ends_at: Moment


class DutyRosterOut(Out):
    """The roster of a place."""

    node: NodeOut
    items: list[ShiftOut]
    gaps: list[ShiftGapOut]
    """无人值班的时段，由在岗人员或上一级应答 · The holder, or the next one up, answers."""
