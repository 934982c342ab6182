"""Bookings as files; phones are masked."""

from collections.abc import Sequence
from datetime import datetime

from neighborhood_api.identity.service import masked
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.kit.sheets import SheetFormat, table
from neighborhood_api.registrations.names import CHANNEL_NAMES, STATE_NAMES
from neighborhood_api.registrations.states import Channel, State
from neighborhood_api.venues.bookings.queries import BookingRow

COLUMNS = {
    "预约号": 12,
    "活动室": 16,
    "台位": 8,
    "日期": 12,
    "开始": 8,
    "结束": 8,
    "人数": 6,
    "用途": 24,
    "状态": 8,
    "方式": 10,
    "预约人": 12,
    "手机号": 14,
    "签到": 18,
    "签退": 18,
    "临近取消": 8,
    "原因": 24,
}
"""The heads, with their widths in characters."""
STATES = STATE_NAMES | {State.CHECKED_IN: "使用中"}


def sheet_of(rows: Sequence[BookingRow], form: SheetFormat) -> bytes:
    """Return bookings as a file."""
    return table("预约", COLUMNS, [_cells(row) for row in rows], form)


def _cells(row: BookingRow) -> list[str]:
    starts, ends = (one.astimezone(SHOWN_ZONE) for one in (row.starts_at, row.ends_at))
    state = State(row.state)
    return [
        f"B{row.number}",
        row.title,
        row.unit_name or "",
        f"{starts:%Y-%m-%d}",
        f"{starts:%H:%M}",
        f"{ends:%H:%M}",
        str(row.seats),
        row.purpose,
        STATES[state],
        CHANNEL_NAMES[Channel(row.channel)],
        row.guest_name or row.person_name or "",
        masked(row.person_phone or row.guest_phone) or "",
        _moment(row.checked_in_at),
        _moment(row.checked_out_at),
        "是" if row.cancelled_late else "",
        row.cancel_reason or "",
    ]


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(SHOWN_ZONE):%Y-%m-%d %H:%M}"
