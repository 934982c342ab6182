"""Bookings as CSV and XLSX, in which no spreadsheet finds a formula; phones are masked."""

import csv
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO, StringIO

from xlsxwriter import Workbook

from neighborhood_api.identity.service import masked
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.states import Channel, State
from neighborhood_api.venues.bookings.queries import BookingRow
from neighborhood_api.venues.sessions.roster.schemas import SheetFormat
from neighborhood_api.venues.sessions.roster.sheets import harmless

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
STATES = {
    State.PENDING: "待审批",
    State.ENTERED: "待抽签",
    State.WAITLISTED: "候补",
    State.OFFERED: "候补待确认",
    State.CONFIRMED: "已确认",
    State.CHECKED_IN: "使用中",
    State.COMPLETED: "已结束",
    State.REJECTED: "未通过",
    State.CANCELLED: "已取消",
    State.EXPIRED: "已失效",
    State.NO_SHOW: "未到",
}
CHANNELS = {Channel.SELF: "本人", Channel.STAFF: "工作人员代约", Channel.WALK_IN: "现场登记"}


def sheet_of(rows: Sequence[BookingRow], form: SheetFormat) -> bytes:
    """Return bookings as a file."""
    lines = [[harmless(cell) for cell in _cells(row)] for row in rows]
    return _csv(lines) if form is SheetFormat.CSV else _xlsx(lines)


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
        STATES.get(state, state.value),
        CHANNELS[Channel(row.channel)],
        row.person_name or row.guest_name or "",
        masked(row.person_phone or row.guest_phone) or "",
        _moment(row.checked_in_at),
        _moment(row.checked_out_at),
        "是" if row.cancelled_late else "",
        row.cancel_reason or "",
    ]


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(SHOWN_ZONE):%Y-%m-%d %H:%M}"


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    written = StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    rows.writerows(lines)
    return written.getvalue().encode("utf-8-sig")  # or spreadsheets take it for another code


def _xlsx(lines: Sequence[Sequence[str]]) -> bytes:
    written = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = Workbook(written, options)
    sheet = book.add_worksheet("预约")
    bold = book.add_format({"bold": True})
    for column, (name, width) in enumerate(COLUMNS.items()):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name, bold)
    for number, line in enumerate(lines, start=1):
        for column, cell in enumerate(line):
            sheet.write_string(number, column, cell)
    sheet.freeze_panes(1, 1)
    book.close()
    return written.getvalue()
