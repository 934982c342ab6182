"""Workbooks that grow downwards, in little memory, and go on where a sheet is full."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from neighborhood_api.kit.sheets import TEXT_ONLY

MOST_LINES = 1_000_000
"""Of one sheet; spreadsheets hold a little more."""
_LONGEST_TITLE = 31
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\'\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LONGEST_CELL = 32_000


def _cut(title: str, longest: int) -> str:
    """Return as much of a title as spreadsheets take: rare characters count for two."""
    return title.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore")


class Book:
    """A workbook that is written line by line."""

    def __init__(self, path: Path) -> None:
        """Begin the file; what it needs meanwhile lies beside it."""
        options = {"constant_memory": True, "tmpdir": str(path.parent), **TEXT_ONLY}
        self._book = Workbook(str(path), options)
        self._bold = self._book.add_format({"bold": True})
        self._titles: set[str] = set()

    def sheet(self, title: str, heads: Sequence[tuple[str, int]]) -> "Sheet":
        """Begin a sheet; `heads` are the columns with their widths in characters."""
        return Sheet(self, title, heads)

    def close(self) -> None:
        """Finish the file."""
        self._book.close()

    def _begin(self, title: str, heads: Sequence[tuple[str, int]]) -> Any:  # noqa: ANN401
        """Add a sheet under a title that no other has."""
        plain = _NOT_IN_TITLES.sub(" ", title).strip() or "表"
        name, number = _cut(plain, _LONGEST_TITLE), 1
        while name.casefold() in self._titles:
            number += 1
            name = f"{_cut(plain, _LONGEST_TITLE - 3)}{number}"
        self._titles.add(name.casefold())
        sheet = self._book.add_worksheet(name)
        for column, (head, width) in enumerate(heads):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, head, self._bold)
        sheet.freeze_panes(1, 0)
        return sheet


class Sheet:
    """One table of a workbook."""

    def __init__(self, book: Book, title: str, heads: Sequence[tuple[str, int]]) -> None:
        """Begin with its heads."""
        self._book, self._title, self._heads = book, title, heads
        self._sheet = book._begin(title, heads)  # noqa: SLF001  (one thing in two classes)
        self._line = 1

    def add(self, rows: Iterable[Sequence[str | int | float | None]]) -> None:
        """Write lines below the others; texts must be harmless by now."""
        for row in rows:
            if self._line > MOST_LINES:
                self._sheet = self._book._begin(self._title, self._heads)  # noqa: SLF001
                self._line = 1
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    if cell:
                        self._sheet.write_string(self._line, column, cell[:_LONGEST_CELL])
                elif cell is not None:
                    self._sheet.write_number(self._line, column, cell)
            self._line += 1
