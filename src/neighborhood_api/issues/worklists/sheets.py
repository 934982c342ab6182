"""Writing issues as an XLSX sheet, some rows at a time, in little memory."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from xlsxwriter import Workbook

from neighborhood_api.cases.workflow import IN_HAND, State
from neighborhood_api.grid.names import post_name
from neighborhood_api.issues.publishing.masking import mask_personal
from neighborhood_api.issues.queries import IssueRow
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.sheets import MEDIA_TYPES, TEXT_ONLY, SheetFormat, harmless

MEDIA_TYPE = MEDIA_TYPES[SheetFormat.XLSX]

Cell = str | int | datetime | None

_CHINA = timezone(timedelta(hours=8))
_HEAD: tuple[tuple[str, int], ...] = (
    ("编号", 20),
    ("类别", 16),
    ("状态", 14),
    ("诉求内容", 60),
    ("街巷", 16),
    ("详细位置", 24),
    ("承办单位", 16),
    ("承办岗位", 14),
    ("经办人", 12),
    ("承办部门", 16),
    ("上报时间", 18),
    ("首次回应期限", 18),
    ("首次回应时间", 18),
    ("办结期限", 18),
    ("是否超时", 10),
    ("重办次数", 10),
    ("评分", 8),
)


class Sheet:
    """A workbook with one sheet that grows downwards."""

    def __init__(self, path: Path) -> None:
        """Begin the file with its head."""
        options = {
            "constant_memory": True,
            "tmpdir": str(path.parent),
            **TEXT_ONLY,
        }
        self._book = Workbook(str(path), options)
        self._sheet = self._book.add_worksheet("诉求")
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._rows = 1
        bold = self._book.add_format({"bold": True})
        for column, (name, width) in enumerate(_HEAD):
            self._sheet.set_column(column, column, width)
            self._sheet.write_string(0, column, name, bold)
        self._sheet.freeze_panes(1, 1)

    def add(self, rows: Iterable[IssueRow], now: datetime) -> None:
        """Write some issues below the others."""
        for row in rows:
            for column, cell in enumerate(cells_of(row, now)):
                self._write(column, cell)
            self._rows += 1

    def close(self) -> None:
        """Finish the file."""
        self._book.close()

    def _write(self, column: int, cell: Cell) -> None:
        match cell:
            case None | "":
                return
            case str():
                self._sheet.write_string(self._rows, column, harmless(cell))
            case int():
                self._sheet.write_number(self._rows, column, cell)
            case datetime():
                shown = cell.astimezone(_CHINA).replace(tzinfo=None)
                self._sheet.write_datetime(self._rows, column, shown, self._moment)


def cells_of(row: IssueRow, now: datetime) -> tuple[Cell, ...]:
    """Return an issue as a line of the sheet; numbers in its words are masked."""
    due = [row.resolve_due_at]
    if row.first_responded_at is None:
        due.append(row.respond_due_at)
    late = State(row.state) in IN_HAND and any(one is not None and one < now for one in due)
    return (
        row.code,
        row.category_name,
        ISSUE.names[State(row.state)],
        mask_personal(row.text),
        row.lane_name,
        mask_personal(row.location or ""),
        row.hand_node_name,
        post_name(row.hand_role, row.hand_role_name),
        row.hand_person_name,
        row.organization,
        row.opened_at,
        row.respond_due_at,
        row.first_responded_at,
        row.resolve_due_at,
        "是" if late else "否",
        row.times_reopened,
        row.rating,
    )
