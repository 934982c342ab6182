"""Files that were made to harm: each is refused with a sentence, in little memory."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypedDict
from zipfile import ZIP_BZIP2, ZipFile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from neighborhood_api.imports.reading.problems import (
    DamagedWorkbook,
    LockedWorkbook,
    NothingToRead,
    OldWorkbook,
    SuspiciousWorkbook,
    TableFileTooLarge,
    TakesTooLong,
    TooManyColumns,
    TooManyRows,
    UnreadableTable,
    WrongEncoding,
    WrongText,
)
from neighborhood_api.imports.reading.tables import Limits, Row, Skipped, Table
from tests.imports.reading import bounded
from tests.imports.reading.raw import (
    MAIN,
    MEGABYTE,
    OFFICE,
    household_rows,
    household_texts,
    row,
    text,
    workbook,
    worksheet,
)
from tests.imports.reading.reading import read_all, read_one

HEAD = row(1, "网格编号", "户主", "联系电话", "门牌号")
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Said(TypedDict):
    """What the program that reads says."""

    rows: int
    faults: int
    refused: str | None
    detail: str | None
    megabytes: int


def over(many: int, piece: bytes) -> Iterator[bytes]:
    """Repeat a piece up to so many megabytes."""
    block = piece * (MEGABYTE // len(piece))
    for _ in range(many):
        yield block


def between(before: bytes, pieces: Iterable[bytes], after: bytes) -> Iterator[bytes]:
    yield before
    yield from pieces
    yield after


def numbered(many: int, form: str) -> Iterator[bytes]:
    for n in range(many):
        yield text(form.format(n=n))


def save_lines(path: Path) -> None:
    line = text("441322001001001,张三,13800138000,3栋2单元501\n")
    path.write_bytes(text("网格编号,户主,联系电话,门牌号\n") + line * 20_000)


def save_rows(path: Path) -> None:
    with path.open("wb") as file:
        sheets = {"住户": worksheet(household_rows(10_000))}
        workbook(sheets, {"xl/sharedStrings.xml": household_texts(10_000)}, file)


def save_huge_cell(path: Path) -> None:
    start = HEAD + text('<row r="2"><c r="D2" t="inlineStr"><is><t>')
    huge = between(start, over(20, b"x"), b"</t></is></c></row>")
    with path.open("wb") as file:
        workbook({"住户": worksheet(huge)}, file=file)


def save_large(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(100 * MEGABYTE)


def save_zip_bomb(path: Path) -> None:
    with path.open("wb") as file:
        workbook({"住户": worksheet(over(20, b" "))}, file=file)


def save_bomb_of_texts(path: Path) -> None:
    texts = between(text(f'<sst xmlns="{MAIN}">'), over(4, b"<si/>"), b"</sst>")
    with path.open("wb") as file:
        workbook({"住户": worksheet([HEAD])}, {"xl/sharedStrings.xml": texts}, file)


def save_deep(path: Path) -> None:
    with path.open("wb") as file:
        workbook({"住户": worksheet(over(8, b"<a>"))}, file=file)


def save_deep_cells(path: Path) -> None:
    with path.open("wb") as file:
        workbook({"住户": worksheet(over(8, b"<c>"))}, file=file)


def save_many_names(path: Path) -> None:
    with path.open("wb") as file:
        workbook({"住户": worksheet(numbered(20_000, "<a{n}/>"))}, file=file)


def save_long_names(path: Path) -> None:
    names = (text(f"<{'a' * 200_000}{n}/>") for n in range(100))
    with path.open("wb") as file:
        workbook({"住户": worksheet(names)}, file=file)


def save_many_attributes(path: Path) -> None:
    pieces = between(b"<row ", numbered(40_000, "a{n}='' "), b"/>")
    with path.open("wb") as file:
        workbook({"住户": worksheet(pieces)}, file=file)


def save_endless_comment(path: Path) -> None:
    with path.open("wb") as file:
        workbook({"住户": worksheet(between(b"<!--", over(20, b"> "), b"-->"))}, file=file)


def save_many_parts(path: Path) -> None:
    with path.open("wb") as file:
        workbook({"住户": worksheet([HEAD])}, {f"xl/{n}": b"" for n in range(3_000)}, file)


def save_wide_text(path: Path) -> None:
    path.write_bytes(b"\xe7\xbd\x91\xe6\xa0\xbc," * 1_000_000)


def save_endless_line(path: Path) -> None:
    path.write_bytes(b"x" * 40 * MEGABYTE)


def save_open_quote(path: Path) -> None:
    line = text("和平巷,3栋2单元501,张三\n")
    path.write_bytes(text('网格,门牌号,户主\n第一网格,"12号,张三\n') + line * 100_000)


SAVED: tuple[tuple[Callable[[Path], None], int, int], ...] = (
    *((save_lines, 100, 5), (save_rows, 100, 5), (save_huge_cell, 100_000, 10)),
    *((save_zip_bomb, 100, 20), (save_bomb_of_texts, 100, 20), (save_large, 100, 20)),
    *((save_deep, 100_000, 20), (save_deep_cells, 100_000, 20), (save_many_names, 100_000, 20)),
    *((save_long_names, 100_000, 20), (save_many_attributes, 100_000, 20)),
    *((save_endless_comment, 100_000, 20), (save_many_parts, 100_000, 20)),
    *((save_wide_text, 100, 20), (save_endless_line, 100, 20), (save_open_quote, 100, 20)),
)
"""Files, how much their parts may grow, and within how many megabytes all so far are read."""
LIKELY = ("suspicious_workbook", None)
REFUSED = {
    save_zip_bomb: ("suspicious_workbook", "压缩比异常"),
    save_bomb_of_texts: ("suspicious_workbook", "压缩比异常"),
    save_large: ("table_file_too_large", "文件超过 50 MB"),
    save_deep: LIKELY,
    save_deep_cells: LIKELY,
    save_many_names: LIKELY,
    save_long_names: LIKELY,
    save_many_attributes: LIKELY,
    save_endless_comment: LIKELY,
    save_many_parts: ("suspicious_workbook", "文件里的部分太多"),
    save_wide_text: ("wrong_text", "第 1 行太长"),
    save_endless_line: ("wrong_text", "第 1 行太长"),
    save_open_quote: ("wrong_text", "第 2 行的引号没有成对"),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    """What a program of its own says of all those files, one after the other."""
    folder = tmp_path_factory.mktemp("hostile")
    arguments = []
    for save, inflation, _ in SAVED:
        path = folder / f"{save.__name__}.csv"
        save(path)
        arguments += [str(path), str(inflation)]
    done = subprocess.run(  # noqa: S603  (our own program, and paths of this test)
        [sys.executable, bounded.__file__, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
        timeout=300,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Said] = json.loads(done.stdout)
    return said


@pytest.mark.slow
@pytest.mark.parametrize(("save", "most"), [(save, most) for save, _, most in SAVED])
def test_a_file_that_grows_when_read_takes_little_memory(
    save: Callable[[Path], None], most: int, read: dict[str, Said]
) -> None:
    said = read[save.__name__]
    if save in REFUSED:
        refused, detail = REFUSED[save]
        assert (said["refused"], said["rows"]) == (refused, 0)
        assert (said["detail"] or "").startswith(detail or "")
        assert bool(said["detail"]) is bool(detail)
    else:
        whole: dict[Any, tuple[int, int]] = {
            save_lines: (20_000, 0),
            save_rows: (10_000, 0),
            save_huge_cell: (1, 1),
        }
        assert (said["rows"], said["faults"], said["refused"]) == (*whole[save], None)
    assert said["megabytes"] < most


ENTITIES = [
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a SYSTEM "http://localhost:9/a.dtd">',
    '<!DOCTYPE a [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>',
]


@pytest.mark.parametrize("declaration", ENTITIES)
@pytest.mark.parametrize(
    "part",
    [
        "xl/worksheets/s1.xml",
        "xl/sharedStrings.xml",
        "xl/workbook.xml",
        "xl/styles.xml",
        "_rels/.rels",
        "xl/_rels/workbook.xml.rels",
    ],
)
def test_declarations_are_refused_in_every_part(declaration: str, part: str) -> None:
    file = workbook({"住户": worksheet([HEAD])}, {part: text(f"{declaration}<a>&a;</a>")})

    with pytest.raises(SuspiciousWorkbook):
        read_all(file)


def test_a_line_with_a_cell_far_to_the_right_is_refused() -> None:
    far = text('<row r="2"><c r="XFD2"><v>1</v></c></row>')

    with pytest.raises(TooManyColumns, match="第 2 行在 XFD 列还有内容"):
        read_all(workbook({"住户": worksheet([HEAD, far])}))


def test_styled_cells_without_content_do_not_count_as_columns() -> None:
    far = text('<row r="2"><c r="D2"><v>12</v></c><c r="XFD2" s="1"/></row>')

    _, rows = read_one(workbook({"住户": worksheet([HEAD, far])}))

    assert len(rows) == 1


def test_a_text_with_too_many_columns_is_refused() -> None:
    wide = text("网格,门牌号,户主\n") + b",".join(b"1" for _ in range(300))

    with pytest.raises(TooManyColumns, match="第 2 行有 300 列"):
        read_all(wide, "住户.csv")


def test_more_rows_than_the_limit_are_refused() -> None:
    with pytest.raises(TooManyRows):
        read_all(
            workbook({"住户": worksheet(row(n, "网格", "门牌号") for n in (1, 11))}),
            limits=Limits(rows=10),
        )
    with pytest.raises(TooManyRows):
        read_all(text("网格,门牌号\n" * 11), "住户.csv", limits=Limits(rows=10))


def test_the_size_of_the_file_is_refused_before_anything_is_read() -> None:
    class Unread(BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError(size)

    with pytest.raises(TableFileTooLarge, match="文件超过 1 MB"):
        read_all(Unread(b"x" * (MEGABYTE + 1)), limits=Limits(file_bytes=MEGABYTE))


def test_all_parts_together_may_not_inflate_over_the_limit() -> None:
    lines = [HEAD, *(row(n, os.urandom(400).hex()) for n in range(2, 1_000))]
    sheets = {name: worksheet(lines) for name in ("住户", "住户二", "住户三")}

    with pytest.raises(SuspiciousWorkbook, match="解压后的内容太大"):
        read_all(workbook(sheets), limits=Limits(inflated_bytes=2 * MEGABYTE))


def test_more_shared_texts_than_the_limit_are_refused() -> None:
    parts = {"xl/sharedStrings.xml": household_texts(5_000)}

    with pytest.raises(TableFileTooLarge):
        read_all(
            workbook({"住户": worksheet(household_rows(5_000))}, parts),
            limits=Limits(text_bytes=100_000),
        )


def test_a_huge_cell_is_a_fault_of_that_cell_alone() -> None:
    huge = os.urandom(MEGABYTE).hex()
    lines = [HEAD, row(2, "441322001001", huge, "", "1号"), row(3, "", "", "", "2号")]
    shared = text(f'<sst xmlns="{MAIN}"><si><t>{huge}</t></si></sst>')
    lines.append(text('<row r="4"><c r="D4" t="s"><v>0</v></c></row>'))

    _, rows = read_one(workbook({"住户": worksheet(lines)}, {"xl/sharedStrings.xml": shared}))

    assert [(fault.row, fault.column) for line in rows for fault in line.faults] == [
        (2, "B 户主"),
        (4, "D 门牌号"),
    ]
    assert all(len(fault.value) < 50 for line in rows for fault in line.faults)
    assert rows[0].faults[0].message == "内容太长，请缩短到 2000 字以内"


def test_a_zip_within_a_zip_is_no_workbook() -> None:
    inside = workbook({"住户": worksheet([HEAD])}).read()
    outside = BytesIO()
    with ZipFile(outside, "w") as archive:
        archive.writestr("表.xlsx", inside)

    with pytest.raises(UnreadableTable):
        read_all(outside.getvalue())


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (COMPOUND + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), LockedWorkbook),
        (COMPOUND + b"\0" * 600 + "Workbook".encode("utf-16-le"), OldWorkbook),
        (b"", NothingToRead),
        (b"PK\x03\x04", DamagedWorkbook),
        (b"PK\x05\x06" + b"\0" * 18, UnreadableTable),
        (b"%PDF-1.7", UnreadableTable),
        (b"<html><table><tr><td>1</td></tr></table></html>", UnreadableTable),
        (text("网格,门牌号\n第一\0网格,12\n"), WrongText),
        (text('网格,门牌号\n"第一网格,12\n'), WrongText),
        (text("网格,门牌号\n") + b"\xff\xfe\xfd\n", WrongEncoding),
        ("网格,门牌号\n".encode("utf-16")[:-1], WrongEncoding),
        ("网格,门牌号\n".encode("utf-16") + b"\x00\xd8\x00\x00", WrongEncoding),
        ("网格,门牌号\n".encode("utf-16-le"), WrongText),
    ],
)
def test_what_is_no_table_is_refused_by_what_it_is(
    file: bytes, problem: type[UnreadableTable]
) -> None:
    with pytest.raises(problem) as refused:
        read_all(file)

    assert refused.type is problem
    assert refused.value.message


def test_mixed_encodings_are_refused_by_the_line() -> None:
    file = text("网格,门牌号\n第一网格,12\n") + "第二网格,13\n".encode("gbk")

    with pytest.raises(WrongEncoding, match="第 3 行的文字编码与其他行不同"):
        read_all(file, "住户.csv")


def test_bytes_of_no_encoding_are_refused_by_the_line() -> None:
    file = "网格,门牌号\n第一网格,12\n".encode("gbk") + b"\x81\xff,1\n"

    with pytest.raises(WrongEncoding, match="第 3 行"):
        read_all(file, "住户.csv")


def test_a_directory_that_claims_to_be_large_is_not_read() -> None:
    file = bytearray(workbook({"住户": worksheet([HEAD])}).read())
    file[-10:-6] = struct.pack("<L", 0x7FFFFFFF)

    with pytest.raises(SuspiciousWorkbook):
        read_all(bytes(file))


def test_parts_that_are_encrypted_or_packed_otherwise_are_refused() -> None:
    locked = bytearray(workbook({"住户": worksheet([HEAD])}).read())
    at = locked.index(b"PK\x01\x02")
    locked[at + 8] |= 1
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_BZIP2) as archive:
        archive.writestr("_rels/.rels", "<a/>")

    with pytest.raises(LockedWorkbook):
        read_all(bytes(locked))
    with pytest.raises(DamagedWorkbook):
        read_all(packed.getvalue())


@pytest.mark.parametrize(
    "line",
    [
        '<row r="1"/><row r="1"/>',
        '<row r="-1"/>',
        '<row r="99999999999999999999"/>',
        '<row r="1"><c r="1"><v>1</v></c></row>',
        '<row r="1"><c r="ZZZZ1"><v>1</v></c></row>',
        '<row r="1"><c t="s"><v>7</v></c></row>',
        '<row r="1"><c t="s"><v>-1</v></c></row>',
        '<row r="1"><c t="s"><v>x</v></c></row>',
        '<row r="1"><c><v>&unknown;</v></c></row>',
        "<row",
        "</worksheet>",
    ],
)
def test_a_sheet_that_no_program_writes_is_damaged(line: str) -> None:
    with pytest.raises(DamagedWorkbook):
        read_all(workbook({"住户": worksheet([text(line)])}))


GOOD = workbook(
    {
        "住户": worksheet(
            household_rows(3), b'<mergeCells><mergeCell ref="A2:A4"/></mergeCells>'
        )
    },
    {"xl/sharedStrings.xml": household_texts(3)},
).read()
PARTS = {name: ZipFile(BytesIO(GOOD)).read(name) for name in ZipFile(BytesIO(GOOD)).namelist()}


def is_read_or_refused(file: bytes) -> None:
    try:
        found = read_all(file)
    except UnreadableTable:
        return
    for table in found:
        if isinstance(table, Skipped):
            assert table.message
        else:
            assert all(fault.message for line in table[1] for fault in line.faults)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(data: st.DataObject) -> None:
    file = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(file), data.draw(st.integers(0, len(file)))]))

    is_read_or_refused(bytes(file[:cut]))


@settings(max_examples=150)
@given(st.data())
def test_a_workbook_with_damaged_parts_is_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(PARTS)))
    part = PARTS[name]
    start = data.draw(st.integers(0, len(part)))
    end = data.draw(st.integers(start, min(len(part), start + 20)))
    put = data.draw(
        st.sampled_from([b"", b"<", b'"', b"9" * 30, b"-1", b"1E999", b"NaN", b"\0"])
    )
    put = data.draw(st.sampled_from([put, data.draw(st.binary(max_size=8))]))

    is_read_or_refused(workbook({}, PARTS | {name: part[:start] + put + part[end:]}).read())


@settings(max_examples=300)
@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
def test_any_bytes_are_read_or_refused(file: bytes) -> None:
    is_read_or_refused(file)


@settings(max_examples=120)
@given(st.lists(st.lists(st.text(max_size=12), max_size=5), max_size=6))
def test_any_texts_under_a_heading_are_read_or_refused(lines: list[list[str]]) -> None:
    table = "\n".join(",".join(line) for line in lines)

    is_read_or_refused(
        f"网格编号,户主,联系电话,门牌号,核实日期\n{table}".encode("utf-8", "replace")
    )


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from("ABCDEF"), st.text(max_size=10)), max_size=6))
def test_any_numbers_in_a_workbook_are_read_or_refused(cells: list[tuple[str, str]]) -> None:
    inside = "".join(
        f'<c r="{letter}2" s="{n % 2}"><v>{number}</v></c>'
        for n, (letter, number) in enumerate(cells)
        if number.isprintable() and not set(number) & set("<&")
    )
    lines = [row(1, "网格编号", "户主", "联系电话", "门牌号", "核实日期", "人数")]

    is_read_or_refused(
        workbook({"住户": worksheet([*lines, text(f'<row r="2">{inside}</row>')])}).read()
    )


def many(piece: str, megabytes: int = 1) -> list[bytes]:
    return [HEAD, *over(megabytes, text(piece))]


BUSY: dict[str, Callable[[], BinaryIO]] = {
    "cells": lambda: workbook({"住户": worksheet(many("<c/>"))}),
    "merges": lambda: workbook({"住户": worksheet(many("<mergeCell ref='A1'/>", 2))}),
    "texts": lambda: workbook(
        {"住户": worksheet([HEAD])},
        {"xl/sharedStrings.xml": between(b"<sst>", over(1, b"<x/>"), b"</sst>")},
    ),
    "heads": lambda: BytesIO(
        text("网格编号,户主,联系电话,门牌号" + ",x" * 190 + "\n") * 400,
    ),
}


@pytest.mark.parametrize("name", BUSY)
def test_a_file_that_keeps_the_reader_busy_without_rows_is_given_up(name: str) -> None:
    file = BUSY[name]()
    patient = Limits(inflation=100_000)
    assert all(not rows for _, rows in tables_of(file, patient))
    file.seek(0)
    with pytest.raises(TakesTooLong) as refused:
        read_all(file, "住户.csv", limits=Limits(seconds=0.02, inflation=100_000))
    assert "拆成几个文件" in refused.value.message


def tables_of(file: BinaryIO, limits: Limits) -> list[tuple[Table, list[Row]]]:
    found = read_all(file, "住户.csv", limits=limits)
    return [one for one in found if isinstance(one, tuple)]


def test_each_row_gives_the_reader_more_time() -> None:
    file = text("网格编号,户主,联系电话,门牌号\n" + "441322001001,张三,,1号\n" * 3_000)
    with pytest.raises(TakesTooLong):
        read_one(file, "住户.csv", limits=Limits(seconds=0.001, seconds_of_a_row=0))
    _, rows = read_one(file, "住户.csv", limits=Limits(seconds=0.5, seconds_of_a_row=1))
    assert len(rows) == 3_000


def test_sheets_that_share_one_part_are_refused() -> None:
    listed = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="r1"/>' for n in range(1, 90))
    contents = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'
    )
    file = workbook({"住户": worksheet([HEAD])}, {"xl/workbook.xml": text(contents)})

    with pytest.raises(SuspiciousWorkbook, match="指向同一内容"):
        read_all(file)


def test_a_line_of_thousands_of_columns_is_not_looked_through_for_heads() -> None:
    line = text("网格编号," * 10 + "户主;" * 6_000 + "\n")
    with pytest.raises(TooManyColumns):
        read_all(line * 30, "住户.csv", limits=Limits(seconds=0.5))


@pytest.mark.parametrize("hidden", ["_x0000_", "_xD800_", "_x0001_", "_xFFFF_"])
def test_what_no_text_may_hold_is_a_fault_that_can_be_shown(hidden: str) -> None:
    _, rows = read_one(workbook({"住户": worksheet([HEAD, row(2, "", f"张{hidden}三")])}))

    (fault,) = rows[0].faults
    assert "控制字符" in fault.message
    assert "\0" not in fault.value.encode().decode()
