"""Tables as CSV and XLSX, in which no spreadsheet finds a formula."""

import csv
from collections.abc import Mapping, Sequence
from enum import StrEnum
from io import BytesIO, StringIO

from xlsxwriter import Workbook

FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""What a spreadsheet may take for the beginning of a formula, here or when saved as CSV."""
TEXT_ONLY = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
"""Options of a workbook in which a text stays a text."""


class SheetFormat(StrEnum):
    """As what a table is taken out."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES = {
    SheetFormat.CSV: "text/csv; charset=utf-8",
    SheetFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def table(
    title: str, columns: Mapping[str, int], lines: Sequence[Sequence[str]], form: SheetFormat
) -> bytes:
    """Return a small table as a file; `columns` are heads with their widths in characters."""
    safe = [[harmless(cell) for cell in line] for line in lines]
    return _csv(columns, safe) if form is SheetFormat.CSV else _xlsx(title, columns, safe)


def _csv(columns: Mapping[str, int], lines: Sequence[Sequence[str]]) -> bytes:
    written = StringIO()
    rows = csv.writer(written)
    rows.writerow(columns)
    rows.writerows(lines)
    return written.getvalue().encode("utf-8-sig")  # or spreadsheets take it for another code


def _xlsx(title: str, columns: Mapping[str, int], lines: Sequence[Sequence[str]]) -> bytes:
    written = BytesIO()
    book = Workbook(written, {"in_memory": True, **TEXT_ONLY})
    sheet = book.add_worksheet(title)
    bold = book.add_format({"bold": True})
    for column, (name, width) in enumerate(columns.items()):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name, bold)
    for number, line in enumerate(lines, start=1):
        for column, cell in enumerate(line):
            sheet.write_string(number, column, cell)
    sheet.freeze_panes(1, 1)
    book.close()
    return written.getvalue()
