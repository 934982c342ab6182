"""A file of an office, sheet by sheet."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePath
from typing import BinaryIO

from neighborhood_api.imports.reading.archive import CHUNK
from neighborhood_api.imports.reading.headings import (
    Heading,
    columns_of,
    find_heading,
    kind_of_sheet,
)
from neighborhood_api.imports.reading.heads import SHEET_NAMES
from neighborhood_api.imports.reading.patience import Patience
from neighborhood_api.imports.reading.problems import (
    LockedWorkbook,
    NothingToRead,
    OldWorkbook,
    TableFileTooLarge,
    UnreadableTable,
)
from neighborhood_api.imports.reading.rows import RowReader
from neighborhood_api.imports.reading.seats import TITLES
from neighborhood_api.imports.reading.sheets import Line, Merges, read_lines, read_merges
from neighborhood_api.imports.reading.tables import DEFAULT_LIMITS, Kind, Limits, Skipped, Table
from neighborhood_api.imports.reading.texts import LOOKED_AT, read_text
from neighborhood_api.imports.reading.workbook import Workbook

ANY_SHEET = ""
EXPLANATIONS = ("说明", "目录", "封面", "须知")
"""Sheets with such names explain the others."""
_ZIP, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_NO_TABLES = {
    b"%PDF": "这是 PDF 文件",
    b"\x89PNG": "这是图片",
    b"\xff\xd8\xff": "这是图片",
    b"GIF8": "这是图片",
    b"Rar!": "这是压缩包",
    b"7z\xbc\xaf": "这是压缩包",
    b"\x1f\x8b": "这是压缩包",
    b"PK\x05\x06": "这是空的压缩包",
    b"<": "这是网页格式的表",
    b"{\\rtf": "这是文档",
}
_SAVE_AS = "请用 Excel 或 WPS 做成表格，另存为 .xlsx 后重新上传"


def read_tables(
    source: Path | BinaryIO,
    name: str,
    *,
    kinds: Mapping[str, Kind] | None = None,
    titles: Collection[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Table | Skipped]:
    """Read a CSV or XLSX file sheet by sheet.

    Args:
        source: The file; must be seekable, and stay open until the last row was read.
        name: What the file is called; the sheet name of a CSV is its name without ending.
        kinds: The kinds of sheets by name, for those whom guessing failed;
            the key "" stands for every sheet that is not named.
        titles: What the posts are called here besides the usual names.
        limits: How much is read.

    Raises:
        UnreadableTable: or one of its subclasses; also while the rows are read.
    """
    opened = source.open("rb") if isinstance(source, Path) else nullcontext(source)
    with opened as file:
        _check_size(file, limits)
        understood = False
        patience = Patience(limits)
        known = tuple(sorted(TITLES.union(titles), key=len, reverse=True))
        reading = Reading(kinds or {}, known, limits, patience)
        for found in patience.watch(_sheets(file, name, reading)):
            understood = understood or isinstance(found, Table)
            yield found
        if not understood:
            raise NothingToRead


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read."""

    kinds: Mapping[str, Kind]
    titles: tuple[str, ...]
    """What posts are called, longer names first."""
    limits: Limits
    patience: Patience


def _sheets(file: BinaryIO, name: str, how: Reading) -> Iterator[Table | Skipped]:
    start = file.read(8)
    file.seek(0)
    if start == _COMPOUND:
        raise LockedWorkbook if _is_encrypted(file) else OldWorkbook
    if start.startswith(_ZIP):
        yield from _workbook_sheets(Workbook(file, how.limits, how.patience), how)
        return
    for mark, what in _NO_TABLES.items():
        if start.removeprefix(b"\xef\xbb\xbf").startswith(mark):
            raise UnreadableTable(f"{what}，{_SAVE_AS}")
    sheet = PurePath(name).stem
    yield _understand(sheet, read_text(file, how.limits, how.patience), Merges(), how)


def _workbook_sheets(book: Workbook, how: Reading) -> Iterator[Table | Skipped]:
    for sheet in book.sheets:
        if sheet.hidden:
            yield Skipped(sheet.name, "隐藏的工作表没有读取", wrong=False)
            continue
        merges = read_merges(book, sheet.part)
        lines = read_lines(book, sheet.part)
        yield _understand(sheet.name, lines, merges, how, from_1904=book.from_1904)


def _understand(
    sheet: str,
    lines: Iterator[Line],
    merges: Merges,
    how: Reading,
    *,
    from_1904: bool = False,
) -> Table | Skipped:
    wanted = how.kinds.get(sheet) or how.kinds.get(ANY_SHEET)
    if wanted is None and any(word in sheet for word in EXPLANATIONS):
        return Skipped(sheet, "说明页没有读取", wrong=False)
    first = list(islice(lines, LOOKED_AT))
    heading = find_heading(first, how.titles)
    if heading is None:
        return _without_heads(sheet, first)
    kind = wanted or kind_of_sheet(sheet, heading)
    if kind is None:
        return Skipped(sheet, _unsure(heading), wrong=True)
    columns, notes, wrong = columns_of(heading, kind)
    if wrong or not columns:
        message = "；".join(wrong) or f"表头里没有“{SHEET_NAMES[kind]}”表的列，请按模板填写表头"
        return Skipped(sheet, message, wrong=True)
    reader = RowReader(sheet, heading, columns, merges, how.limits, notes, from_1904=from_1904)
    rows = how.patience.watch(reader.rows(chain(first, lines)), are_rows=True)
    return Table(kind, sheet, tuple(columns.values()), rows, notes)


def _without_heads(sheet: str, first: list[Line]) -> Skipped:
    if not first:
        return Skipped(sheet, "空的工作表没有读取", wrong=False)
    return Skipped(
        sheet,
        "没有找到认识的表头；请下载模板，按模板的列名填写表头，不用导入的工作表请隐藏",
        wrong=True,
    )


def _unsure(heading: Heading) -> str:
    names = "、".join(f"“{name}”" for name in SHEET_NAMES.values())
    known = "、".join(dict.fromkeys(heading.words.values()))
    return f"看不出这张表的种类（认识的列：{known}）；请把工作表名称改为{names}之一"


def _check_size(file: BinaryIO, limits: Limits) -> None:
    size = file.seek(0, 2)
    file.seek(0)
    if size > limits.file_bytes:
        most = limits.file_bytes // (1024 * 1024)
        raise TableFileTooLarge(f"文件超过 {most} MB，请拆成几个文件分别上传")
    if not size:
        raise NothingToRead("文件是空的，请检查后重新上传")


def _is_encrypted(file: BinaryIO) -> bool:
    end = b""
    while chunk := file.read(CHUNK):
        if _ENCRYPTED in end + chunk:
            return True
        end = chunk[-len(_ENCRYPTED) :]
    return False
