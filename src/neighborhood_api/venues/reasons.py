"""What a user is told when a time cannot be had."""

from datetime import datetime, timedelta

from pydantic import JsonValue

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.opening import Hours, Hurdle, Limits, Slot, Span, open_spans
from neighborhood_api.venues.schemas import SlotState

ROOM_CLOSED = "这个活动室暂停预约，请选择其他活动室"
NO_HOURS = "当天不开放"
CLOSED_DAY = "当天不开放，请换一天"
TAKEN = "已被预约"
_ALREADY_STARTED = "时间已过"


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


def reason(hurdle: Hurdle, wish: Span, rules: list[Hours], limits: Limits) -> JsonValue:
    """Explain one violated rule, with the number behind it."""
    if hurdle is Hurdle.OUTSIDE_OPENING_HOURS:
        return _opening_hours(wish, rules)
    message = _SENTENCES[hurdle].format(
        notice=_duration(limits.notice_minutes),
        horizon=f"{limits.horizon_days}天",
        slot=_duration(limits.slot_minutes),
        shortest=_duration(limits.shortest_minutes),
        longest=_duration(limits.longest_minutes),
    )
    explained: dict[str, JsonValue] = {"code": hurdle.value, "message": message}
    if hurdle in _NUMBER:
        name = _NUMBER[hurdle]
        explained[name] = getattr(limits, name)
    return explained


def shown(
    slot: Slot, limits: Limits, *, accepts_bookings: bool
) -> tuple[SlotState, str | None]:
    """Return the state of a slot, and why it can't be had."""
    if not accepts_bookings:
        return SlotState.CLOSED, "暂停预约"
    if slot.hurdle is Hurdle.IN_THE_PAST:
        return SlotState.TOO_SOON, _ALREADY_STARTED
    if slot.hurdle is Hurdle.TOO_SOON:
        return SlotState.TOO_SOON, f"需提前{_duration(limits.notice_minutes)}预约"
    if slot.hurdle is not None:
        return SlotState.TOO_FAR, f"最多提前{limits.horizon_days}天预约"
    if slot.taken:
        return SlotState.TAKEN, TAKEN
    return SlotState.FREE, None


def _opening_hours(wish: Span, rules: list[Hours]) -> JsonValue:
    spans = open_spans(rules, local_day(wish.starts_at))
    hours = [f"{_clock(span.starts_at)}–{_clock(span.ends_at)}" for span in spans]
    explained: dict[str, JsonValue] = {
        "code": Hurdle.OUTSIDE_OPENING_HOURS.value,
        "message": f"请在开放时间内预约，当天为{'、'.join(hours)}" if hours else CLOSED_DAY,
        "opening_hours": [*hours],
    }
    return explained


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(SHOWN_ZONE):%H:%M}"


def _duration(minutes: int) -> str:
    days, rest = divmod(timedelta(minutes=minutes), timedelta(days=1))
    hours, minutes = divmod(rest // timedelta(minutes=1), 60)
    parts = (f"{days}天" if days else "", f"{hours}小时" if hours else "")
    return "".join(parts) + (f"{minutes}分钟" if minutes or not any(parts) else "")
