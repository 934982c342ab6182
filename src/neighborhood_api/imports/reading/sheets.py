"""The lines of one sheet of a workbook, streamed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from typing_extensions import override

from neighborhood_api.imports.reading.markup import (
    DEEPEST,
    Attributes,
    Markup,
    feed,
    hear,
    local,
)
from neighborhood_api.imports.reading.problems import (
    DamagedWorkbook,
    SuspiciousWorkbook,
    TooManyColumns,
    TooManyRows,
    UnreadableTable,
)
from neighborhood_api.imports.reading.tables import Limits
from neighborhood_api.imports.reading.values import Broken, Dated, Numeric, serial_day
from neighborhood_api.imports.reading.workbook import Workbook, unescape

LAST_COLUMN = 16_384
LONGEST_ERROR = 20
_DIGITS = "0123456789"
_MERGE = b"mergeCell"


@dataclass(frozen=True, slots=True)
class Line:
    """What stands in one line of a sheet; empty cells are absent."""

    number: int
    cells: dict[int, str]
    """By column, from 0; a `Numeric`, `Dated` or `Broken` where the workbook says so."""


@dataclass(slots=True)
class Merges:
    """Cells that were merged into one."""

    down: dict[tuple[int, int], int] = field(default_factory=dict)
    """(line, column) of the first cell → last line, where it covers several."""
    across: dict[tuple[int, int], int] = field(default_factory=dict)
    """(line, column) of the first cell → how many columns, where it covers several."""


def column_letter(column: int) -> str:
    """Return what a spreadsheet calls a column: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def read_lines(workbook: Workbook, part: str) -> Iterator[Line]:
    """Read the lines of a sheet as they stand in the file.

    Raises: UnreadableTable: or one of its subclasses.
    """
    heard = _Lines(workbook)
    for _ in feed(heard, workbook.archive.chunks(part)):
        if heard.done:
            yield from heard.done
            heard.done.clear()
    yield from heard.done


def read_merges(workbook: Workbook, part: str) -> Merges:
    """Read which cells are merged; the list stands behind the lines that need it.

    Raises: UnreadableTable: or one of its subclasses.
    """
    heard = _Merges(workbook.limits)
    if _mentions(workbook, part, _MERGE):
        hear(heard, workbook.archive.chunks(part))
    return heard.found


def _mentions(workbook: Workbook, part: str, word: bytes) -> bool:
    """Look for a word without taking the sheet apart, which most sheets are spared."""
    end = b""
    for chunk in workbook.archive.chunks(part):
        if word in end + chunk[: len(word)] or word in chunk:
            return True
        end = chunk[-len(word) :]
    return False


class _Lines(Markup):
    """A sheet, cell by cell; millions of them, so that every call counts."""

    counts_depth = True

    def __init__(self, workbook: Workbook) -> None:
        super().__init__()
        self.done: list[Line] = []
        self._book = workbook
        self._limits = workbook.limits
        self._texts = workbook.texts
        self._days = workbook.day_styles
        self._columns: dict[str, int] = {}
        self._number = 0
        self._cells: dict[int, str] = {}
        self._column = -1
        self._kind = "n"
        self._style: str | None = None
        self._value = ""
        self._formula = self._valued = self._in_reading = self._listening = False

    @override
    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise SuspiciousWorkbook
        if self.prefix:
            name = local(name)
        if name == "v":
            self._listening = self._valued = True
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "row":
            self._begin_row(attributes.get("r"))
        else:
            self._begin_other(name)

    @override
    def text(self, text: str) -> None:
        if self._listening and len(self._value) <= self._limits.cell_characters:
            self._value += text

    @override
    def end(self, name: str) -> None:
        self.depth -= 1
        if self.prefix:
            name = local(name)
        if name in {"v", "t"}:
            self._listening = False
        elif name == "c":
            if self._value or self._formula:
                self._end_cell()
        elif name == "row":
            if self._cells:
                self.done.append(Line(self._number, self._cells))
        elif name == "rPh":
            self._in_reading = False

    def _begin_other(self, name: str) -> None:
        if name == "t":
            self._listening = not self._in_reading
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._in_reading = True

    def _begin_cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        if reference:
            letters = reference.rstrip(_DIGITS)
            at = self._columns.get(letters)
            self._column = self._learn(letters) if at is None else at
        else:
            self._column += 1
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s")
        self._value = ""
        self._formula = self._valued = False

    def _learn(self, letters: str) -> int:
        column = self._columns[letters] = _column_number(letters)
        return column

    def _begin_row(self, number: str | None) -> None:
        before = self._number
        self._number = _whole(number) if number else before + 1
        if self._number <= before:
            raise DamagedWorkbook
        if self._number > self._limits.rows:
            raise TooManyRows(f"每张表最多 {self._limits.rows} 行，请拆成几个文件分别上传")
        self._cells = {}
        self._column = -1

    def _end_cell(self) -> None:
        value = self._meaning()
        if not value and not isinstance(value, Broken):
            return
        if self._column >= self._limits.columns:
            raise TooManyColumns(
                f"第 {self._number} 行在 {column_letter(self._column)} 列还有内容，"
                f"最多 {self._limits.columns} 列；请删去多余的列"
            )
        self._cells[self._column] = value

    def _meaning(self) -> str:  # noqa: PLR0911  (one line per type of cell)
        value = self._value
        kind = self._kind
        if kind == "s":
            return self._shared(value)
        if kind == "n" and value:
            return self._day(value) if self._style in self._days else Numeric(value.strip())
        if kind == "b":
            return "是" if value == "1" else "否"
        if kind == "e":
            return Broken(value[:LONGEST_ERROR])
        if kind == "d":
            return Dated(value)
        if self._formula and not self._valued:
            return Broken()
        return unescape(value)

    def _shared(self, value: str) -> str:
        try:
            return self._texts[int(value)]
        except (ValueError, IndexError, OverflowError):
            raise DamagedWorkbook from None

    def _day(self, value: str) -> str:
        return _shown_day(value, self._book.from_1904)


@lru_cache(maxsize=4_096)
def _shown_day(value: str, from_1904: bool) -> str:  # noqa: FBT001  (an argument of a cache)
    try:
        moment = serial_day(Decimal(value), from_1904=from_1904)
    except InvalidOperation:
        moment = None
    if moment is None:
        return Numeric(value)
    return Dated(moment.isoformat(" ", "minutes").removesuffix(" 00:00"))


class _Merges(Markup):
    """The list of merged cells of a sheet."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.found = Merges()
        self._limits = limits

    @override
    def start(self, name: str, attributes: Attributes) -> None:
        if local(name) != "mergeCell":
            return
        first, _, last = attributes.get("ref", "").partition(":")
        top, left = _corner(first)
        bottom, right = _corner(last or first)
        if bottom > top:
            self.found.down[top, left] = bottom
        if right > left:
            self.found.across[top, left] = right - left + 1
        if len(self.found.down) + len(self.found.across) > self._limits.merges:
            raise UnreadableTable("合并的单元格太多，请取消合并后重新上传")


def _corner(reference: str) -> tuple[int, int]:
    letters = reference.rstrip(_DIGITS)
    return _whole(reference[len(letters) :]), _column_number(letters)


def _column_number(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
        if not "A" <= letter <= "Z" or column > LAST_COLUMN:
            raise DamagedWorkbook
    if not column:
        raise DamagedWorkbook
    return column - 1


def _whole(digits: str) -> int:
    if not digits.isdecimal() or not digits.isascii() or len(digits) > 7:  # noqa: PLR2004
        raise DamagedWorkbook
    return int(digits)
