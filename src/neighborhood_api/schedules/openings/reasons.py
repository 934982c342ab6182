"""What people are told when something is not open or cannot be asked for, with the numbers."""

from datetime import datetime, timedelta

from pydantic import JsonValue

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.openings.plans import (
    Closing,
    Day,
    Holiday,
    Hurdle,
    Limits,
    OtherHours,
    Plan,
)
from neighborhood_api.schedules.openings.spans import Span
from neighborhood_api.schedules.schemas import wall_of

Reason = dict[str, JsonValue]
"""A code, a Chinese message, and the numbers and dates behind it."""

NO_HOURS = "当天不开放"

_SENTENCES = {
    Hurdle.RUNS_BACKWARDS: "结束时间要晚于开始时间",
    Hurdle.IN_THE_PAST: "开始时间已过，请选择以后的时间",
    Hurdle.TOO_SOON: "至少要提前{notice}预约",
    Hurdle.TOO_FAR: "最多提前{horizon}预约，请选择近一些的日期",
    Hurdle.OFF_THE_GRID: "请按每格{slot}选择，从开门时间算起",
    Hurdle.TOO_SHORT: "每次至少使用{shortest}",
    Hurdle.TOO_LONG: "每次最多使用{longest}",
}
_NUMBER = {
    Hurdle.TOO_SOON: "notice_minutes",
    Hurdle.TOO_FAR: "horizon_days",
    Hurdle.OFF_THE_GRID: "slot_minutes",
    Hurdle.TOO_SHORT: "shortest_minutes",
    Hurdle.TOO_LONG: "longest_minutes",
}
_OF_THE_DAY = {
    Hurdle.OUTSIDE_OPENING_HOURS,
    Hurdle.CLOSED_DAY,
    Hurdle.PUBLIC_HOLIDAY,
}


def reason(hurdle: Hurdle, wish: Span, plan: Plan, limits: Limits) -> Reason:
    """Explain one violated rule, with the number behind it."""
    if hurdle in _OF_THE_DAY:
        return _hours_of(plan.day(local_day(wish.starts_at)))
    closing = plan.day(local_day(wish.starts_at)).closing(wish)
    if hurdle is Hurdle.CLOSURE and closing is not None:
        return {
            "code": hurdle.value,
            "message": f"{out_of_use(closing)}，请另选时间",
            "reason": closing.reason,
            "starts_at": _shown(closing.starts_at),
            "until": _shown(closing.ends_at),
        }
    message = _SENTENCES[hurdle].format(
        notice=duration(limits.notice_minutes),
        horizon=f"{limits.horizon_days}天",
        slot=duration(limits.slot_minutes),
        shortest=duration(limits.shortest_minutes),
        longest=duration(limits.longest_minutes),
    )
    explained: Reason = {"code": hurdle.value, "message": message}
    if hurdle in _NUMBER:
        name = _NUMBER[hurdle]
        explained[name] = getattr(limits, name)
    return explained


def day_reason(day: Day) -> Reason | None:
    """Explain why a day has no hours, or others than usual; None for a day like any other."""
    if day.windows and day.because is None:
        return None
    explained: Reason = {"code": _code(day).value, "message": _in_short(day)}
    return explained | _details(day)


def out_of_use(closing: Closing) -> str:
    """Tell until when something is out of use, and why."""
    until = closing.ends_at.astimezone(SHOWN_ZONE)
    return f"停用至{until.month}月{until.day}日{until:%H:%M}（{closing.reason}）"


def duration(minutes: int) -> str:
    """Tell a length of time."""
    whole_days, rest = divmod(timedelta(minutes=minutes), timedelta(days=1))
    hours, minutes = divmod(rest // timedelta(minutes=1), 60)
    parts = (f"{whole_days}天" if whole_days else "", f"{hours}小时" if hours else "")
    return "".join(parts) + (f"{minutes}分钟" if minutes or not any(parts) else "")


def _hours_of(day: Day) -> Reason:
    """Explain why a wish does not lie in the hours of its day."""
    if day.windows:
        message = f"请在开放时间内预约，当天为{_clock(day)}"
        if day.because is not None:
            message += f"（{_cause(day.because)}）"
    else:
        message = f"{_in_short(day)}，请换一天"
    explained: Reason = {"code": _code(day).value, "message": message}
    return explained | _details(day)


def _code(day: Day) -> Hurdle:
    if day.windows or day.because is None:
        return Hurdle.OUTSIDE_OPENING_HOURS
    return Hurdle.PUBLIC_HOLIDAY if isinstance(day.because, Holiday) else Hurdle.CLOSED_DAY


def _in_short(day: Day) -> str:
    if day.windows:
        changed = "" if day.because is None else f"（{_cause(day.because)}）"
        return f"当天开放时间为{_clock(day)}{changed}"
    if day.because is None:
        return NO_HOURS
    if isinstance(day.because, Holiday):
        return f"{day.because.name}放假，{NO_HOURS}"
    return f"{NO_HOURS}（{day.because.reason}）"


def _details(day: Day) -> Reason:
    hours: list[JsonValue] = [*_clocks(day)]
    match day.because:
        case Holiday(name):
            return {"opening_hours": hours, "holiday": name}
        case OtherHours(first_on=first, last_on=last, reason=why):
            return {
                "opening_hours": hours,
                "reason": why,
                "first_on": first.isoformat(),
                "last_on": last.isoformat(),
            }
        case None:
            return {"opening_hours": hours}


def _cause(because: OtherHours | Holiday) -> str:
    return f"{because.name}假期" if isinstance(because, Holiday) else because.reason


def _clocks(day: Day) -> list[str]:
    return [f"{wall_of(w.opens)}–{wall_of(w.closes)}" for w in day.windows]


def _clock(day: Day) -> str:
    return "、".join(_clocks(day))


def _shown(moment: datetime) -> str:
    return moment.astimezone(SHOWN_ZONE).isoformat(timespec="seconds")
