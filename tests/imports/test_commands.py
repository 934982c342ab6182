"""The commands: a county is brought, taken out and brought back on the command line."""

import asyncio
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from neighborhood_api.cli import app
from neighborhood_api.imports.books import Book
from neighborhood_api.imports.exporting import HEADS
from neighborhood_api.imports.reading.heads import SHEET_NAMES
from neighborhood_api.imports.reading.tables import Kind
from tests.imports.bringing import sheets_of
from tests.support.postgres import NewDatabase

DISTRICT = """
INSERT INTO node (id, level, kind, code, name, code_prefix, valid_from, version, district_id)
SELECT id, 0, 'district', '441322000000', '博罗县', 'BL', '2020-01-01', 1, id
FROM (SELECT gen_random_uuid() AS id) AS made
"""
STREET, COMMUNITY, GRID = "441322001000", "441322001005", "441322001005001"
LANE = f"{GRID}001"
NODES = (
    (STREET, "罗阳街道", "街道", "441322000000"),
    (COMMUNITY, "观华社区", "社区", STREET),
    (GRID, "第一网格", "网格", COMMUNITY),
    (LANE, "桂枝巷", "街巷", GRID),
)


def write(path: Path, door: str) -> Path:
    book = Book(path)
    book.sheet(SHEET_NAMES[Kind.NODES], HEADS[Kind.NODES]).add(NODES)
    people = [(LANE, "", door, "张三", "户主", "15400000101", "1950-01-01")]
    book.sheet(SHEET_NAMES[Kind.PEOPLE], HEADS[Kind.PEOPLE]).add(people)
    book.close()
    return path


async def test_a_county_is_brought_and_taken_out_on_the_command_line(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    with new_database() as url:
        monkeypatch.setenv("DATABASE_URL", url)

        async def run(*arguments: str) -> Result:
            return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))

        def count(table: str) -> int:
            with psycopg.connect(url) as connection:
                sql = f"SELECT count(*) FROM {table}"  # noqa: S608
                row = connection.execute(sql.encode()).fetchone()
            assert row is not None
            return int(row[0])

        file = str(write(tmp_path / "county.xlsx", "1号"))
        district = "--district=441322"
        unknown = await run("import", file, district)
        assert unknown.exit_code == 1
        assert "There is no district 441322000000" in unknown.stderr
        with psycopg.connect(url) as connection:
            connection.execute(DISTRICT)
        tried = await run("import", file, district, "--report=report.xlsx")
        assert tried.exit_code == 0, tried.output
        assert "未写入" in tried.output
        assert (count("node"), count("resident"), count("act")) == (1, 0, 0)
        assert sheets_of((tmp_path / "report.xlsx").read_bytes())[1][1][:2] == ["2", "新增"]
        (tmp_path / "scan.csv").write_bytes(b"%PDF-1.7")
        unread = await run("import", file, "scan.csv", district)
        assert unread.exit_code == 1
        assert "第 2 个文件：这是 PDF 文件" in unread.stderr
        wrong = await run(
            "import", str(write(tmp_path / "wrong.xlsx", "")), district, "--apply"
        )
        assert wrong.exit_code == 1
        assert "nothing was changed" in wrong.stderr
        assert count("node") == 1

        applied = await run("import", file, district, "--apply")
        assert (applied.exit_code, "6 rows written" in applied.output) == (0, True)
        assert (count("node"), count("resident"), count("act")) == (5, 1, 1)
        again = await run("import", file, district, "--apply")
        assert "Everything is there already" in again.output
        assert count("act") == 1
        taken = await run("export-grid", district, "out.xlsx")
        assert (taken.exit_code, "rows in out.xlsx" in taken.output) == (0, True)
        assert count("act") == 2
        back = await run("import", "out.xlsx", district, "--apply")
        assert "Everything is there already" in back.output
        assert (await run("import-templates", "templates.xlsx")).exit_code == 0
        assert sheets_of((tmp_path / "templates.xlsx").read_bytes())
