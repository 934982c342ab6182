"""One table, kept in any of the ways in which offices keep it, reads back the same."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO, StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from neighborhood_api.imports.reading.tables import Field, Kind, Limits, Skipped
from tests.imports.reading.raw import MAIN, row, text, workbook, worksheet
from tests.imports.reading.reading import read_all, read_one, values_of

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
FIELDS = (Field.COMMUNITY, Field.GRID_CODE, Field.HEAD, Field.PHONE, Field.ADDRESS)
SYNONYMS = (
    ("社区名称", "所属社区", "居委会", "社 区"),
    ("网格编号", "网格编码", "网格代码", "所属网格编码*"),
    ("户主", "户主姓名", "业主姓名"),
    ("联系电话", "手机", "电话", "手机号码（必填）"),
    ("门牌", "门牌号", "地址", "详细地址"),
)
NAMES = st.text("张王李赵钱孙周吴郑和平观华", min_size=2, max_size=4)
GRID_CODES = st.integers(10**11, 10**15 - 1).map(str)
PHONES = st.integers(13 * 10**9, 14 * 10**9 - 1).map(str)
DOORS = st.tuples(st.integers(1, 99), st.integers(1, 999)).map(lambda n: f"{n[0]}栋{n[1]}号")
DAYS = st.dates(date(1950, 1, 1), date(2050, 12, 31))
HOUSEHOLD = st.tuples(NAMES, GRID_CODES, NAMES, PHONES, DOORS, DAYS)
Household = tuple[str, str, str, str, str, date]


@dataclass(frozen=True)
class Style:
    heads: tuple[str, ...]
    title: bool
    serial: bool
    gap: bool
    """Blank lines between the rows."""
    repeated: bool
    footer: bool
    wide: bool
    """Digits in full width."""
    numbers: bool
    """Codes and phones that became numbers; in texts, with a decimal place."""
    two_lines: bool
    merged: bool
    """One community over all of its rows."""
    day: str

    @property
    def one_community(self) -> bool:
        return self.merged and not (self.gap or self.repeated)


STYLES = st.builds(
    Style,
    heads=st.tuples(*(st.sampled_from(names) for names in SYNONYMS)),
    title=st.booleans(),
    serial=st.booleans(),
    gap=st.booleans(),
    repeated=st.booleans(),
    footer=st.booleans(),
    wide=st.booleans(),
    numbers=st.booleans(),
    two_lines=st.booleans(),
    merged=st.booleans(),
    day=st.sampled_from(
        [
            "{0:%Y-%m-%d}",
            "{0.year}年{0.month}月{0.day}日",
            "{0.year}.{0.month}.{0.day}",
            "serial",
        ]
    ),
)


def expected(households: Sequence[Household]) -> list[dict[Field, str]]:
    return [
        dict(zip((*FIELDS, Field.VERIFIED_ON), (*own[:-1], own[-1].isoformat()), strict=True))
        for own in households
    ]


def cells(household: Household, style: Style) -> list[str]:
    day = household[-1]
    shown = (
        str((day - date(1899, 12, 30)).days) if style.day == "serial" else style.day.format(day)
    )
    texts = [*household[:-1], shown]
    return [one.translate(FULL_WIDTH) for one in texts] if style.wide else texts


def as_text(households: Sequence[Household], style: Style) -> str:
    written = StringIO()
    lines = csv.writer(written)
    first = ["1"] if style.serial else []
    head = [*(["序号"] if style.serial else []), *style.heads, "核实日期"]
    if style.title:
        lines.writerow(["罗阳街道住户花名册"])
    lines.writerow(head)
    for number, household in enumerate(households):
        if style.gap and number:
            lines.writerow([""] * len(head))
        if style.repeated and number:
            lines.writerow(head)
        lines.writerow([*first, *cells(household, style)])
    if style.footer:
        lines.writerow([f"合计：{len(households)}户"])
        lines.writerow(["填表人：张三", "", "填表日期：2024年3月1日"])
    return written.getvalue()


@settings(max_examples=60)
@given(
    st.lists(HOUSEHOLD, min_size=1, max_size=5),
    STYLES,
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)
def test_a_text_in_any_style_reads_the_same(
    households: list[Household], style: Style, encoding: str
) -> None:
    table, rows = read_one(as_text(households, style).encode(encoding), "住户.csv")

    assert table.kind is Kind.HOUSEHOLDS
    assert values_of(rows) == expected(households)


def write_heads(sheet: Worksheet, line: int, style: Style) -> int:
    start = int(style.serial)
    heads = [*style.heads, "核实日期"]
    if not style.two_lines:
        sheet.write_row(line, 0, [*(["序号"] if style.serial else []), *heads])
        return line + 1
    if style.serial:
        sheet.merge_range(line, 0, line + 1, 0, "序号")
    sheet.merge_range(line, start, line, start + 1, "所属网格信息")
    sheet.write_row(line + 1, start, heads[:2])
    sheet.merge_range(line, start + 2, line, start + 3, "户主信息")
    sheet.write_row(line + 1, start + 2, ["姓名", heads[3]])
    for at in (4, 5):
        sheet.merge_range(line, start + at, line + 1, start + at, heads[at])
    return line + 2


def write_household(
    book: Workbook, sheet: Worksheet, line: int, household: Household, style: Style
) -> None:
    start = int(style.serial)
    for at, cell in enumerate(cells(household, style), start):
        sheet.write_string(line, at, cell)
    if style.numbers:
        for at in (1, 3):
            sheet.write_number(line, start + at, int(str(household[at])))
    if style.day == "serial":
        shown = book.add_format({"num_format": "yyyy/m/d"})
        sheet.write_datetime(line, start + 5, household[5], shown)
    if style.serial:
        sheet.write_number(line, 0, 1)


def as_workbook(households: Sequence[Household], style: Style) -> bytes:
    written = BytesIO()
    book = Workbook(written, {"in_memory": True})
    sheet = book.add_worksheet("住户")
    if style.title:
        sheet.merge_range(0, 0, 0, 5, "罗阳街道住户花名册")
    first = line = write_heads(sheet, int(style.title), style)
    for number, household in enumerate(households):
        line += int(style.gap and number > 0)
        if style.repeated and number and not style.two_lines:
            line = write_heads(sheet, line, style)
        write_household(book, sheet, line, household, style)
        line += 1
    if style.one_community and line - first > 1:
        start = int(style.serial)
        for below in range(first + 1, line):
            sheet.write_blank(below, start, None)
        sheet.merge_range(first, start, line - 1, start, cells(households[0], style)[0])
    if style.footer:
        sheet.write_string(line, 0, "合计")
        sheet.write_formula(line, 2, "=COUNTA(C2:C9)", None, len(households))
        sheet.merge_range(line + 1, 0, line + 1, 5, "填表人：张三    填表日期：2024年3月1日")
    book.close()
    return written.getvalue()


@settings(max_examples=60)
@given(st.lists(HOUSEHOLD, min_size=1, max_size=5), STYLES)
def test_a_workbook_in_any_style_reads_the_same(
    households: list[Household], style: Style
) -> None:
    if style.one_community:
        households = [(households[0][0], *own[1:]) for own in households]

    table, rows = read_one(as_workbook(households, style))

    assert (table.kind, table.sheet) == (Kind.HOUSEHOLDS, "住户")
    assert values_of(rows) == expected(households)


def test_rows_and_faults_say_where_they_stand() -> None:
    written = BytesIO()
    book = Workbook(written, {"in_memory": True})
    sheet = book.add_worksheet("观华住户")
    sheet.write_row(2, 1, ["序号", "户主", "联系电话", "门牌号", "核实日期"])
    sheet.write_row(5, 1, [1, "张三", "1380013800", "1号", "去年"])
    book.close()

    _, rows = read_one(written.getvalue())

    (found,) = rows
    assert (found.sheet, found.number) == ("观华住户", 6)
    assert dict(found.values) == {Field.HEAD: "张三", Field.ADDRESS: "1号"}
    assert [(f.sheet, f.row, f.column, f.field, f.value) for f in found.faults] == [
        ("观华住户", 6, "D 联系电话", Field.PHONE, "1380013800"),
        ("观华住户", 6, "F 核实日期", Field.VERIFIED_ON, "去年"),
    ]
    assert found.faults[0].message == "手机号码应为 11 位，这里是 10 位，请核对后填写"


def test_the_sheets_of_a_workbook_are_read_each_as_its_kind() -> None:
    written = BytesIO()
    book = Workbook(written, {"in_memory": True})
    book.add_worksheet("填表说明").write_row(0, 0, ["地点", "编码", "名称"])
    book.add_worksheet("网格").write_column(0, 0, [])
    places = book.add_worksheet("2024网格清单")
    places.write_row(0, 0, ["社区名称", "网格编号", "网格名称"])
    places.write_row(1, 0, ["观华社区", 441322001001001, "第一网格"])
    hidden = book.add_worksheet("旧表")
    hidden.write_row(0, 0, ["网格编号", "网格名称", "社区"])
    hidden.hide()
    posts = book.add_worksheet("网格员名单")
    posts.write_row(0, 0, ["姓名", "职务", "联系电话", "任职时间"])
    posts.write_row(1, 0, ["张三", "网格员", "13800138000", "2024.3.1"])
    book.add_worksheet("Sheet6").write_row(0, 0, ["甲", "乙"])
    book.close()

    found = read_all(written.getvalue())

    skipped = [(one.sheet, one.wrong) for one in found if isinstance(one, Skipped)]
    assert skipped == [("填表说明", False), ("网格", False), ("旧表", False), ("Sheet6", True)]
    tables = [one for one in found if not isinstance(one, Skipped)]
    assert [table.kind for table, _ in tables] == [Kind.NODES, Kind.POSTS]
    assert [row.get(Field.STARTS_ON) for _, rows in tables for row in rows] == [
        None,
        "2024-03-01",
    ]
    assert tables[0][1][0].get(Field.GRID_CODE) == "441322001001001"


def lines_of(*lines: str) -> Iterator[bytes]:
    yield row(1, "网格", "户主", "门牌号", "联系电话", "备注")
    for number, line in enumerate(lines, start=2):
        yield text(f'<row r="{number}">{line}</row>')


def test_formulas_are_taken_as_they_were_calculated_and_never_again() -> None:
    lines = lines_of(
        '<c r="A2" t="str"><f>B2</f><v>第一网格</v></c><c r="C2"><f>1+1</f><v>12</v></c>',
        '<c r="B3" t="inlineStr"><is><t>=cmd|A1</t></is></c>'
        '<c r="C3" t="inlineStr"><is><t>-1</t></is></c>',
        '<c r="B4"><f>VLOOKUP(1,2,3)</f></c><c r="C4" t="e"><f>1/0</f><v>#DIV/0!</v></c>',
    )

    _, rows = read_one(workbook({"住户": worksheet(lines)}))

    assert [dict(row.values) for row in rows] == [
        {Field.GRID: "第一网格", Field.ADDRESS: "12"},
        {Field.HEAD: "=cmd|A1", Field.ADDRESS: "-1"},
        {},
    ]
    assert [fault.message for fault in rows[2].faults] == [
        "公式没有算出结果，请复制后用“选择性粘贴—数值”填入",
        "单元格显示 #DIV/0!，请改成正确的内容",
    ]


def test_readings_and_rich_texts_are_one_text() -> None:
    shared = text(
        f'<sst xmlns="{MAIN}"><si><r><t>张</t></r><r><t>三</t></r>'
        '<rPh sb="0" eb="1"><t>zhang</t></rPh></si><si><t>第_x000D_一</t></si></sst>'
    )
    lines = lines_of('<c r="B2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c>')

    _, rows = read_one(workbook({"住户": worksheet(lines)}, {"xl/sharedStrings.xml": shared}))

    assert dict(rows[0].values) == {Field.HEAD: "张三", Field.ADDRESS: "第一"}


def test_names_may_carry_a_prefix_and_cells_may_come_without_their_place() -> None:
    sheet = text(
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>'
        '<x:row><x:c t="inlineStr"><x:is><x:t>户主</x:t></x:is></x:c>'
        '<x:c t="inlineStr"><x:is><x:t>门牌号</x:t></x:is></x:c></x:row>'
        '<x:row><x:c t="inlineStr"><x:is><x:t>张三</x:t></x:is></x:c><x:c><x:v>12</x:v></x:c>'
        "</x:row></x:sheetData></x:worksheet>"
    )

    _, rows = read_one(workbook({"住户": sheet}))

    assert [(row.number, dict(row.values)) for row in rows] == [
        (2, {Field.HEAD: "张三", Field.ADDRESS: "12"})
    ]


def test_days_that_are_counted_from_1904_are_the_same_days() -> None:
    written = BytesIO()
    book = Workbook(written, {"in_memory": True, "date_1904": True})
    sheet = book.add_worksheet("住户")
    sheet.write_row(0, 0, ["户主", "门牌号", "核实日期"])
    sheet.write_row(1, 0, ["张三", "1号"])
    sheet.write_datetime(1, 2, date(2024, 3, 1), book.add_format({"num_format": 14}))
    sheet.write_row(2, 0, ["李四", "2号", (date(2024, 3, 2) - date(1904, 1, 1)).days])
    book.close()

    _, rows = read_one(written.getvalue())

    assert [row.day(Field.VERIFIED_ON) for row in rows] == [date(2024, 3, 1), date(2024, 3, 2)]


@pytest.mark.parametrize(
    ("shown", "is_day"),
    [
        ('yyyy"年"m"月"d"日"', True),
        ("[$-804]yyyy/m/d;@", True),
        ("m/d", True),
        ("h:mm", False),
        ("[h]:mm:ss", False),
        ('0"day"', False),
        ("[Red]0.00", False),
    ],
)
def test_a_number_is_a_day_where_its_format_shows_one(shown: str, is_day: bool) -> None:  # noqa: FBT001
    written = BytesIO()
    book = Workbook(written, {"in_memory": True})
    sheet = book.add_worksheet("住户")
    sheet.write_row(0, 0, ["户主", "门牌号", "备注"])
    sheet.write_row(1, 0, ["张三", "1号"])
    sheet.write_number(1, 2, 45352, book.add_format({"num_format": shown}))
    book.close()

    _, rows = read_one(written.getvalue())

    assert rows[0].get(Field.NOTE) == ("2024-03-01" if is_day else "45352")


def test_the_same_as_above_is_what_stands_above() -> None:
    file = "网格,户主,门牌号\n第一网格,张三,1号\n同上,李四,2号\n〃,〃,3号\n"

    _, rows = read_one(file.encode(), "住户.csv")

    assert [row.get(Field.GRID) for row in rows] == ["第一网格"] * 3
    assert rows[2].get(Field.HEAD) == "李四"


def test_the_same_as_above_needs_something_above() -> None:
    _, rows = read_one("网格,户主,门牌号\n同上,张三,1号\n".encode(), "住户.csv")

    assert rows[0].get(Field.GRID) is None
    assert "不能写“同上”" in rows[0].faults[0].message


def test_lines_that_are_no_rows_are_left_out_and_named() -> None:
    written = BytesIO()
    book = Workbook(written, {"in_memory": True})
    sheet = book.add_worksheet("住户")
    sheet.write_row(0, 0, ["序号", "户主", "门牌号", "人数"])
    sheet.merge_range(1, 0, 1, 3, "第一网格")
    sheet.write_row(2, 0, [1, "张三", "1号", 3])
    sheet.write_row(3, 0, ["小计", "", "", 3])
    sheet.write_row(4, 0, ["序号", "户主", "门牌号", "人数"])
    sheet.write_row(5, 0, [2])
    sheet.write_row(6, 0, ["示例", "李四", "2号", 2])
    sheet.write_row(7, 0, ["备注：请在月底前上报"])
    book.close()

    table, rows = read_one(written.getvalue())

    assert [row.number for row in rows] == [3]
    assert table.notes == [
        "D 列“人数”没有读取：这张表不登记这一项",
        "第 2 行没有读取：分段标题",
        "第 4、8 行没有读取：合计、签字或说明",
        "第 5 行没有读取：重复的表头",
        "第 7 行没有读取：示例行",
    ]


def test_merged_cells_carry_down_only_as_far_as_they_reach() -> None:
    written = BytesIO()
    book = Workbook(written, {"in_memory": True})
    sheet = book.add_worksheet("住户")
    sheet.write_row(0, 0, ["网格", "户主", "门牌号"])
    sheet.merge_range(1, 0, 2, 0, "第一网格")
    for line in range(1, 5):
        sheet.write_row(line, 1, [f"户主{line}", f"{line}号"])
    book.close()

    _, rows = read_one(written.getvalue())

    assert [row.get(Field.GRID) for row in rows] == ["第一网格", "第一网格", None, None]


def test_more_merged_cells_than_the_limit_are_refused() -> None:
    merges = b'<mergeCells><mergeCell ref="A2:A3"/><mergeCell ref="A4:A5"/></mergeCells>'
    file = workbook({"住户": worksheet(lines_of(), merges)})

    with pytest.raises(Exception, match="合并的单元格太多"):
        read_all(file, limits=Limits(merges=1))


def test_of_many_lines_that_are_no_rows_the_first_are_named() -> None:
    lines = "网格,户主,门牌号\n第一网格,张三,1号\n" + "小计,1,\n" * 12

    table, rows = read_one(lines.encode(), "住户.csv")

    assert len(rows) == 1
    assert table.notes == [
        "第 3、4、5、6、7、8、9、10、11、12 等 12 行没有读取：合计、签字或说明"
    ]
