"""The commands that write what the code says: the API's description and the list of events."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from neighborhood_api.cli.catalogue import EVENTS_PATH, catalogue
from neighborhood_api.cli.description import DEFAULT_PATH, description
from neighborhood_api.cli.refusals import Refused, plainly

out = Console()
err = Console(stderr=True)


def export_openapi(
    path: Annotated[Path, typer.Argument(help="File to write. 输出文件。")] = DEFAULT_PATH,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; fail when it differs. 只比较，不写入。"),
    ] = False,
) -> None:
    """Write the API's OpenAPI description. 导出接口描述文件。"""
    with plainly(err):
        _export("export-openapi", path, description(), check=check)


def export_events(
    path: Annotated[Path, typer.Argument(help="File to write. 输出文件。")] = EVENTS_PATH,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; fail when it differs. 只比较，不写入。"),
    ] = False,
) -> None:
    """Write the list of events. 导出事件清单。"""
    with plainly(err):
        _export("export-events", path, catalogue(), check=check)


def _export(command: str, path: Path, text: str, *, check: bool) -> None:
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        out.print(f"已写入 · Wrote {path}")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        raise Refused(
            f"{path} is not what the code describes. "
            f"Run `neighborhood-api {command} {path}` and review the difference."
        )
    else:
        out.print(f"与代码一致 · {path} is what the code describes.")
