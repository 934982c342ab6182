"""What the templates ask for is what is understood."""

import csv
from io import BytesIO, StringIO

import pytest
from xlsxwriter import Workbook

from neighborhood_api.imports.reading.heads import SHEET_NAMES
from neighborhood_api.imports.reading.rows import EXAMPLE
from neighborhood_api.imports.reading.tables import Kind, Skipped
from neighborhood_api.imports.reading.templates import (
    COLUMNS,
    EXPLANATION,
    SERIAL,
    shown_head,
    template,
    text_template,
)
from tests.imports.reading.reading import read_all, read_one


def test_the_template_is_understood_and_its_examples_are_left_out() -> None:
    found = read_all(template())

    tables = [one for one in found if not isinstance(one, Skipped)]
    assert [(table.kind, table.sheet) for table, _ in tables] == list(SHEET_NAMES.items())
    for table, rows in tables:
        assert [column.field for column in table.columns] == [
            column.field for column in COLUMNS[table.kind]
        ]
        assert rows == []
        assert table.notes == ["第 3 行没有读取：示例行"]
    assert [one for one in found if isinstance(one, Skipped)] == [
        Skipped(EXPLANATION, "说明页没有读取", wrong=False)
    ]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("sheet", ["named", "Sheet1"])
def test_the_examples_are_rows_without_fault_when_they_are_filled_in(
    kind: Kind, sheet: str
) -> None:
    written = BytesIO()
    book = Workbook(written, {"in_memory": True})
    lines = book.add_worksheet(SHEET_NAMES[kind] if sheet == "named" else sheet)
    lines.write_row(0, 0, [SERIAL, *(shown_head(column) for column in COLUMNS[kind])])
    lines.write_row(1, 0, ["1", *(column.example for column in COLUMNS[kind])])
    book.close()

    table, rows = read_one(written.getvalue())

    assert table.kind is kind
    assert table.notes == []
    assert [dict(row.values) for row in rows] == [
        {column.field: column.example for column in COLUMNS[kind] if column.example}
    ]


@pytest.mark.parametrize("kind", Kind)
def test_the_template_as_text_has_the_same_columns(kind: Kind) -> None:
    file = text_template(kind)

    table, rows = read_one(file, "未命名.csv")

    assert (table.kind, rows) == (kind, [])
    head, example = csv.reader(StringIO(file.decode("utf-8-sig")))
    assert head == [SERIAL, *(shown_head(column) for column in COLUMNS[kind])]
    assert example[0] == EXAMPLE
