"""Rosters as CSV and XLSX, in which no spreadsheet finds a formula."""

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO

from xlsxwriter import Workbook

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.sessions.roster.schemas import (
    RosterLineOut,
    RosterOut,
    SheetFormat,
)

MEDIA_TYPES = {
    SheetFormat.CSV: "text/csv; charset=utf-8",
    SheetFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
HEAD = (
    "预约号",
    "姓名",
    "年级",
    "监护人",
    "接送人",
    "人数",
    "状态",
    "签到时间",
    "签退时间",
    "接走人",
)
STATES = {
    State.PENDING: "待审批",
    State.CONFIRMED: "已报名",
    State.CHECKED_IN: "已签到",
    State.COMPLETED: "已结束",
    State.NO_SHOW: "未到",
}
_FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""What a spreadsheet may take for the beginning of a formula, here or when saved as CSV."""
_WIDTHS = (12, 12, 6, 12, 30, 6, 8, 18, 18, 12)


def sheet_of(roster: RosterOut, form: SheetFormat) -> bytes:
    """Return a roster as a file."""
    lines = [_cells(line) for line in roster.lines]
    return _csv(lines) if form is SheetFormat.CSV else _xlsx(lines)


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _cells(line: RosterLineOut) -> list[str]:
    moments = [
        "" if one is None else f"{one.astimezone(SHOWN_ZONE):%Y-%m-%d %H:%M}"
        for one in (line.checked_in_at, line.checked_out_at)
    ]
    cells = [
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
    return [harmless(cell) for cell in cells]


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    written = StringIO()
    rows = csv.writer(written)
    rows.writerow(HEAD)
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
    sheet = book.add_worksheet("名单")
    bold = book.add_format({"bold": True})
    for column, (name, width) in enumerate(zip(HEAD, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name, bold)
    for number, line in enumerate(lines, start=1):
        for column, cell in enumerate(line):
            sheet.write_string(number, column, cell)
    sheet.freeze_panes(1, 1)
    book.close()
    return written.getvalue()
