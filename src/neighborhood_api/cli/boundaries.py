"""The command that brings the boundaries of a district, however many there are."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from neighborhood_api.cli.moving import District, database_to_fill
from neighborhood_api.cli.refusals import Refused, plainly
from neighborhood_api.cli.transfers import opened, operator_of
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.areas.importing import BoundariesFaulty, import_boundaries
from neighborhood_api.grid.areas.schemas import BoundaryImportOut, FeatureIn

MOST_MEGABYTES = 200
FAULTS_SHOWN = 20

out = Console()
err = Console(stderr=True)


def import_boundaries_file(
    file: Annotated[Path, typer.Argument(help="GeoJSON FeatureCollection. 边界文件。")],
    district: District,
    system: Annotated[
        CoordinateSystem, typer.Option(help="How it was measured. 坐标系。")
    ] = CoordinateSystem.GCJ02,
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write, if nothing is wrong. 没有错误就写入。")
    ] = False,
) -> None:
    """Import boundaries from GeoJSON. 导入边界：每个图形的属性 code（或“编码”）是地点编码。

    Without --apply only tells what would happen. Everything is written, or nothing. Ends with
    1 when shapes have faults.
    """
    with plainly(err), database_to_fill() as (_, url):
        features = _read(file)
        with err.status("核对 Reading"):
            found = asyncio.run(_bring(url, district, features, system, apply=apply))
        _show(found)
        if found.faults:
            raise Refused(f"{found.faults} faults: nothing was changed. 有误，未写入。")
        if not apply:
            out.print("只核对，未写入；加 --apply 写入 · Nothing was changed without --apply.")


def _read(file: Path) -> list[FeatureIn]:
    """Read the features of a file.

    Raises: Refused.
    """
    if not file.is_file():
        raise Refused(f"There is no file {file}. Check its name.")
    if file.stat().st_size > MOST_MEGABYTES * 1024 * 1024:
        raise Refused(
            f"{file} is larger than {MOST_MEGABYTES} MB. Simplify its shapes, or split it."
        )
    try:
        content: Any = json.loads(file.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise Refused(f"{file} is not JSON in UTF-8. Export it again as GeoJSON.") from exc
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not features:
        raise Refused(f"{file} is not a GeoJSON FeatureCollection with features.")
    try:
        return [FeatureIn.model_validate(feature) for feature in features]
    except ValidationError as exc:
        where = ".".join(map(str, exc.errors()[0]["loc"]))
        raise Refused(
            f"{file}: a feature has a geometry that is neither Polygon nor MultiPolygon"
            f" ({where}). Leave out points and lines."
        ) from exc


async def _bring(
    url: str,
    district: str,
    features: list[FeatureIn],
    system: CoordinateSystem,
    *,
    apply: bool,
) -> BoundaryImportOut:
    async with opened(url) as database, database.transaction() as tx:
        actor, scope = await operator_of(tx, district)
        top = scope.place.node_id
        now = datetime.now(UTC)
        try:
            return await import_boundaries(
                tx, actor, top, features, system, apply=apply, now=now
            )
        except BoundariesFaulty:
            return await import_boundaries(
                tx, actor, top, features, system, apply=False, now=now
            )


def _show(found: BoundaryImportOut) -> None:
    counted = Counter(item.change for item in found.items)
    words = {"new": "新增 new", "changed": "修改 changed", "unchanged": "不变 unchanged"}
    told = [f"{text} {counted[kind]}" for kind, text in words.items()]
    out.print(" · ".join([*told, f"有误 faults {found.faults}"]), highlight=False)
    faulty = [item for item in found.items if item.change == "fault"]
    for item in faulty[:FAULTS_SHOWN]:
        at = "" if item.at is None else f" {item.at}"
        out.print(
            f"{item.number}. {item.code or '?'}: {item.fault}{at}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if len(faulty) > FAULTS_SHOWN:
        out.print(f"... {len(faulty) - FAULTS_SHOWN} more", highlight=False)
