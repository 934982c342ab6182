"""The commands that bring the grid and its people in, and take them out."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from neighborhood_api.cli import ground
from neighborhood_api.cli.refusals import Refused, plainly
from neighborhood_api.cli.transfers import Order, bring, take_out, totals_table
from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.imports.reading.templates import template
from neighborhood_api.settings import Settings

out = Console()
err = Console(stderr=True)

Files = Annotated[
    list[Path], typer.Argument(help="XLSX or CSV files, in any order. 文件，顺序不限。")
]
District = Annotated[
    str, typer.Option(help="National code of the district, 6 or 12 digits. 区县代码。")
]


def import_grid(
    files: Files,
    district: District,
    report: Annotated[
        Path | None, typer.Option(help="Write the report there. 核对报告写到这个文件。")
    ] = None,
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write, if nothing is wrong. 没有错误就写入。")
    ] = False,
) -> None:
    """Import the grid, its people and posts. 导入网格、部门、任职、住户、人口和单位。

    Without --apply only tells what would happen. Everything is written, or nothing. Ends with
    1 when rows have faults.
    """
    with plainly(err), database_to_fill() as (settings, url):
        order = Order(
            files=files,
            district=district,
            apply=apply,
            report=report,
            megabytes=settings.import_megabytes,
        )
        plan = asyncio.run(bring(url, order, err))
        out.print(totals_table(plan))
        for sheet in plan.staged.skipped:
            out.print(f"{sheet.sheet}: {sheet.message}", markup=False, highlight=False)
        if report is not None:
            out.print(f"报告 · Report: {report}", highlight=False, soft_wrap=True)
        if plan.faults:
            where = "" if report else " 加 --report 查看每行原因。"
            raise Refused(f"{plan.faults} faults: nothing was changed. 有误，未写入。{where}")
        if not apply:
            out.print("只核对，未写入；加 --apply 写入 · Nothing was changed without --apply.")
        elif plan.changes:
            out.print(f"已写入 · {plan.changes} rows written.")
        else:
            out.print("与登记一致，无需写入 · Everything is there already.")


def export_grid(
    path: Annotated[Path, typer.Argument(help="Workbook to write. 输出文件。")],
    district: District,
) -> None:
    """Export a district so that it can be imported again. 导出网格、任职、住户、人口和单位。

    The file has phones and addresses in the clear: keep it safe.
    """
    with plainly(err), database_to_fill() as (_, url):
        rows = asyncio.run(take_out(url, district, path, err))
        out.print(f"已写入 · {rows} rows in {path}", highlight=False, soft_wrap=True)


def import_templates(
    path: Annotated[Path, typer.Argument(help="Workbook to write. 输出文件。")],
) -> None:
    """Write a workbook to fill in for `import`. 写出导入模板。"""
    with plainly(err):
        path.write_bytes(template())
        out.print(f"已写入 · Wrote {path}", highlight=False, soft_wrap=True)


@contextmanager
def database_to_fill() -> Iterator[tuple[Settings, str]]:
    """Give the settings, and the URL of a database that is ready.

    Raises: UnusableDatabase, PostgresNotStarted, PersonalKeyError.
    """
    settings = Settings()
    with ground.database_of(settings) as url:
        ground.require_migrated(url)
        use_personal_keys(settings)
        yield settings, url
