"""Rosters as files."""

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.kit.sheets import SheetFormat, table
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.sessions.roster.schemas import (
    RosterLineOut,
    RosterOut,
)

COLUMNS = {
    "预约号": 12,
    "姓名": 12,
    "年级": 6,
    "监护人": 12,
    "接送人": 30,
    "人数": 6,
    "状态": 8,
    "签到时间": 18,
    "签退时间": 18,
    "接走人": 12,
}
"""The heads, with their widths in characters."""
STATES = {
    State.PENDING: "待审批",
    State.CONFIRMED: "已报名",
    State.CHECKED_IN: "已签到",
    State.COMPLETED: "已结束",
    State.NO_SHOW: "未到",
}


def sheet_of(roster: RosterOut, form: SheetFormat) -> bytes:
    """Return a roster as a file."""
    return table("名单", COLUMNS, [_cells(line) for line in roster.lines], form)


def _cells(line: RosterLineOut) -> list[str]:
    moments = [
        "" if one is None else f"{one.astimezone(SHOWN_ZONE):%Y-%m-%d %H:%M}"
        for one in (line.checked_in_at, line.checked_out_at)
    ]
    return [
        line.code,
        line.name or "",
        "" if line.grade is None else str(line.grade),
        line.guardian_name or "",
        "、".join(f"{one.name}（{one.relation}）" for one in line.pick_ups),
        str(line.party_size),
        STATES.get(line.state, line.state.value),
        *moments,
        line.picked_up_by or "",
    ]
