"""The lines of a text file (CSV), in the encodings and with the separators of offices."""

import codecs
import csv
import re
from collections.abc import Iterator
from io import BufferedReader, RawIOBase, TextIOWrapper
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from typing_extensions import override

from neighborhood_api.imports.reading.archive import CHUNK
from neighborhood_api.imports.reading.heads import normal, word
from neighborhood_api.imports.reading.patience import Patience
from neighborhood_api.imports.reading.problems import (
    TooManyColumns,
    TooManyRows,
    WrongEncoding,
    WrongText,
)
from neighborhood_api.imports.reading.sheets import LAST_COLUMN, Line, column_letter
from neighborhood_api.imports.reading.tables import Limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SEPARATORS = (",", "\t", ";", "，", "；", "|")
LOOKED_AT = 30
"""Lines in which the separator is looked for."""
BYTES_OF_A_CHARACTER = 4
_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_RARE = re.compile(r"[^\x00-\x7f\u2000-\u27ff\u3000-\u303f\u4e00-\u9fff\uff00-\uffef·×°]")
_HALF_A_CHARACTER = "文字编码有误，请用 Excel 或 WPS 打开，另存为 .xlsx 后重新上传"


def read_text(file: BinaryIO, limits: Limits, patience: Patience) -> Iterator[Line]:
    """Read the lines of a text file.

    Raises: WrongEncoding, WrongText, TooManyColumns, TooManyRows, TakesTooLong.
    """
    encoding = _encoding(file, limits)
    file.seek(0)
    text = TextIOWrapper(BufferedReader(_Kept(file)), encoding, newline="")
    first = list(islice(_pieces(text, limits, patience), LOOKED_AT))
    separator = _separator(first, limits.columns)
    file.seek(0)
    text = TextIOWrapper(BufferedReader(_Kept(file)), encoding, newline="")
    pieces = _pieces(text, limits, patience)
    yield from _lines(csv.reader(pieces, delimiter=separator, strict=True), limits)


class _Kept(RawIOBase):
    """The file under a reader that would close it when it is done."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        chunk = self._file.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)


def _lines(records: Iterator[list[str]], limits: Limits) -> Iterator[Line]:
    number = 0
    while True:
        number += 1
        try:
            record = next(records, None)
        except csv.Error:
            raise WrongText(
                f"第 {number} 行的引号没有成对，请检查这一行，或另存为 .xlsx 后重新上传"
            ) from None
        if record is None:
            return
        if number > limits.rows:
            raise TooManyRows(f"最多 {limits.rows} 行，请拆成几个文件分别上传")
        cells = {column: text for column, text in enumerate(record) if text and text.strip()}
        last = max(cells, default=0)
        if last >= limits.columns or len(record) > LAST_COLUMN:
            raise TooManyColumns(
                f"第 {number} 行有 {len(record)} 列（到 {column_letter(last)} 列），"
                f"最多 {limits.columns} 列；请删去多余的列"
            )
        if cells:
            yield Line(number, cells)


def _pieces(text: TextIOWrapper, limits: Limits, patience: Patience) -> Iterator[str]:
    number = 0
    while line := text.readline(limits.line_characters + 1):
        number += 1
        if not number % LOOKED_AT:
            patience.check()
        if len(line) > limits.line_characters:
            raise WrongText(
                f"第 {number} 行太长，请检查分隔符和换行，或另存为 .xlsx 后重新上传"
            )
        yield line


def _separator(lines: list[str], columns: int) -> str:
    """Return what separates the columns: what makes the most known heads of one line."""

    def heads(separator: str) -> tuple[int, int]:
        try:
            records = list(csv.reader(lines, delimiter=separator))
        except csv.Error:
            return 0, 0
        known = (
            sum(word(normal(head)) is not None for head in line[:columns]) for line in records
        )
        return max(known, default=0), sum(len(line) > 1 for line in records)

    return max(SEPARATORS, key=heads)


def _encoding(file: BinaryIO, limits: Limits) -> str:
    """Return the one encoding in which the whole file can be read.

    Raises: WrongEncoding, WrongText.
    """
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _check_utf_16(file)
        return "utf-16"
    marked = start.startswith(codecs.BOM_UTF8)
    foreign, surely_utf_8 = _lines_that_are_not_utf_8(file, limits)
    if not foreign:
        return "utf-8-sig"
    if marked or surely_utf_8:
        raise WrongEncoding(
            f"第 {foreign} 行的文字编码与其他行不同，请用 Excel 或 WPS 打开，"
            "检查这一行后另存为 .xlsx 重新上传"
        )
    _check_gb(file)
    return "gb18030"


def _lines_that_are_not_utf_8(file: BinaryIO, limits: Limits) -> tuple[int, bool]:
    """Return the first line that is no UTF-8, and whether others surely are.

    By chance a short text of another encoding is UTF-8 too (联通 in GBK), but no Chinese.
    """
    longest = limits.line_characters * BYTES_OF_A_CHARACTER
    foreign, surely, number = 0, False, 0
    while line := file.readline(longest + 1):
        number += 1
        if len(line) > longest:
            raise WrongText(
                f"第 {number} 行太长，请检查分隔符和换行，或另存为 .xlsx 后重新上传"
            )
        if b"\0" in line:
            raise WrongText(
                f"第 {number} 行含有空字节，不是文本表格；请另存为 .xlsx 后重新上传"
            )
        if line.isascii():
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError:
            foreign = foreign or number
        else:
            surely = surely or bool(_CHINESE.search(text) and not _RARE.search(text))
        if foreign and surely:
            break
    return foreign, surely


def _check_gb(file: BinaryIO) -> None:
    file.seek(0)
    for number, line in enumerate(file, start=1):
        try:
            line.decode("gb18030")
        except UnicodeDecodeError:
            raise WrongEncoding(f"第 {number} 行{_HALF_A_CHARACTER}") from None


def _check_utf_16(file: BinaryIO) -> None:
    decoder = codecs.getincrementaldecoder("utf-16")()
    number = 1
    while chunk := file.read(CHUNK):
        try:
            text = decoder.decode(chunk, final=False)
        except UnicodeDecodeError:
            raise WrongEncoding(f"第 {number} 行前后{_HALF_A_CHARACTER}") from None
        if "\0" in text:
            raise WrongText(f"第 {number} 行前后含有空字符；请另存为 .xlsx 后重新上传")
        number += text.count("\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise WrongEncoding(f"最后一行{_HALF_A_CHARACTER}") from None
