"""Workbooks written part by part, also such as no spreadsheet would write."""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import BinaryIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MEGABYTE = 1024 * 1024

Pieces = bytes | Iterable[bytes]


def text(content: str) -> bytes:
    return content.encode()


def worksheet(rows: Iterable[bytes], after: bytes = b"") -> Iterable[bytes]:
    yield text(f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}"><sheetData>')
    yield from rows
    yield b"</sheetData>" + after + b"</worksheet>"


def row(number: int, *cells: str) -> bytes:
    """Write a line with texts inside of its cells."""
    inside = "".join(
        f'<c r="{chr(65 + at)}{number}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
        for at, cell in enumerate(cells)
    )
    return text(f'<row r="{number}">{inside}</row>')


def household_rows(many: int) -> Iterable[bytes]:
    """Write a heading and households, whose texts are shared."""
    yield row(1, "网格编号", "户主", "联系电话", "门牌号", "房屋用途", "核实日期", "备注")
    for n in range(2, many + 2):
        own = (n - 2) * 3
        yield text(
            f'<row r="{n}"><c r="A{n}"><v>44132200100{n % 9000 + 1000}</v></c>'
            f'<c r="B{n}" t="s"><v>{own}</v></c><c r="C{n}"><v>{13800000000 + n}</v></c>'
            f'<c r="D{n}" t="s"><v>{own + 1}</v></c><c r="E{n}" t="s"><v>0</v></c>'
            f'<c r="F{n}" s="1"><v>45352</v></c><c r="G{n}" t="s"><v>{own + 2}</v></c></row>'
        )


def household_texts(many: int) -> Iterable[bytes]:
    yield text(f'<sst xmlns="{MAIN}">')
    for n in range(many):
        yield text(
            f"<si><t>张三{n}</t></si><si><t>{n % 90}栋{n % 7}单元{n}号</t></si>"
            f"<si><t>第{n}次走访</t></si>"
        )
    yield b"</sst>"


def workbook(
    sheets: Mapping[str, Pieces],
    parts: Mapping[str, Pieces] | None = None,
    file: BinaryIO | None = None,
) -> BinaryIO:
    """Write a workbook of sheets by name, with other parts or in place of the usual ones."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>'
        for n, name in enumerate(sheets, start=1)
    )
    related = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/s{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    usual: dict[str, Pieces] = {
        "_rels/.rels": text(
            f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r" '
            f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": text(
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": text(
            f'<Relationships xmlns="{RELATIONS}">{related}'
            f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
            f'<Relationship Id="f" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>'
        ),
        "xl/styles.xml": text(
            f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
            "</cellXfs></styleSheet>"
        ),
    }
    content = {f"xl/worksheets/s{n}.xml": body for n, body in enumerate(sheets.values(), 1)}
    written = BytesIO() if file is None else file
    with ZipFile(written, "w", ZIP_DEFLATED, compresslevel=6) as archive:
        for name, body in (usual | content | dict(parts or {})).items():
            with archive.open(name, "w") as part:
                for piece in (body,) if isinstance(body, bytes) else body:
                    part.write(piece)
    written.seek(0)
    return written
